//! # What it measures
//! The norm of the gradient buffers right before the first backward pass of an update (`gradient_before_norm`), over
//! the parameters that the optimizer updates. A loop that clears its gradients has exactly 0 there. Reported if more
//! than half of the updates of a window begin with a non-zero norm: an error, or a warning while the loss is below half
//! of that of guessing, and a note if the network learns its task nevertheless. Steps that only accumulate a gradient
//! for a later update are not checked; the first step after an update is.
//!
//! # Why it matters
//! Frameworks add a new gradient to the contents of the buffers. Without clearing, every update follows the sum of all
//! gradients since the run began: the steps grow, and most of each is out of date.
//!
//! # What to try
//! Clear the gradients once for every update, before the backward pass: `optimizer.zero_grad()` in PyTorch.
//!
//! # When it is fine
//! Several backward passes for one update (gradient accumulation) are fine as long as the buffers are cleared after the
//! update; all their records but the last contain `"updated": false`.
//!
//! # Source
//! Humbatova et al., "Taxonomy of Real Faults in Deep Learning Systems" (2020); the documentation of PyTorch on
//! `Optimizer.zero_grad`. The share is ours.

use crate::case::{Case, Moment, Observation, number};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::remedy::{ProgramEdit, Remedy};
use crate::rule::Rule;
use crate::rule::role::Lies::Anywhere;
use crate::rule::role::{Explanation, Role, Stage};
use crate::rule::symptom::Symptom::{Code, High};
use crate::rules::{
    dead_relu, exploding_gradient, labels, loss_trend, non_finite, overfitting, saturation, update_ratio,
};

/// Code of the rule.
pub const CODE: &str = "K028";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "uncleared-gradients",
    chinese_name: "梯度未清零",
    summary: "updates by gradients that were not cleared",
    chinese_summary: "更新时使用了没有清零的梯度",
    kinds: &[UNCLEARED],
    source: include_str!("uncleared_gradients.rs"),
    examine,
    roles: &[Role {
        symptom: Code(CODE),
        stage: Stage::Loop,
        explains: &[
            // Steps that grow and point in an outdated direction.
            Explanation {
                consequences: &[
                    High(update_ratio::CODE),
                    Code(exploding_gradient::CODE),
                    Code(saturation::CODE),
                    Code(dead_relu::CODE),
                    Code(labels::CODE),
                    Code(overfitting::CODE),
                    Code(loss_trend::CODE),
                    Code(non_finite::CODE),
                ],
                lies: Anywhere,
            },
        ],
    }],
    layer_statistics: &[],
    calibrations: &[],
};

/// Updates begin with an old gradient.
const UNCLEARED: FindingKind = FindingKind {
    key: "uncleared",
    statistic: "share of updates that begin with an old gradient",
    chinese_statistic: "带有旧梯度的更新所占比例",
    chinese_message: "更新时残留着此前的梯度",
    chinese_cause: "两次更新之间没有清零梯度，每次更新都累加了此前各批次的梯度",
};

/// Share of the updates of a window.
pub const SHARE: f64 = 0.5;
/// Loss relative to that of guessing below which training works nevertheless.
pub const LOSS_FELL: f64 = 0.5;

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    match case.moment {
        Moment::Window | Moment::Collapse => judge(case).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn judge(case: &Case) -> Option<Observation> {
    let training = case.window()?.training_loop();
    let share = training.uncleared_steps as f64 / training.fresh_steps as f64;
    let norm = training.uncleared_norm().filter(|_| share > SHARE)?;
    let level = if case.loss_fell_below(LOSS_FELL) { Level::Warn } else { Level::Error };
    let message = format!(
        "{} of {} updates began with an old gradient of norm {} on average; it must be 0 before the backward pass",
        training.uncleared_steps,
        training.fresh_steps,
        number(norm)
    );
    Some(
        Observation::new(&UNCLEARED, level, None, share, SHARE)
            .message(message)
            .cause("the gradients are not cleared between updates, so each update adds up those of earlier batches")
            .remedy(Remedy::edit(ProgramEdit::ClearGradients)),
    )
}
