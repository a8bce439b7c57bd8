//! # What it measures
//! The ability to memorise: without regularisation the network must memorise 20 distinct samples, or as many as it has
//! parameters for each output. The attempt takes 500 steps, and up to 4,000 while the loss falls; a loss that is still
//! falling then is not reported. More than 5 % of the samples still wrong (for regression: more than a tenth of the
//! loss left) is an error. The same pre-flight compares the gradient with finite differences of the loss, which is
//! computed in double precision by the definition of each layer: a relative error above 5e-3, beyond what rounding
//! explains, is an error; and the output of a sample alone with its output in a batch: a difference above 1e-3 is an
//! error.
//!
//! # Why it matters
//! A network that cannot learn twenty samples will not learn twenty thousand. The test takes seconds and finds broken
//! labels, losses, gradients and learning rates before hours are spent.
//!
//! # What to try
//! Look at the other findings: inputs, initialisation, output layer. Then at the labels of those samples, and at a
//! learning rate ten times larger or smaller: if the configured optimizer fails, Adam is tried on the same network, and
//! the finding states the result.
//!
//! # When it is fine
//! If two of the samples have the same input and different labels. If dropout could not be switched off. Of 2,660 healthy
//! networks (26 kinds on six data sets, seeds that set no limit) one could not memorise its samples;
//! `cargo test -p keel_train --lib tiny_batch -- --nocapture` repeats the count.
//!
//! # Source
//! CS231n course notes, neural-networks-3: overfit a tiny subset of data; gradient check.

use super::{loss_trend, stopped_early};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{GradientCheck, TinyBatch};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K007";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "tiny-batch",
    chinese_name: "无法记住少量样本",
    summary: "a network that cannot even memorise twenty samples",
    chinese_summary: "网络连二十个样本都记不住",
    kinds: &[NOT_LEARNED, WRONG_RATE, WRONG_GRADIENT, MIXED],
    source: include_str!("tiny_batch.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Results,
        explains: &[Explanation { consequences: &[Code(loss_trend::CODE), Code(stopped_early::CODE)], lies: Anywhere }],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The network does not memorise the samples.
const NOT_LEARNED: FindingKind = FindingKind {
    key: "not-memorised",
    statistic: "training error",
    chinese_statistic: "训练误差",
    chinese_message: "反复训练同一小批样本，网络仍然没有记住它们",
    chinese_cause: "标签、损失函数、最后一层或学习率不合适，请参看其他诊断",
};

/// Another optimizer makes the network memorise the samples.
const WRONG_RATE: FindingKind = FindingKind {
    key: "wrong-learning-rate",
    statistic: "training error",
    chinese_statistic: "训练误差",
    chinese_message: "反复训练同一小批样本，网络仍然没有记住它们",
    chinese_cause: "换用 adam 时，网络能够记住这些样本：当前优化器的学习率多半过高或过低",
};

/// The gradient is not the slope of the loss.
const WRONG_GRADIENT: FindingKind = FindingKind {
    key: "wrong-gradient",
    statistic: "relative error of the gradient",
    chinese_statistic: "梯度的相对误差",
    chinese_message: "反向传播的梯度与数值梯度不一致",
    chinese_cause: "该层的反向传播不是其前向传播的导数",
};

/// The output of a sample depends on the others.
const MIXED: FindingKind = FindingKind {
    key: "mixed-samples",
    statistic: "change of the output",
    chinese_statistic: "输出的变化",
    chinese_message: "一个样本的输出会随同一批次中的其他样本而变化",
    chinese_cause: "某个运算混合了批次中的样本：所取的轴有误，或者推理时使用了当前批次的统计量",
};

/// Maximum accepted training error.
pub const ERROR_SHARE: f64 = 0.05;
/// Maximum accepted share of the first loss (regression).
pub const LOSS_LEFT: f64 = 0.1;
/// Maximum accepted relative error of the gradient.
pub const GRADIENT_ERROR: f64 = 5e-3;
/// Maximum accepted difference between a sample alone and in a batch.
pub const MIXING: f64 = 1e-3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let (Moment::Start, Some(start)) = (case.moment, case.start) else { return Vec::new() };
    let check = start.gradient_check.as_ref().and_then(|check| wrong_gradient(case, check));
    let mixing = start.batch_mixing.map(f64::from).filter(|&difference| !(difference <= MIXING)).map(mixed_samples);
    let tiny = start.tiny_batch.as_ref().and_then(|tiny| not_learned(case, tiny));
    check.or(mixing).or(tiny).into_iter().collect()
}

