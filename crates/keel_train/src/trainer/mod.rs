//! The training loop: from a config to a run on disk or in memory.

mod best_epoch;
mod deadline;
mod events;
mod journal;
mod launch;
mod memory_run;
mod new_folder;
mod prepared;
mod ranks;
mod record;
mod run;
mod stopping;
mod weak_scaling;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use keel_data::SplitDataset;
use keel_nn::layers::CustomLayer;
use keel_nn::losses::CustomLoss;
use keel_ranks::Communicator;
use serde::{Deserialize, Serialize};

pub use events::{EpochEvent, EvaluationEvent, Event, Started, StepEvent, TrainingObserver};
pub use memory_run::MemoryRun;
pub use run::TrainedRun;

use crate::auto::{self, Choice};
use crate::config::{self, Config};
use crate::error::TrainError;
use crate::loading::load_data;
use crate::runs::{RunFolder, RunLock, files, remove_leftovers};
use crate::session::load_share;
use crate::session::ranks::Ranks;
use crate::threads;
use keel_data::{shell_path, shell_word};

/// Trains one network and records the run.
#[derive(Debug)]
pub struct Training {
    config: Config,
    data: Option<SplitDataset>,
    continued: Option<Continued>,
    /// True if the run resumes from a checkpoint, which only the first rank has if there are several.
    resumes: bool,
    stop: Arc<AtomicBool>,
    /// Number of threads if the config leaves it open.
    threads: Option<usize>,
    ranks: Option<Arc<dyn Communicator>>,
    /// True if every rank takes a whole batch per step.
    weak_scaling: bool,
    /// True if the parts of the first steps are recorded.
    timeline: bool,
    /// Choices made before the run is prepared.
    choices: Vec<Choice>,
}

/// Message of the first rank to the others.
#[derive(Debug, Serialize, Deserialize)]
struct Shared {
    /// Config as TOML.
    config: String,
    /// True if all ranks read the data of the config together.
    reads_data: bool,
    resumes: bool,
    timeline: bool,
}

impl Shared {
    fn config(&self) -> Result<Config, TrainError> {
        Ok(config::parse(Path::new("config of the first rank"), &self.config, &[])?)
    }
}

const NO_CONFIG: &str = "the first rank sent no config";

/// A run that is resumed in its folder.
#[derive(Debug)]
struct Continued {
    folder: RunFolder,
    lock: RunLock,
    /// True if the data may differ from that of the first start.
    allow_changed_data: bool,
}

impl Training {
    /// Creates a new training run of `config`.
    pub fn new(config: Config) -> Self {
        Training::of(config.settled())
    }

    /// Creates a training run with exactly the config of an existing run or of another rank.
    fn of(config: Config) -> Self {
        Training {
            config,
            data: None,
            continued: None,
            resumes: false,
            stop: Arc::default(),
            threads: None,
            ranks: None,
            weak_scaling: false,
            timeline: false,
            choices: Vec::new(),
        }
    }

    /// Resumes the run in `folder` from its last checkpoint; the result is bit-identical to that of an uninterrupted run.
    ///
    /// # Errors
    /// If there is no run, another process writes to it, or its config cannot be read.
    pub fn resume(folder: &Path) -> Result<Self, TrainError> {
        Training::resume_with(folder, &[])
    }

    /// Like [`Training::resume`], with `key=value` overrides of settings that do not affect the weights: `train.threads`,
    /// `train.time_limit`, `train.memory_limit` and `run.checkpoint_seconds`.
    ///
    /// # Errors
    /// See [`Training::resume`]; also if another key is overridden.
    pub fn resume_with(folder: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        let folder = RunFolder::open(folder)?;
        let path = folder.config();
        let text = files::read_text(&path).map_err(|error| TrainError::unreadable(&path, error))?;
        let config = config::parse(&path, &text, overrides)?;
        for setting in overrides {
            refuse_change(setting, folder.path())?;
        }
        let lock = folder.lock()?;
        let last = folder.last_checkpoint();
        [Some(folder.path()), last.parent()].into_iter().flatten().for_each(remove_leftovers);
        let continued = Continued { folder, lock, allow_changed_data: false };
        Ok(Training { continued: Some(continued), resumes: true, ..Training::of(config) })
    }

