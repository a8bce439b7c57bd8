//! # What it measures
//! norm(update) / norm(weight) of every weight matrix, the median over a window. Healthy is about 1e-3. Losses are compared
//! with that of guessing.
//!
//! - Too large, while the loss is not below 95 %: above 2e-2 a warning, which is never raised, above 1e-1 an error. A single
//!   step that changed a hidden layer by more than 1e-1 is an error too: units may have died of it at once. Neither is
//!   reported in the first 20 steps unless the loss rises, nor while the loss falls in each of five windows in a row, as
//!   it does in gradient descent over the whole data, which has no noise.
//! - At the end, if the task is not learned: a single step larger than the weights of a hidden layer that left them four
//!   times as large as any initialiser makes them, a warning: nothing is left of the initial weights.
//! - Too small, while the loss is above 50 %: below 3e-4 a warning, or below 7e-4 while the loss is above 80 %. These limits
//!   fall with the learning rate of a schedule; windows at less than 30 % of its peak are not checked, nor a loss that has
//!   come to rest: it fell by less in the last five windows than by a hundredth of its fall before.
//! - At the end: below 2e-3 a warning if the losses fell in a straight line to the last epoch with more than 50 % left; below
//!   7e-4 an error if less than 10 % of the way from guessing to perfect was learned.
//!
//! Norms, biases and weights followed by normalisation are never too large: their scale has no effect. All of it is a
//! note if the network learns its task nevertheless.
//!
//! # Why it matters
//! It is the most direct view on the learning rate: a step that changes the weights by a tenth destroys what was
//! learned; one that changes them by a hundred-thousandth gets nowhere.
//!
//! # What to try
//! Multiply the learning rate by the factor given, which brings the median to 1e-3.
//!
//! # When it is fine
//! In the first steps of training and for weights that start near zero a larger ratio is normal, and no harm is done as
//! long as the loss falls. If gradients are clipped to much less than their size, the clipping is named as the cause of
//! small updates.
//!
//! # Source
//! CS231n course notes, neural-networks-3: ratio of weights to updates, around 1e-3. The limits of the warning are ours,
//! the lower ones between the healthy training runs of the fault suite and those at a hundredth of their learning rate.

use super::stopped_early::Descent;
use super::{
    batch_norm, dead_relu, exploding_gradient, frozen, loss_trend, non_finite, saturation, stopped_early, zigzag,
};
use crate::calibration::{Bad, Calibration, largest};
use crate::case::{Case, Moment, Observation, number};
use crate::finding::{Finding, Level};
use crate::finding_kind::FindingKind;
use crate::history::Window;
use crate::measurement::{LayerStatistic, ModelDescription, ParameterRole};
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High, Low};

/// Code of the rule.
pub const CODE: &str = "K013";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "update-ratio",
    chinese_name: "更新幅度不当",
    summary: "updates too large or too small for the weights they change",
    chinese_summary: "更新的幅度对权重来说过大或过小",
    kinds: &[HIGH, FIRST_SHOCK, REPLACING, LOW, SLOW, UNMOVED, CLIPPED],
    source: include_str!("update_ratio.rs"),
    examine,
    roles: &[
        Role {
            symptom: High(CODE),
            stage: Stage::LargeSteps,
            explains: &[
                // Steps that are too large: units die or saturate, gradients explode, NaN.
                Explanation {
                    consequences: &[
                        Code(exploding_gradient::CODE),
                        Code(saturation::CODE),
                        Code(dead_relu::CODE),
                        Code(zigzag::CODE),
                        Code(batch_norm::CODE),
                        Code(frozen::CODE),
                        Code(loss_trend::CODE),
                        Code(stopped_early::CODE),
                        Code(non_finite::CODE),
                    ],
                    lies: Anywhere,
                },
            ],
        },
        Role {
            symptom: Low(CODE),
            stage: Stage::SmallSteps,
            explains: &[Explanation {
                consequences: &[Code(loss_trend::CODE), Code(stopped_early::CODE)],
                lies: Anywhere,
            }],
        },
    ],
    layer_statistics: &[LayerStatistic::UpdateRatio(ParameterRole::Weight)],
    calibrations: &[
        Calibration {
            name: "largest update ratio, first window",
            threshold: WARN_HIGH,
            bad: Bad::Above,
            measure: |model, history| largest_ratio(model, history.windows().next()?),
        },
        Calibration {
            name: "largest update ratio, last window",
            threshold: WARN_LOW,
            bad: Bad::Below,
            measure: |model, history| largest_ratio(model, history.latest()?),
        },
    ],
};

