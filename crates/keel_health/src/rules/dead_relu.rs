//! # What it measures
//! Units of a relu layer (channels of a convolution) that never fired over at least 10,000 samples or a whole epoch:
//! one bit for every unit; for layers with many values only the first samples of each batch are examined. Noted above
//! 15 % of the units, a warning above 40 %, an error above 90 %, each from three units on or if all of the layer are
//! dead. If the loss is below half of that of guessing, it is only noted. Before the first update, on at least 512
//! samples, the same limits of 40 % and 90 % hold, and a layer of which less than one value in a hundred fires is an
//! error.
//!
//! # Why it matters
//! A unit that never fires has no gradient and will never change: it is lost for good. A layer in which no unit fires
//! cuts the network in two.
//!
//! # What to try
//! If the units were dead from the start: inputs (K002), initialisation (K005), biases of zero. If they died during
//! training: a tenth of the learning rate, and those units re-initialised. `leaky_relu` cannot die; batch normalisation
//! before the activation keeps about half of the values positive.
//!
//! # When it is fine
//! A layer whose values are mostly zero is fine as long as every unit fires for some sample. Units that fire for less
//! than one value in a hundred are reported but do not count as dead.
//!
//! # Source
//! CS231n course notes, neural-networks-1: as much as 40 % of a network can be dead. The limits are ours.

use super::{frozen, loss_trend, stopped_early, tiny_batch, update_ratio, vanishing_gradient, zigzag};
use crate::calibration::{Bad, Calibration, largest};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::History;
use crate::measurement::{ActivationFunction, LayerStatistic, ModelDescription, StartLayer};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::{Anywhere, Downstream, Upstream};
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};

/// Code of the rule.
pub const CODE: &str = "K010";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "dead-relu",
    chinese_name: "ReLU 死亡",
    summary: "relu units that never fire",
    chinese_summary: "有些 ReLU 单元对任何样本都不激活",
    kinds: &[DEAD_AT_START, SILENT_AT_START, DIED],
    source: include_str!("dead_relu.rs"),
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
    layer_statistics: &[LayerStatistic::DeadFraction, LayerStatistic::ZeroFraction],
    calibrations: &[Calibration {
        name: "largest dead share of a layer",
        threshold: WARN_SHARE,
        bad: Bad::Above,
        measure: largest_share,
    }],
};

/// Units never fired.
const DEAD_AT_START: FindingKind = FindingKind {
    key: "dead-at-start",
    statistic: "dead share of units",
    chinese_statistic: "死亡单元的比例",
    chinese_message: "该层有些单元从一开始就对所有样本输出零",
    chinese_cause: "输入或初始化不适合 ReLU，偏置为负，或者第一步过大",
};

/// Nearly all values are zero.
const SILENT_AT_START: FindingKind = FindingKind {
    key: "silent-at-start",
    statistic: "share of zeros",
    chinese_statistic: "零值的比例",
    chinese_message: "训练开始之前，该层几乎所有的输出都是零",
    chinese_cause: "输入或初始化不适合 ReLU，或者偏置为负",
};

/// Units stopped firing.
const DIED: FindingKind = FindingKind {
    key: "died",
    statistic: "dead share of units",
    chinese_statistic: "死亡单元的比例",
    chinese_message: "该层有些单元在训练中死亡，对任何样本都不再激活",
    chinese_cause: "某一步过大，使这些单元对所有样本都落到零以下",
};

/// Share of dead units that is noted.
pub const INFO_SHARE: f64 = 0.15;
/// Share of dead units for a warning, if training does not work.
pub const WARN_SHARE: f64 = 0.4;
/// Share of dead units for an error, if training does not work.
pub const ERROR_SHARE: f64 = 0.9;
/// Minimum number of dead units, or all of a layer, so that narrow layers are treated fairly.
pub const LEAST_UNITS: usize = 3;
/// Share of positive values below which a unit is nearly dead.
pub const NEARLY_DEAD: f64 = 0.01;
/// Minimum distance of the mean of z below zero, in standard deviations, for a bias to be named as the cause.
pub const BELOW_ZERO: f64 = 2.0;
/// Minimum number of samples at the start for a check.
pub const START_SAMPLES: u64 = 512;

const DEAD_EARLY: &str = "the units were dead from the beginning: inputs or initialisation do not suit relu, a bias is negative, or the first \
     step was huge";

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let layers = case.model.layers.iter().enumerate();
    let relus = layers.filter(|(_, layer)| layer.function == Some(ActivationFunction::Relu)).map(|(index, _)| index);
    match case.moment {
        Moment::Start => relus.filter_map(|index| at_start(case, index)).collect(),
        Moment::Window => relus.filter_map(|index| in_window(case, index)).collect(),
        _ => Vec::new(),
    }
}

/// Silence of a layer before the first update.
pub(super) enum Silence {
    /// Share of units, above [`WARN_SHARE`], that fire for no sample.
    Units(f64),
    /// Share of zero values, where less than [`NEARLY_DEAD`] are not zero.
    Values(f64),
}

/// Returns the silence of a relu layer at the start, if it is to be reported.
pub(super) fn silence(layer: &StartLayer) -> Option<Silence> {
    let units = layer.units.map_or(f64::INFINITY, |units| units as f64);
    let enough = |share: f64| (share * units).round() >= units.min(LEAST_UNITS as f64);
    let dead = layer.dead_fraction.map(f64::from).filter(|&share| share > WARN_SHARE && enough(share));
    let zeros = layer.zero_fraction.map(f64::from).filter(|&share| 1.0 - share < NEARLY_DEAD);
    dead.map(Silence::Units).or(zeros.map(Silence::Values))
}

