//! A training step: gradient, sums over ranks, update.

use std::sync::Arc;
use std::time::Instant;

use keel_data::Batch;
use keel_nn::losses::LossValue;
use keel_nn::{Network, Observer};
use keel_ranks::Communicator;

use super::Session;
use super::ranks::Ranks;
use crate::error::TrainError;
use crate::optimizers::SegmentNorms;

/// Position of a step in a training run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepPlace {
    /// Number of the step, from 0; selects the step's random numbers.
    pub step: u64,
    /// Number of the epoch, from 0.
    pub epoch: u64,
    /// Learning rate of the update.
    pub learning_rate: f64,
}

/// Results of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Mean loss of the batch.
    pub loss: f64,
    /// Number of correct predictions in the batch; 0 for regression.
    pub right: u64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
}

impl StepResult {
    /// Returns true if loss and gradient are finite, so that the update was applied.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && self.gradient_norm.is_finite()
    }
}

/// Observes whole steps: requests statistics while they run and receives the result. The unit type requests nothing.
pub trait StepObserver: Observer {
    /// Called when a step begins.
    fn begin(&mut self, place: StepPlace) {
        let _ = place;
    }

    /// Called when a step has finished.
    fn end(&mut self, step: &FinishedStep<'_>) {
        let _ = step;
    }
}

impl StepObserver for () {}

/// A finished step.
#[derive(Debug, Clone, Copy)]
pub struct FinishedStep<'a> {
    /// Position of the step.
    pub place: StepPlace,
    /// Number of samples of the step, on all ranks.
    pub samples: usize,
    /// Results of the step, over all ranks.
    pub result: StepResult,
    /// Graph and parameters after the update.
    pub network: &'a Network,
    /// Gradient with respect to all parameters, as used by the update.
    pub gradients: &'a [f32],
    /// Norms of the update, one per parameter; `None` if loss or gradient were not finite and no update was applied.
    pub norms: Option<&'a [SegmentNorms]>,
}

impl Session {
    /// Runs one training step without an observer. `step` counts from 0 and selects the step's random numbers. A loss or
    /// gradient that is not finite is reported and not applied: the weights keep their values from before the step.
    pub fn step(&mut self, batch: &Batch, step: u64, learning_rate: f64) -> StepResult {
        self.step_observed(batch, StepPlace { step, epoch: 0, learning_rate }, &mut ())
    }

    /// Runs one training step: gradient of this rank's samples, sums over all ranks, update. `observer` receives the statistics
    /// it requests. If a rank is lost, no update is applied, and [`Session::check_ranks`] returns the error.
    pub fn step_observed(&mut self, batch: &Batch, place: StepPlace, observer: &mut dyn StepObserver) -> StepResult {
        let Session { replica, objective, update, .. } = self;
        observer.begin(place);
        replica.begin_epoch(place.epoch);
        update.begin_epoch(place.epoch);
        let whole = replica.gradient(batch, place.step, objective, observer);
        let mut result = result_of(whole, objective.members());
        if replica.ranks().check().is_err() {
            result.loss = f64::NAN;
        }
        let began = Instant::now();
        result.gradient_norm = update.gradient_norm(&replica.gradients);
        if result.is_finite() {
            result.gradient_norm = update.apply(&mut replica.network, &replica.gradients, place.learning_rate);
        }
        replica.ranks().note_part("update", began);
        observer.end(&FinishedStep {
            place,
            samples: batch.step_samples(),
            result,
            network: &replica.network,
            gradients: &replica.gradients,
            norms: result.is_finite().then(|| update.norms()),
        });
        result
    }

    /// Runs forward, loss and backward without an update; the gradient norm is left at 0.
    pub fn gradient(&mut self, batch: &Batch, step: u64, observer: &mut dyn Observer) -> StepResult {
        let own = self.replica.gradient(batch, step, &mut self.objective, observer);
        result_of(own, self.objective.members())
    }

    /// Makes this session one rank of several: each rank has a share of every batch and the same weights.
    #[must_use]
    pub fn with_ranks(mut self, communicator: Arc<dyn Communicator>) -> Self {
        self.replica.join(Ranks::new(communicator));
        self
    }

    /// Connection to the other ranks.
    pub(crate) fn ranks(&self) -> &Ranks {
        self.replica.ranks()
    }

    /// Returns the error that ended the communication between ranks, if any.
    ///
    /// # Errors
    /// [`TrainError::Ranks`]: from then on, steps change nothing.
    pub fn check_ranks(&self) -> Result<(), TrainError> {
        self.ranks().check()
    }
}

/// Result of a batch whose samples have `members` predictions each.
fn result_of(value: LossValue, members: usize) -> StepResult {
    let loss = if value.non_finite { f64::NAN } else { value.mean() };
    StepResult { loss, right: (value.correct / members) as u64, gradient_norm: 0.0 }
}
