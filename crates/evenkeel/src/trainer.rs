//! A training run, built by chaining.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use keel_data::{AugmentConfig, PreprocessStep, SplitDataset};
use keel_nn::losses::{CustomLoss, LossFunction, LossSpec};
use keel_train::config::{ClassWeights, LossConfig, check_values};
use keel_train::metrics::MetricName;
use keel_train::optimizers::OptimizerConfig;
use keel_train::schedules::ScheduleConfig;
use keel_train::{Config, TrainError, TrainingObserver};

use crate::data_section::data_section;
use crate::{FittedRun, Model, ResumedTrainer, Session};

/// Training settings of a model. Settings that are not given are the config's defaults.
///
/// # Examples
///
/// ```
/// use evenkeel::prelude::*;
///
/// # fn main() -> Result<(), TrainError> {
/// let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
/// let run = Trainer::new(Model::sequential().linear(64).batch_norm().relu().output())
///     .preprocess([Preprocess::Standardize])
///     .optimizer(Sgd::new(0.05).momentum(0.9))
///     .epochs(2)
///     .seed(7)
///     .in_memory()
///     .fit(&data)?;
/// assert_eq!(run.summary().epochs, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is trained until `fit` is called"]
pub struct Trainer {
    config: Config,
    observer: Box<dyn TrainingObserver>,
    in_memory: bool,
}

impl Trainer {
    /// Returns a trainer for `model` with the default settings.
    pub fn new(model: Model) -> Self {
        Trainer::from_config(Config { model: model.into_config(), ..Config::default() })
    }

    /// Returns a trainer that chooses the network and all settings that are not set from the data; the choices are in the
    /// summary of the run.
    pub fn auto() -> Self {
        Trainer::from_config(Config::default())
    }

    /// Returns a trainer with the settings of a config file.
    pub fn from_config(config: Config) -> Self {
        Trainer { config, observer: Box::new(()), in_memory: false }
    }

    /// Returns a trainer that continues the run in `folder` from its last checkpoint.
    ///
    /// # Errors
    /// If there is no run, or its config cannot be read.
    pub fn resume(folder: impl AsRef<Path>) -> Result<ResumedTrainer, TrainError> {
        ResumedTrainer::open(folder.as_ref())
    }

    /// Sets the preprocessing: steps applied to every input, fitted on the training split.
    pub fn preprocess(mut self, steps: impl IntoIterator<Item = PreprocessStep>) -> Self {
        self.config.preprocess.steps = steps.into_iter().collect();
        self.config.given.insert("preprocess.steps");
        self
    }

    /// Sets the random changes of training images.
    pub fn augment(mut self, augment: AugmentConfig) -> Self {
        self.config.augment = augment;
        self.config.given.insert("augment");
        self
    }

    /// Sets the optimizer.
    pub fn optimizer(mut self, optimizer: impl Into<OptimizerConfig>) -> Self {
        self.config.optimizer = optimizer.into();
        self.config.given.insert("optimizer");
        self
    }

    /// Sets the schedule of the learning rate.
    pub fn schedule(mut self, schedule: ScheduleConfig) -> Self {
        self.config.schedule = schedule;
        self.config.given.insert("schedule");
        self
    }

    /// Sets the number of passes over the training split, at least 1.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.config.train.epochs = epochs;
        self.config.given.insert("train.epochs");
        self
    }

    /// Sets the loss.
    pub fn loss(mut self, loss: LossSpec) -> Self {
        self.config.train.loss = LossConfig::Chosen(loss);
        self.config.given.insert("train.loss");
        self
    }

    /// Minimises a loss of your own. The run's files hold only `name` and the output transform, so settings of the loss
    /// belong in the name, as in `quantile(0.9)`: every program can predict with the model, but only one that supplies the
    /// loss again can continue training or evaluate.
    pub fn custom_loss(self, name: impl Into<String>, loss: impl LossFunction + 'static) -> Self {
        self.loss(LossSpec::Custom(CustomLoss::new(name, loss)))
    }

    /// Sets the metric on the validation split that decides the best epoch and early stopping.
    pub fn metric(mut self, metric: MetricName) -> Self {
        self.config.train.metric = metric;
        self.config.given.insert("train.metric");
        self
    }

    /// Sets the weights of the classes in the loss: [`WeightRule::Balanced`](keel_train::config::WeightRule::Balanced),
    /// or weights of your own as [`ClassWeights`].
    pub fn class_weights(mut self, weights: impl Into<ClassWeights>) -> Self {
        self.config.train.class_weights = weights.into();
        self.config.given.insert("train.class_weights");
        self
    }

    /// Limits the training time to `limit`. The number of epochs is reduced if needed, so that the learning rate still completes
    /// its schedule.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.config.train.time_limit = limit.as_secs_f64();
        self
    }

    /// Ends training after this many epochs without improvement; 0 = never.
    pub fn early_stopping(mut self, epochs: u64) -> Self {
        self.config.train.early_stopping = epochs;
        self.config.given.insert("train.early_stopping");
        self
    }

    /// Sets the number of samples per step, at least 1.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.config.train.batch_size = batch_size;
        self.config.given.insert("train.batch_size");
        self
    }

    /// Sets the seed of every random draw.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.train.seed = seed;
        self
    }

    /// Sets the number of threads; 0 = one per physical core.
    pub fn threads(mut self, threads: usize) -> Self {
        self.config.train.threads = threads;
        self
    }

    /// Sets the folder that holds the folders of all runs.
    pub fn directory(mut self, directory: impl Into<String>) -> Self {
        self.config.run.directory = directory.into();
        self
    }

    /// Writes nothing to disk: the run is kept in memory until [`FittedRun::save`].
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// Sets an observer that is called for every step and epoch.
    pub fn observer(mut self, observer: impl TrainingObserver + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Trains to the end and writes the run, unless it is [`Trainer::in_memory`]. The run's config says where `data` came
    /// from: a file or built-in set that was loaded, or the memory of this program.
    ///
    /// # Errors
    /// Settings, layers and data that do not fit each other, or a folder that cannot be written.
    pub fn fit(mut self, data: &SplitDataset) -> Result<FittedRun, TrainError> {
        self.config.data = data_section(data);
        // Whoever divided the data by hand means it so.
        ["data.validation", "data.test"].into_iter().for_each(|key| self.config.given.insert(key));
        check_values(&self.config)?;
        let custom_layers = self.config.model.custom_layers();
        let trainer = keel_train::Training::new(self.config).with_data(data.clone());
        let observer = self.observer.as_mut();
        match self.in_memory {
            true => trainer.run_in_memory(observer).map(|run| FittedRun::in_memory(run, custom_layers)),
            false => trainer.run(observer).map(|run| FittedRun::in_folder(run, custom_layers)),
        }
    }

    /// Prepares everything for a loop of your own; see [`Session`].
    ///
    /// # Errors
    /// Settings, layers and data that do not fit each other.
    pub fn session(self, data: &SplitDataset) -> Result<Session, TrainError> {
        Session::new(&self.config, data)
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trainer").field("config", &self.config).finish_non_exhaustive()
    }
}