/// Every step is too large.
const HIGH: FindingKind = FindingKind {
    key: "too-high",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "每一步对该层权重的改动过大",
    chinese_cause: "学习率过高",
};

/// One step was too large.
const FIRST_SHOCK: FindingKind = FindingKind {
    key: "shock",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "某一步对该层权重的改动过大，此后损失没有下降",
    chinese_cause: "对最初的几步来说，学习率过高",
};

/// One step was larger than the weights.
const REPLACING: FindingKind = FindingKind {
    key: "replaced",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "某一步对该层权重的改动大于权重本身，初始值已荡然无存",
    chinese_cause: "对最初的几步来说，学习率过高",
};

/// Every step is too small.
const LOW: FindingKind = FindingKind {
    key: "too-low",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "每一步对权重的改动过小",
    chinese_cause: "学习率过低，或者几乎没有梯度传到权重",
};

/// The loss falls in a straight line to the end.
const SLOW: FindingKind = FindingKind {
    key: "too-slow",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "每一步对权重的改动过小，直到训练结束，损失仍沿直线下降",
    chinese_cause: "对这样长度的训练来说，学习率过低",
};

/// Nothing is learned by weights that hardly change.
const UNMOVED: FindingKind = FindingKind {
    key: "hardly-moved",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "每一步对权重的改动过小，几乎什么也没有学到",
    chinese_cause: "学习率过低，或者几乎没有梯度传到权重",
};

/// The gradient is clipped to a small part of its size.
const CLIPPED: FindingKind = FindingKind {
    key: "clipped",
    statistic: "norm(update) / norm(weight)",
    chinese_statistic: "更新与权重的范数之比",
    chinese_message: "每一步对权重的改动过小：梯度被裁剪到远小于其本来的范数",
    chinese_cause: "梯度裁剪的上限过低",
};

/// Ratio at a healthy learning rate.
pub const HEALTHY: f64 = 1e-3;
/// Lower limit for a warning.
pub const WARN_LOW: f64 = 3e-4;
/// Lower limit for a warning while there is hardly any progress.
pub const WARN_SLOW: f64 = 7e-4;
/// Upper limit for a warning in a training run whose loss falls in a straight line to its end.
pub const WARN_STRAIGHT: f64 = 2e-3;
/// Fall of the loss in the last third of the epochs relative to the fall before, above which the line counts as straight.
pub const STRAIGHT: f64 = 0.7;
/// Upper limit for a warning.
pub const WARN_HIGH: f64 = 2e-2;
/// Upper limit for an error.
pub const ERROR_HIGH: f64 = 1e-1;
/// Upper limit for a single step of a run whose loss never fell; our own choice.
pub const SHOCK: f64 = ERROR_HIGH;
/// Number of steps in which a large ratio is normal, unless the loss rises; our own choice.
pub const FIRST_STEPS: u64 = 20;
/// Number of windows in a row in which the loss must fall for a large ratio to do no harm; our own choice.
pub const FALLING_WINDOWS: usize = 5;
/// Fall of the loss over those windows relative to that before, below which it has come to rest; our own choice.
pub const REST: f64 = 1e-2;
/// Ratio of a single step after which nothing is left of the weights before it.
pub const REPLACED: f64 = 1.0;
/// Norm of the weights relative to that of `kaiming_normal` above which a step has blown them up; our own choice.
pub const BLOWN_UP: f64 = 4.0;
/// Loss relative to that of guessing below which a large ratio does no harm.
pub const LOSS_FELL: f64 = 0.95;
/// Loss relative to that of guessing below which a small ratio means that training is finished.
pub const LOSS_DONE: f64 = 0.5;
/// Loss relative to that of guessing above which there is hardly any progress.
pub const LOSS_SLOW: f64 = 0.8;
/// Fraction of the task below which nothing was learned; our own choice.
const NOTHING: f64 = 0.1;
const TOO_LOW: &str = "the learning rate is too low, or hardly any gradient reaches the weights";
/// Limit of the gradient norm relative to the norm below which clipping explains small updates; our own choice.
pub const MOST_CLIPPED: f64 = 0.1;
/// Usual limit of the gradient norm.
const USUAL_CLIP: f64 = 1.0;
/// Factor on the number of epochs if no higher rate helps.
const LONGER: f64 = 3.0;
/// Learning rate relative to its peak above which a small ratio is checked.
pub const SCHEDULE_SHARE: f64 = 0.3;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Window | Moment::Collapse => judge(case),
        Moment::End => too_slow(case).or_else(|| hardly_moved(case)).or_else(|| replaced(case)).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(case: &Case) -> Vec<Observation> {
    let ratios = ratios(case);
    too_high(case, &ratios).or_else(|| shock(case)).or_else(|| too_low(case, &ratios)).into_iter().collect()
}

