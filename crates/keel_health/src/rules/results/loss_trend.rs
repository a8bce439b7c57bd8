//! # What it measures
//! The mean loss of every window. Stuck: over the last five windows the slope of its logarithm is flat and the loss is
//! still above 97 % of its first value or, if that is lower, of guessing; warm-up is not counted. Diverging: above
//! twice its minimum for five windows and risen by a tenth of the first loss at least, or above three times the first
//! loss in two windows. Oscillating: over ten windows it changes direction four times out of five, by more than a fifth
//! of its mean, which is above a tenth of the first loss. Stuck and oscillating are warnings (stuck for ten windows an
//! error), diverging is an error. At the end of a training run of at least three epochs and 100 steps: less than 2 % of
//! the way from guessing to perfect on its own training samples is an error. All of it follows the outcome of training:
//! a note if the task is learned, an error if nothing is.
//!
//! # Why it matters
//! It is the most visible symptom. By itself it says nothing about the cause; the other findings do.
//!
//! # What to try
//! The remedy of the leading finding. If there is no other finding: check the labels, then try a learning rate three
//! times higher when stuck, three times lower when diverging or oscillating.
//!
//! # When it is fine
//! A loss that has converged is not reported, nor a noisy one whose windows agree, nor the loss of a classifier that was
//! trained before (below half of guessing at the first step).
//!
//! # Source
//! CS231n course notes, neural-networks-3: loss function; Theil (1950) for the robust slope. The limits are ours.

use crate::calibration::{Bad, Calibration};
use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K017";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "loss-trend",
    chinese_name: "损失停滞、发散或振荡",
    summary: "a loss that is stuck, diverges or oscillates",
    chinese_summary: "损失停滞、发散或振荡",
    kinds: &[STUCK, DIVERGING, OSCILLATING, NOTHING_LEARNED],
    source: include_str!("loss_trend.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::LossCurve, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[Calibration {
        name: "loss of the last window / at the start",
        threshold: STUCK_SHARE,
        bad: Bad::Above,
        measure: |_, history| history.relative_loss(),
    }],
};

/// The loss does not fall.
const STUCK: FindingKind = FindingKind {
    key: "stuck",
    statistic: "window loss / loss at the start",
    chinese_statistic: "窗口损失与初始损失之比",
    chinese_message: "损失停滞不降",
    chinese_cause: "没有有用的梯度，学习率相差很远，或者标签与输入毫无关系",
};

/// The loss rises.
const DIVERGING: FindingKind = FindingKind {
    key: "diverging",
    statistic: "window loss / loss at the start",
    chinese_statistic: "窗口损失与初始损失之比",
    chinese_message: "损失发散",
    chinese_cause: "更新的步幅过大",
};

/// The loss jumps up and down.
const OSCILLATING: FindingKind = FindingKind {
    key: "oscillating",
    statistic: "mean change of the loss between windows",
    chinese_statistic: "窗口之间损失的平均变化",
    chinese_message: "损失在相邻窗口之间大幅振荡",
    chinese_cause: "更新的步幅过大",
};

/// The network is no better than guessing.
const NOTHING_LEARNED: FindingKind = FindingKind {
    key: "nothing-learned",
    statistic: "part of the task learned",
    chinese_statistic: "学到的比例",
    chinese_message: "训练结束时，网络在训练样本上几乎不比随机猜测好",
    chinese_cause: "没有有用的梯度，学习率相差很远，或者标签与输入毫无关系",
};

