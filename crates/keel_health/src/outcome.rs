//! Outcome of a training run: the fraction of the task that the network has learned, relative to the best prediction
//! that ignores the inputs.

use crate::case::Case;
use crate::measurement::EpochMeasurement;

/// Fraction of the task above which it counts as learned; our own choice.
pub(crate) const LEARNED: f64 = 0.9;
/// Fraction of the task on validation samples above which the network generalises; our own choice.
const UNDERSTOOD: f64 = 0.8;
/// Fraction of the task below which training has failed; our own choice.
const FAILED: f64 = 0.1;
/// Fraction of the task above which training has not failed, though much may be missing; our own choice.
pub(crate) const LEARNING: f64 = 0.5;

/// Fraction of the task by loss above which a training run has left the plateau of guessing; our own choice.
const LEAVES_PLATEAU: f64 = 0.1;

/// Fractions of the task that are learned: 0 is guessing, 1 is perfect, below 0 is worse than guessing.
///
/// Each is 1 - loss / loss of guessing; for classes the larger of that and
/// `(accuracy - share) / (1 - share)` with the share of the largest class, since a network can be correct and
/// overconfident. The accuracy on training samples counts only if their loss is below that of guessing: on a plateau it
/// is due to chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Fraction learned on the training samples.
    pub training: f64,
    /// Fraction learned on the validation samples, if there are any.
    pub validation: Option<f64>,
}

impl Case<'_> {
    /// Returns the outcome of the training run so far, or `None` before the measurements that determine it.
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::of(self)
    }
}

impl Outcome {
    /// Returns the outcome at the last epoch, or by the loss of the last window if no epoch was measured.
    fn of(case: &Case) -> Option<Self> {
        let guessing = case.guessing_loss().filter(|&guessing| guessing > 0.0);
        let by_loss = |loss: Option<f64>| Some(1.0 - loss? / guessing?);
        let by_accuracy = |accuracy: Option<f32>| {
            let largest = largest_share(case)?;
            (largest < 1.0).then_some((f64::from(accuracy?) - largest) / (1.0 - largest))
        };
        let part = |loss: Option<f64>, accuracy| larger(by_loss(loss), by_accuracy(accuracy));
        let training = |epoch: &EpochMeasurement| {
            let loss = epoch.train_loss.map(f64::from);
            by_loss(loss).filter(|&part| part < LEAVES_PLATEAU).or_else(|| part(loss, epoch.train_accuracy))
        };
        let of_epoch = |epoch: &EpochMeasurement| Outcome {
            training: training(epoch).unwrap_or(f64::NAN),
            validation: part(epoch.validation_loss.map(f64::from), epoch.validation_accuracy),
        };
        let last = case.epochs.last().map(of_epoch).filter(|outcome| outcome.training.is_finite());
        last.or_else(|| {
            let training = by_loss(case.window().map(|window| window.loss()))?;
            Some(Outcome { training, validation: None })
        })
    }

    /// Returns true if the network has learned its training samples and generalises.
    pub fn has_learned(self) -> bool {
        self.training >= LEARNED && self.validation.is_none_or(|understood| understood >= UNDERSTOOD)
    }

    /// Returns true if the network has learned almost nothing of its training samples.
    pub fn has_failed(self) -> bool {
        self.training < FAILED
    }

    /// Returns true if the network has learned a good part of its training samples.
    pub fn is_learning(self) -> bool {
        self.training >= LEARNING
    }
}

fn larger(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first.max(second)),
        (first, second) => first.or(second),
    }
}

/// Returns the share of the largest class, or that of equal classes if the shares are unknown.
fn largest_share(case: &Case) -> Option<f64> {
    let classes = case.model.classes?;
    let shares = case.data.map_or(&[][..], |data| &data.class_shares);
    match shares.iter().copied().reduce(f32::max) {
        Some(largest) => Some(f64::from(largest)),
        None => Some(1.0 / classes as f64),
    }
}