/// Reports one observation for the network, about the layer with the largest ratio.
fn too_high(case: &Case, ratios: &[(usize, f64)]) -> Option<Observation> {
    let collapsed = case.moment == Moment::Collapse;
    if !collapsed && does_no_harm(case) {
        return None;
    }
    let judged = ratios.iter().filter(|(index, _)| case.model.norm_after(*index).is_none());
    let &(layer, ratio) = judged.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, ratio)| !(*ratio <= WARN_HIGH))?;
    if collapsed && !(ratio > ERROR_HIGH) {
        return None;
    }
    let (level, threshold) = if ratio > ERROR_HIGH { (Level::Error, ERROR_HIGH) } else { (Level::Warn, WARN_HIGH) };
    let message = format!(
        "a step changes the weights of {} by {} of their size (limit {})",
        case.model.name(layer),
        part(ratio),
        part(threshold)
    );
    let observation = Observation::new(&HIGH, level, Some(layer), ratio, threshold);
    // A gradient that is lost in noise causes steps of this size, too.
    let observation = if level == Level::Warn { observation.as_warning() } else { observation };
    Some(
        observation
            .message(message)
            .cause("the learning rate is too high")
            .remedy(case.scale_learning_rate(factor(ratio)))
            .remedy(Remedy::AddBatchNorm),
    )
}

/// Returns true for a finding of [`too_high`] below an error: a gradient that is lost in noise causes steps of this size, too.
pub(crate) fn may_be_symptom(finding: &Finding) -> bool {
    finding.code == CODE && finding.kind == HIGH.key && finding.level < Level::Error
}

/// Reports a step that changed a hidden layer by more than [`SHOCK`], in a run whose loss has not fallen since. The
/// last layer is not checked, since it may start small.
fn shock(case: &Case) -> Option<Observation> {
    if case.moment == Moment::Collapse || does_no_harm(case) {
        return None;
    }
    let largest = largest_steps(case).into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (layer, ratio) = largest.filter(|(_, ratio)| !(*ratio <= SHOCK))?;
    let message = format!(
        "one step changed the weights of {} by {} of their size (limit {}), and the loss has not fallen since",
        case.model.name(layer),
        part(ratio),
        part(SHOCK)
    );
    Some(
        Observation::new(&FIRST_SHOCK, Level::Error, Some(layer), ratio, SHOCK)
            .message(message)
            .cause("the learning rate is too high for the first steps")
            .remedy(case.scale_learning_rate(0.1))
            .remedy(Remedy::AddBatchNorm),
    )
}

/// Returns true if training works despite large updates, or has only begun.
fn does_no_harm(case: &Case) -> bool {
    case.loss_fell_below(LOSS_FELL) || begins(case) || falls_steadily(case)
}

/// Returns true in the first steps of a run whose loss has not risen. A window may be a single step if the batch is as
/// large as the data.
fn begins(case: &Case) -> bool {
    let (Some(window), Some(first)) = (case.history.latest(), first_loss(case)) else { return false };
    case.history.steps() < FIRST_STEPS && window.loss() <= first
}

