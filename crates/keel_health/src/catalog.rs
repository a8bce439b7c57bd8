//! The catalog of rules: code, name, one line, and where the behaviour is.

use crate::case::{Case, Observation};
use crate::error::HealthError;
use crate::rules;

/// One rule of the catalog.
#[derive(Debug)]
pub struct Rule {
    /// Code, `K001` to `K019`.
    pub code: &'static str,
    /// Name, such as `dead-relu`.
    pub name: &'static str,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// What its measured value is, for the axis of a chart.
    pub statistic: &'static str,
    /// The source text of the rule, whose module doc explains it.
    pub(crate) source: &'static str,
    /// The judgement: everything beyond its limit in a case.
    pub examine: fn(&Case) -> Vec<Observation>,
}

/// One line of the catalog: the file of the rule gives its source and its `examine`.
macro_rules! rule {
    ($code:literal, $file:ident, $name:literal, $summary:literal, $statistic:literal) => {
        Rule {
            code: $code,
            name: $name,
            summary: $summary,
            statistic: $statistic,
            source: include_str!(concat!("rules/", stringify!($file), ".rs")),
            examine: rules::$file::examine,
        }
    };
}

static RULES: [Rule; 19] = [
    rule!(
        "K001",
        non_finite,
        "non-finite",
        "NaN or infinity, at the operation where it first appears",
        "non-finite values"
    ),
    rule!("K002", inputs, "inputs", "inputs that are not standardised", "mean or standard deviation of a feature"),
    rule!("K003", labels, "labels", "unbalanced, missing or meaningless classes", "class share"),
    rule!(
        "K004",
        start_loss,
        "start-loss",
        "a loss at the start far from that of guessing",
        "relative distance from the loss of guessing"
    ),
    rule!(
        "K005",
        signal,
        "signal-propagation",
        "a signal that shrinks or grows through the layers at the start",
        "standard deviation of z"
    ),
    rule!("K006", symmetry, "symmetry", "units of a layer that compute and learn the same", "identical units"),
    rule!(
        "K007",
        tiny_batch,
        "tiny-batch",
        "a network that cannot even learn twenty samples by heart",
        "training error"
    ),
    rule!("K008", output_loss, "output-loss", "a last layer that does not fit the loss", "units or labels"),
    rule!("K009", saturation, "saturation", "sigmoid or tanh units stuck at their flat ends", "saturated share"),
    rule!("K010", dead_relu, "dead-relu", "relu units that never fire", "dead share of units"),
    rule!(
        "K011",
        vanishing_gradient,
        "vanishing-gradient",
        "a gradient that fades on its way to the first layer",
        "gradient norm, first layer / last layer"
    ),
    rule!(
        "K012",
        exploding_gradient,
        "exploding-gradient",
        "a gradient that grows through the layers or over time",
        "gradient growth"
    ),
    rule!(
        "K013",
        update_ratio,
        "update-ratio",
        "updates too large or too small for the weights they change",
        "norm(update) / norm(weight)"
    ),
    rule!(
        "K014",
        zigzag,
        "zigzag",
        "weight gradients of one sign because the input is not centred",
        "share of one-signed steps"
    ),
    rule!(
        "K015",
        batch_norm,
        "batch-norm",
        "batch normalisation that does something else in inference than in training",
        "gap between inference and training"
    ),
    rule!(
        "K016",
        frozen,
        "frozen",
        "parameters without effect: frozen, redundant or constant",
        "share of steps without gradient"
    ),
    rule!(
        "K017",
        loss_trend,
        "loss-trend",
        "a loss that is stuck, diverges or oscillates",
        "window loss / loss at the start"
    ),
    rule!(
        "K018",
        overfitting,
        "overfitting",
        "validation loss that rises while training loss falls",
        "(validation - training) / training loss"
    ),
    rule!(
        "K019",
        regularization,
        "regularization",
        "weight decay or dropout stronger than the data",
        "norm(decay) / norm(data gradient)"
    ),
];

/// All rules, in the order of their codes.
pub fn catalog() -> &'static [Rule] {
    &RULES
}

/// The rule a user means by `asked`: a code (`K010`, `k10`, `10`) or a name (`dead-relu`, `dead relu`).
///
/// # Errors
/// [`HealthError::UnknownRule`] with the nearest rule.
pub fn find_rule(asked: &str) -> Result<&'static Rule, HealthError> {
    let wanted = normalised(asked);
    let digits = wanted.strip_prefix('k').unwrap_or(&wanted);
    let code = digits.parse::<u32>().ok().map(|code| format!("K{code:03}"));
    let found = RULES.iter().find(|rule| code.as_deref() == Some(rule.code) || normalised(rule.name) == wanted);
    found.ok_or_else(|| {
        let nearest = RULES
            .iter()
            .max_by(|a, b| similarity(&wanted, a).total_cmp(&similarity(&wanted, b)))
            .map(|rule| format!("{} {}", rule.code, rule.name));
        HealthError::UnknownRule { asked: asked.to_string(), nearest: nearest.unwrap_or_default() }
    })
}

fn normalised(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '_'], "-")
}

fn similarity(wanted: &str, rule: &Rule) -> f64 {
    let by_name = strsim::jaro_winkler(wanted, rule.name);
    by_name.max(strsim::jaro_winkler(wanted, &rule.code.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_in_order() {
        for (index, rule) in catalog().iter().enumerate() {
            assert_eq!(rule.code, format!("K{:03}", index + 1));
            assert_eq!(catalog().iter().filter(|other| other.name == rule.name).count(), 1);
        }
    }

    #[test]
    fn finds_a_rule_by_what_people_type() {
        for asked in ["K010", "k010", "K10", "10", "dead-relu", "Dead ReLU", "dead_relu", " dead-relu "] {
            assert_eq!(find_rule(asked).unwrap().code, "K010", "{asked}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let cases =
            [("dead-rellu", "K010 dead-relu"), ("saturated", "K009 saturation"), ("overfit", "K018 overfitting")];
        for (asked, nearest) in cases {
            let message = find_rule(asked).unwrap_err().to_string();
            assert!(message.contains(nearest), "{message}");
        }
        assert!(find_rule("K020").is_err());
        assert!(find_rule("").is_err());
    }
}
