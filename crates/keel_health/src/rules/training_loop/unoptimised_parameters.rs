//! # What it measures
//! Parameters that have a gradient and whose update is exactly 0 at every step of a window, and has been since the run
//! began: a parameter that changed before has come to rest. Only a gradient that would have changed them counts:
//! learning rate times its norm above a millionth of the norm of the values. Steps recorded
//! as `"updated": false` only accumulate a gradient and do not count. An error if no parameter changes, or if every
//! step since the beginning is recorded as ending without an update; a warning if only some layers do not change.
//! Only noted: biases, scales or shifts alone; layers that all come before every layer that changes while the
//! loss is below 0.8 of that of guessing; and all of it if the network learns its task nevertheless. Windows at a
//! learning rate of 0 and layers marked as frozen are not checked. K016 covers parameters without a gradient.
//!
//! # Why it matters
//! The backward pass computes their gradient and nothing uses it: the optimizer was created without them, or for an
//! earlier version of the layer. The network then learns around random weights.
//!
//! # What to try
//! Give all parameters to the optimizer, and create it after the last change of the network. Freeze those that are
//! meant to stay fixed, which saves their part of the backward pass.
//!
//! # When it is fine
//! Fine-tuning that trains the last layers of a network which was trained before. Mark the others as frozen
//! (`requires_grad_(False)` in PyTorch), which suppresses this rule.
//!
//! # Source
//! Ours; the documentation of PyTorch on `torch.optim.Optimizer`: only the parameters that it is given are updated.

use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::ParameterWindow;
use crate::measurement::{LayerStatistic, ParameterRole};
use crate::remedy::{ProgramEdit, Remedy};
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, Low};
use crate::rules::{loss_trend, update_ratio};

/// Code of the rule.
pub const CODE: &str = "K029";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "unoptimised-parameters",
    chinese_name: "参数未交给优化器",
    summary: "parameters with a gradient that no update moves",
    chinese_summary: "有些参数有梯度，却从不更新",
    kinds: &[NOT_GIVEN, NOTHING_MOVES, NO_STEP],
    source: include_str!("unoptimised_parameters.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Loop,
        explains: &[Explanation { consequences: &[Low(update_ratio::CODE), Code(loss_trend::CODE)], lies: Anywhere }],
    }],
    layer_statistics: &[LayerStatistic::UpdateRatio(ParameterRole::Weight)],
    calibrations: &[],
};

/// The optimizer does not have the parameters.
const NOT_GIVEN: FindingKind = FindingKind {
    key: "not-given",
    statistic: "layers with a gradient and no update",
    chinese_statistic: "有梯度而没有更新的层数",
    chinese_message: "有的参数收到了梯度，却从不更新",
    chinese_cause: "这些参数没有交给优化器",
};

/// No parameter is updated.
const NOTHING_MOVES: FindingKind = FindingKind {
    key: "nothing-moves",
    statistic: "layers with a gradient and no update",
    chinese_statistic: "有梯度而没有更新的层数",
    chinese_message: "参数收到了梯度，却没有一个得到更新",
    chinese_cause: "没有执行更新：优化器中是另外的参数，或者从未调用优化器的 step",
};

/// Every step ends without an update.
const NO_STEP: FindingKind = FindingKind {
    key: "no-step",
    statistic: "steps without an update",
    chinese_statistic: "没有更新的步数",
    chinese_message: "所有训练步结束时都没有更新",
    chinese_cause: "从未调用优化器的 step",
};

