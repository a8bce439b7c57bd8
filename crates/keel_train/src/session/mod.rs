//! Everything a training run needs in memory: data, network, loss, optimizer.
//!
//! [`Session::step_observed`] runs one training step. A session holds the data in batches, a replica of the network that
//! computes gradients and is connected to the other ranks, the weight update, and the evaluator.

mod averaging;
mod batch_statistics;
pub(crate) mod checkpoint;
mod evaluation;
mod initial_weights;
mod patch_whitening;
pub(crate) mod ranks;
mod replica;
mod shared_rows;
mod step;
mod timeline;
mod training_data;
mod unit_variance;
mod weight_update;

use std::path::Path;
use std::sync::Arc;

use keel_data::{BatchOptions, BatchSource, LastBatch, Preprocessor, SplitDataset};
use keel_nn::graph::Node;
use keel_nn::observers::{Statistics, Wanted};
use keel_nn::{Cpu, Executor, Graph, InitSpec, MemoryRequest, Mode, Network, ParameterRole, Program, RandomKey, lower};

pub use step::{FinishedStep, StepObserver, StepPlace, StepResult};
pub(crate) use training_data::load_share;

use crate::Config;
use crate::auto::{self, Resolved};
use crate::error::TrainError;
use crate::memory::{self, EVALUATION_BATCH, Job};
use crate::metrics::MetricName;
use crate::objective::Objective;
use crate::optimizers::{Optimizer, ParameterSegment};
use crate::predictor::{Predictor, Views, executor_for_evaluation};
use crate::runs::model_file::ModelDescription;
use crate::runs::{Checkpoint, LayerSummary, network_tensors};
use averaging::WeightAverage;
use evaluation::Evaluator;
use initial_weights::Taken;
use replica::Replica;
use training_data::TrainingData;
use weight_update::WeightUpdate;

/// A network with its data, ready for training steps. Build and use it inside the pool of [`crate::threads::pool`].
#[derive(Debug)]
pub struct Session {
    data: TrainingData,
    objective: Objective,
    replica: Replica,
    update: WeightUpdate,
    evaluator: Evaluator,
    /// Weights that were loaded from a file.
    taken: Taken,
}

impl Session {
    /// Fits the preprocessing, builds and initialises the network, and plans its memory. Settings that `config` leaves open are
    /// chosen by [`auto::resolve`]; callers that need the chosen values resolve the config beforehand.
    ///
    /// # Errors
    /// If data, layers and settings do not fit together.
    pub fn new(config: &Config, data: SplitDataset) -> Result<Self, TrainError> {
        let Resolved { config, data, .. } = auto::resolve(config, data)?;
        let config = &config;
        let data = TrainingData::new(config, data)?;
        let objective = Objective::new(config, &data.split)?;
        check_metric(config, &objective)?;
        let graph = Arc::new(objective.graph(config, &data.preprocessor)?);
        let workers = rayon::current_num_threads();
        let job = Job::of_data(config, &data.split, *data.preprocessor.output_shape(), workers);
        let program = lower(&graph, &Cpu::fused());
        memory::check(&job, &program)?;
        let options = BatchOptions::shuffled(config.train.batch_size, config.train.seed);
        check_batches(&graph, options, data.split.train.len())?;
        let key = RandomKey::new(config.train.seed);
        let mut network = Network::new(graph, key.named("parameters"));
        patch_whitening::apply(&mut network, &data.preprocessor, &data.split.dataset, &data.split.train)?;
        let taken = match config.model.weights.as_str() {
            "" => Taken::default(),
            path => initial_weights::apply(&mut network, Path::new(path))?,
        };
        let request = MemoryRequest { batch: data.batches.largest_batch(), mode: Mode::Train, workers };
        let executor = Executor::new(Arc::clone(&program), request);
        let views = Views::new(config, &data.preprocessor)?;
        let evaluation = executor_for_evaluation(&program, data.largest_part().min(EVALUATION_BATCH));
        let segments: Vec<_> = network.graph.parameters().iter().map(ParameterSegment::new).collect();
        let update = WeightUpdate {
            optimizer: Optimizer::new(&config.optimizer, &segments, network.parameters.len()),
            average: WeightAverage::new(&config.train.averaging, &network),
            total_steps: config.train.epochs * data.batches.steps_per_epoch() as u64,
        };
        let mut session = Session {
            data,
            objective,
            replica: Replica::new(network, executor, key.named("steps")),
            update,
            evaluator: Evaluator::new(evaluation, views),
            taken,
        };
        session.data.notes.append(&mut session.taken.notes);
        if config.model.weights.is_empty() {
            session.rescale_to_unit_variance()?;
        }
        Ok(session)
    }

    /// Random key of step `step`, counted from 0.
    pub(crate) fn step_key(&self, step: u64) -> RandomKey {
        self.replica.step_key(step)
    }

    /// Creates an observer of training steps that collects for each node the statistics that `wanted` requests.
    pub fn statistics(&self, wanted: impl Fn(&Node) -> Wanted) -> Statistics {
        Statistics::new(self.replica.program(), wanted)
    }

    /// Program of a training step.
    pub fn program(&self) -> &Arc<Program> {
        self.replica.program()
    }

    /// Mean loss of a forward pass in training mode, with the random numbers of `step`. Updates running statistics, as every
    /// training pass does.
    pub fn training_loss(&mut self, batch: &keel_data::Batch, step: u64) -> f64 {
        let value = self.replica.training_loss(batch, step, &mut self.objective);
        if value.non_finite { f64::NAN } else { value.mean() }
    }

    /// Sets the number of steps of the whole run, if it differs from that of the config.
    pub(crate) fn set_total_steps(&mut self, total_steps: u64) {
        self.update.total_steps = total_steps;
    }

