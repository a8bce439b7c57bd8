//! The training loop: from a config to a run, on disk or in memory.

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
use crate::runs::{RunFolder, RunLock, files, remove_leftovers};
use crate::session::ranks::Ranks;
use crate::session::{load_data, load_share};
use crate::threads;

/// Trains one network and writes its run.
#[derive(Debug)]
pub struct Training {
    config: Config,
    data: Option<SplitDataset>,
    continued: Option<Continued>,
    /// Goes on from a checkpoint, which the first rank has where there are several.
    resumes: bool,
    stop: Arc<AtomicBool>,
    /// Threads where the config leaves their number open.
    threads: Option<usize>,
    ranks: Option<Arc<dyn Communicator>>,
    /// Every rank takes a whole batch.
    weak_scaling: bool,
    /// The parts of the first steps are recorded.
    timeline: bool,
    /// Choices made before the training is prepared.
    choices: Vec<Choice>,
}

/// Message of the first rank to the others.
#[derive(Debug, Serialize, Deserialize)]
struct Shared {
    /// Text of the config.
    config: String,
    /// All ranks read the data of the config together.
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

/// A run that goes on in its folder.
#[derive(Debug)]
struct Continued {
    folder: RunFolder,
    lock: RunLock,
    /// The data may be other than that of the start.
    allow_changed_data: bool,
}

impl Training {
    /// A training of `config` from the start.
    pub fn new(config: Config) -> Self {
        Training::of(config.settled())
    }

    /// A training of `config` as it is, word for word that of a run or of another rank.
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

    /// The training of the run in `folder`, from its last checkpoint: it ends in the same bits as one that was never
    /// interrupted.
    ///
    /// # Errors
    /// No run there, another process writes to it, or its config cannot be read.
    pub fn resume(folder: &Path) -> Result<Self, TrainError> {
        Training::resume_with(folder, &[])
    }

    /// As [`Training::resume`], with `key=value` overrides that leave the weights as they would be: of `train.threads`,
    /// `train.time_limit` and `run.checkpoint_seconds`.
    ///
    /// # Errors
    /// As [`Training::resume`], or an override of another key.
    pub fn resume_with(folder: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        let folder = RunFolder::open(folder)?;
        let path = folder.config();
        let text = files::read_text(&path).map_err(|error| TrainError::run(&path, error))?;
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

    /// Lets a resumed run go on with other data than it began with; the run notes it.
    pub fn allow_changed_data(mut self) -> Self {
        if let Some(continued) = &mut self.continued {
            continued.allow_changed_data = true;
        }
        self
    }

    /// Gives the layers and losses of the program's own, by name, to a run that is resumed: its config has only their names.
    pub fn with_custom(mut self, layers: &[CustomLayer], losses: &[CustomLoss]) -> Self {
        self.config.model.provide(layers);
        self.config.train.provide(losses);
        self
    }

    /// Trains on `data` instead of what the config names.
    pub fn with_data(mut self, data: SplitDataset) -> Self {
        self.data = Some(data);
        self
    }

    /// Ends at the next step boundary, with a checkpoint, once `stop` is true.
    pub fn with_stop(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// Trains as one rank of several: each has a share of every batch, and the first writes the run. `first` gives the training
    /// that all of them run; it is asked on the first rank alone. The data named in its config must be on every rank's machine;
    /// each rank keeps its part of the samples and fetches others, so the connection of every rank has to last until all have
    /// ended. Data that `first` gives itself are whole on every rank.
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
    /// Those of `first`, on the first rank; [`TrainError::Ranks`] on the others, or where a rank is lost.
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
                // Divided as the first rank divides it, which may have chosen the shares.
                let divide = |data: SplitDataset| config.clone().settled().data.split().divide(data.dataset);
                let data = data.map(divide).transpose()?;
                Training { data, resumes, timeline, ..Training::of(config) }
            }
            (None, None) => return Err(TrainError::setting("ranks", NO_CONFIG)),
        };
        Ok(Training { ranks: Some(communicator), ..training })
    }

    /// The training as it was asked for, for the other ranks to read their parts of its data.
    fn asked(&self) -> Shared {
        Shared {
            config: self.config.to_toml(),
            reads_data: self.data.is_none(),
            resumes: self.resumes,
            timeline: self.timeline,
        }
    }

    /// Reads the data that the config names, where none was given.
    ///
    /// # Errors
    /// As [`load_data`].
    pub fn with_its_data(mut self) -> Result<Self, TrainError> {
        if self.data.is_none() {
            self.data = Some(load_data(&self.config)?);
        }
        Ok(self)
    }

    /// The data to train on, where it was given or read.
    pub fn data(&self) -> Option<&SplitDataset> {
        self.data.as_ref()
    }

    /// Writes the times of the parts of the first steps, on every rank, as `timeline.json` into the run's folder, in the trace event
    /// format that browsers show.
    pub fn with_timeline(mut self) -> Self {
        self.timeline = true;
        self
    }

    /// Lets every rank take a whole batch: the batch of a step, and the learning rate with it, grow with the number of ranks.
    pub fn with_weak_scaling(mut self) -> Self {
        self.weak_scaling = true;
        self
    }

    /// The training for `ranks` ranks, if each takes a whole batch. A run that goes on keeps what it began with.
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

    /// The training for the other ranks, with nothing left open.
    fn resolved(&self) -> Result<Shared, TrainError> {
        let config = match self.data.clone() {
            Some(data) => auto::resolve(&self.config, data)?.config.to_toml(),
            None => self.config.to_toml(),
        };
        Ok(Shared { config, ..self.asked() })
    }

    /// Trains with so many threads where `train.threads` is 0.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The config in use.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The config, to be changed: the number of threads or the time limit of a resumed run.
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
    /// Anything that keeps the training from running; a run that had begun is marked as failed.
    pub fn run(self, observer: &mut dyn TrainingObserver) -> Result<TrainedRun, TrainError> {
        self.pool()?.install(|| launch::run(self, observer))
    }

    /// Trains to the end, or until stopped, and writes nothing to disk.
    ///
    /// # Errors
    /// Anything that keeps the training from running, or a run to be resumed, whose folder has to be written.
    pub fn run_in_memory(self, observer: &mut dyn TrainingObserver) -> Result<MemoryRun, TrainError> {
        if let Some(Continued { folder, .. }) = &self.continued {
            let message = format!("the run in {} goes on in its folder; resume it with `run`", folder.path().display());
            return Err(TrainError::setting("run", message));
        }
        self.pool()?.install(|| launch::run_in_memory(self, observer))
    }
}

/// Keys a resumed run may change.
const CHANGEABLE: [&str; 4] = ["train.threads", "train.time_limit", "train.memory_limit", "run.checkpoint_seconds"];

fn refuse_change(setting: &str, folder: &Path) -> Result<(), TrainError> {
    let key = setting.split('=').next().unwrap_or(setting).trim();
    if CHANGEABLE.contains(&key) {
        return Ok(());
    }
    let message = format!(
        "a resumed run ends in the same weights as one that never stopped, so `{key}` cannot change; only {} can. Train \
         anew with `evenkeel train {}/config.toml --set {setting} --set run.name=NEW`",
        CHANGEABLE.join(", "),
        folder.display()
    );
    Err(TrainError::setting("--resume", message))
}
