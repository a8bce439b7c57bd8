//! # What it measures
//! The mode of a network with dropout or batch normalisation, as the framework reports it (`training_mode`): more than
//! half of the training steps of a window in evaluation mode, or an epoch evaluated in training mode. If no mode is
//! recorded, the behaviour of the layers: dropout that set less than half of its share of values to zero, running
//! statistics of batch normalisation that are the same to the last bit an epoch of training later. Each is a warning,
//! regardless of the outcome of training.
//!
//! # Why it matters
//! In evaluation mode dropout does nothing and batch normalisation uses statistics that no longer follow the weights, so
//! the network trains without both. In training mode validation results depend on the batch and on chance, and the
//! validation samples enter the running statistics.
//!
//! # What to try
//! Switch to training mode at the beginning of every epoch and to evaluation mode before every evaluation: `model.train()`
//! and `model.eval()` in PyTorch.
//!
//! # When it is fine
//! Fine-tuning with fixed statistics: mark the batch normalisation as frozen, which suppresses this rule. Evaluation
//! with dropout on purpose, to estimate uncertainty. A copy with averaged weights is evaluated separately and has its
//! own mode.
//!
//! # Source
//! Humbatova et al., "Taxonomy of Real Faults in Deep Learning Systems" (2020); the documentation of PyTorch on
//! `Module.train` and `Module.eval`. The shares are ours.