fn at_start(case: &Case, index: usize) -> Option<Observation> {
    let start = case.start.filter(|start| start.samples >= START_SAMPLES)?;
    let name = case.model.name(index);
    let (kind, share, limit, message) = match silence(start.layer(index)?)? {
        Silence::Units(share) => {
            let limit = if share > ERROR_SHARE { ERROR_SHARE } else { WARN_SHARE };
            let message = format!(
                "{} of the units of {name} (limit {}) output zero for every sample before training begins",
                percent(share),
                percent(limit)
            );
            (&DEAD_AT_START, share, limit, message)
        }
        Silence::Values(share) => {
            let message = format!(
                "only {} of the values of {name} (limit: at least {}) are above zero before training begins",
                percent(1.0 - share),
                percent(NEARLY_DEAD)
            );
            (&SILENT_AT_START, share, 1.0 - NEARLY_DEAD, message)
        }
    };
    let level = if share > ERROR_SHARE { Level::Error } else { Level::Warn };
    let limit = if share > ERROR_SHARE { limit.max(ERROR_SHARE) } else { limit };
    let observation = Observation::new(kind, level, Some(index), share, limit).message(message);
    Some(remedies(case, index, Vec::new(), observation))
}

/// Returns true if most of the units that are dead now, a `share` of the layer, fired before the first update. If the
/// start was not measured, units that were never seen to fire count as dead from the beginning.
fn lived_at_start(case: &Case, index: usize, share: f64) -> bool {
    match case.start.and_then(|start| start.layer(index)?.dead_fraction) {
        Some(dead) => f64::from(dead) < 0.5 * share,
        None => case.history.units(index).is_some_and(|units| units.stretches() > 2),
    }
}

/// Returns the cause of units that are dead from the beginning because of a bias, derived from the values before the layer.
fn negative_bias(case: &Case, weights: Option<usize>) -> Option<String> {
    let weights = weights.filter(|&weights| case.model.norm_after(weights).is_none())?;
    let start = case.start?.layer(weights)?;
    let (mean, std) = (f64::from(start.output_mean?), f64::from(start.output_std?));
    (mean < -BELOW_ZERO * std).then(|| {
        let (name, mean, std) = (case.model.name(weights), number(mean), number(std));
        format!(
            "the output of {name} lies around {mean}, with a standard deviation of {std}: a bias keeps it below zero"
        )
    })
}

fn in_window(case: &Case, index: usize) -> Option<Observation> {
    let units = case.history.units(index).filter(|units| units.units() > 0)?;
    let dead: Vec<usize> = units.dead_units().collect();
    let share = dead.len() as f64 / units.units() as f64;
    let (level, threshold) = match share {
        _ if dead.len() < LEAST_UNITS.min(units.units()) => return None,
        share if share > ERROR_SHARE => (Level::Error, ERROR_SHARE),
        share if share > WARN_SHARE => (Level::Warn, WARN_SHARE),
        share if share > INFO_SHARE => (Level::Info, INFO_SHARE),
        _ => return None,
    };
    let kind = if lived_at_start(case, index, share) { &DIED } else { &DEAD_AT_START };
    let nearly = match units.nearly_dead(NEARLY_DEAD) {
        0 => String::new(),
        1 => "; 1 more fires for less than one value in a hundred".to_string(),
        count => format!("; {count} more fire for less than one value in a hundred"),
    };
    let message = format!(
        "{} of {} units of {} ({}, limit {}) never fired: their output was zero for each of {} samples{nearly}",
        dead.len(),
        units.units(),
        case.model.name(index),
        percent(share),
        percent(threshold),
        units.samples()
    );
    Some(remedies(
        case,
        index,
        dead,
        Observation::new(kind, case.unless_learning(level), Some(index), share, threshold).message(message),
    ))
}

fn remedies(case: &Case, index: usize, units: Vec<usize>, observation: Observation) -> Observation {
    let name = case.model.name(index);
    let weights = case.weight_layer_before(index);
    let mut observation = if *observation.kind != DIED {
        let initial = weights.and_then(|weights| case.other_init_everywhere(weights));
        let bias = negative_bias(case, weights);
        let zero_biases = bias.is_some().then_some(Remedy::ZeroBiases);
        let mut observation = observation.cause(bias.unwrap_or_else(|| DEAD_EARLY.to_string()));
        observation.remedies.extend(zero_biases.into_iter().chain(initial));
        observation
    } else {
        observation
            .cause("the units died during training: a step too large pushed them below zero for every sample")
            .remedy(case.scale_learning_rate(0.1))
    };
    observation = observation.remedy(Remedy::SetActivation {
        from: ActivationFunction::Relu.name().to_string(),
        function: ActivationFunction::LeakyRelu.name().to_string(),
    });
    if weights.is_some() {
        observation = observation.remedy(Remedy::AddBatchNorm);
    }
    if case.moment == Moment::Window {
        observation = observation.remedy(Remedy::ReinitialiseUnits { layer: name, units });
    }
    observation
}

/// Returns the largest dead share of a layer.
fn largest_share(model: &ModelDescription, history: &History) -> Option<f64> {
    let share = |layer| {
        let units = history.units(layer)?;
        Some(units.dead_units().count() as f64 / units.units().max(1) as f64)
    };
    largest((0..model.layers.len()).filter_map(share))
}
