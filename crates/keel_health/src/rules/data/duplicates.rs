//! # What it measures
//! Samples of the validation and test split whose inputs equal those of a training sample, value by value; and, over a
//! part of each split, samples that nearly equal one: images with nearly the same means of 8x8 blocks after their
//! brightness and contrast are taken out, rows that agree to a thousandth of the standard deviation in all columns but
//! at most one. Warning if more than 1 % of a split are equal; fewer are a note, and so are near duplicates above 1 %.
//!
//! # Why it matters
//! The network has seen the answers. The result on such a split is better than on new data, and the best epoch is
//! chosen by samples that are memorised.
//!
//! # What to try
//! `data.keep_duplicates_together = true`: equal samples go to the same split, and training samples that are also in a
//! test or validation split of the source are left out. For near duplicates, such as the frames of one film or several
//! pictures of one patient, name the column that they share in `data.group`, or keep their files in one split by hand.
//!
//! # When it is fine
//! Rows of few categories and common numbers repeat by chance, and new rows repeat them, too: a row counts only if it
//! contains a number found in no different row. A handful of duplicates in a large data set changes no result.
//!
//! # Source
//! Barz and Denzler, "Do We Train on Test Data? Purging CIFAR of Near-Duplicates" (2020); Kapoor and Narayanan, "Leakage
//! and the reproducibility crisis in machine-learning-based science" (2023).

use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{DataMeasurement, SplitDuplicates};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K022";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "duplicates",
    chinese_name: "重复样本",
    summary: "validation or test samples that are also in the training split",
    chinese_summary: "验证集或测试集的样本也在训练集中",
    kinds: &[EXACT, NEAR],
    source: include_str!("duplicates.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Data, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Samples equal a training sample.
const EXACT: FindingKind = FindingKind {
    key: "exact",
    statistic: "share of samples that are also in training",
    chinese_statistic: "同时在训练集中的样本所占比例",
    chinese_message: "验证集或测试集中，有的样本与训练样本完全相同",
    chinese_cause: "数据中同一样本出现多次：测得的结果会好于新数据上的结果",
};

/// Samples nearly equal a training sample.
const NEAR: FindingKind = FindingKind {
    key: "near",
    statistic: "share of samples that nearly equal a training sample",
    chinese_statistic: "与训练样本几乎相同的样本所占比例",
    chinese_message: "验证集或测试集中，有的样本与训练样本几乎相同",
    chinese_cause: "同一来源的样本（例如一段影片的各帧）分在了两个数据划分中",
};

/// Share of exact duplicates in a split above which its result is reported as too good.
pub const WARN_SHARE: f64 = 0.01;

/// Share of near duplicates among the compared samples above which they are reported: a few are similar by chance.
pub const NEAR_SHARE: f64 = 0.01;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => judge(data).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(data: &DataMeasurement) -> Option<Observation> {
    let with_exact = data.duplicates.iter().filter(|split| split.exact > 0);
    let worst = with_exact.max_by(|a, b| exact_share(a).total_cmp(&exact_share(b)));
    let Some(worst) = worst else { return near_alone(data) };
    let share = exact_share(worst);
    let level = if share > WARN_SHARE { Level::Warn } else { Level::Info };
    let (what, name) = (noun(data), &worst.split);
    let are = if worst.exact == 1 { "is" } else { "are" };
    let observation = Observation::new(&EXACT, level, None, share, WARN_SHARE)
        .always()
        .message(format!(
            "{} of {} {name} {what} ({}) {are} also in the training split, value by value (limit {})",
            worst.exact,
            worst.samples,
            percent(share),
            percent(WARN_SHARE)
        ))
        .cause(format!("the data contains {what} several times: the {name} result is better than that on new data"))
        .remedy(Remedy::KeepDuplicatesTogether)
        .always();
    Some(observation)
}

/// Returns a note on near duplicates if there are no exact ones.
fn near_alone(data: &DataMeasurement) -> Option<Observation> {
    let with_near = data.duplicates.iter().filter(|split| near_share(split) > NEAR_SHARE);
    let worst = with_near.max_by(|a, b| near_share(a).total_cmp(&near_share(b)))?;
    let (what, name) = (noun(data), &worst.split);
    let observation = Observation::new(&NEAR, Level::Info, None, near_share(worst), NEAR_SHARE)
        .always()
        .message(format!(
            "{} of {} {name} {what} that were compared ({}) nearly equal one of the training split (limit {})",
            worst.near,
            worst.compared,
            percent(near_share(worst)),
            percent(NEAR_SHARE)
        ))
        .cause(format!("{what} of one origin, such as the frames of one film, lie in both splits"))
        .remedy(Remedy::KeepOriginsTogether);
    Some(observation)
}

fn noun(data: &DataMeasurement) -> &'static str {
    if data.images { "images" } else { "rows" }
}

fn exact_share(split: &SplitDuplicates) -> f64 {
    split.exact as f64 / split.samples.max(1) as f64
}

fn near_share(split: &SplitDuplicates) -> f64 {
    split.near as f64 / split.compared.max(1) as f64
}