    /// Allows a resumed run to continue with different data; the run records the change.
    pub fn allow_changed_data(mut self) -> Self {
        if let Some(continued) = &mut self.continued {
            continued.allow_changed_data = true;
        }
        self
    }

    /// Provides the custom layers and losses of a resumed run by name: its config contains only their names.
    pub fn with_custom(mut self, layers: &[CustomLayer], losses: &[CustomLoss]) -> Self {
        self.config.model.provide(layers);
        self.config.train.provide(losses);
        self
    }

    /// Trains on `data` instead of the data named in the config.
    pub fn with_data(mut self, data: SplitDataset) -> Self {
        self.data = Some(data);
        self
    }

    /// Stops with a checkpoint after the current step once `stop` is true.
    pub fn with_stop(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// Creates one rank of a data-parallel run: each rank processes a share of every batch, and the first rank records the run.
    /// `first` returns the training run for all ranks and is called on the first rank only. The data named in its config must
    /// be available on every rank's machine. Each rank keeps its part of the samples and fetches others on demand, so the
    /// connections must last until all ranks have ended. If `first` provides the data itself, every rank must hold all of it.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use keel_ranks::Threads;
    /// use keel_train::{TrainError, Training, config};
    ///
    /// # fn main() -> Result<(), TrainError> {
    /// let settings = ["data.source=digits", "train.epochs=2", "train.threads=1"];
    /// let config = &config::load(None, &settings.map(str::to_owned))?;
    /// let losses: Vec<_> = std::thread::scope(|scope| {
    ///     let train = |rank| {
    ///         let training = Training::of_ranks(Arc::new(rank), || Ok(Training::new(config.clone())))?;
    ///         Ok::<_, TrainError>(training.run_in_memory(&mut ())?.summary.metrics.test.map(|test| test.loss))
    ///     };
    ///     let ranks: Vec<_> = Threads::group(2).into_iter().map(|rank| scope.spawn(move || train(rank))).collect();
    ///     ranks.into_iter().map(|rank| rank.join().expect("no rank panics")).collect::<Result<_, _>>()
    /// })?;
    /// assert!(losses[0].is_some_and(|loss| loss < 1.0) && losses[0] == losses[1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Errors of `first` on the first rank; [`TrainError::Ranks`] on the others, or if a rank is lost.
    pub fn of_ranks(
        communicator: Arc<dyn Communicator>,
        first: impl FnOnce() -> Result<Training, TrainError>,
    ) -> Result<Self, TrainError> {
        let ranks = Ranks::new(Arc::clone(&communicator));
        let mut own = if communicator.rank() == 0 { Some(first()?) } else { None };
        let asked = ranks::of_first(&communicator, own.as_ref().map(Training::asked).as_ref())?;
        let Some(asked) = asked else { return Err(TrainError::setting("ranks", NO_CONFIG)) };
        let mut data = None;
        if asked.reads_data {
            data = Some(load_share(&asked.config()?, &ranks)?);
        }
        if let Some(own) = &mut own {
            own.data = own.data.take().or(data.take());
        }
        let own = own.map(|own| own.scaled(communicator.size())).transpose()?;
        let resolved = own.as_ref().map(Training::resolved).transpose()?;
        let shared = ranks::of_first(&communicator, resolved.as_ref())?;
        let training = match (own, shared) {
            (Some(own), _) => own,
            (None, Some(shared)) => {
                let Shared { resumes, timeline, .. } = shared;
                let config = shared.config()?;
                // Split as on the first rank, which may have chosen the fractions.
                let divide = |data: SplitDataset| config.clone().settled().data.split().divide(data.dataset);
                let data = data.map(divide).transpose()?;
                Training { data, resumes, timeline, ..Training::of(config) }
            }
            (None, None) => return Err(TrainError::setting("ranks", NO_CONFIG)),
        };
        Ok(Training { ranks: Some(communicator), ..training })
    }

    /// Returns the message with the config as given, from which the other ranks read their parts of the data.
    fn asked(&self) -> Shared {
        Shared {
            config: self.config.to_toml(),
            reads_data: self.data.is_none(),
            resumes: self.resumes,
            timeline: self.timeline,
        }
    }

    /// Reads the data named in the config, unless data was provided.
    ///
    /// # Errors
    /// See [`load_data`].
    pub fn with_its_data(mut self) -> Result<Self, TrainError> {
        if self.data.is_none() {
            self.data = Some(load_data(&self.config)?);
        }
        Ok(self)
    }

    /// Data to train on, if it was provided or read.
    pub fn data(&self) -> Option<&SplitDataset> {
        self.data.as_ref()
    }

    /// Writes the times of the parts of the first steps on every rank to `timeline.json` in the run's folder, in the trace
    /// event format that browsers display.
    pub fn with_timeline(mut self) -> Self {
        self.timeline = true;
        self
    }

    /// Lets every rank take a whole batch, so that the batch of a step, and the learning rate with it, grows with the number of
    /// ranks.
    pub fn with_weak_scaling(mut self) -> Self {
        self.weak_scaling = true;
        self
    }

    /// Returns the run scaled to `ranks` ranks if each takes a whole batch. A resumed run keeps its settings.
    fn scaled(mut self, ranks: usize) -> Result<Self, TrainError> {
        let Some(data) = self.data.clone().filter(|_| self.weak_scaling && !self.resumes) else { return Ok(self) };
        let auto::Resolved { config, data, choices } = auto::resolve(&self.config, data)?;
        let (config, scaled) = weak_scaling::weakly_scaled(&config, data.train.len(), ranks)?;
        self.choices = choices;
        self.choices.retain(|choice| scaled.iter().all(|newer| newer.key != choice.key));
        self.choices.extend(scaled);
        self.config = config;
        self.data = Some(data);
        Ok(self)
    }

    /// Returns the message with all settings resolved, for the other ranks.
    fn resolved(&self) -> Result<Shared, TrainError> {
        let config = match self.data.clone() {
            Some(data) => auto::resolve(&self.config, data)?.config.to_toml(),
            None => self.config.to_toml(),
        };
        Ok(Shared { config, ..self.asked() })
    }

    /// Trains with `threads` threads if `train.threads` is 0.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The config in use.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The config, for modification: the number of threads or the time limit of a resumed run.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    fn pool(&self) -> Result<rayon::ThreadPool, TrainError> {
        let mut config = self.config.clone();
        if let (0, Some(threads)) = (config.train.threads, self.threads) {
            config.train.threads = threads;
        }
        threads::pool_of(&config)
    }

