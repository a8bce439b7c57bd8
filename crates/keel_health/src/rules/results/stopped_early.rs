//! # What it measures
//! At the end of a training run of at least three epochs: by how much training and validation loss fell from the middle
//! third of the epochs to the last one, relative to the loss of guessing, and how much they would fall in the same
//! number of epochs again, if each third brings the same share of the third before. A warning if both losses fell by
//! more than 3 % and more than 5 % are still to come, and the learning rate ended at 30 % of its peak or more. Also a
//! warning: at most 500 steps in one or two epochs, or fewer than 100 steps in three or more, where that was the plan; an
//! end in the warm-up, below half of the configured learning rate; a schedule that left less than a quarter of the steps
//! at 30 % of the highest learning rate or more. A training run that has learned its task is not checked.
//!
//! # Why it matters
//! The loss was still falling: the result is that of half a training run.
//!
//! # What to try
//! More epochs: as many as the loss needs at its last pace, two to five times those it had; ten times for a training
//! run that hardly began. A warm-up of a twentieth of the steps, a schedule that falls over the whole training run.
//! `evenkeel fix` writes them.
//!
//! # When it is fine
//! When the time was limited on purpose. A schedule that falls to zero ends the descent by itself and is not checked.
//!
//! # Source
//! Goodfellow, Bengio and Courville, "Deep Learning" (2016), chapter 11.4: look at the learning curves first. The limits are
//! ours.

use crate::case::{Case, Moment, Observation, number, percent};
use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::HIGH_RATE;
use crate::measurement::EpochMeasurement;
use crate::outcome::Outcome;
use crate::remedy::Remedy;
use crate::rule::Rule;
use crate::rule::role::{Role, Stage};
use crate::rule::symptom::Symptom::Code;

/// Code of the rule.
pub const CODE: &str = "K021";

/// The rule, for the catalog.
pub const RULE: Rule = Rule {
    code: CODE,
    name: "stopped-early",
    chinese_name: "训练结束过早",
    summary: "a training run that ended while its losses were falling",
    chinese_summary: "损失还在下降，训练就结束了",
    kinds: &[STILL_FALLING, IN_WARM_UP, SCHEDULE_FELL, HARDLY_BEGUN],
    source: include_str!("stopped_early.rs"),
    examine,
    roles: &[Role { symptom: Code(CODE), stage: Stage::Results, explains: &[] }],
    layer_statistics: &[],
    calibrations: &[],
};

/// The losses were falling.
const STILL_FALLING: FindingKind = FindingKind {
    key: "still-falling",
    statistic: "fall of the loss to come, relative to guessing",
    chinese_statistic: "损失还会下降的幅度（相对于随机猜测）",
    chinese_message: "训练结束时，损失仍在下降",
    chinese_cause: "训练时间太短",
};

/// The learning rate was still rising.
const IN_WARM_UP: FindingKind = FindingKind {
    key: "in-warm-up",
    statistic: "highest learning rate / configured one",
    chinese_statistic: "最高学习率与设定值之比",
    chinese_message: "训练结束时，学习率仍在预热阶段",
    chinese_cause: "预热的步数是为更长的训练选定的",
};

/// The learning rate fell too early.
const SCHEDULE_FELL: FindingKind = FindingKind {
    key: "schedule-fell",
    statistic: "share of the steps at a high learning rate",
    chinese_statistic: "学习率较高的步所占比例",
    chinese_message: "只有少数步的学习率接近峰值",
    chinese_cause: "网络尚未学会任务，学习率调度就已降低了学习率",
};

/// Training took few steps.
const HARDLY_BEGUN: FindingKind = FindingKind {
    key: "few-steps",
    statistic: "steps",
    chinese_statistic: "训练步数",
    chinese_message: "训练步数太少",
    chinese_cause: "步数太少，权重仍在初始值附近",
};

/// Minimum number of epochs of a training run for the check.
pub const EPOCHS: usize = 3;
/// Fall of the losses from the middle to the last third of the epochs, relative to guessing.
pub const FALL: f64 = 0.03;
/// Fall that as many epochs again would bring, relative to guessing.
pub const TO_COME: f64 = 0.05;
/// Learning rate at the end relative to its peak below which the schedule has completed the training run.
pub const SCHEDULE_SHARE: f64 = HIGH_RATE;
/// Highest learning rate relative to the configured one below which warm-up was not finished.
pub const WARM_SHARE: f64 = 0.5;
/// Share of the steps at a high learning rate below which the schedule fell too early.
pub const HIGH_RATE_STEPS: f64 = 0.25;
/// Minimum number of steps of a training run of [`EPOCHS`] epochs or more.
pub const LEAST_STEPS: u64 = 100;
/// Number of steps that a training run of fewer epochs must exceed.
pub const FEW_STEPS: u64 = 500;
/// Maximum share of the steps for warm-up.
const WARM_UP: f64 = 0.05;
/// Factor on the number of epochs for a training run that has hardly begun.
const LONGEST: f64 = 10.0;
/// Minimum and maximum factor on the number of epochs.
const LONGER: (f64, f64) = (2.0, 5.0);

/// Returns everything beyond its limit in `case`.
fn examine(case: &Case) -> Vec<Observation> {
    if case.moment != Moment::End || case.outcome().is_some_and(Outcome::has_learned) {
        return Vec::new();
    }
    let found = in_warm_up(case).or_else(|| schedule_fell(case)).or_else(|| hardly_begun(case));
    found.or_else(|| still_falling(case)).into_iter().collect()
}

