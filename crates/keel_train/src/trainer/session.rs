//! Everything a training needs in memory: data, preprocessing, network, executors, optimiser, loss.

use std::path::Path;
use std::sync::Arc;

use keel_data::{
    Augmenter, Batch, BatchOptions, Batches, LastBatch, Position, PreprocessStep, Preprocessor, SampleShape, Source,
    SplitDataset,
};
use keel_kernels::Buffer;
use keel_nn::{
    Cpu, Executor, Graph, InitSpec, MemoryRequest, Mode, Network, Observer, ParameterRole, Program, RandomKey, Shape,
    lower,
};

use super::averaging::WeightAverage;
use super::patch_whitening;
use crate::Config;
use crate::auto::{self, Resolved};
use crate::error::TrainError;
use crate::memory::{self, Job};
use crate::metrics::{Answers, Detail, MetricName, Metrics, Tally, sample_words};
use crate::objective::Objective;
use crate::optimizers::{Optimizer, ParameterSegment};
use crate::predictor::Predictor;
use crate::runs::model_file::{self, ModelDescription};
use crate::runs::{Checkpoint, LayerSummary};
use crate::views::Views;

/// Largest batch of an evaluation; results do not depend on it.
pub(crate) const EVALUATION_BATCH: usize = 256;

/// A network with its data, ready for steps. Build and use it inside the pool of [`crate::threads::pool`].
#[derive(Debug)]
pub struct Session {
    data: SplitDataset,
    preprocessor: Arc<Preprocessor>,
    training: Source,
    network: Network,
    executor: Executor,
    evaluator: Executor,
    gradients: Buffer,
    optimizer: Optimizer,
    average: Option<WeightAverage>,
    views: Views,
    objective: Objective,
    random: RandomKey,
    notes: Vec<String>,
    /// Combined outputs of an evaluated batch.
    outputs: Vec<f32>,
}

/// Numbers of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Mean loss of the batch.
    pub loss: f64,
    /// Right predictions in the batch; 0 for regression.
    pub right: u64,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f64,
}

impl Session {
    /// Fits preprocessing, builds and initialises the network, plans its memory. What `config` leaves open is chosen as
    /// [`auto::resolve`] does; whoever needs the choices resolves the config beforehand.
    ///
    /// # Errors
    /// Data, layers and settings that do not fit each other.
    pub fn new(config: &Config, data: SplitDataset) -> Result<Self, TrainError> {
        let Resolved { config, data, .. } = auto::resolve(config, data)?;
        let config = &config;
        let seed = config.train.seed;
        let steps = config.preprocess.resolved_steps();
        memory::check_preprocessing(config, data.dataset.sample_shape())?;
        let preprocessor = Arc::new(Preprocessor::fit(&data.dataset, &data.train, &steps)?);
        let objective = Objective::new(config, &data)?;
        check_metric(config, &objective)?;
        let graph = build_graph(config, &preprocessor, data.dataset.outputs())?;
        let job = Job::of_data(config, &data, *preprocessor.output_shape(), rayon::current_num_threads());
        let program = lower(&graph, &Cpu::fused());
        memory::check(&job, &program)?;
        let options = BatchOptions::shuffled(config.train.batch_size, seed);
        check_batches(&graph, options, data.train.len())?;
        let augmenter = Arc::new(Augmenter::fit(&data.dataset, &data.train, &config.augment)?);
        let training = Source::new(Arc::clone(&data.dataset), &data.train, Arc::clone(&preprocessor), options)?
            .with_augmentation(augmenter);
        let random = RandomKey::new(seed);
        let mut network = Network::new(graph, random.named("parameters"));
        patch_whitening::apply(&mut network, &preprocessor, &data.dataset, &data.train)?;
        let average = WeightAverage::new(&config.train.averaging, &network);
        let views = Views::new(config, &preprocessor)?;
        let executor = executor(&program, training.largest_batch(), Mode::Train);
        let largest_part = [&data.train, &data.validation, &data.test].map(Vec::len).into_iter().max().unwrap_or(1);
        let evaluator = executor_for_evaluation(&program, largest_part.min(EVALUATION_BATCH));
        let gradients = Buffer::zeroed(network.parameters.len());
        let segments: Vec<_> = network.graph.parameters().iter().map(ParameterSegment::new).collect();
        let optimizer = Optimizer::new(&config.optimizer, &segments, network.parameters.len());
        let random = random.named("steps");
        let notes = data_notes(config, &data);
        let mut session = Session {
            data,
            preprocessor,
            training,
            network,
            executor,
            evaluator,
            gradients,
            optimizer,
            average,
            views,
            objective,
            random,
            notes,
            outputs: Vec::new(),
        };
        session.rescale_to_unit_variance()?;
        Ok(session)
    }

    /// One training step: forward, loss, backward, update. `step` counts from 0 and names the step's random numbers.
    /// A loss or gradient that is not finite is reported and not applied: the weights stay those before the step.
    pub fn step(&mut self, batch: &Batch, step: u64, learning_rate: f64) -> StepResult {
        self.step_observed(batch, (step, learning_rate), &mut ())
    }

