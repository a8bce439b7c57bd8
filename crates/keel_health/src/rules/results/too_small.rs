//! # What it measures
//! At the end of a training run of at least six epochs that has stopped improving (its loss fell by less than 3 % of
//! that of guessing from the middle to the last third of the epochs): a hidden linear layer of at most 8 units, in a
//! network that has learned less than 90 % of the task on its training samples, or less than 80 % on the validation
//! samples. A warning if the errors that are left are not noise: the error of a training sample is correlated with that
//! of its nearest neighbour by more than 0.1 and four standard errors, over at least 100 samples. Without such a
//! correlation nothing is reported, and if it was not measured, only a note. A regression with more targets than the
//! layer has units, as in an autoencoder, is not checked: its layer is narrow on purpose.
//!
//! # Why it matters
//! A few units can represent only simple functions: two relu units cannot enclose a circle. More of them cost little
//! and make success independent of the random start.
//!
//! # What to try
//! 64 units or more in every hidden layer.
//!
//! # When it is fine
//! Targets may be mostly noise: then no network learns more. Compare the training loss of a wider network where the
//! errors of neighbours were not measured.
//!
//! # Source
//! Goodfellow, Bengio and Courville, "Deep Learning" (2016), chapter 5.2: capacity and underfitting; Hart, "Nonparametric
//! Smoothing and Lack-of-Fit Tests" (1997), for correlated errors. The limits are ours.

use super::loss_trend;
use super::stopped_early::{Descent, FALL};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{LayerKind, LossKind};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K032";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "too-small",
    chinese_name: "网络过小",
    summary: "a network with too few units for its task",
    chinese_summary: "网络的单元太少，学不会任务",
    kinds: &[NARROW],
    source: include_str!("too_small.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Capacity,
        explains: &[Explanation { consequences: &[Code(loss_trend::CODE)], lies: Anywhere }],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// A hidden layer has few units.
const NARROW: FindingKind = FindingKind {
    key: "narrow",
    statistic: "units of the narrowest hidden layer",
    chinese_statistic: "最窄隐藏层的单元数",
    chinese_message: "该隐藏层的单元太少，训练已不再进步",
    chinese_cause: "单元如此之少，只能表示简单的函数",
};

/// Maximum number of units that count as few.
pub const FEW: usize = 8;
/// Minimum number of epochs of a training run for the check.
pub const EPOCHS: usize = 6;
/// Correlation of neighbouring errors above which they are not noise; our own choice.
pub const AGREEMENT: f64 = 0.1;
/// Number of standard errors by which that correlation must differ from 0.
const STANDARD_ERRORS: f64 = 4.0;
/// Minimum number of samples for that correlation.
pub const SAMPLES: u64 = 100;
/// Recommended number of units of a hidden layer.
const ENOUGH: usize = 64;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::End { Vec::new() } else { judge(case).into_iter().collect() }
}

/// Returns true if the end of the run looks like that of too small a network, so that the errors that are left matter.
pub(crate) fn is_suspected(case: &Case) -> bool {
    suspected(case).is_some()
}

/// Returns the narrowest hidden layer and its units, if it may have kept the network from learning.
fn suspected(case: &Case) -> Option<(usize, usize)> {
    let (layer, units) = narrowest(case)?;
    let outcome = case.outcome()?;
    let rests = Descent::of(case).is_none_or(|descent| !(descent.fall > FALL));
    let suspicious = units <= FEW && case.epochs.len() >= EPOCHS && !outcome.has_learned() && rests;
    (suspicious && !is_bottleneck(case, units)).then_some((layer, units))
}

/// Returns true if a layer of `units` compresses on purpose: the network has more values to predict.
fn is_bottleneck(case: &Case, units: usize) -> bool {
    let outputs = case.model.output_layer().and_then(|last| case.model.layers[last].units);
    let values = matches!(case.model.loss, Some(LossKind::Mse | LossKind::Huber));
    values && outputs.is_some_and(|outputs| outputs > units)
}

/// Limit of the correlation of neighbouring errors over `samples`.
fn agreement_limit(samples: u64) -> f64 {
    AGREEMENT.max(STANDARD_ERRORS / (samples as f64).sqrt())
}

fn judge(case: &Case) -> Option<Observation> {
    let (layer, units) = suspected(case)?;
    let measured = case.residuals.filter(|residuals| residuals.samples >= SAMPLES);
    let (level, errors) = match measured {
        Some(residuals) => {
            let (agreement, limit) = (f64::from(residuals.agreement), agreement_limit(residuals.samples));
            if !(agreement > limit) {
                return None;
            }
            let words = format!(
                "; its errors on neighbouring samples agree by {} (limit {})",
                number(agreement),
                number(limit)
            );
            (Level::Warn, words)
        }
        None => (Level::Info, String::new()),
    };
    let message = format!(
        "{} has only {units} {} (limit: more than {FEW}), and training stopped improving {} of the way from guessing to \
         perfect{errors}",
        case.model.name(layer),
        if units == 1 { "unit" } else { "units" },
        percent(case.outcome()?.training.max(0.0))
    );
    Some(
        Observation::new(&NARROW, level, Some(layer), units as f64, FEW as f64)
            .always()
            .message(message)
            .cause("so few units can represent only simple functions")
            .remedy(Remedy::WidenHiddenLayers { units: ENOUGH }),
    )
}

/// Returns the hidden linear layer with the fewest units.
fn narrowest(case: &Case) -> Option<(usize, usize)> {
    let output = case.model.output_layer()?;
    let hidden = case.model.weight_layers().filter(|&index| index != output);
    let linear = hidden.filter(|&index| case.model.layers[index].kind == LayerKind::Linear);
    linear.filter_map(|index| Some((index, case.model.layers[index].units?))).min_by_key(|&(_, units)| units)
}