/// Reports a learning rate that never came near the configured one.
fn in_warm_up(case: &Case) -> Option<Observation> {
    let configured = f64::from(case.model.learning_rate.filter(|&rate| rate > 0.0)?);
    let share = case.history.peak_learning_rate() / configured;
    let steps = case.history.steps();
    if !(share > 0.0 && share < WARM_SHARE) {
        return None;
    }
    let message = format!(
        "training ended after {} with the learning rate at {} of its full value (limit: at least {}), still in warm-up",
        counted(steps, "step"),
        percent(share),
        percent(WARM_SHARE)
    );
    Some(
        Observation::new(&IN_WARM_UP, Level::Warn, None, share, WARM_SHARE)
            .always()
            .message(message)
            .cause("the warm-up was chosen for a longer training run")
            .remedy(Remedy::SetWarmup { steps: (steps as f64 * WARM_UP).ceil() as u64 }),
    )
}

/// Reports a run that spent most of its steps at a small fraction of the highest learning rate.
fn schedule_fell(case: &Case) -> Option<Observation> {
    let share = case.history.high_rate_share()?;
    if !(share < HIGH_RATE_STEPS) || case.learning_rate_share() >= SCHEDULE_SHARE {
        return None;
    }
    let message = format!(
        "only {} of the steps (limit: at least {}) had a learning rate near its peak, {} of it or more",
        percent(share),
        percent(HIGH_RATE_STEPS),
        percent(SCHEDULE_SHARE)
    );
    Some(
        Observation::new(&SCHEDULE_FELL, Level::Warn, None, share, HIGH_RATE_STEPS)
            .always()
            .message(message)
            .cause("the schedule lowered the learning rate before the network had learned")
            .remedy(Remedy::SetSchedule { schedule: "cosine".to_string() }),
    )
}

/// Formats a count with its noun.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Reports a training run with few steps. A recording of epochs alone does not state how many there were.
fn hardly_begun(case: &Case) -> Option<Observation> {
    let (epochs, steps) = (case.epochs.len(), case.history.steps());
    // A recording of unknown planned length may cover only a part of the training run.
    let (short, limit, words) = match epochs < EPOCHS {
        true => (steps <= FEW_STEPS, FEW_STEPS, "more than"),
        false => (steps < LEAST_STEPS, LEAST_STEPS, "at least"),
    };
    if case.model.epochs.is_none() || epochs == 0 || steps == 0 || !short {
        return None;
    }
    let learned = case.outcome()?.training;
    let message = format!(
        "training took only {} in {} (limit: {words} {limit} steps) and came {} of the way from guessing to perfect",
        counted(steps, "step"),
        counted(epochs as u64, "epoch"),
        percent(learned.max(0.0))
    );
    Some(
        Observation::new(&HARDLY_BEGUN, Level::Warn, None, steps as f64, limit as f64)
            .always()
            .message(message)
            .cause("so few steps leave the weights close to where they started")
            .remedy(case.longer(LONGEST)),
    )
}

fn still_falling(case: &Case) -> Option<Observation> {
    let descent = Descent::of(case).filter(|descent| descent.fall > FALL && descent.to_come() > TO_COME)?;
    let epochs = case.epochs.last()?.epoch + 1;
    let left = descent.last * case.guessing_loss()?;
    let message = format!(
        "after {epochs} epochs the losses were still falling: the same number of epochs again would lower them by \
         {} of the loss of guessing (limit {})",
        percent(descent.to_come()),
        percent(TO_COME)
    );
    // A third of the epochs brought this fall; at that rate the rest takes this many times as long.
    let longer = (1.0 + descent.last / descent.fall / 3.0).clamp(LONGER.0, LONGER.1);
    Some(
        Observation::new(&STILL_FALLING, Level::Warn, None, descent.to_come(), TO_COME)
            .always()
            .message(message)
            .cause(format!("training is too short: its loss of {} is still falling", number(left)))
            .remedy(case.longer(longer)),
    )
}

/// Losses of a training run that is falling at its end, relative to guessing.
pub(crate) struct Descent {
    /// Mean of the first third of the epochs.
    pub(crate) first: f64,
    /// Mean of the middle third.
    pub(crate) middle: f64,
    /// Mean of the last third.
    pub(crate) last: f64,
    /// Fall from the middle to the last third of the training or the validation loss, whichever is smaller.
    pub(crate) fall: f64,
}

impl Descent {
    /// Returns the descent of a training run that was not completed by its schedule; `None` with too few epochs.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let guessing = case.guessing_loss().filter(|&guessing| guessing > 0.0)?;
        if case.epochs.len() < EPOCHS || case.learning_rate_share() < SCHEDULE_SHARE {
            return None;
        }
        let [first, middle, last] = thirds(case, |epoch| epoch.train_loss)?.map(|loss| loss / guessing);
        let validation = thirds(case, |epoch| epoch.validation_loss);
        let fall =
            (middle - last).min(validation.map_or(f64::INFINITY, |[_, middle, last]| (middle - last) / guessing));
        Some(Descent { first, middle, last, fall })
    }

    /// Returns the fall expected from the same number of epochs again, if each third brings the same share of the one before.
    fn to_come(&self) -> f64 {
        let share = (self.fall / (self.first - self.middle).max(0.0)).min(1.0);
        self.fall * (share + share.powi(2) + share.powi(3))
    }
}

/// Returns the means over the last three thirds of the epochs.
fn thirds(case: &Case, loss: impl Fn(&EpochMeasurement) -> Option<f32>) -> Option<[f64; 3]> {
    let losses: Vec<f64> = case.epochs.iter().map(|epoch| loss(epoch).map(f64::from)).collect::<Option<_>>()?;
    let length = losses.len() / 3;
    let mean = |range: &[f64]| range.iter().sum::<f64>() / range.len() as f64;
    let stretch = |from_end: usize| mean(&losses[losses.len() - from_end * length..][..length]);
    Some([stretch(3), stretch(2), stretch(1)])
}
