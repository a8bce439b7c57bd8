//! # What it measures
//! (validation - training) / training loss, both in evaluation mode, and how long ago the validation loss was best.
//! Noted if the gap is above 0.1, the validation loss has been more than 25 % above its best for the last three epochs,
//! and the network has not come more than 90 % of the way from guessing to perfect on the validation samples. A warning
//! if it has come 30 % of that way further on the training samples, and no evaluated split has fewer than 50 samples; a
//! note again once it has passed.
//!
//! # Why it matters
//! After the best epoch the network memorises its training samples and gets worse on everything else.
//!
//! # What to try
//! Augmentation, weight decay, or an earlier stop: the checkpoint of the best epoch is kept. More data is better than all
//! of them.
//!
//! # When it is fine
//! If the validation accuracy still rises, which suppresses this rule: the loss then only punishes overconfident
//! mistakes. If the training loss is above the validation loss, as with augmentation and dropout, nothing is reported.
//!
//! # Source
//! Prechelt, "Early Stopping - But When?" (1998); CS231n course notes, neural-networks-3: train/val accuracy.

use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::EpochMeasurement;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K018";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "overfitting",
    chinese_name: "过拟合",
    summary: "validation loss that rises while training loss falls",
    chinese_summary: "训练损失下降，而验证损失上升",
    kinds: &[MEMORISING],
    source: include_str!("overfitting.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Results, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The validation loss rises.
const MEMORISING: FindingKind = FindingKind {
    key: "memorising",
    statistic: "(validation - training) / training loss",
    chinese_statistic: "验证损失超出训练损失的比例",
    chinese_message: "验证损失持续高于其最低值",
    chinese_cause: "网络在死记训练样本",
};

/// Relative gap between validation and training loss.
pub const GAP: f64 = 0.1;
/// Epochs since the best validation loss.
pub const EPOCHS: usize = 3;
/// Minimum rise over the best validation loss; our own choice.
pub const RISE: f64 = 1.25;
/// Difference between the fractions of the task learned on training and on validation samples above which it is a
/// warning; our own choice.
pub const WARN_DISTANCE: f64 = 0.3;
/// Fraction of the task on validation samples above which nothing is reported.
pub const GOOD: f64 = 0.9;
/// Minimum number of validation samples for a warning.
pub const SAMPLES: u64 = 50;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::Epoch { Vec::new() } else { judge(case).into_iter().collect() }
}

fn judge(case: &Case) -> Option<Observation> {
    let last = case.epochs.last()?;
    let (training, validation) = (f64::from(last.train_loss?), f64::from(last.validation_loss?));
    let gap = (validation - training) / training;
    let best = best_epoch(case.epochs)?;
    let since: Vec<f32> = case.epochs[best + 1..].iter().filter_map(|epoch| epoch.validation_loss).collect();
    let lowest = f64::from(case.epochs[best].validation_loss?);
    let risen = since.len() >= EPOCHS && since.iter().rev().take(EPOCHS).all(|&loss| f64::from(loss) > RISE * lowest);
    let outcome = case.outcome()?;
    let understood = outcome.validation?;
    if understood > GOOD || !risen || !(gap > GAP) || improving_accuracy(case.epochs) {
        return None;
    }
    // Epochs are numbered from 0 but reported from 1, as in the log of a training run.
    let epoch = case.epochs[best].epoch + 1;
    Some(
        Observation::new(&MEMORISING, level(case, outcome.training - understood), None, gap, GAP)
            .while_seen()
            .message(format!(
                "the validation loss is {} above that of its best epoch, epoch {epoch}, and has been for {EPOCHS} epochs (limit {})",
                percent(validation / lowest - 1.0),
                percent(RISE - 1.0)
            ))
            .cause("the network memorises its training samples")
            .remedy(Remedy::Augment)
            .remedy(Remedy::SetWeightDecay { value: stronger_decay(case) })
            .remedy(Remedy::EarlyStopping { patience: EPOCHS as u64 })
            .at_once(),
    )
}

/// Returns a note, since the best epoch is kept, or a warning if the network generalises far less than it has memorised.
fn level(case: &Case, distance: f64) -> Level {
    let enough = case.evaluations.iter().all(|split| split.samples >= SAMPLES);
    if enough && !(distance <= WARN_DISTANCE) { Level::Warn } else { Level::Info }
}

fn best_epoch(epochs: &[EpochMeasurement]) -> Option<usize> {
    let losses = epochs.iter().enumerate().filter_map(|(index, epoch)| Some((index, epoch.validation_loss?)));
    losses.filter(|(_, loss)| loss.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

/// Returns true if the best validation accuracy so far was reached in one of the last three epochs.
fn improving_accuracy(epochs: &[EpochMeasurement]) -> bool {
    let accuracies: Vec<f32> = epochs.iter().filter_map(|epoch| epoch.validation_accuracy).collect();
    let (earlier, recent) = accuracies.split_at(accuracies.len().saturating_sub(EPOCHS));
    let best = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    !accuracies.is_empty() && best(recent) > best(earlier)
}

fn stronger_decay(case: &Case) -> f64 {
    case.model.weight_decay.map(f64::from).filter(|&decay| decay > 0.0).map_or(5e-4, |decay| (3.0 * decay).min(0.1))
}
