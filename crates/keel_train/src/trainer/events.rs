//! Events of a training run for its observers.

use keel_data::ColumnReport;
use keel_health::Finding;
use keel_nn::Network;

use crate::auto::Choice;
use crate::metrics::Metrics;
use crate::planning::Timing;
use crate::runs::{LayerSummary, RunFolder};

/// Observes a training run; the trainer itself prints nothing.
pub trait TrainingObserver: Send {
    /// Called for every event between steps, so it should return quickly.
    fn event(&mut self, event: Event<'_>);
}

impl TrainingObserver for () {
    fn event(&mut self, _event: Event<'_>) {}
}

/// An event of a training run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Everything is built, and training starts or resumes.
    Started(&'a Started),
    /// A step has finished.
    Step(StepEvent),
    /// An epoch has finished.
    Epoch(EpochEvent<'a>),
    /// A part of an evaluation has finished.
    Evaluation(EvaluationEvent),
    /// A health rule fired.
    Finding(&'a Finding),
    /// The run was shortened to end within its time limit.
    Shortened {
        /// New total number of steps.
        total_steps: u64,
        /// New total number of epochs.
        epochs: f64,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Number of steps done when it was written.
        step: u64,
    },
}

/// Description of the run that starts.
#[derive(Debug, Clone)]
pub struct Started {
    /// Folder of the run; `None` for a run in memory.
    pub folder: Option<RunFolder>,
    /// Name of the data.
    pub data: String,
    /// Number of samples for training, validation and test.
    pub samples: [usize; 3],
    /// Names of the classes; empty for regression.
    pub classes: Vec<String>,
    /// Report on each column; empty unless the data is a table.
    pub columns: Vec<ColumnReport>,
    /// Preprocessing steps, one sentence each.
    pub preprocessing: Vec<String>,
    /// Summaries of the layers, one per layer.
    pub layers: Vec<LayerSummary>,
    /// Inferred or added settings, one sentence each.
    pub inferred: Vec<String>,
    /// Automatic choices, with reasons.
    pub choices: Vec<Choice>,
    /// Reasons why results may differ from those of an uninterrupted run, one sentence each.
    pub notes: Vec<String>,
    /// Expected duration, from a few measured steps; `None` for a run too short to measure.
    pub timing: Option<Timing>,
    /// Number of learned parameters.
    pub parameters: usize,
    /// Number of threads.
    pub threads: usize,
    /// Number of epochs of the whole run.
    pub epochs: u64,
    /// Number of steps per epoch.
    pub steps_per_epoch: u64,
    /// Number of steps done before the run was resumed.
    pub resumed_steps: u64,
}

/// Results of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepEvent {
    /// Number of steps done so far.
    pub step: u64,
    /// Current epoch, counted from 1.
    pub epoch: u64,
    /// Number of steps done in this epoch.
    pub step_in_epoch: u64,
    /// Number of samples in the batch.
    pub samples: usize,
    /// Loss of the batch.
    pub loss: f64,
    /// Mean loss of the epoch so far.
    pub epoch_loss: f64,
    /// Accuracy of the epoch so far; classification only.
    pub epoch_accuracy: Option<f64>,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
    /// Seconds spent waiting for the batch.
    pub waited: f64,
}

/// Results of an epoch.
#[derive(Debug, Clone, Copy)]
pub struct EpochEvent<'a> {
    /// Number of epochs done so far.
    pub epoch: u64,
    /// Metrics over the steps of the epoch, in training mode.
    pub train: &'a Metrics,
    /// Metrics on the validation split, if there is one.
    pub validation: Option<&'a Metrics>,
    /// True if these are the best weights so far.
    pub best: bool,
    /// Current network.
    pub network: &'a Network,
    /// Seconds since the start of the run.
    pub seconds: f64,
}

/// Progress of the evaluation of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationEvent {
    /// `train`, `validation` or `test`.
    pub part: &'static str,
    /// Number of samples evaluated so far.
    pub done: usize,
    /// Number of samples in the split.
    pub samples: usize,
}