/// Returns true if neither the run's own optimizer nor another one could make the network learn the samples of `tiny`.
pub(crate) fn is_beyond_network(tiny: &TinyBatch) -> bool {
    tiny.learned_at.is_none() && left(tiny).is_some()
}

/// Returns the share of the samples, or of the loss, that is left, and its limit; `None` if the samples were learned.
fn left(tiny: &TinyBatch) -> Option<(f64, f64)> {
    let (measured, threshold) = match tiny.training_error {
        Some(error) => (f64::from(error), ERROR_SHARE),
        None => (f64::from(tiny.last_loss) / f64::from(tiny.first_loss), LOSS_LEFT),
    };
    // One of twenty samples is exactly the limit in single precision.
    let learned = measured as f32 <= threshold as f32;
    (!learned).then_some((measured, threshold))
}

fn not_learned(case: &Case, tiny: &TinyBatch) -> Option<Observation> {
    let (measured, threshold) = left(tiny)?;
    let words = match tiny.training_error {
        Some(_) => format!("{} of them are still wrong", percent(measured)),
        None => format!("{} of the loss is left", percent(measured)),
    };
    let kind = if tiny.learned_at.is_some() { &WRONG_RATE } else { &NOT_LEARNED };
    let observation = Observation::new(kind, Level::Error, None, measured, threshold).always().message(format!(
        "after {} steps on the same {} samples {words} (limit {})",
        tiny.steps,
        tiny.samples,
        percent(threshold)
    ));
    Some(match tiny.learned_at {
        Some(rate) => optimizer_at_fault(case, tiny, observation, f64::from(rate)),
        None => observation
            .cause("labels, loss, last layer or learning rate do not fit; see the other findings")
            .remedy(Remedy::CheckLabels)
            .remedy(case.scale_learning_rate(0.1)),
    })
}

/// Reports the optimizer or its learning rate, since the network can learn the samples. A loss that has hardly changed
/// needs a larger rate, any other a smaller one.
fn optimizer_at_fault(case: &Case, tiny: &TinyBatch, observation: Observation, rate: f64) -> Observation {
    let optimizer = case.model.optimizer.as_deref().unwrap_or("the optimizer");
    let configured =
        case.model.learning_rate.map(|rate| format!(" of {}", number(f64::from(rate)))).unwrap_or_default();
    let ratio = tiny.last_loss / tiny.first_loss;
    let (direction, factor) = if ratio > 0.1 && ratio < 1.05 { ("low", 10.0) } else { ("high", 0.1) };
    observation
        .cause(format!(
            "the network can learn them, as adam did with a learning rate of {}: the learning rate{configured} of \
             {optimizer} is probably too {direction}",
            number(rate)
        ))
        .remedy(case.scale_learning_rate(factor))
}

fn wrong_gradient(case: &Case, check: &GradientCheck) -> Option<Observation> {
    let error = f64::from(check.largest_relative_error);
    if error <= GRADIENT_ERROR {
        return None;
    }
    let place = check.layer.map(|layer| format!(" in {}", case.model.name(layer))).unwrap_or_default();
    Some(
        Observation::new(&WRONG_GRADIENT, Level::Error, check.layer, error, GRADIENT_ERROR)
            .always()
            .message(format!(
                "the gradient{place} is off by {} (limit {}) against the slope of the loss for small changes of a weight",
                percent(error),
                percent(GRADIENT_ERROR)
            ))
            .cause("the backward pass of that layer is not the derivative of its forward pass"),
    )
}

fn mixed_samples(difference: f64) -> Observation {
    Observation::new(&MIXED, Level::Error, None, difference, MIXING)
        .always()
        .message(format!(
            "the output of a sample changes by {} (limit {}) with the other samples in the batch",
            number(difference),
            number(MIXING)
        ))
        .cause("an operation mixes the samples of a batch: a wrong axis, or batch statistics in inference")
}
