//! # What it measures
//! For every unit, how one-signed the gradient of its incoming weights is: abs(n+ - n-) / (n+ + n-) over its non-zero
//! entries; and how far the layer's input is from centred: mean(x)² / mean(x²). Reported if more than half of the units have
//! an agreement of 0.9 or more in at least half of the steps and the second number is above 0.5: a warning while the loss is
//! above 90 % of that of guessing, a note otherwise.
//!
//! # Why it matters
//! If all inputs of a unit are positive, its weights can only all grow or all shrink together. To get anywhere else the
//! optimizer has to zigzag.
//!
//! # What to try
//! Centre the input of the layer: `standardize` for the inputs, batch normalisation before it, tanh instead of sigmoid.
//!
//! # When it is fine
//! After relu and its relatives it is normal, and larger batches weaken it: as long as the loss falls it does no harm.
//!
//! # Source
//! LeCun et al. (1998), section 4.3; CS231n lecture 7, "sigmoid outputs are not zero-centered". The limits are ours.

use super::{loss_trend, stopped_early};
use crate::calibration::{Bad, Calibration, largest};
use crate::case::{Case, Moment, Observation, centred, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::History;
use crate::measurement::{LayerStatistic, ModelDescription};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K014";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "zigzag",
    chinese_name: "锯齿形更新",
    summary: "weight gradients of one sign because the input is not centred",
    chinese_summary: "输入不以零为中心，权重梯度的符号因此相同",
    kinds: &[ONE_SIGNED],
    source: include_str!("zigzag.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Activations,
        explains: &[Explanation { consequences: &[Code(loss_trend::CODE), Code(stopped_early::CODE)], lies: Anywhere }],
    }],
    layer_statistics: &[LayerStatistic::SignAgreement],
    calibrations: &[Calibration {
        name: "largest share of agreeing steps",
        threshold: STEPS,
        bad: Bad::Above,
        measure: largest_agreement,
    }],
};

/// Weight gradients have one sign.
const ONE_SIGNED: FindingKind = FindingKind {
    key: "one-signed",
    statistic: "share of one-signed steps",
    chinese_statistic: "梯度同号的步所占比例",
    chinese_message: "该层大多数单元的权重总是被推向同一方向",
    chinese_cause: "该层的输入不以零为中心，权重的梯度因此同号",
};

/// Share of the steps with agreeing signs.
pub const STEPS: f64 = 0.5;
/// Mean energy of the input.
pub const MEAN_ENERGY: f64 = 0.5;
/// Loss relative to that of guessing above which training is stalled.
pub const STALLED: f64 = 0.9;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::Window {
        return Vec::new();
    }
    case.model.weight_layers().filter_map(|index| judge(case, index)).collect()
}

fn judge(case: &Case, index: usize) -> Option<Observation> {
    let window = case.layer_window(index)?;
    let (steps, energy) = (window.agreeing_steps()?, window.input_mean_energy()?);
    if !(steps >= STEPS && energy > MEAN_ENERGY) {
        return None;
    }
    let before = case.model.activation_before(index);
    let function = before.and_then(|before| case.model.layers[before].function);
    let level = if case.loss_fell_below(STALLED) { Level::Info } else { Level::Warn };
    let name = case.model.name(index);
    let message = format!(
        "in {} of the steps (limit {}) all weights of most units of {name} are pulled in one direction",
        percent(steps),
        percent(STEPS)
    );
    let source = function.map_or("the inputs", |function| function.name());
    let observation = Observation::new(&ONE_SIGNED, level, Some(index), steps, STEPS).message(message).cause(format!(
        "the input of {name} is not centred around zero, so that its gradients have one sign: it comes from {source}"
    ));
    Some(match before {
        None => observation.remedy(Remedy::AddPreprocess { step: "standardize".to_string() }),
        Some(before) => {
            let mut observation = observation;
            observation.remedies.extend(function.and_then(centred));
            match case.weight_layer_before(before) {
                Some(_) => observation.remedy(Remedy::AddBatchNorm),
                None => observation,
            }
        }
    })
}

/// Returns the largest share of agreeing steps of a layer in the last window.
fn largest_agreement(model: &ModelDescription, history: &History) -> Option<f64> {
    let window = history.latest()?;
    largest(model.weight_layers().filter_map(|layer| window.layer(layer)?.agreeing_steps()))
}