/// Returns true if the loss fell from window to window and is below that before the first update.
fn falls_steadily(case: &Case) -> bool {
    let Some(windows) = case.history.last(FALLING_WINDOWS + 1) else { return false };
    let losses: Vec<f64> = windows.map(Window::loss).collect();
    let falls = losses.windows(2).all(|pair| pair[1] < pair[0]);
    falls && first_loss(case).is_some_and(|first| losses[FALLING_WINDOWS] < first)
}

/// Returns true if the loss has come to rest: what it fell by over the last windows is nothing to what it fell by before.
fn rests(case: &Case) -> bool {
    let (Some(windows), Some(first)) = (case.history.last(FALLING_WINDOWS + 1), first_loss(case)) else { return false };
    let losses: Vec<f64> = windows.map(Window::loss).collect();
    let last = losses[FALLING_WINDOWS];
    (losses[0] - last).abs() < REST * (first - last)
}

/// Returns the loss before the first update, or that of the first steps.
fn first_loss(case: &Case) -> Option<f64> {
    case.start.and_then(|start| start.loss).map(f64::from).or(case.history.first_loss())
}

/// Returns the largest single step of every hidden layer, relative to its weights, over the windows kept.
fn largest_steps(case: &Case) -> Vec<(usize, f64)> {
    let output = case.model.output_layer();
    let hidden = case.model.weight_layers().filter(|&index| Some(index) != output);
    let judged = hidden.filter(|&index| case.model.norm_after(index).is_none() && !case.model.layers[index].frozen);
    let largest = |index: usize| {
        let ratios = case.history.windows().filter_map(|window| window.layer(index)?.weight()?.largest_update_ratio());
        ratios.max_by(f64::total_cmp)
    };
    judged.filter_map(|index| Some((index, largest(index)?))).collect()
}

/// Reports a step that replaced the weights of a hidden layer by far larger ones, in a run that has not learned its task.
fn replaced(case: &Case) -> Option<Observation> {
    // A loss that did not fall at all is reported as a shock.
    if case.outcome()?.has_learned() || !case.loss_fell_below(LOSS_FELL) {
        return None;
    }
    let usual = |index: usize| Some((2.0 * case.model.layers[index].units? as f64).sqrt());
    let norm = |index: usize| case.layer_window(index)?.weight()?.weight_norm;
    let is_blown_up = |index: usize| norm(index).zip(usual(index)).is_some_and(|(norm, usual)| norm > BLOWN_UP * usual);
    let steps = largest_steps(case).into_iter().filter(|&(index, ratio)| ratio > REPLACED && is_blown_up(index));
    let (layer, ratio) = steps.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let message = format!(
        "one step changed the weights of {} by {} of their size (limit {}), so that nothing is left of their initial values",
        case.model.name(layer),
        part(ratio),
        part(REPLACED)
    );
    Some(
        Observation::new(&REPLACING, Level::Warn, Some(layer), ratio, REPLACED)
            .message(message)
            .cause("the learning rate is too high for the first steps")
            .remedy(case.scale_learning_rate(0.1))
            .remedy(Remedy::AddBatchNorm),
    )
}

/// Reports one observation for the network if even the layer with the largest ratio hardly changes.
fn too_low(case: &Case, ratios: &[(usize, f64)]) -> Option<Observation> {
    let schedule = case.learning_rate_share();
    let done = case.loss_fell_below(LOSS_DONE) || rests(case);
    if case.moment == Moment::Collapse || done || schedule < SCHEDULE_SHARE {
        return None;
    }
    let limit = schedule * if case.loss_fell_below(LOSS_SLOW) { WARN_LOW } else { WARN_SLOW };
    let &(layer, ratio) = ratios.iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, ratio)| *ratio < limit)?;
    let idle = ratios.iter().all(|(_, ratio)| *ratio == 0.0);
    if idle {
        return None;
    }
    let message = format!(
        "a step changes the weights of {} by only {} of their size (limit: at least {})",
        case.model.name(layer),
        part(ratio),
        part(limit)
    );
    Some(small(case, Observation::new(&LOW, Level::Warn, Some(layer), ratio, limit).message(message)))
}