    /// As [`Session::step`], showing every value to `observer`.
    pub fn step_observed(
        &mut self,
        batch: &Batch,
        (step, learning_rate): (u64, f64),
        observer: &mut impl Observer,
    ) -> StepResult {
        let result = self.gradient(batch, step, observer);
        let gradient_norm = self.optimizer.gradient_norm(&self.gradients);
        if !(result.loss.is_finite() && gradient_norm.is_finite()) {
            return StepResult { gradient_norm, ..result };
        }
        let norms = self.optimizer.step(&mut self.network.parameters, &self.gradients, learning_rate);
        let result = StepResult { gradient_norm: norms.gradient, ..result };
        if let Some(average) = &mut self.average {
            average.follow(&self.network, self.optimizer.steps());
        }
        result
    }

    /// Forward, loss and backward without an update; the norm is left at 0.
    pub fn gradient(&mut self, batch: &Batch, step: u64, observer: &mut impl Observer) -> StepResult {
        let input = keel_nn::Batch { input: &batch.inputs, random: self.random.child(step) };
        self.executor.forward(&mut self.network, input, observer);
        let (outputs, gradient) = self.executor.outputs_and_gradient();
        let value = self.objective.loss_and_gradient(outputs, &batch.targets, gradient);
        let loss = if value.non_finite { f64::NAN } else { value.mean() };
        self.executor.backward(&self.network, input, &mut self.gradients, observer);
        let right = (value.correct / self.objective.members()) as u64;
        StepResult { loss, right, gradient_norm: 0.0 }
    }

    /// Key of the random numbers of step `step`, counted from 0.
    pub(crate) fn step_key(&self, step: u64) -> RandomKey {
        self.random.child(step)
    }

    /// Program of a training step.
    pub fn program(&self) -> &Arc<Program> {
        self.executor.program()
    }

    /// Mean loss of a forward pass in training mode, with the random numbers of `step`. Moves running statistics, as every
    /// such pass does.
    pub fn training_loss(&mut self, batch: &Batch, step: u64) -> f64 {
        let input = keel_nn::Batch { input: &batch.inputs, random: self.random.child(step) };
        let outputs = self.executor.forward(&mut self.network, input, &mut ());
        let value = self.objective.members_loss(outputs, &batch.targets);
        if value.non_finite { f64::NAN } else { value.mean() }
    }

    /// All metrics of the samples `indices` in evaluation mode, without augmentation, with the averaged weights where there
    /// are any. `None` without samples. A sample whose inputs or outputs are not finite is left out and named.
    ///
    /// # Errors
    /// A sample that cannot be preprocessed.
    pub fn evaluate(&mut self, indices: &[usize]) -> Result<Option<Metrics>, TrainError> {
        self.evaluate_watched(indices, Detail::Full, |_| {})
    }

    /// As [`Session::evaluate`], with as much `detail` as is asked for; `watch` hears after each batch how many samples are
    /// done.
    ///
    /// # Errors
    /// As [`Session::evaluate`].
    pub fn evaluate_watched(
        &mut self,
        indices: &[usize],
        detail: Detail,
        watch: impl FnMut(usize),
    ) -> Result<Option<Metrics>, TrainError> {
        if indices.is_empty() {
            return Ok(None);
        }
        let dataset = Arc::clone(&self.data.dataset);
        let options = BatchOptions::in_order(self.evaluator.plan().batch());
        let source = Source::new(dataset, indices, Arc::clone(&self.preprocessor), options)?.keeping_non_finite();
        let empty = Tally::new(&self.objective, indices.len(), detail);
        self.swap_average();
        let tally = self.tally(empty, source, watch);
        self.swap_average();
        let dataset = &self.data.dataset;
        Ok(Some(tally?.metrics(&self.objective, |place| sample_words(dataset, indices[place]))))
    }

    fn tally(&mut self, mut tally: Tally, source: Source, mut watch: impl FnMut(usize)) -> Result<Tally, TrainError> {
        let mut done = 0;
        let mut batches = Batches::new(source, Position::default());
        while let Some(batch) = batches.next() {
            let batch = batch?;
            let input = keel_nn::Batch { input: &batch.inputs, random: self.random };
            let outputs = self.views.outputs(&mut self.evaluator, &self.network, input);
            self.outputs.clear();
            self.outputs.extend_from_slice(outputs);
            self.objective.combine(&mut self.outputs);
            let (inputs, outputs, targets) = (&batch.inputs[..], &self.outputs[..], &batch.targets);
            tally.add(&mut self.objective, Answers { inputs, outputs, targets });
            done += batch.samples();
            watch(done);
        }
        Ok(tally)
    }

    /// Exchanges the trained weights with their average, where there is one; a second call undoes the first.
    pub(crate) fn swap_average(&mut self) {
        if let Some(average) = &mut self.average {
            average.swap(&mut self.network);
        }
    }

    /// The average of the weights, where there is one, to be kept.
    pub(crate) fn average(&self) -> Option<&WeightAverage> {
        self.average.as_ref()
    }