/// Number of stuck windows for a warning.
pub const STUCK_WINDOWS: usize = 5;
/// Number of stuck windows for an error.
pub const STUCK_ERROR_WINDOWS: usize = 10;
/// Loss relative to its first value or to guessing above which it is stuck; our own choice.
pub const STUCK_SHARE: f64 = 0.97;
/// First loss relative to guessing below which the run continues training a trained network.
pub const RESUMED_SHARE: f64 = 0.5;
/// Number of windows above twice the minimum.
pub const DIVERGING_WINDOWS: usize = 5;
/// Factor relative to the minimum.
pub const DIVERGING_FACTOR: f64 = 2.0;
/// Minimum rise relative to the first loss, required in addition.
pub const DIVERGING_RISE: f64 = 0.1;
/// Factor relative to the first loss.
pub const LOST_FACTOR: f64 = 3.0;
/// Number of windows examined for oscillation.
pub const OSCILLATING_WINDOWS: usize = 10;
/// Share of windows in which the direction changes.
pub const OSCILLATING_TURNS: f64 = 0.8;
/// Mean size of a change relative to the mean loss.
pub const OSCILLATING_SIZE: f64 = 0.2;

/// Fraction of the task below which a finished training run has learned nothing; our own choice.
pub const NOTHING: f64 = 0.02;
/// Minimum number of steps of a training run before it is reported as having learned nothing.
pub const STEPS: u64 = 100;
/// Minimum number of epochs of a training run before it is reported as having learned nothing.
pub const EPOCHS: usize = 3;

/// Factor on the number of epochs if no other remedy helps.
const LONGER: f64 = 3.0;
const WHY_STUCK: &str =
    "no useful gradient arrives, the learning rate is far off, or the labels have nothing to do with the inputs";

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    let found = match case.moment {
        Moment::Window => diverging(case).or_else(|| oscillating(case)).or_else(|| stuck(case)),
        Moment::End => nothing_learned(case),
        _ => None,
    };
    found.into_iter().collect()
}

fn losses(case: &Case, windows: usize) -> Option<Vec<f64>> {
    Some(case.history.last(windows)?.map(|window| window.loss()).collect())
}

fn diverging(case: &Case) -> Option<Observation> {
    let (first, lowest) = (case.history.first_loss()?, case.history.lowest_window_loss());
    let rise = DIVERGING_RISE * first.abs();
    let limit = (DIVERGING_FACTOR * lowest).max(lowest + rise);
    let doubled = losses(case, DIVERGING_WINDOWS).filter(|recent| recent.iter().all(|&loss| loss > limit));
    let lost = losses(case, 2).filter(|recent| recent.iter().all(|&loss| loss > LOST_FACTOR * first.abs()));
    let (measured, threshold, words) = match (lost, doubled) {
        (Some(recent), _) => (recent[1] / first, LOST_FACTOR, "its value at the start"),
        (None, Some(recent)) => (recent[DIVERGING_WINDOWS - 1] / lowest, DIVERGING_FACTOR, "its minimum"),
        (None, None) => return None,
    };
    Some(
        Observation::new(&DIVERGING, Level::Error, None, measured, threshold)
            .message(format!(
                "the loss diverges: it is {} times {words} (limit {})",
                number(measured),
                number(threshold)
            ))
            .cause("the steps are too large")
            .remedy(case.scale_learning_rate(1.0 / 3.0))
            .remedy(Remedy::ClipNorm { value: 1.0 })
            .at_once(),
    )
}

fn oscillating(case: &Case) -> Option<Observation> {
    let recent = losses(case, OSCILLATING_WINDOWS)?;
    let mean = recent.iter().sum::<f64>() / recent.len() as f64;
    if !(mean > DIVERGING_RISE * case.history.first_loss()?) {
        return None;
    }
    let changes: Vec<f64> = recent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let turns = changes.windows(2).filter(|pair| pair[0] * pair[1] < 0.0).count() as f64 / (changes.len() - 1) as f64;
    let size = changes.iter().map(|change| change.abs()).sum::<f64>() / changes.len() as f64 / mean;
    if !(turns >= OSCILLATING_TURNS && size > OSCILLATING_SIZE) {
        return None;
    }
    Some(
        Observation::new(&OSCILLATING, Level::Warn, None, size, OSCILLATING_SIZE)
            .message(format!(
                "the loss jumps up and down by {} of its mean (limit {}) from one window of steps to the next",
                percent(size),
                percent(OSCILLATING_SIZE)
            ))
            .cause("the steps are too large")
            .remedy(case.scale_learning_rate(1.0 / 3.0))
            .at_once(),
    )
}

