//! A custom training loop.

use std::fmt;
use std::path::Path;

use keel_data::{Batch, Batches, Position, SplitDataset};
use keel_train::metrics::Metrics;
use keel_train::{Config, Predictor, StepResult, TrainError, threads};

use crate::data_section::data_section;

/// A network with its data, ready for steps that the caller orders. It has threads of its own; results are the same for any
/// number of them.
///
/// # Examples
///
/// ```
/// use evenkeel::prelude::*;
///
/// # fn main() -> Result<(), TrainError> {
/// let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
/// let model = Model::sequential().linear(32).relu().output();
/// let mut session = Trainer::new(model).optimizer(Sgd::new(0.1)).session(&data)?;
/// let mut batches = session.batches(0);
/// let mut step = 0;
/// while let Some(batch) = batches.next() {
///     let result = session.step(batch?, step, 0.1);
///     assert!(result.is_finite());
///     step += 1;
/// }
/// let metrics = session.evaluate(&data.validation)?;
/// println!("validation loss {:?}", metrics.map(|metrics| metrics.loss));
/// # Ok(())
/// # }
/// ```
pub struct Session {
    inner: keel_train::Session,
    config: Config,
    pool: rayon::ThreadPool,
}

impl Session {
    /// Fits preprocessing, builds and initialises the network of `config` for `data`, plans its memory. Of the config's
    /// `[train]` section, only the loss, the batch size, the seed and the number of threads are used; the loop decides the rest.
    ///
    /// # Errors
    /// Data, layers and settings that do not fit each other.
    pub fn new(config: &Config, data: &SplitDataset) -> Result<Self, TrainError> {
        let config = Config { data: data_section(data), ..config.clone() };
        keel_train::config::check_values(&config)?;
        let pool = threads::pool_of(&config)?;
        let inner = pool.install(|| keel_train::Session::new(&config, data.clone()))?;
        Ok(Session { inner, config, pool })
    }

    /// Returns the batches of one epoch, shuffled by the seed and augmented according to the config; `epoch` counts from 0.
    pub fn batches(&self, epoch: u64) -> Batches {
        Batches::new(self.inner.training_batches().clone(), Position { epoch, step: 0 })
    }

    /// Runs one training step: forward, loss, backward, update. `step` counts from 0 over the whole run and selects the
    /// random numbers of the step. A loss or gradient that is not finite is returned and not applied.
    pub fn step(&mut self, batch: &Batch, step: u64, learning_rate: f64) -> StepResult {
        let Session { inner, pool, .. } = self;
        pool.install(|| inner.step(batch, step, learning_rate))
    }

    /// Returns the metrics of the samples `indices` of the data; `None` without samples.
    ///
    /// # Errors
    /// A sample that cannot be preprocessed.
    pub fn evaluate(&mut self, indices: &[usize]) -> Result<Option<Metrics>, TrainError> {
        let Session { inner, pool, .. } = self;
        pool.install(|| inner.evaluate(indices))
    }

    /// Returns the data with its splits.
    pub fn data(&self) -> &SplitDataset {
        self.inner.data()
    }

    /// Runs `work` in the session's threads with access to all parts: gradients without an update, weights, optimizer,
    /// single values of a step.
    pub fn with<T: Send>(&mut self, work: impl FnOnce(&mut keel_train::Session) -> T + Send) -> T {
        let Session { inner, pool, .. } = self;
        pool.install(|| work(inner))
    }

    /// Writes the model with its preprocessing and labels as the file `path`, which [`Predictor::load`] and `evenkeel
    /// predict` read; by convention such a file ends in `.safetensors`. With averaged weights, those are written.
    ///
    /// # Errors
    /// A file that cannot be written; an existing file is then unchanged.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<(), TrainError> {
        self.inner.save(&self.config, path.as_ref())
    }

    /// Returns the model in its current state, independent of further steps.
    ///
    /// # Errors
    /// If there is no memory or no thread for it.
    pub fn predictor(&mut self) -> Result<Predictor, TrainError> {
        self.inner.predictor(&self.config)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("config", &self.config).finish_non_exhaustive()
    }
}