    /// The average of the weights, where there is one, to be restored.
    pub(crate) fn average_mut(&mut self) -> Option<&mut WeightAverage> {
        self.average.as_mut()
    }

    /// Puts the average of the weights, where there is one, in the place of the trained ones for good.
    pub(crate) fn end_averaging(&mut self) {
        self.swap_average();
        self.average = None;
    }

    /// Writes the model of `config`, with its preprocessing and labels, as the file `path`. With averaged weights, those
    /// are written.
    ///
    /// # Errors
    /// A file that cannot be written; one that was there before is then untouched.
    pub fn save(&mut self, config: &Config, path: &Path) -> Result<(), TrainError> {
        Ok(self.model(config).write(path)?)
    }

    /// The model of `config` as it is now, apart from further steps.
    ///
    /// # Errors
    /// If there is no memory or no thread for it.
    pub fn predictor(&mut self, config: &Config) -> Result<Predictor, TrainError> {
        let model = self.model(config);
        Predictor::of_model(&model, Path::new("model in memory"), &config.model.custom_layers())
    }

    fn model(&mut self, config: &Config) -> Checkpoint<ModelDescription> {
        self.swap_average();
        let model = model_file::of_session(self, config);
        self.swap_average();
        model
    }

    /// The data in its parts.
    pub fn data(&self) -> &SplitDataset {
        &self.data
    }

    /// The fitted preprocessing.
    pub fn preprocessor(&self) -> &Arc<Preprocessor> {
        &self.preprocessor
    }

    /// Where training batches come from.
    pub fn training_batches(&self) -> &Source {
        &self.training
    }

    /// The loss and what is predicted.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Graph, parameters and state.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Graph, parameters and state, to be changed.
    pub fn network_mut(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The gradient of the last step, laid out as the parameters.
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The optimiser, to be restored.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    /// What was inferred, added or left out while reading the data and building the network, one sentence each.
    pub fn inferred(&self) -> Vec<String> {
        self.network.graph.inferred().iter().chain(&self.notes).cloned().collect()
    }

    /// Adds a sentence to what was inferred.
    pub(super) fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// One row per layer.
    pub fn layers(&self) -> Vec<LayerSummary> {
        layer_summaries(&self.network.graph)
    }
}

/// Refuses a `train.metric` that the targets do not have.
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

/// What the reader says about the data, and which splits were asked for and stayed empty.
fn data_notes(config: &Config, data: &SplitDataset) -> Vec<String> {
    let mut notes = data.notes();
    let splits = [("validation", config.data.validation, &data.validation), ("test", config.data.test, &data.test)];
    for (name, share, samples) in splits {
        if share > 0.0 && samples.is_empty() {
            notes.push(format!("no {name} split: there are too few samples of each class to spare any"));
        }
    }
    let by_pixel = config.preprocess.resolved_steps().contains(&PreprocessStep::Standardize);
    let moves = [
        ("crop_padding", config.augment.crop_padding > 0),
        ("random_resized_crop", config.augment.random_resized_crop > 0.0),
    ];
    if let Some((key, _)) = moves.iter().find(|(_, on)| by_pixel && *on) {
        notes.push(format!(
            "augment.{key} moves pixels that standardize scales each by its own spread: one that hardly varies blows \
             up what comes to lie on it; channel_standardize scales all alike"
        ));
    }
    notes
}

/// The graph of `config` for what `preprocessor` gives.
pub(crate) fn build_graph(
    config: &Config,
    preprocessor: &Preprocessor,
    outputs: usize,
) -> Result<Arc<Graph>, TrainError> {
    let outputs = outputs * config.model.members();
    Ok(Graph::build(shape_of(preprocessor.output_shape()), &config.model.layers(), outputs)?.into())
}

/// An executor for evaluation batches of up to `batch` samples.
pub(crate) fn executor_for_evaluation(program: &Arc<Program>, batch: usize) -> Executor {
    executor(program, batch, Mode::Evaluate)
}

fn executor(program: &Arc<Program>, batch: usize, mode: Mode) -> Executor {
    let request = MemoryRequest { batch, mode, workers: rayon::current_num_threads() };
    Executor::new(Arc::clone(program), request)
}

pub(crate) fn shape_of(shape: &SampleShape) -> Shape {
    match *shape {
        SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
        SampleShape::Features(features) => Shape::Features(features),
    }
}

fn layer_summaries(graph: &Graph) -> Vec<LayerSummary> {
    let row = |node: &keel_nn::graph::Node| LayerSummary {
        name: node.name.clone(),
        kind: node.op.kind().to_owned(),
        description: node.op.describe(),
        output_shape: node.op.output_shape().dimensions(),
        parameters: node.parameters.len(),
        init: graph.parameters_of(node.id).find(|parameter| parameter.spec.role == ParameterRole::Weight).map(
            |weight| {
                let init = weight.spec.init.unwrap_or(InitSpec::Auto);
                init.resolve(node.followed_by).to_string()
            },
        ),
    };
    graph.nodes().iter().map(row).collect()
}

/// Layers that normalise over the batch cannot train on one sample.
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