fn stuck(case: &Case) -> Option<Observation> {
    let first = case.history.first_loss().filter(|&first| first > 0.0)?;
    let guessing = case.guessing_loss().filter(|&guessing| guessing > 0.0 && guessing < first);
    let reference = guessing.unwrap_or(first);
    let recent = losses(case, STUCK_WINDOWS)?;
    let relative: Vec<f64> = recent.iter().map(|loss| loss / reference).collect();
    let all_high = relative.iter().all(|&loss| loss > STUCK_SHARE);
    let falling = robust_slope(&recent)? < (STUCK_SHARE.ln()) / STUCK_WINDOWS as f64;
    let resumed = case.model.chance_loss().is_some_and(|chance| first < RESUMED_SHARE * chance);
    if !all_high || falling || resumed || warming_up(case) {
        return None;
    }
    let longer = losses(case, STUCK_ERROR_WINDOWS);
    let error = longer.is_some_and(|longer| longer.iter().all(|loss| loss / reference > STUCK_SHARE));
    let level = if error { Level::Error } else { Level::Warn };
    let measured = relative[STUCK_WINDOWS - 1];
    let of = if guessing.is_some() { "that of guessing" } else { "its value at the start" };
    Some(
        Observation::new(&STUCK, level, None, measured, STUCK_SHARE)
            .message(format!("the loss is stuck at {} of {of} (limit {})", percent(measured), percent(STUCK_SHARE)))
            .cause(WHY_STUCK)
            .remedy(case.scale_learning_rate(3.0))
            .remedy(Remedy::AddBatchNorm)
            .remedy(case.longer(LONGER))
            .remedy(Remedy::CheckLabels)
            .at_once(),
    )
}

/// Reports a training run that ends no better than guessing on its own samples.
fn nothing_learned(case: &Case) -> Option<Observation> {
    let enough = case.epochs.len() >= EPOCHS && case.history.steps() >= STEPS;
    let learned = case.outcome().filter(|_| enough)?.training;
    if learned >= NOTHING {
        return None;
    }
    Some(
        Observation::new(&NOTHING_LEARNED, Level::Error, None, learned, NOTHING)
            .message(format!(
                "after {} epochs the network has come {} of the way from guessing to perfect on its own training samples (limit: at \
                 least {})",
                case.epochs.len(),
                percent(learned.max(0.0)),
                percent(NOTHING)
            ))
            .cause(WHY_STUCK)
            .remedy(case.scale_learning_rate(3.0))
            .remedy(Remedy::AddBatchNorm)
            .remedy(case.longer(LONGER))
            .remedy(Remedy::CheckLabels),
    )
}

/// Returns true if the learning rate is still rising, or is below a fifth of the configured one.
fn warming_up(case: &Case) -> bool {
    let rates: Option<Vec<f64>> =
        case.history.last(STUCK_WINDOWS).and_then(|windows| windows.map(|window| window.learning_rate()).collect());
    let Some(rates) = rates else { return false };
    let (oldest, latest) = (rates[0], rates[rates.len() - 1]);
    let configured = case.model.learning_rate.map_or(0.0, f64::from);
    latest > 1.5 * oldest || oldest < 0.2 * configured.min(case.history.peak_learning_rate())
}

/// Returns the Theil-Sen slope of the logarithm per window: the median over all pairs. `None` if a loss is not above zero.
fn robust_slope(losses: &[f64]) -> Option<f64> {
    if losses.iter().any(|&loss| !(loss > 0.0)) {
        return None;
    }
    let mut slopes = Vec::new();
    for later in 1..losses.len() {
        for earlier in 0..later {
            slopes.push((losses[later] / losses[earlier]).ln() / (later - earlier) as f64);
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}