    /// Swaps the trained weights and their average, if there is one; a second call undoes the first.
    fn swap_average(&mut self) {
        self.update.swap_average(&mut self.replica.network);
    }

    /// Average of the weights, if there is one.
    pub(crate) fn average(&self) -> Option<&WeightAverage> {
        self.update.average.as_ref()
    }

    /// Replaces the trained weights by their average for good, if there is one.
    pub(crate) fn end_averaging(&mut self) {
        self.swap_average();
        self.update.average = None;
    }

    /// Writes the model of `config`, with its preprocessing and labels, to the file `path`. If weights are averaged, the
    /// average is written.
    ///
    /// # Errors
    /// If the file cannot be written; an existing file is then left untouched.
    pub fn save(&mut self, config: &Config, path: &Path) -> Result<(), TrainError> {
        Ok(self.with_average(|session| session.model(config).write(path))?)
    }

    /// Returns a predictor with the current model, independent of further steps.
    ///
    /// # Errors
    /// If memory or threads cannot be allocated.
    pub fn predictor(&mut self, config: &Config) -> Result<Predictor, TrainError> {
        let path = Path::new("model in memory");
        self.with_average(|session| Predictor::of_model(&session.model(config), path, &config.model.custom_layers()))
    }

    /// Runs `work` with the trained weights replaced by their average, if there is one.
    pub(crate) fn with_average<T>(&mut self, work: impl FnOnce(&Session) -> T) -> T {
        self.swap_average();
        let done = work(self);
        self.swap_average();
        done
    }

    /// Returns the current weights with everything prediction needs.
    pub(crate) fn model(&self, config: &Config) -> Checkpoint<'_, ModelDescription> {
        let split = &self.data.split;
        let description = ModelDescription {
            config: config.to_toml(),
            preprocessor: self.data.preprocessor.as_ref().clone(),
            schema: split.dataset.schema(),
            scaling: self.objective.scaling().to_vec(),
            training: self.objective.training_targets().clone(),
            ranges: self.data.ranges.clone(),
        };
        Checkpoint { description, tensors: network_tensors(self.network()) }
    }

    /// The data and its splits.
    pub fn data(&self) -> &SplitDataset {
        &self.data.split
    }

    /// The fitted preprocessing.
    pub fn preprocessor(&self) -> &Arc<Preprocessor> {
        &self.data.preprocessor
    }

    /// Source of training batches.
    pub fn training_batches(&self) -> &BatchSource {
        &self.data.batches
    }

    /// The loss and the targets.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Graph, parameters and state.
    pub fn network(&self) -> &Network {
        &self.replica.network
    }

    /// Graph, parameters and state, for modification.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.replica.network
    }

    /// Gradient of the last step, laid out like the parameters.
    pub fn gradients(&self) -> &[f32] {
        &self.replica.gradients
    }

    /// The optimizer.
    pub fn optimizer(&self) -> &Optimizer {
        &self.update.optimizer
    }

    /// The optimizer, for modification.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer {
        &mut self.update.optimizer
    }

    /// Sentences about everything that was inferred, added or left out while reading the data and building the network.
    pub fn inferred(&self) -> Vec<String> {
        self.network().graph.inferred().iter().chain(&self.data.notes).cloned().collect()
    }

    /// Adds a sentence about something inferred.
    fn note(&mut self, sentence: String) {
        self.data.notes.push(sentence);
    }

    /// Summaries of the layers, one per layer.
    pub fn layers(&self) -> Vec<LayerSummary> {
        layer_summaries(&self.network().graph, &self.taken)
    }
}

/// Rejects a `train.metric` that cannot be computed for the targets.
fn check_metric(config: &Config, objective: &Objective) -> Result<(), TrainError> {
    let (metric, classification) = (config.train.metric, !objective.class_names().is_empty());
    if metric.fits(classification) {
        return Ok(());
    }
    let targets = if classification { "classes" } else { "values" };
    let names: Vec<&str> = MetricName::shown(classification).map(MetricName::name).collect();
    let message = format!("{} cannot be computed for {targets}; use one of auto, {}", metric.name(), names.join(", "));
    Err(TrainError::setting("train.metric", message))
}

fn layer_summaries(graph: &Graph, taken: &Taken) -> Vec<LayerSummary> {
    let row = |node: &Node| LayerSummary {
        name: node.name.clone(),
        kind: node.op.kind().to_owned(),
        description: node.op.describe(),
        output_shape: node.op.output_shape().dimensions(),
        parameters: node.parameters.len(),
        init: graph.parameters_of(node.id).find(|parameter| parameter.spec.role == ParameterRole::Weight).map(
            |weight| match taken.names.contains(&weight.name) {
                true => format!("from {}", taken.file),
                false => weight.spec.init.unwrap_or(InitSpec::Auto).resolve(node.followed_by).to_string(),
            },
        ),
    };
    graph.nodes().iter().map(row).collect()
}

/// Rejects single-sample batches for layers that normalise over the batch.
pub(crate) fn check_batches(graph: &Graph, options: BatchOptions, samples: usize) -> Result<(), TrainError> {
    let Some(layer) = graph.needs_batch() else { return Ok(()) };
    let rest = samples % options.batch_size;
    let single = options.batch_size == 1 || samples == 1 || rest == 1 && options.last == LastBatch::Keep;
    if !single {
        return Ok(());
    }
    let message = format!(
        "layer {} ({}) normalises over the batch and cannot train on single samples ({samples} samples in batches of \
         {}); set train.batch_size to 2 or more, or use layer_norm",
        layer.place, layer.name, options.batch_size
    );
    Err(TrainError::setting("train.batch_size", message))
}
