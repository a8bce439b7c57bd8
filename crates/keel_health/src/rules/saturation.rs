//! # What it measures
//! For hidden sigmoid and tanh layers, at the start and over every window: the share of elements at the flat ends
//! (sigmoid outside [0.015, 0.985], abs(tanh) > 0.97), and the share of units that are there for more than 95 % of the
//! samples. Above 30 % of the elements it is noted at the start and a warning in a window, as are more than 5 % of the
//! units (two at least) in a window; above 50 % of the elements it is an error. If the loss is below half of that of
//! guessing, it is only noted.
//!
//! # Why it matters
//! At the flat ends the derivative is below 0.015 for sigmoid and 0.06 for tanh: almost no gradient passes, and the layers
//! before them stop learning.
//!
//! # What to try
//! In this order: standardise the inputs (K002), initialise with `xavier_normal` (K005), lower the learning rate, put batch
//! normalisation before the activation, or use relu.
//!
//! # When it is fine
//! In the last layer, where confident answers are the aim, and for gates. The last activation is not checked.
//!
//! # Source
//! Glorot and Bengio (2010), section 3; CS231n lecture 7, "sigmoids saturate and kill gradients". The limits are ours.

use super::{frozen, loss_trend, stopped_early, tiny_batch, update_ratio, vanishing_gradient, zigzag};
use crate::calibration::{Bad, Calibration, largest};
use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::History;
use crate::measurement::{LayerStatistic, ModelDescription};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::{Anywhere, Downstream, Upstream};
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K009";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "saturation",
    chinese_name: "激活饱和",
    summary: "sigmoid or tanh units stuck at their flat ends",
    chinese_summary: "sigmoid 或 tanh 单元停留在平坦的两端",
    kinds: &[EARLY, LATE],
    source: include_str!("saturation.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Activations,
        explains: &[
            // Constant inputs for the layers after it.
            Explanation { consequences: &[Code(zigzag::CODE), Code(frozen::CODE)], lies: Upstream },
            // No gradient for the layers before it.
            Explanation {
                consequences: &[Code(vanishing_gradient::CODE), Code(frozen::CODE), Low(update_ratio::CODE)],
                lies: Downstream,
            },
            Explanation {
                consequences: &[Code(tiny_batch::CODE), Code(loss_trend::CODE), Code(stopped_early::CODE)],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[LayerStatistic::SaturatedFraction],
    calibrations: &[Calibration {
        name: "largest saturated share of a layer",
        threshold: WARN_ELEMENTS,
        bad: Bad::Above,
        measure: largest_share,
    }],
};

/// The outputs are saturated from the beginning.
const EARLY: FindingKind = FindingKind {
    key: "from-the-start",
    statistic: "saturated share",
    chinese_statistic: "饱和的比例",
    chinese_message: "该层有过多的输出落在激活函数平坦的两端",
    chinese_cause: "输入或权重过大：单元的加权和超出了激活函数的陡峭部分",
};

/// The outputs became saturated.
const LATE: FindingKind = FindingKind {
    key: "during-training",
    statistic: "saturated share",
    chinese_statistic: "饱和的比例",
    chinese_message: "训练中，该层有过多的输出落到激活函数平坦的两端",
    chinese_cause: "权重在训练中变大：学习率对该激活函数来说过高",
};

/// Share of saturated elements for a warning.
pub const WARN_ELEMENTS: f64 = 0.3;
/// Share of saturated elements for an error.
pub const ERROR_ELEMENTS: f64 = 0.5;
/// Share of the samples for which a unit must be saturated to count as stuck.
pub const STUCK: f64 = 0.95;
/// Share of stuck units for a warning.
pub const WARN_UNITS: f64 = 0.05;
/// Number of stuck units that are always tolerated, so that narrow layers are treated fairly.
pub const TOLERATED_UNITS: usize = 1;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if !matches!(case.moment, Moment::Start | Moment::Window) {
        return Vec::new();
    }
    let output = case.model.output_layer().unwrap_or(0);
    let layers = case.model.layers.iter().enumerate();
    let hidden = layers.filter(|(index, layer)| *index < output && layer.function.is_some_and(|f| f.saturates()));
    hidden.filter_map(|(index, _)| judge(case, index)).collect()
}

fn judge(case: &Case, index: usize) -> Option<Observation> {
    let at_start = case.moment == Moment::Start;
    let elements = match case.moment {
        Moment::Start => case.start?.layer(index)?.saturated_fraction.map(f64::from),
        _ => case.layer_window(index).and_then(|window| window.output.saturated_fraction()),
    };
    let units = if at_start { None } else { case.history.units(index) };
    let stuck = units.map_or(0, |units| units.saturated_units(STUCK));
    let stuck_share = units.filter(|units| units.units() > 0).map_or(0.0, |units| stuck as f64 / units.units() as f64);
    let name = case.model.name(index);
    let function = case.model.layers[index].function.map_or("", |function| function.name());
    let (level, measured, threshold, message) = match elements {
        Some(share) if share > WARN_ELEMENTS => {
            let error = share > ERROR_ELEMENTS;
            let (level, limit) = match error {
                true => (Level::Error, ERROR_ELEMENTS),
                false if at_start => (Level::Info, WARN_ELEMENTS),
                false => (Level::Warn, WARN_ELEMENTS),
            };
            let message = format!(
                "{} of the outputs of {name} lie at the flat ends of {function} (limit {})",
                percent(share),
                percent(limit)
            );
            (level, share, limit, message)
        }
        _ if stuck > TOLERATED_UNITS && stuck_share > WARN_UNITS => {
            let message = format!(
                "{stuck} units of {name} ({}, limit {}) stay at the flat ends of {function} for nearly every sample",
                percent(stuck_share),
                percent(WARN_UNITS)
            );
            (Level::Warn, stuck_share, WARN_UNITS, message)
        }
        _ => return None,
    };
    let level = if at_start { level } else { case.unless_learning(level) };
    let early = at_start || case.history.closed_windows() <= 2;
    let (kind, cause) = if early {
        (&EARLY, "inputs or weights are too large: the sums of the units lie beyond the steep part of the function")
    } else {
        (&LATE, "the weights grew during training: the learning rate is too high for this function")
    };
    let mut observation = Observation::new(kind, level, Some(index), measured, threshold).message(message).cause(cause);
    if let Some(weights) = case.weight_layer_before(index) {
        let init = if early { case.other_init(weights) } else { None };
        let first = init.unwrap_or_else(|| case.scale_learning_rate(1.0 / 3.0));
        observation = observation.remedy(first).remedy(Remedy::AddBatchNorm);
    }
    Some(observation.remedy(Remedy::SetActivation { from: function.to_string(), function: "relu".to_string() }))
}

/// Returns the largest saturated share of a layer in the last window.
fn largest_share(model: &ModelDescription, history: &History) -> Option<f64> {
    let window = history.latest()?;
    largest((0..model.layers.len()).filter_map(|layer| window.layer(layer)?.output.saturated_fraction()))
}
