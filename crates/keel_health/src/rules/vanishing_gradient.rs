//! # What it measures
//! The norm of the loss gradient with respect to the output of the first weight layer against that of the last one,
//! over a window. Warning below 1e-2, error below 1e-3; a note if the loss is below half of that of guessing. Norms and
//! not values are compared, because pooling and wide layers spread the same gradient over more elements.
//!
//! # Why it matters
//! The first layers learn only as fast as the gradient that reaches them. At a thousandth of it they stay as random as
//! they were initialised, and the last layers learn on noise.
//!
//! # What to try
//! Activation and initialisation first: relu with `kaiming_normal`, or tanh with `xavier_normal`. Then batch
//! normalisation, then residual connections.
//!
//! # When it is fine
//! In pre-trained networks whose first layers need not change.
//!
//! # Source
//! Glorot and Bengio (2010); Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen" (1991). The limit 1e-2 is ours.

use super::{frozen, loss_trend, stopped_early, tiny_batch, update_ratio};
use crate::calibration::{Bad, Calibration};
use crate::case::{Case, Moment, Observation, centred, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::History;
use crate::measurement::{LayerStatistic, ModelDescription};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K011";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "vanishing-gradient",
    chinese_name: "梯度消失",
    summary: "a gradient that fades on its way to the first layer",
    chinese_summary: "梯度在传到第一层的途中逐渐消失",
    kinds: &[FADING, SATURATED],
    source: include_str!("vanishing_gradient.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Layers,
        explains: &[Explanation {
            consequences: &[
                Code(frozen::CODE),
                Low(update_ratio::CODE),
                Code(tiny_batch::CODE),
                Code(loss_trend::CODE),
                Code(stopped_early::CODE),
            ],
            lies: Anywhere,
        }],
    }],
    layer_statistics: &[LayerStatistic::GradientRms],
    calibrations: &[Calibration {
        name: "gradient norm, first layer / last",
        threshold: WARN_RATIO,
        bad: Bad::Below,
        measure: first_over_last,
    }],
};

/// The gradient fades for various reasons.
const FADING: FindingKind = FindingKind {
    key: "fading",
    statistic: "gradient norm, first layer / last layer",
    chinese_statistic: "首层与末层的梯度范数之比",
    chinese_message: "梯度在反向传播中逐层变小，到第一层时几乎消失",
    chinese_cause: "每一层都只传回一部分梯度：权重过小，或者单元没有激活",
};

/// A saturating function makes the gradient fade.
const SATURATED: FindingKind = FindingKind {
    key: "saturating-function",
    statistic: "gradient norm, first layer / last layer",
    chinese_statistic: "首层与末层的梯度范数之比",
    chinese_message: "梯度在反向传播中逐层变小，到第一层时几乎消失",
    chinese_cause: "激活函数会饱和，每一层都只传回一部分梯度",
};

/// Ratio for a warning.
pub const WARN_RATIO: f64 = 1e-2;
/// Ratio for an error.
pub const ERROR_RATIO: f64 = 1e-3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::Window { Vec::new() } else { judge(case).into_iter().collect() }
}

/// Gradient norms of the first and the last weight layer of a window.
pub(super) struct Flow {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) ratio: f64,
}

/// Returns the change of the gradient norm from the last weight layer to the first, or `None` with fewer than two layers.
pub(super) fn gradient_flow(case: &Case) -> Option<Flow> {
    let norm = |index: usize| {
        let own = case.layer_window(index).and_then(|window| window.gradient.norm());
        own.or_else(|| case.layer_window(case.model.activation_after(index)?)?.gradient.norm())
    };
    let measured: Vec<(usize, f64)> =
        case.model.weight_layers().filter_map(|index| Some((index, norm(index)?))).collect();
    let (&(first, first_norm), &(last, last_norm)) = (measured.first()?, measured.last()?);
    if first == last || !(last_norm > 0.0) {
        return None;
    }
    Some(Flow { first, last, ratio: first_norm / last_norm })
}

fn judge(case: &Case) -> Option<Observation> {
    let flow = gradient_flow(case).filter(|flow| flow.ratio < WARN_RATIO)?;
    let (level, threshold) =
        if flow.ratio < ERROR_RATIO { (Level::Error, ERROR_RATIO) } else { (Level::Warn, WARN_RATIO) };
    let model = case.model;
    let (first, last) = (model.name(flow.first), model.name(flow.last));
    let message = match flow.ratio {
        0.0 => format!("the gradient of {first} is zero, while that of {last} is not: none arrives on its way back"),
        ratio => format!(
            "the gradient of {first} is {} times as large as that of {last} (limit: at least {}): it vanishes on its way back",
            number(ratio),
            number(threshold)
        ),
    };
    let function = model.activation_after(flow.first).and_then(|index| model.layers[index].function);
    let (kind, cause) = match function {
        Some(function) if function.saturates() => {
            (&SATURATED, format!("every {} layer passes on a fraction of the gradient", function.name()))
        }
        _ => (
            &FADING,
            "every layer passes on a fraction of the gradient: weights too small, or units that do not fire"
                .to_string(),
        ),
    };
    let mut observation = Observation::new(kind, case.unless_learning(level), Some(flow.first), flow.ratio, threshold)
        .message(message)
        .cause(cause);
    observation.remedies.extend(function.and_then(centred));
    observation.remedies.extend(case.other_init_everywhere(flow.first));
    Some(observation.remedy(Remedy::AddBatchNorm).remedy(Remedy::AddResidual))
}

/// Returns the gradient norm of the first weight layer divided by that of the last one in the last window.
fn first_over_last(model: &ModelDescription, history: &History) -> Option<f64> {
    let window = history.latest()?;
    let norms: Vec<f64> = model.weight_layers().filter_map(|layer| window.layer(layer)?.gradient.norm()).collect();
    Some(norms.first()? / norms.last().filter(|norm| **norm > 0.0)?)
}
