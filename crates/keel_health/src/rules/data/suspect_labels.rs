//! # What it measures
//! Training samples whose label the trained network contradicts with confidence: another class is the most probable one,
//! with at least the mean probability that class has among the samples labelled as it, and the labelled class has at most
//! 0.1. Taken from the evaluation of the training split at the end of the run. It is a note with the count and the 20
//! clearest samples, and only where the network agrees with at least 70 % of the labels.
//!
//! # Why it matters
//! A network that has seen a wrong label many times and still contradicts it is often right. A few per cent of wrong
//! labels are common; in a test split they can change which of two models looks better.
//!
//! # What to try
//! Look at the samples in the list and correct their labels.
//!
//! # When it is fine
//! Samples that are hard, or that belong to two classes, may be listed without being wrong. A network that has
//! memorised its training samples contradicts none of them: an empty list does not prove that the labels are right.
//!
//! # Source
//! Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels" (2021); the limits of 0.1
//! and 70 % are ours.

use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{EvaluationMeasurement, SuspectLabel, SuspectLabels};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K024";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "suspect-labels",
    chinese_name: "可疑的标签",
    summary: "training labels that the trained network contradicts with confidence",
    chinese_summary: "训练好的网络很有把握地给出了与训练标签不同的判断",
    kinds: &[CONTRADICTED],
    source: include_str!("suspect_labels.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Results, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The network contradicts labels.
const CONTRADICTED: FindingKind = FindingKind {
    key: "contradicted",
    statistic: "share of contradicted labels",
    chinese_statistic: "与网络判断不同的标签所占比例",
    chinese_message: "对一部分训练样本，网络很有把握地给出了与标签不同的判断",
    chinese_cause: "标签有误，或者这些样本难以区分",
};

/// Minimum share of labels a network must agree with before the others are checked; our own choice.
pub const ACCURACY: f64 = 0.7;
/// The split whose labels are checked.
const TRAINING: &str = "train";
/// Number of samples named in a message.
const NAMED: usize = 3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::Evaluation {
        return Vec::new();
    }
    let training = case.evaluations.iter().find(|evaluation| evaluation.split == TRAINING);
    training.and_then(judge).into_iter().collect()
}

fn judge(evaluation: &EvaluationMeasurement) -> Option<Observation> {
    let suspects = evaluation.suspects.as_ref().filter(|suspects| suspects.count > 0)?;
    if !(suspects.accuracy >= ACCURACY as f32) {
        return None;
    }
    let SuspectLabels { count, first, .. } = suspects;
    let share = *count as f64 / evaluation.samples.max(1) as f64;
    let named: Vec<String> = first.iter().take(NAMED).map(in_words).collect();
    Some(
        Observation::new(&CONTRADICTED, Level::Info, None, share, 0.0)
            .message(format!(
                "the trained network contradicts the labels of {count} of {} training samples ({}): {}",
                evaluation.samples,
                percent(share),
                named.join("; ")
            ))
            .cause("wrong labels, or samples that are hard to tell apart")
            .remedy(Remedy::CheckLabels)
            .samples(first.clone()),
    )
}

fn in_words(suspect: &SuspectLabel) -> String {
    let SuspectLabel { sample, given, suggested, .. } = suspect;
    format!("{sample} is labelled {given} and looks like {suggested}")
}