/// Learning rate times gradient norm relative to the norm of the values above which an update must be visible: several
/// times the spacing of f32 numbers.
pub const VISIBLE: f64 = 1e-6;
/// Loss relative to that of guessing below which early layers may be left out on purpose.
pub const LOSS_FELL: f64 = 0.8;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Window => judge(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Layers of a window, grouped by the behaviour of their parameters.
#[derive(Default)]
struct Layers {
    /// Layers whose weights, or all of whose parameters, are not updated.
    still: Vec<usize>,
    /// Layers of which only smaller parameters are not updated.
    partly: Vec<usize>,
    /// Layers with a parameter that changes.
    moving: Vec<usize>,
}

fn judge(case: &Case) -> Option<Observation> {
    let rate = learning_rate(case).filter(|&rate| rate > 0.0)?;
    let layers = sort(case, rate);
    let (level, named) = match (layers.still.last(), layers.moving.first()) {
        (None, _) => (Level::Info, &layers.partly),
        (_, None) if moved_before(case) => return None,
        (_, None) => (Level::Error, &layers.still),
        (Some(last), Some(first)) if last < first && case.loss_fell_below(LOSS_FELL) => (Level::Info, &layers.still),
        _ => (Level::Warn, &layers.still),
    };
    let Some(&first) = named.first() else { return never_updated(case) };
    let (role, gradient) = left_out(case, first, rate)?;
    let message = format!(
        "the {} of {}{} got a gradient (norm {}) and an update of exactly 0 in every step",
        role.name(),
        case.model.name(first),
        further(named.len() - 1),
        number(gradient)
    );
    let kind = if layers.moving.is_empty() { &NOTHING_MOVES } else { &NOT_GIVEN };
    let observation = Observation::new(kind, level, Some(first), named.len() as f64, 0.0).message(message);
    Some(explain(observation, &case.model.name(first)))
}

/// Reports that every step so far was recorded as ending without an update.
fn never_updated(case: &Case) -> Option<Observation> {
    let mut windows = case.history.windows();
    if !windows.all(|window| window.training_loop().accumulating_steps == window.steps) {
        return None;
    }
    let steps = case.window()?.steps as f64;
    Some(
        Observation::new(&NO_STEP, Level::Error, None, steps, 0.0)
            .message(match steps {
                1.0 => "the only step ended without an update".to_string(),
                _ => format!("{} steps in a row ended without an update", number(steps)),
            })
            .cause("the step of the optimizer is never called")
            .remedy(Remedy::edit(ProgramEdit::UpdateEveryPass)),
    )
}

/// Describes the layers after the first one.
fn further(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " and of one more layer".to_string(),
        others => format!(" and of {others} more layers"),
    }
}

fn explain(observation: Observation, layer: &str) -> Observation {
    let all = Remedy::edit(ProgramEdit::CreateOptimizerLast);
    if *observation.kind == NOTHING_MOVES {
        return observation
            .cause("no update is applied: the optimizer has other parameters, or its step is never called")
            .remedy(all)
            .remedy(Remedy::edit(ProgramEdit::UpdateEveryPass));
    }
    let freeze = Remedy::edit(ProgramEdit::Freeze { layer: layer.to_string() });
    observation.cause("the optimizer was not given these parameters").remedy(all).remedy(freeze)
}

/// Returns true if some parameter changed in an earlier window: updates are applied, though rarely.
fn moved_before(case: &Case) -> bool {
    let layers = 0..case.model.layers.len();
    case.history.windows().any(|window| {
        layers.clone().filter_map(|layer| window.layer(layer)).any(|layer| layer.parameters.iter().any(moves))
    })
}

fn moves(parameter: &ParameterWindow) -> bool {
    parameter.update_steps > 0 && !parameter.is_still()
}

/// Returns the mean learning rate of the window, or the configured one.
fn learning_rate(case: &Case) -> Option<f64> {
    case.window()?.learning_rate().or(case.model.learning_rate.map(f64::from))
}

fn sort(case: &Case, rate: f64) -> Layers {
    let mut layers = Layers::default();
    for index in 0..case.model.layers.len() {
        let Some(window) = case.layer_window(index) else { continue };
        let moving = window.parameters.iter().any(moves);
        if moving {
            layers.moving.push(index);
        }
        if case.model.layers[index].frozen {
            continue;
        }
        match left_out(case, index, rate) {
            Some((ParameterRole::Weight, _)) => layers.still.push(index),
            Some(_) if moving => layers.partly.push(index),
            Some(_) => layers.still.push(index),
            None => {}
        }
    }
    layers
}

/// Returns role and gradient norm of the first parameter of layer `index` that is not updated, weights first.
fn left_out(case: &Case, index: usize, rate: f64) -> Option<(ParameterRole, f64)> {
    let window = case.layer_window(index)?;
    let found = window.parameters.iter().filter(|parameter| is_left_out(parameter, rate));
    let found = found.min_by_key(|parameter| parameter.role != ParameterRole::Weight)?;
    Some((found.role, found.gradient_norm()?))
}

fn is_left_out(parameter: &ParameterWindow, rate: f64) -> bool {
    let expected = rate * parameter.gradient_norm().unwrap_or(0.0);
    let visible = (VISIBLE * parameter.weight_norm.unwrap_or(f64::INFINITY)).max(f64::from(f32::MIN_POSITIVE));
    parameter.is_still() && !parameter.moved_before && expected > visible
}
