//! Incremental training of a network.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use keel_data::{Batch, BatchTargets, Dataset, PreprocessScratch, SplitDataset, Targets};
use keel_nn::Network;
use keel_train::auto::{self, Resolved};
use keel_train::{Config, Predictor, Session, TrainError, threads};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyAny;

use crate::errors::{Raise, data_error, training_error};
use crate::predictions::rows_of;
use crate::samples::Samples;
use crate::settings::{Settings, config_json};

/// A network in training, without a run: it takes steps on the samples it is given.
#[pyclass(frozen, module = "evenkeel._native")]
pub(crate) struct Learner {
    config: Config,
    pool: rayon::ThreadPool,
    state: Mutex<State>,
}

struct State {
    session: Session,
    /// Model after the last steps; `None` if more steps followed.
    predictor: Option<Predictor>,
    steps: u64,
    passes: u64,
}

#[pymethods]
impl Learner {
    /// Fits preprocessing to `samples` and builds the network for them, without training it.
    #[new]
    fn new(python: Python<'_>, samples: &Samples, settings: &Bound<'_, PyAny>) -> PyResult<Self> {
        let settings: Settings = settings.extract()?;
        let (config, data) = python.detach(|| settings.with_data(samples))?;
        python.detach(|| Learner::of_data(config, data)).map_err(Raise::raise)
    }

    /// Trains on `samples` for one pass in batches and returns the mean loss of the steps.
    fn learn(&self, python: Python<'_>, samples: &Samples) -> PyResult<f64> {
        python.detach(|| {
            let mut state = self.lock();
            let schema = state.session.data().dataset.schema();
            let dataset = samples.for_model(&self.config.data, &schema, true).map_err(Raise::raise)?;
            let state = &mut *state;
            self.pool.install(|| self.pass(state, &dataset))
        })
    }

    /// Predicts like `Run.predict`.
    fn predict<'py>(&self, python: Python<'py>, samples: &Samples) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let predictions = python.detach(|| {
            let mut state = self.lock();
            let State { session, predictor, .. } = &mut *state;
            let predictor = match predictor {
                Some(predictor) => predictor,
                None => predictor.insert(self.pool.install(|| session.predictor(&self.config))?),
            };
            let dataset = samples.for_model(&self.config.data, predictor.schema(), false)?;
            predictor.predict(&dataset)
        });
        rows_of(python, &predictions.map_err(|error: TrainError| error.raise())?)
    }

    /// Writes the model as the file `path`.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.lock().session.save(&self.config, &path).map_err(Raise::raise)
    }

    /// Returns the config as JSON.
    #[getter]
    fn config(&self) -> String {
        config_json(&self.config)
    }

    /// Returns the number of steps taken so far.
    #[getter]
    fn steps(&self) -> u64 {
        self.lock().steps
    }
}

impl Learner {
    /// Creates an untrained network for `data`.
    fn of_data(config: Config, data: SplitDataset) -> Result<Self, TrainError> {
        let Resolved { config, data, .. } = auto::resolve(&config, data)?;
        let pool = threads::pool_of(&config)?;
        let session = pool.install(|| Session::new(&config, data))?;
        let state = State { session, predictor: None, steps: 0, passes: 0 };
        Ok(Learner { config, pool, state: Mutex::new(state) })
    }

    /// Creates a network with the weights of `trained`, which was trained on `data` with `config`.
    pub(crate) fn of_weights(config: Config, data: SplitDataset, trained: &Network) -> Result<Self, TrainError> {
        let learner = Learner::of_data(config, data)?;
        let mut state = learner.lock();
        let network = state.session.network_mut();
        network.parameters.copy_from_slice(&trained.parameters);
        network.state.copy_from_slice(&trained.state);
        drop(state);
        Ok(learner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one pass in a random order that depends on the seed and the number of the pass.
    fn pass(&self, state: &mut State, dataset: &Dataset) -> PyResult<f64> {
        let State { session, predictor, steps, passes } = state;
        *predictor = None;
        let mut order: Vec<usize> = (0..dataset.samples()).collect();
        let mut random =
            keel_data::random::stream(self.config.train.seed, keel_data::random::Purpose::Order, *passes, 0);
        keel_data::random::shuffle(&mut random, &mut order);
        let largest = session.training_batches().largest_batch().max(1);
        let parts = order.len().div_ceil(largest).max(1);
        let preprocessor = session.preprocessor().clone();
        let mut scratch = PreprocessScratch::default();
        let (mut sum, learning_rate) = (0.0, self.config.optimizer.learning_rate());
        for part in 0..parts {
            // Batches of nearly equal size, none of a single sample, since batch norm cannot normalise over one.
            let indices = order[part * order.len() / parts..(part + 1) * order.len() / parts].to_vec();
            let mut inputs = vec![0.0; indices.len() * preprocessor.output_shape().len()];
            preprocessor.gather(dataset, &indices, &mut inputs, &mut scratch).map_err(Raise::raise)?;
            let targets = targets_of(dataset, &indices)?;
            let weights = indices.iter().filter_map(|&sample| dataset.weights().get(sample).copied()).collect();
            let position = keel_data::Position { epoch: *passes, step: part };
            let batch = Batch { inputs, targets, weights, indices, position, ..Batch::default() };
            let result = session.step(&batch, *steps, learning_rate);
            if !result.is_finite() {
                let text = "lower optimizer.learning_rate, or look for extreme values in the samples";
                return Err(training_error(format!(
                    "the loss or its gradient became {} at step {steps}; the weights keep their values from before the step; {text}",
                    result.loss
                )));
            }
            sum += result.loss;
            *steps += 1;
        }
        *passes += 1;
        Ok(sum / parts as f64)
    }
}

fn targets_of(dataset: &Dataset, indices: &[usize]) -> PyResult<BatchTargets> {
    match dataset.targets() {
        Targets::Classes { labels, .. } => {
            Ok(BatchTargets::Classes(indices.iter().map(|&sample| labels[sample]).collect()))
        }
        Targets::Values { values, target_names } => {
            let width = target_names.len();
            let row = |&sample: &usize| &values[sample * width..(sample + 1) * width];
            Ok(BatchTargets::Values(indices.iter().flat_map(row).copied().collect()))
        }
        Targets::Unlabelled => Err(data_error("samples to learn from need targets")),
    }
}
