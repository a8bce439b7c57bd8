//! # What it measures
//! The share of every class in the training split: a ratio above 10 between the most and the least frequent class is a
//! warning, a class without a sample an error. During training, from the third epoch on: if the network learns its
//! training samples (loss below 0.95 of guessing) while the best validation loss stays at that of guessing (at least
//! 0.97 of it), the labels carry nothing that could be learned: an error.
//!
//! # Why it matters
//! A network trained on unbalanced classes first learns to answer with the frequent one. An absent class can never be
//! predicted. Shuffled labels can be memorised but not understood.
//!
//! # What to try
//! Weigh the classes in the loss (`train.class_weights = "balanced"`), or start the last bias at the log of the class shares. For an absent class look at the
//! split and at the number of classes. For meaningless labels look at some samples together with their labels.
//!
//! # When it is fine
//! Unbalanced classes are fine if they have weights in the loss, which silences this, if the rare class matters little, or if the metric that counts already looks good.
//!
//! # Source
//! Karpathy, "A Recipe for Training Neural Networks" (2019); Zhang et al., "Understanding deep learning requires
//! rethinking generalization" (2017) for memorising random labels.

use super::{loss_trend, overfitting, start_loss, tiny_batch};
use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::measurement::DataMeasurement;
use crate::remedy::Remedy;
use crate::role::Lies::Anywhere;
use crate::role::{Explanation, Role, Stage};
use crate::rule::Rule;
use crate::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K003";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "labels",
    summary: "unbalanced, missing or meaningless classes",
    statistic: "class share",
    source: include_str!("labels.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Data,
        explains: &[
            // Only what is judged by the loss.
            Explanation {
                consequences: &[
                    Code(start_loss::CODE),
                    Code(tiny_batch::CODE),
                    Code(overfitting::CODE),
                    Code(loss_trend::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Ratio of the largest to the smallest class share for a warning.
pub const WARN_RATIO: f64 = 10.0;
/// Epochs before the labels can be called meaningless.
pub const EPOCHS: usize = 3;
/// Training loss relative to guessing below which the network has begun to memorise its samples; ours.
pub const LEARNED: f64 = 0.95;
/// Validation loss relative to guessing above which nothing was understood; ours.
pub const NOT_UNDERSTOOD: f64 = 0.97;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => shares(case, data).into_iter().collect(),
        (Moment::Epoch, _) => meaningless(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn shares(case: &Case, data: &DataMeasurement) -> Option<Observation> {
    let shares = &data.class_shares;
    let expected = case.model.classes.unwrap_or(shares.len());
    let absent: Vec<usize> =
        (0..expected).filter(|&class| !(shares.get(class).is_some_and(|&share| share > 0.0))).collect();
    if shares.is_empty() {
        return None;
    }
    if let Some(first) = absent.first() {
        let message =
            format!("{} of {expected} classes have no training sample; the first is class {first}", absent.len());
        return Some(
            Observation::new(Level::Error, None, absent.len() as f64, 0.0)
                .message(message)
                .cause("the split left the class out, or the number of classes is wrong")
                .remedy(Remedy::CheckLabels),
        );
    }
    let largest = shares.iter().copied().fold(0.0, f32::max);
    let smallest = shares.iter().copied().fold(f32::INFINITY, f32::min);
    let ratio = f64::from(largest) / f64::from(smallest);
    if !(ratio > WARN_RATIO) || data.weighted_classes {
        return None;
    }
    let mut observation = Observation::new(Level::Warn, None, ratio, WARN_RATIO)
        .message(format!("the most frequent class has {} times as many samples as the rarest", number(ratio)))
        .cause("the data is unbalanced")
        .remedy(Remedy::ClassWeights);
    if let Some(last) = case.model.output_layer() {
        observation = observation.remedy(Remedy::PriorBias { layer: case.model.name(last) });
    }
    Some(observation)
}

fn meaningless(case: &Case) -> Option<Observation> {
    let chance = case.guessing_loss()?;
    let last = case.epochs.last().filter(|_| case.epochs.len() >= EPOCHS)?;
    let learned = f64::from(last.train_loss?) < LEARNED * chance;
    let best = case.epochs.iter().filter_map(|epoch| epoch.validation_loss).fold(f32::INFINITY, f32::min);
    let understood = f64::from(best) / chance;
    if !learned || !(understood >= NOT_UNDERSTOOD) || !best.is_finite() {
        return None;
    }
    Some(
        Observation::new(Level::Error, None, understood, NOT_UNDERSTOOD)
            .message(format!(
                "the training samples are learned, but the best validation loss is {} of that of guessing",
                number(understood)
            ))
            .cause("the labels have nothing to do with the inputs: shuffled, or read in another order")
            .remedy(Remedy::CheckLabels),
    )
}
