//! # What it measures
//! The share of every class in the training split: a ratio above 10 between the most and the least frequent class is
//! noted, a class without a sample is an error. Such a ratio is a warning at the end if the network has learned to
//! predict only the largest class: its accuracy on the training samples is that of this prediction, or at most 1 % of
//! the way from it to perfect. From the third epoch on: if the network has come at least 20 % of the way from guessing
//! to perfect on its training samples and never more than 3 % of it on the validation samples, the labels contain
//! nothing that could be learned: an error. If the number of validation samples is known, they must be enough to
//! exclude 20 % there, at two standard errors: more than a hundred for two equal classes, a dozen or more for ten.
//!
//! # Why it matters
//! A network trained on unbalanced classes first learns to predict the frequent one. An absent class can never be
//! predicted. Shuffled labels can be memorised but not understood.
//!
//! # What to try
//! Weight the classes in the loss (`train.class_weights = "balanced"`), or initialise the last bias with the log of the
//! class shares. For an absent class, check the split and the number of classes. For meaningless labels, look at some
//! samples together with their labels.
//!
//! # When it is fine
//! Unbalanced classes are fine if they have weights in the loss, which suppresses this rule, if the rare class matters
//! little, or if the metric that counts already looks good.
//!
//! # Source
//! Karpathy, "A Recipe for Training Neural Networks" (2019); Zhang et al., "Understanding deep learning requires
//! rethinking generalization" (2017) for memorising random labels.

