//! Lookup of rules by code or name.

use crate::error::HealthError;
use crate::rule::Rule;
use crate::rules::CATALOG;

/// Returns all rules, in the order of their codes.
pub fn catalog() -> &'static [Rule] {
    CATALOG
}

/// Returns the rule matching `asked`: a code (`K010`, `k10`, `10`) or a name (`dead-relu`, `dead relu`).
///
/// # Errors
/// [`HealthError::UnknownRule`] with the nearest rule.
pub fn find_rule(asked: &str) -> Result<&'static Rule, HealthError> {
    let wanted = normalised(asked);
    let digits = wanted.strip_prefix('k').unwrap_or(&wanted);
    let code = digits.parse::<u32>().ok().map(|code| format!("K{code:03}"));
    let found = CATALOG.iter().find(|rule| code.as_deref() == Some(rule.code) || normalised(rule.name) == wanted);
    found.ok_or_else(|| {
        let nearest = CATALOG
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
        let codes: Vec<&str> = catalog().iter().map(|rule| rule.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        for rule in catalog() {
            assert_eq!(find_rule(rule.code).unwrap().code, rule.code);
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
        assert!(find_rule("K999").is_err());
        assert!(find_rule("").is_err());
    }
}