use crate::case::{Case, Moment, Observation, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::measurement::{EpochMeasurement, LayerDescription, LayerKind, NormStatistics};
use crate::remedy::{ProgramEdit, Remedy};
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::Code;
use crate::rules::{batch_norm, labels, loss_trend, overfitting};

/// Code of the rule.
pub const CODE: &str = "K030";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "wrong-mode",
    chinese_name: "训练与评估模式有误",
    summary: "training in evaluation mode, or evaluation in training mode",
    chinese_summary: "在评估模式下训练，或在训练模式下评估",
    kinds: &[EVALUATION_STEPS, IDLE_DROPOUT, TRAINING_EVALUATION, FIXED_STATISTICS],
    source: include_str!("wrong_mode.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Loop,
        explains: &[Explanation {
            consequences: &[
                Code(batch_norm::CODE),
                Code(labels::CODE),
                Code(overfitting::CODE),
                Code(loss_trend::CODE),
            ],
            lies: Anywhere,
        }],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Steps run in evaluation mode.
const EVALUATION_STEPS: FindingKind = FindingKind {
    key: "evaluation-steps",
    statistic: "share of steps in evaluation mode",
    chinese_statistic: "处于评估模式的步所占比例",
    chinese_message: "有些训练步是在评估模式下进行的",
    chinese_cause: "评估之后没有切换回训练模式，或者从未切换到训练模式",
};

/// Dropout drops nothing.
const IDLE_DROPOUT: FindingKind = FindingKind {
    key: "idle-dropout",
    statistic: "share of zeros",
    chinese_statistic: "零值的比例",
    chinese_message: "训练中，dropout 几乎没有丢弃任何值",
    chinese_cause: "评估之后没有切换回训练模式，或者从未切换到训练模式",
};

/// An evaluation runs in training mode.
const TRAINING_EVALUATION: FindingKind = FindingKind {
    key: "training-evaluation",
    statistic: "evaluations in training mode",
    chinese_statistic: "在训练模式下进行的评估次数",
    chinese_message: "评估是在训练模式下进行的，结果会随批次变化",
    chinese_cause: "评估之前没有切换到评估模式",
};

/// Running statistics do not change.
const FIXED_STATISTICS: FindingKind = FindingKind {
    key: "fixed-statistics",
    statistic: "change of the running statistics",
    chinese_statistic: "滑动平均统计量的变化",
    chinese_message: "训练中，批量归一化的滑动平均统计量没有变化",
    chinese_cause: "评估之后没有切换回训练模式，或者从未切换到训练模式",
};

/// Share of the steps of a window.
pub const SHARE: f64 = 0.5;
/// Share of zeros after dropout, relative to its probability.
pub const DROPPED: f64 = 0.5;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let found = match case.moment {
        Moment::Window => evaluation_steps(case).or_else(|| idle_dropout(case)),
        Moment::Epoch => training_evaluation(case).or_else(|| fixed_statistics(case)),
        _ => None,
    };
    found.into_iter().collect()
}

/// Returns the first layer that behaves differently in training and evaluation.
fn first_with_modes(case: &Case) -> Option<usize> {
    case.model.layers.iter().position(|layer| match layer.kind {
        LayerKind::BatchNorm => !layer.frozen,
        LayerKind::Dropout => layer.probability.is_none_or(|probability| probability > 0.0),
        _ => false,
    })
}

fn evaluation_steps(case: &Case) -> Option<Observation> {
    let layer = first_with_modes(case)?;
    let training = case.window()?.training_loop();
    let share = training.evaluation_steps as f64 / training.mode_steps as f64;
    if !(share > SHARE) {
        return None;
    }
    let message = format!(
        "{} of {} training steps ran in evaluation mode (limit {}), in which {} does not train",
        training.evaluation_steps,
        training.mode_steps,
        percent(SHARE),
        case.model.name(layer)
    );
    Some(in_evaluation_mode(
        Observation::new(&EVALUATION_STEPS, Level::Warn, None, share, SHARE).always().message(message),
    ))
}

fn idle_dropout(case: &Case) -> Option<Observation> {
    let idle = |index: usize, layer: &LayerDescription| {
        let limit = DROPPED * f64::from(layer.probability.filter(|_| layer.kind == LayerKind::Dropout)?);
        let zeros = case.layer_window(index)?.output.zero_fraction()?;
        (zeros < limit).then_some((index, zeros, limit))
    };
    let (index, zeros, limit) = case.model.layers.iter().enumerate().find_map(|(index, layer)| idle(index, layer))?;
    let message = format!(
        "{} set {} of its values to zero in training steps (limit: at least {}, half of its setting)",
        case.model.name(index),
        percent(zeros),
        percent(limit)
    );
    let observation = Observation::new(&IDLE_DROPOUT, Level::Warn, Some(index), zeros, limit).always();
    Some(in_evaluation_mode(observation.message(message)))
}

fn training_evaluation(case: &Case) -> Option<Observation> {
    let layer = first_with_modes(case)?;
    let epoch = case.epochs.last()?;
    let judged = [epoch.train_loss, epoch.validation_loss, epoch.train_accuracy, epoch.validation_accuracy];
    if epoch.training_mode != Some(true) || judged.iter().all(Option::is_none) {
        return None;
    }
    let message = format!(
        "epoch {} was evaluated in training mode, in which {} makes the results depend on the batch",
        epoch.epoch,
        case.model.name(layer)
    );
    Some(
        Observation::new(&TRAINING_EVALUATION, Level::Warn, None, 1.0, 0.0)
            .always()
            .message(message)
            .cause("the evaluation does not switch the network to evaluation mode")
            .remedy(Remedy::edit(ProgramEdit::SwitchToEvaluation))
            .at_once(),
    )
}

/// Reports running statistics that an epoch of training did not change, if no step records its mode.
fn fixed_statistics(case: &Case) -> Option<Observation> {
    let [.., before, now] = case.epochs else { return None };
    let recorded = case.history.current().training_loop().mode_steps > 0
        || case.history.latest().is_some_and(|window| window.training_loop().mode_steps > 0);
    if recorded || now.step <= before.step {
        return None;
    }
    let fixed = now.norms.iter().find(|norm| is_fixed(case, before, norm))?;
    let message = format!(
        "the running statistics of {} did not change over {}",
        case.model.name(fixed.layer),
        match now.step - before.step {
            1 => "a training step".to_string(),
            steps => format!("{steps} training steps"),
        }
    );
    let observation = Observation::new(&FIXED_STATISTICS, Level::Warn, Some(fixed.layer), 0.0, 0.0)
        .always()
        .message(message)
        .at_once();
    Some(in_evaluation_mode(observation))
}

fn is_fixed(case: &Case, before: &EpochMeasurement, norm: &NormStatistics) -> bool {
    let Some(old) = before.norms.iter().find(|old| old.layer == norm.layer) else { return false };
    let on_purpose = norm.momentum == Some(0.0) || case.model.layers.get(norm.layer).is_none_or(|layer| layer.frozen);
    let same = old.running_mean == norm.running_mean && old.running_variance == norm.running_variance;
    !on_purpose && !norm.running_mean.is_empty() && same && old.updates == norm.updates
}

fn in_evaluation_mode(observation: Observation) -> Observation {
    observation
        .cause("an evaluation left the network in evaluation mode, or training mode was never switched on")
        .remedy(Remedy::edit(ProgramEdit::SwitchToTraining))
}
