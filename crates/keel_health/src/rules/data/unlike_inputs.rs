//! # What it measures
//! Samples given to `predict` and `eval` with a value far from every value of the training split: outside its range, and
//! beyond it by more than its width or more than six standard deviations from the mean; for images, the mean brightness.
//! Warning from 20 samples on if more than 5 % are unlike; else a note.
//!
//! # Why it matters
//! The predictions of a network for inputs unlike any it has seen are meaningless, but confident. Many such samples
//! mean that the units, the order of columns or the preparation of images differ from training.
//!
//! # What to try
//! Compare the named column with the training data: its unit, its decimal separator, its position. Prepare images as
//! for training: inverted colours and another range of values show as brightness. If the new data is right, train on
//! data like it.
//!
//! # When it is fine
//! Single extreme rows of columns with long tails. A missing cell never counts as unlike, but any new value of a column
//! that was constant in training does.
//!
//! # Source
//! Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks"
//! (2017), on confidence outside the training data; the limits are ours.

use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{InputsMeasurement, UnlikeColumn};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K026";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "unlike-inputs",
    chinese_name: "输入与训练数据不符",
    summary: "inputs of a trained network that are unlike its training inputs",
    chinese_summary: "给训练好的网络的输入与训练数据差异很大",
    kinds: &[UNLIKE],
    source: include_str!("unlike_inputs.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Results, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Inputs have values unlike those of training.
const UNLIKE: FindingKind = FindingKind {
    key: "unlike",
    statistic: "share of samples unlike the training data",
    chinese_statistic: "与训练数据差异很大的样本所占比例",
    chinese_message: "有的输入取值与训练数据差异很大",
    chinese_cause: "单位、列的顺序或处理方式与训练时不同，或者是另一类数据",
};

/// Share of unlike samples for a warning.
pub const WARN_SHARE: f64 = 0.05;
/// Minimum number of samples for the share to be checked.
pub const SAMPLES: u64 = 20;
/// Number of columns named in a message.
const NAMED: usize = 3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.inputs) {
        (Moment::Inputs, Some(inputs)) => judge(inputs).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(inputs: &InputsMeasurement) -> Option<Observation> {
    let InputsMeasurement { samples, unlike, columns, images } = inputs;
    if *unlike == 0 {
        return None;
    }
    let share = *unlike as f64 / (*samples).max(1) as f64;
    let many = share > WARN_SHARE && *samples >= SAMPLES;
    let mut named: Vec<String> = columns.iter().take(NAMED).map(in_words).collect();
    if columns.len() > NAMED {
        named.push(format!("and {} more", columns.len() - NAMED));
    }
    let noun = match (*images, *samples) {
        (true, 1) => "image",
        (true, _) => "images",
        (false, 1) => "row",
        (false, _) => "rows",
    };
    let have = if *unlike == 1 { "has" } else { "have" };
    let message = format!(
        "{unlike} of {samples} {noun} ({}, limit {}) {have} values unlike the training data: {}",
        percent(share),
        percent(WARN_SHARE),
        named.join(", ")
    );
    let columns = columns.iter().map(|column| column.name.clone()).collect();
    Some(
        Observation::new(&UNLIKE, if many { Level::Warn } else { Level::Info }, None, share, WARN_SHARE)
            .message(message)
            .cause("another unit, order or preparation than in training, or data of another kind")
            .remedy(Remedy::MatchTrainingInputs { columns }),
    )
}

fn in_words(column: &UnlikeColumn) -> String {
    let UnlikeColumn { name, first, value, training, .. } = column;
    format!("{name} ({first}: {}, training {} to {})", number(*value), number(training.0), number(training.1))
}
