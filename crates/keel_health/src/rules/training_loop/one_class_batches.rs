//! # What it measures
//! The classes of every batch (`class_counts`). Reported if more than half of the batches of a window contain samples
//! of one class only although the data has several, and chance would give such batches less than a tenth of the time:
//! the sum of the class shares, each to the power of the batch size. An error if most of them also repeat the class of
//! the batch before, as sorted samples do; a warning otherwise. The shares are those of the data record, or of the
//! window without one. Batches of one sample are not checked. The level does not depend on the outcome of training.
//!
//! # Why it matters
//! Each step then pulls all predictions towards one class, and the next class undoes it. The training loss looks good,
//! because the network repeats the class it saw last; batch normalisation takes its statistics from one class.
//!
//! # What to try
//! Shuffle the training samples at the beginning of every epoch.
//!
//! # When it is fine
//! Data of one class, and classes so unbalanced that most batches hold one by chance, are not reported. A separate batch for
//! each class in one update (as for the two sides of a discriminator) counts as one batch if it is recorded as one step.
//!
//! # Source
//! Bottou, "Stochastic Gradient Descent Tricks" (2012), section 3, on shuffled samples. The shares are ours.

use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::LoopWindow;
use crate::remedy::{ProgramEdit, Remedy};
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High};
use crate::rules::{batch_norm, dead_relu, exploding_gradient, labels, loss_trend, overfitting, update_ratio};

/// Code of the rule.
pub const CODE: &str = "K031";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "one-class-batches",
    chinese_name: "每批只有一个类别",
    summary: "batches that hold one class each: samples in order",
    chinese_summary: "每个批次只含一个类别：样本按顺序排列",
    kinds: &[SORTED, GROUPED],
    source: include_str!("one_class_batches.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Loop,
        explains: &[
            // Losses and steps follow the class of the batch, and statistics are of one class.
            Explanation {
                consequences: &[
                    High(update_ratio::CODE),
                    Code(exploding_gradient::CODE),
                    Code(dead_relu::CODE),
                    Code(batch_norm::CODE),
                    Code(labels::CODE),
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

/// Samples are sorted by class.
const SORTED: FindingKind = FindingKind {
    key: "sorted",
    statistic: "share of batches of one class",
    chinese_statistic: "只含一个类别的批次所占比例",
    chinese_message: "许多批次只含同一类别的样本",
    chinese_cause: "样本按类别排序，而且没有打乱",
};

/// Batches are put together by class.
const GROUPED: FindingKind = FindingKind {
    key: "grouped",
    statistic: "share of batches of one class",
    chinese_statistic: "只含一个类别的批次所占比例",
    chinese_message: "许多批次只含同一类别的样本",
    chinese_cause: "批次是按类别组成的",
};

/// Share of the batches of a window.
pub const SHARE: f64 = 0.5;
/// Maximum share of batches of one class expected by chance for the rule to apply.
pub const CHANCE: f64 = 0.1;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Window => judge(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(case: &Case) -> Option<Observation> {
    let training = case.window()?.training_loop();
    let batches = training.counted_batches as f64;
    let share = training.one_class_batches as f64 / batches;
    if !(share > SHARE && by_chance(case, training) < CHANCE) {
        return None;
    }
    let sorted = training.repeated_batches as f64 > SHARE * batches;
    let (kind, level, cause) = if sorted {
        (&SORTED, Level::Error, "the samples are sorted by class and not shuffled")
    } else {
        (&GROUPED, Level::Warn, "the batches are put together by class")
    };
    let message = format!(
        "{} of {} batches hold samples of one class only ({}, limit {})",
        training.one_class_batches,
        training.counted_batches,
        percent(share),
        percent(SHARE)
    );
    Some(
        Observation::new(kind, level, None, share, SHARE)
            .always()
            .message(message)
            .cause(cause)
            .remedy(Remedy::edit(ProgramEdit::ShuffleSamples)),
    )
}

/// Returns the share of batches that would contain one class if samples were drawn at random; 1 if the data has one class.
fn by_chance(case: &Case, training: &LoopWindow) -> f64 {
    let shares: Vec<f64> = match case.data {
        Some(data) if !data.class_shares.is_empty() => data.class_shares.iter().copied().map(f64::from).collect(),
        _ => training.class_counts.iter().map(|&count| count as f64).collect(),
    };
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| (share / total).powf(training.counted_samples())).sum()
}
