//! A training run that continues where it stopped.

use std::fmt;
use std::path::Path;

use keel_data::SplitDataset;
use keel_nn::layers::CustomLayer;
use keel_nn::losses::CustomLoss;
use keel_train::{TrainError, TrainingObserver};

use crate::FittedRun;

/// Continues the training of a run in a folder from its last checkpoint.
///
/// # Examples
///
/// ```no_run
/// use evenkeel::prelude::*;
///
/// # fn main() -> Result<(), TrainError> {
/// let run = Trainer::resume("runs/digits-mlp")?.threads(2).run()?;
/// println!("{} epochs", run.summary().epochs);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is trained until `run` is called"]
pub struct ResumedTrainer {
    trainer: keel_train::Training,
    layers: Vec<CustomLayer>,
    losses: Vec<CustomLoss>,
    observer: Box<dyn TrainingObserver>,
}

impl ResumedTrainer {
    pub(crate) fn open(folder: &Path) -> Result<Self, TrainError> {
        let trainer = keel_train::Training::resume(folder)?;
        Ok(ResumedTrainer { trainer, layers: Vec::new(), losses: Vec::new(), observer: Box::new(()) })
    }

    /// Supplies the data of the run again, if it was made in memory. Other samples, or another division of them, are
    /// refused.
    pub fn with_data(mut self, data: &SplitDataset) -> Self {
        self.trainer = self.trainer.with_data(data.clone());
        self
    }

    /// Supplies a custom layer again, by its name.
    pub fn custom_layer(mut self, layer: CustomLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Supplies a custom loss again, by its name.
    pub fn custom_loss(mut self, loss: CustomLoss) -> Self {
        self.losses.push(loss);
        self
    }

    /// Sets the number of threads; 0 = one per physical core. The result does not depend on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.trainer.config_mut().train.threads = threads;
        self
    }

    /// Sets an observer that is called for every step and epoch.
    pub fn observer(mut self, observer: impl TrainingObserver + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Trains to the end, into the folder of the run. The weights are those of an uninterrupted training run.
    ///
    /// # Errors
    /// Data that is missing or not that of the run, or a folder that cannot be written.
    pub fn run(mut self) -> Result<FittedRun, TrainError> {
        let trainer = self.trainer.with_custom(&self.layers, &self.losses);
        let run = trainer.run(self.observer.as_mut())?;
        Ok(FittedRun::in_folder(run, self.layers))
    }
}

impl fmt::Debug for ResumedTrainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ResumedTrainer").field("trainer", &self.trainer).finish_non_exhaustive()
    }
}