/// Reports a training run that ends on a straight descent with more than half of the loss of guessing left: the losses
/// fall as fast in the last third of the epochs as before, and the weights change by little more than a healthy amount.
fn too_slow(case: &Case) -> Option<Observation> {
    let descent = Descent::of(case).filter(|descent| descent.fall > stopped_early::FALL && descent.last > LOSS_DONE)?;
    let &(layer, ratio) =
        ratios(case).iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, ratio)| *ratio < WARN_STRAIGHT)?;
    if descent.fall < STRAIGHT * (descent.first - descent.middle) {
        return None;
    }
    let message = format!(
        "a step changes the weights of {} by only {} of their size (limit: at least {}), and the loss falls in a straight line to \
         the end",
        case.model.name(layer),
        part(ratio),
        part(WARN_STRAIGHT)
    );
    Some(
        Observation::new(&SLOW, Level::Warn, Some(layer), ratio, WARN_STRAIGHT)
            .message(message)
            .cause("the learning rate is too low for a training run of this length")
            .remedy(case.scale_learning_rate(10.0))
            .remedy(case.longer(LONGER)),
    )
}

/// Reports a training run that ends with nothing learned and weights that hardly changed.
fn hardly_moved(case: &Case) -> Option<Observation> {
    let learned = case.outcome()?.training;
    let &(layer, ratio) =
        ratios(case).iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, ratio)| *ratio < WARN_SLOW)?;
    if !(learned < NOTHING) || case.learning_rate_share() < SCHEDULE_SHARE || ratio == 0.0 {
        return None;
    }
    let message = format!(
        "a step changes the weights of {} by only {} of their size (limit: at least {}), and almost nothing is learned",
        case.model.name(layer),
        part(ratio),
        part(WARN_SLOW)
    );
    Some(small(case, Observation::new(&UNMOVED, Level::Error, Some(layer), ratio, WARN_SLOW).message(message)))
}

/// Adds cause and remedies of updates that are too small: the clipping of the gradient if it takes away most of it.
fn small(case: &Case, observation: Observation) -> Observation {
    let (norm, clip) = (case.window().and_then(Window::gradient_norm), case.model.clip_norm.map(f64::from));
    if let Some((norm, clip)) = norm.zip(clip).filter(|(norm, clip)| *clip < MOST_CLIPPED * norm) {
        let cause = format!(
            "the gradient is clipped to a norm of {}, {} of its size of {}",
            number(clip),
            part(clip / norm),
            number(norm)
        );
        let observation = Observation { kind: &CLIPPED, ..observation };
        return observation.cause(cause).remedy(Remedy::ClipNorm { value: USUAL_CLIP.max(clip) });
    }
    let factor = factor(observation.measured);
    observation.cause(TOO_LOW).remedy(case.scale_learning_rate(factor)).remedy(case.longer(LONGER))
}

/// Formats a ratio in percent, however small it is.
fn part(ratio: f64) -> String {
    format!("{} %", number(100.0 * ratio))
}

/// Returns the update ratios of the weight layers in the window to evaluate.
fn ratios(case: &Case) -> Vec<(usize, f64)> {
    let learning = case.model.weight_layers().filter(|&index| !case.model.layers[index].frozen);
    learning.filter_map(|index| Some((index, case.layer_window(index)?.weight()?.update_ratio()?))).collect()
}

/// Returns the factor that brings the ratio to 1e-3, at most a thousand in either direction.
fn factor(ratio: f64) -> f64 {
    let factor = (HEALTHY / ratio).clamp(1e-3, 1e3);
    if factor.is_finite() { factor } else { 0.1 }
}

/// Returns the largest update ratio of a weight matrix in `window`.
fn largest_ratio(model: &ModelDescription, window: &Window) -> Option<f64> {
    largest(model.weight_layers().filter_map(|layer| window.layer(layer)?.weight()?.update_ratio()))
}