    /// Trains to the end, or until stopped.
    ///
    /// # Errors
    /// Any error that prevents or ends training; a run that had started is marked as failed.
    pub fn run(self, observer: &mut dyn TrainingObserver) -> Result<TrainedRun, TrainError> {
        self.pool()?.install(|| launch::run(self, observer))
    }

    /// Trains to the end, or until stopped, and writes nothing to disk.
    ///
    /// # Errors
    /// Any error that prevents or ends training; also if the run is resumed, since its folder has to be written.
    pub fn run_in_memory(self, observer: &mut dyn TrainingObserver) -> Result<MemoryRun, TrainError> {
        if let Some(Continued { folder, .. }) = &self.continued {
            let path = folder.path().display();
            let message = format!("the run in {path} can only be resumed in its folder; resume it with `run`");
            return Err(TrainError::setting("run", message));
        }
        self.pool()?.install(|| launch::run_in_memory(self, observer))
    }
}

/// Keys that can be overridden when a run is resumed.
const CHANGEABLE: [&str; 4] = ["train.threads", "train.time_limit", "train.memory_limit", "run.checkpoint_seconds"];

fn refuse_change(setting: &str, folder: &Path) -> Result<(), TrainError> {
    let key = setting.split('=').next().unwrap_or(setting).trim();
    if CHANGEABLE.contains(&key) {
        return Ok(());
    }
    let message = format!(
        "a resumed run ends in the same weights as one that never stopped, so `{key}` cannot change; only {} can. Start \
         a new run with `evenkeel train {} --set {} --set run.name=NEW`",
        CHANGEABLE.join(", "),
        shell_path(&folder.join("config.toml")),
        shell_word(setting)
    );
    Err(TrainError::setting("--resume", message))
}
