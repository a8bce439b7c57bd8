//! What a training tells whoever watches it.

use keel_data::ColumnReport;
use keel_health::Finding;
use keel_nn::Network;

use crate::auto::Choice;
use crate::metrics::Metrics;
use crate::planning::Timing;
use crate::runs::{LayerSummary, RunFolder};

/// Watches a training; the trainer itself prints nothing.
pub trait TrainingObserver: Send {
    /// Something happened. Called between steps, so it should be quick.
    fn event(&mut self, event: Event<'_>);
}

impl TrainingObserver for () {
    fn event(&mut self, _event: Event<'_>) {}
}

/// One thing that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Everything is built; training begins or goes on.
    Started(&'a Started),
    /// A step is done.
    Step(StepEvent),
    /// An epoch is done.
    Epoch(EpochEvent<'a>),
    /// A part of an evaluation is done.
    Evaluation(EvaluationEvent),
    /// A health rule fired.
    Finding(&'a Finding),
    /// The training was shortened to end within its time limit.
    Shortened {
        /// Steps of the whole training from now on.
        total_steps: u64,
        /// The same in epochs.
        epochs: f64,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps done when it was written.
        step: u64,
    },
}

/// What is about to be trained.
#[derive(Debug, Clone)]
pub struct Started {
    /// Where the run is written; `None` for a run in memory.
    pub folder: Option<RunFolder>,
    /// Name of the data.
    pub data: String,
    /// Samples for training, validation and test.
    pub samples: [usize; 3],
    /// Names of the classes; empty for regression.
    pub classes: Vec<String>,
    /// What became of each column; empty but for tables.
    pub columns: Vec<ColumnReport>,
    /// Preprocessing, one sentence a step.
    pub preprocessing: Vec<String>,
    /// One row per layer.
    pub layers: Vec<LayerSummary>,
    /// What was inferred or added, one sentence each.
    pub inferred: Vec<String>,
    /// What was chosen automatically, with reasons.
    pub choices: Vec<Choice>,
    /// What may make the results differ from those of a run that never stopped, one sentence each.
    pub notes: Vec<String>,
    /// The time all epochs will take, from a few measured steps; `None` for a training too short to measure.
    pub timing: Option<Timing>,
    /// Learned numbers.
    pub parameters: usize,
    /// Threads used.
    pub threads: usize,
    /// Epochs of the whole training.
    pub epochs: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// Steps done before, by the run this one continues.
    pub resumed_steps: u64,
}

/// Numbers of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepEvent {
    /// Steps done so far.
    pub step: u64,
    /// The epoch under way, counted from 1.
    pub epoch: u64,
    /// Steps done of this epoch.
    pub step_in_epoch: u64,
    /// Samples of the batch.
    pub samples: usize,
    /// Loss of the batch.
    pub loss: f64,
    /// Mean loss of the epoch so far.
    pub epoch_loss: f64,
    /// Accuracy of the epoch so far; classification only.
    pub epoch_accuracy: Option<f64>,
    /// Used by this step.
    pub learning_rate: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Seconds in which the step waited for its batch.
    pub waited: f64,
}

/// Numbers of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct EpochEvent<'a> {
    /// Epochs done so far.
    pub epoch: u64,
    /// Over the epoch's own steps, in training mode.
    pub train: &'a Metrics,
    /// Over the validation split, if there is one.
    pub validation: Option<&'a Metrics>,
    /// True if these are the best weights so far.
    pub best: bool,
    /// The network as it is now.
    pub network: &'a Network,
    /// Since the start of the training.
    pub seconds: f64,
}

/// How far the evaluation of a split is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationEvent {
    /// `train`, `validation` or `test`.
    pub part: &'static str,
    /// Samples evaluated so far.
    pub done: usize,
    /// Samples of the split.
    pub samples: usize,
}