use super::{loss_trend, overfitting, start_loss, stopped_early, tiny_batch, too_small};
use crate::calibration::largest;
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::DataMeasurement;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K003";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "labels",
    chinese_name: "标签有误",
    summary: "unbalanced, missing or meaningless classes",
    chinese_summary: "类别不均衡、缺失或没有意义",
    kinds: &[IMBALANCED, LARGEST_CLASS, ABSENT, MEANINGLESS],
    source: include_str!("labels.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Data,
        explains: &[
            // Only results measured by the loss.
            Explanation {
                consequences: &[
                    Code(start_loss::CODE),
                    Code(tiny_batch::CODE),
                    Code(overfitting::CODE),
                    Code(loss_trend::CODE),
                    Code(stopped_early::CODE),
                    Code(too_small::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Some classes are rare.
const IMBALANCED: FindingKind = FindingKind {
    key: "unbalanced",
    statistic: "largest class / smallest class",
    chinese_statistic: "最大类别与最小类别的样本数之比",
    chinese_message: "各类别的样本数很不均衡",
    chinese_cause: "数据不均衡：稀少的类别只有很少的样本",
};

/// Some classes are rare, and the network ignores them.
const LARGEST_CLASS: FindingKind = FindingKind {
    key: "largest-class-only",
    statistic: "largest class / smallest class",
    chinese_statistic: "最大类别与最小类别的样本数之比",
    chinese_message: "各类别的样本数很不均衡，网络对几乎所有样本都预测最大的类别",
    chinese_cause: "数据不均衡：稀少的类别只有很少的样本",
};

/// A class has no training sample.
const ABSENT: FindingKind = FindingKind {
    key: "absent-class",
    statistic: "classes without a training sample",
    chinese_statistic: "没有训练样本的类别数",
    chinese_message: "有的类别没有训练样本",
    chinese_cause: "划分数据时漏掉了这些类别，或者类别数有误",
};

/// The labels contain nothing that could be learned.
const MEANINGLESS: FindingKind = FindingKind {
    key: "meaningless",
    statistic: "part of the task learned of the validation samples",
    chinese_statistic: "在验证样本上学到的比例",
    chinese_message: "网络记住了训练样本，在验证样本上却几乎不比随机猜测好",
    chinese_cause: "标签与输入毫无关系：被打乱了，或者读取的顺序不同",
};

/// Ratio of the largest to the smallest class share for a note; a warning if the rare classes are never predicted.
pub const UNBALANCED: f64 = 10.0;
/// Number of epochs before labels can be reported as meaningless.
pub const EPOCHS: usize = 3;
/// Fraction of the task above which the training samples are being memorised; our own choice.
pub const MEMORISED: f64 = 0.2;
/// Best fraction of the task on validation samples below which nothing was understood; our own choice.
pub const UNDERSTOOD: f64 = 0.03;
/// Number of standard errors by which a part of [`MEMORISED`] must be excluded.
const STANDARD_ERRORS: f64 = 2.0;
/// The split that shows what was understood.
const VALIDATION: &str = "validation";
/// Fraction of the task by accuracy below which a network predicts only the largest class.
const LARGEST_ONLY: f64 = 0.01;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match (case.moment, case.data) {
        (Moment::Data, Some(data)) => shares(case, data).into_iter().collect(),
        (Moment::Epoch, _) => meaningless(case).into_iter().collect(),
        (Moment::End, Some(data)) => largest_only(case, data).into_iter().collect(),
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
        let have = if absent.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{} of {expected} classes {have} no training sample (limit 0); the first is {}",
            absent.len(),
            data.class_words(*first)
        );
        return Some(
            Observation::new(&ABSENT, Level::Error, None, absent.len() as f64, 0.0)
                .message(message)
                .cause("the split left the class out, or the number of classes is wrong")
                .remedy(Remedy::CheckLabels)
                .always(),
        );
    }
    let ratio = imbalance(data).filter(|ratio| !(*ratio <= UNBALANCED))?;
    Some(unbalanced(case, &IMBALANCED, Level::Info, ratio))
}

/// Returns the ratio of the largest to the smallest class share, or `None` if weights in the loss balance them.
fn imbalance(data: &DataMeasurement) -> Option<f64> {
    let largest = data.class_shares.iter().copied().reduce(f32::max)?;
    let smallest = data.class_shares.iter().copied().reduce(f32::min)?;
    (!data.weighted_classes).then(|| f64::from(largest) / f64::from(smallest))
}

fn unbalanced(case: &Case, kind: &'static FindingKind, level: Level, ratio: f64) -> Observation {
    let observation = Observation::new(kind, level, None, ratio, UNBALANCED)
        .message(format!(
            "the largest class has {} times as many samples as the smallest (limit {})",
            number(ratio),
            number(UNBALANCED)
        ))
        .cause("the data is unbalanced: few samples show the rare classes")
        .remedy(Remedy::ClassWeights)
        .always();
    match case.model.output_layer() {
        Some(last) => observation.remedy(Remedy::PriorBias { layer: case.model.name(last) }),
        None => observation,
    }
}

/// Reports a network that has learned to predict the largest class of unbalanced data for any input.
fn largest_only(case: &Case, data: &DataMeasurement) -> Option<Observation> {
    let ratio = imbalance(data).filter(|ratio| !(*ratio <= UNBALANCED))?;
    let largest = data.class_shares.iter().copied().reduce(f32::max).map(f64::from)?;
    let accuracy = f64::from(case.epochs.last()?.train_accuracy?);
    if (accuracy - largest) / (1.0 - largest) > LARGEST_ONLY {
        return None;
    }
    let observation = unbalanced(case, &LARGEST_CLASS, Level::Warn, ratio);
    let message =
        format!("{}, and the network predicts the largest class for nearly every sample", observation.message);
    Some(observation.message(message))
}

/// Returns true if there are too few validation samples to exclude that a part of [`MEMORISED`] was understood.
fn may_be_chance(case: &Case, understood: f64) -> bool {
    let validation = case.evaluations.iter().find(|split| split.split == VALIDATION);
    let samples = validation.map_or(f64::INFINITY, |split| split.samples as f64);
    understood.max(0.0) + STANDARD_ERRORS * standard_error(case, samples) > MEMORISED
}

/// Returns the standard error of the part of the way from guessing to perfect on `samples`: for classes that of an accuracy
/// equal to the largest share, for values about that of R2.
fn standard_error(case: &Case, samples: f64) -> f64 {
    let shares = case.data.map_or(&[][..], |data| &data.class_shares);
    let largest = shares.iter().copied().reduce(f32::max).map(f64::from);
    let largest = largest.or(case.model.classes.map(|classes| 1.0 / classes as f64)).unwrap_or(0.5);
    (largest / (1.0 - largest) / samples).sqrt()
}

fn meaningless(case: &Case) -> Option<Observation> {
    if case.epochs.len() < EPOCHS {
        return None;
    }
    let memorised = case.outcome()?.training;
    let parts = (1..=case.epochs.len()).map(|count| Case { epochs: &case.epochs[..count], ..*case });
    let understood = largest(parts.filter_map(|until| until.outcome()?.validation))?;
    if !(memorised >= MEMORISED) || understood > UNDERSTOOD || may_be_chance(case, understood) {
        return None;
    }
    Some(
        Observation::new(&MEANINGLESS, Level::Error, None, understood, UNDERSTOOD)
            .message(format!(
                "on the validation samples the network came at best {} of the way from guessing to perfect (limit: above {}), \
                 while it memorised its training samples",
                percent(understood.max(0.0)),
                percent(UNDERSTOOD)
            ))
            .cause("the labels have nothing to do with the inputs: shuffled, or read in another order")
            .remedy(Remedy::CheckLabels)
            .always(),
    )
}
