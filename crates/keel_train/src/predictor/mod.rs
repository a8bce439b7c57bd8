//! A trained model, ready to predict.

mod importance;
mod unlike_inputs;
mod views;
mod workspace;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keel_data::{
    BatchTargets, DataConfig, Dataset, ImageSize, Preprocessor, SampleShape, Schema, Table, TargetKind, Targets,
    TrainingRanges, Wanted, why_unlabelled,
};
use keel_nn::layers::CustomLayer;
use keel_nn::{Cpu, Graph, Network, RandomKey, lower};

pub use importance::{ColumnImportance, Importance, ImportanceOptions};
pub use unlike_inputs::UnlikeInputs;
pub(crate) use views::Views;
pub(crate) use workspace::executor_for_evaluation;

use crate::config;
use crate::error::TrainError;
use crate::loading::{ChangedData, DataRecord, RunData, load_data};
use crate::metrics::{Answers, Detail, Metrics, Tally, largest, sample_words};
use crate::objective::{Known, Objective};
use crate::runs::model_file::{self, ModelDescription};
use crate::runs::{Checkpoint, CheckpointError, RunFolder, Status, Summary, restore_network};
use crate::{Config, threads};
use keel_data::shell_path;
use workspace::{Workspace, Workspaces};

/// A trained model with its preprocessing, labels and config.
///
/// Prediction only reads the model: one predictor, behind a reference or an `Arc`, serves any number of threads at the same
/// time. Each call uses its own buffers, which are kept for the next.
#[derive(Debug)]
pub struct Predictor {
    config: Config,
    /// File of the model, or a name for messages.
    path: PathBuf,
    schema: Schema,
    preprocessor: Preprocessor,
    objective: Objective,
    ranges: TrainingRanges,
    network: Network,
    workspaces: Workspaces,
    pool: rayon::ThreadPool,
}

/// Maximum number of classes or targets that a message names.
const NAMED: usize = 8;

/// Prediction for one sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// The most probable class and the probability of each.
    Class {
        /// Index of the class.
        index: usize,
        /// Name of the class.
        name: String,
        /// Probabilities, one per class; they add up to 1 except for `bce`.
        probabilities: Vec<f32>,
    },
    /// Predicted values in the unit of the targets; f64, because the precision of f32 does not suffice for time stamps.
    Values(Vec<f64>),
    /// No prediction: the sample's inputs or outputs are NaN or infinite.
    Undefined {
        /// File, line or number of the sample, with its most extreme value.
        sample: String,
    },
}

impl Predictor {
    /// Loads a model from the folder of a run or a `model.safetensors`.
    ///
    /// # Errors
    /// If the file does not exist, is damaged or of another version.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        Predictor::load_with(path, &[])
    }

    /// Loads a model with custom layers, like [`Predictor::load`].
    ///
    /// # Errors
    /// See [`Predictor::load`]; also if such a layer is not in `layers`.
    pub fn load_with(path: &Path, layers: &[CustomLayer]) -> Result<Self, TrainError> {
        // The error of a missing run names those of similar names.
        if !path.exists() && path.extension().is_none() {
            RunFolder::open(path)?;
        }
        let path: PathBuf = if path.is_dir() { model_of(path)? } else { path.to_owned() };
        Predictor::of_model(&model_file::read(&path)?, &path, layers)
    }

    /// Creates the model of `checkpoint`; `path` is for messages.
    pub(crate) fn of_model(
        checkpoint: &Checkpoint<'_, ModelDescription>,
        path: &Path,
        layers: &[CustomLayer],
    ) -> Result<Self, TrainError> {
        let description = &checkpoint.description;
        let mut config = config::parse(path, &description.config, &[])?;
        config.model.provide(layers);
        fix_image_size(&mut config, &description.schema);
        let (schema, preprocessor) = (description.schema.clone(), description.preprocessor.clone());
        let known = Known { scaling: &description.scaling, training: description.training.clone() };
        let objective = Objective::of_model(&config, &schema, known)?;
        let graph = Arc::new(objective.graph(&config, &preprocessor)?);
        let program = lower(&graph, &Cpu::fused());
        check_tensors(&graph, checkpoint, path)?;
        let mut network = Network::new(graph, RandomKey::new(0));
        restore_network(&mut network, checkpoint, path)?;
        let pool = threads::pool_of(&config)?;
        let views = Views::new(&config, &preprocessor)?;
        let workspaces = Workspaces::new(program, views, pool.current_num_threads())?;
        let ranges = description.ranges.clone();
        let path = path.to_owned();
        Ok(Predictor { config, path, schema, preprocessor, objective, ranges, network, workspaces, pool })
    }

    /// Returns the config that the model was trained with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns shape, classes and columns of the training data.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the names of the classes; empty for regression.
    pub fn class_names(&self) -> &[String] {
        match &self.schema.target {
            TargetKind::Classes(names) => names,
            _ => &[],
        }
    }

    /// Makes [`Predictor::load_data`] skip unreadable images and add a note with their number.
    pub fn skip_unreadable(&mut self) {
        self.config.data.skip_unreadable = true;
    }

    /// Reads data for this model: images are resized to its size, classes and columns get its encoding.
    ///
    /// # Errors
    /// If data cannot be read or does not fit the model.
    pub fn load_data(&self, source: &str) -> Result<Dataset, TrainError> {
        let config = DataConfig { source: source.to_owned(), ..self.config.data.clone() };
        Ok(keel_data::load_for_model(&config, Path::new(""), &self.schema)?)
    }

    /// Reads the data that the model was trained on, with its splits.
    ///
    /// Data that has changed since then, where that is allowed, is encoded as the model needs it, like the data of
    /// [`Predictor::load_data`], and its test split may contain samples of the training split.
    ///
    /// # Errors
    /// [`TrainError::ChangedData`] if it has changed and that is refused; also if it cannot be read.
    pub fn load_run_data(&self, changed: ChangedData) -> Result<RunData, TrainError> {
        let folder = self.path.parent().and_then(|folder| RunFolder::open(folder).ok());
        let folder = folder.filter(|folder| folder.model() == self.path);
        let recorded = folder.as_ref().map(|folder| DataRecord::of(folder, &self.config)).unwrap_or_default();
        let split = load_data(&self.config)?;
        let Some(what) = recorded.with_classes(self.class_names()).change(&split) else {
            return Ok(RunData { split, change: None });
        };
        if changed == ChangedData::Refused {
            let place = folder.as_ref().map(RunFolder::path).filter(|folder| !folder.as_os_str().is_empty());
            let run = place.unwrap_or(&self.path).to_owned();
            return Err(TrainError::ChangedData { run, what });
        }
        let dataset = self.load_data(&self.config.data.source)?;
        Ok(RunData { split: dataset.split(self.config.data.split())?, change: Some(what) })
    }

    /// Reads image files for this model from any folder; if targets are wanted, the names of their folders are their classes.
    ///
    /// # Errors
    /// If a file cannot be decoded, or a folder is not named after a class of the model.
    pub fn load_images(&self, files: &[PathBuf], wanted: Wanted) -> Result<Dataset, TrainError> {
        Ok(keel_data::load_images_for_model(&self.config.data, &self.schema, files, wanted)?)
    }

    /// Reads a table in memory for this model.
    ///
    /// # Errors
    /// If the table lacks a column of the model, or a cell cannot be read.
    pub fn load_table(&self, table: &Table, wanted: Wanted) -> Result<Dataset, TrainError> {
        Ok(keel_data::load_table_for_model(&self.config.data, &self.schema, table, wanted)?)
    }

    /// Returns the ranges of the inputs over the training split.
    pub fn training_ranges(&self) -> &TrainingRanges {
        &self.ranges
    }

    /// Reads data like [`Predictor::load_data`], for prediction only: every row of a table is kept, without its target.
    ///
    /// # Errors
    /// See [`Predictor::load_data`].
    pub fn load_inputs(&self, source: &str) -> Result<Dataset, TrainError> {
        let config = DataConfig { source: source.to_owned(), ..self.config.data.clone() };
        Ok(keel_data::load_to_predict(&config, Path::new(""), &self.schema)?)
    }

    /// Returns the fitted preprocessing.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    /// Returns the loss that the model was trained with, which defines the meaning of its outputs.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Returns the graph and trained parameters.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Predicts all samples of `dataset`, in order.
    ///
    /// # Errors
    /// If samples have a different shape. A sample whose values or outputs are not finite is [`Prediction::Undefined`].
    pub fn predict(&self, dataset: &Dataset) -> Result<Vec<Prediction>, TrainError> {
        let indices: Vec<usize> = (0..dataset.samples()).collect();
        self.predict_samples(dataset, &indices)
    }

    /// Predicts the samples `indices` of `dataset`, in order.
    ///
    /// # Errors
    /// See [`Predictor::predict`].
    pub fn predict_samples(&self, dataset: &Dataset, indices: &[usize]) -> Result<Vec<Prediction>, TrainError> {
        let outputs = self.outputs(dataset, indices)?;
        let rows = self.objective.predictions(&outputs);
        let width = self.objective.outputs();
        let raw = outputs.chunks_exact(width).zip(rows.chunks_exact(width)).zip(indices);
        let predicted =
            raw.map(|((outputs, row), &sample)| match outputs.iter().chain(row).all(|value| value.is_finite()) {
                true => self.prediction(row),
                false => Prediction::Undefined { sample: sample_words(dataset, sample) },
            });
        Ok(predicted.collect())
    }

    /// Computes the metrics of the samples `indices` of labelled data.
    ///
    /// # Errors
    /// See [`Predictor::predict`]; also if the data have no targets.
    pub fn evaluate(&self, dataset: &Dataset, indices: &[usize]) -> Result<Metrics, TrainError> {
        self.objective.check_function()?;
        let targets = self.targets_of(dataset, indices)?;
        let outputs = self.outputs(dataset, indices)?;
        let mut objective = self.objective.clone();
        let mut tally = Tally::new(&objective, indices.len(), Detail::Full);
        tally.add(&mut objective, Answers { outputs: &outputs, targets: &targets });
        Ok(tally.metrics(&objective, |place| sample_words(dataset, indices[place])))
    }

    /// Computes the metrics of all samples of several labelled datasets together.
    ///
    /// # Errors
    /// See [`Predictor::evaluate`].
    pub fn evaluate_all(&self, datasets: &[&Dataset]) -> Result<Metrics, TrainError> {
        self.objective.check_function()?;
        let mut objective = self.objective.clone();
        let samples = datasets.iter().map(|dataset| dataset.samples()).sum();
        let mut tally = Tally::new(&objective, samples, Detail::Full);
        for dataset in datasets {
            let indices: Vec<usize> = (0..dataset.samples()).collect();
            let targets = self.targets_of(dataset, &indices)?;
            let outputs = self.outputs(dataset, &indices)?;
            tally.add(&mut objective, Answers { outputs: &outputs, targets: &targets });
        }
        let words = |mut place: usize| {
            for dataset in datasets {
                if place < dataset.samples() {
                    return sample_words(dataset, place);
                }
                place -= dataset.samples();
            }
            String::new()
        };
        Ok(tally.metrics(&objective, words))
    }

    /// Returns the targets of the samples `indices`.
    ///
    /// # Errors
    /// If the data has no targets, or others than the model: a class is its place in the list of names.
    fn targets_of(&self, dataset: &Dataset, indices: &[usize]) -> Result<BatchTargets, TrainError> {
        let refuse = |fault: String, next: &str| Err(TrainError::setting("data", format!("{fault}; {next}")));
        match (dataset.targets(), &self.schema.target) {
            (Targets::Classes { labels, class_names }, TargetKind::Classes(own)) if class_names == own => {
                Ok(BatchTargets::Classes(indices.iter().map(|&sample| labels[sample]).collect()))
            }
            (Targets::Values { values, target_names }, TargetKind::Values(own)) if target_names.len() == own.len() => {
                let width = target_names.len();
                let row = |&sample: &usize| &values[sample * width..(sample + 1) * width];
                Ok(BatchTargets::Values(indices.iter().flat_map(row).copied().collect()))
            }
            (Targets::Unlabelled, _) => {
                let why = why_unlabelled(dataset).map(|why| format!(": {why}")).unwrap_or_default();
                let fault = format!("this data has no targets to compare with{why}");
                refuse(fault, "name other data, or use predict instead")
            }
            (_, own) => {
                let fault = format!(
                    "this data has {}, but the model {}",
                    kind_words(&dataset.schema().target),
                    kind_words(own)
                );
                refuse(fault, "read the data for this model, or train a model on this data")
            }
        }
    }

    /// Returns the outputs, `[indices, outputs]`, with the outputs of ensemble members combined; NaN for a sample whose
    /// preprocessed values are not finite.
    fn outputs(&self, dataset: &Dataset, indices: &[usize]) -> Result<Vec<f32>, TrainError> {
        let mut outputs = Vec::with_capacity(indices.len() * self.network.graph.output_shape().len());
        self.pool.install(|| {
            self.workspaces.with(|workspace| {
                for part in indices.chunks(self.workspaces.samples()) {
                    self.append_outputs(workspace, dataset, part, &mut outputs)?;
                }
                self.objective.combine(&mut outputs);
                Ok(outputs)
            })
        })
    }

    /// Appends the network's outputs for the samples `part`, at most as many as the workspace takes, `[part, members,
    /// outputs]`.
    fn append_outputs(
        &self,
        workspace: &mut Workspace,
        dataset: &Dataset,
        part: &[usize],
        outputs: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        let Workspace { executor, views, inputs, scratch } = workspace;
        let length = self.preprocessor.output_shape().len();
        inputs.resize(part.len() * length, 0.0);
        self.preprocessor.gather_unchecked(dataset, part, inputs, scratch)?;
        let batch = keel_nn::BatchInput { input: inputs, random: RandomKey::new(0) };
        let start = outputs.len();
        outputs.extend_from_slice(views.outputs(executor, &self.network, batch));
        let rows = outputs[start..].chunks_exact_mut(self.network.graph.output_shape().len());
        let hidden = rows.zip(inputs.chunks_exact(length)).filter(|(_, row)| !row.iter().all(|x| x.is_finite()));
        hidden.for_each(|(outputs, _)| outputs.fill(f32::NAN));
        Ok(())
    }

    /// Converts `row`, the objective's predictions from the raw outputs.
    fn prediction(&self, row: &[f32]) -> Prediction {
        match self.class_names() {
            [] => {
                let origin = self.schema.target_origin();
                Prediction::Values(row.iter().map(|&value| in_own_unit(value, origin)).collect())
            }
            names => {
                let index = largest(row);
                Prediction::Class { index, name: names[index].clone(), probabilities: row.to_vec() }
            }
        }
    }
}

/// Checks that the file has all tensors of a network, before memory is allocated for them.
fn check_tensors(graph: &Graph, checkpoint: &Checkpoint<ModelDescription>, path: &Path) -> Result<(), CheckpointError> {
    let parameters = graph.parameters().iter().map(|parameter| (&parameter.name, parameter.range.len()));
    let state = graph.state().iter().map(|entry| (&entry.name, entry.range.len()));
    parameters.chain(state).try_for_each(|(name, length)| checkpoint.values(path, name, length).map(drop))
}

/// Replaces an image size that would be chosen automatically by the size that the model was trained with.
fn fix_image_size(config: &mut Config, schema: &Schema) {
    if let (SampleShape::Image { height, width, .. }, Some(decoding)) = (schema.sample_shape, schema.image_decoding) {
        config.data.image_size.get_or_insert(ImageSize::Sides([height, width]));
        config.data.fit = decoding.fit;
    }
}

/// Describes the targets of data or of a model in a few words.
fn kind_words(target: &TargetKind) -> String {
    let listed = |names: &[String]| {
        let shown = names[..names.len().min(NAMED)].join(", ");
        if names.len() > NAMED { format!("{shown} and {} more", names.len() - NAMED) } else { shown }
    };
    match target {
        TargetKind::Classes(names) => format!("the classes {}", listed(names)),
        TargetKind::Values(names) => format!("the values {}", listed(names)),
        TargetKind::Unlabelled => "no targets".to_owned(),
    }
}

/// Returns a predicted value with the offset of its target added; without one, the number that `value` is printed as, so that
/// no digits appear that f32 does not have.
fn in_own_unit(value: f32, origin: f64) -> f64 {
    match origin {
        0.0 => value.to_string().parse().unwrap_or(f64::from(value)),
        _ => f64::from(value) + origin,
    }
}

/// Returns the path of the model in the folder of a run.
///
/// # Errors
/// If there is none; the message gives the reason, as far as the folder shows it.
fn model_of(path: &Path) -> Result<PathBuf, TrainError> {
    let model = path.join("model.safetensors");
    if model.exists() {
        return Ok(model);
    }
    let resume = format!("finish it with `evenkeel train --resume {}`", shell_path(path));
    let (reason, next) = match RunFolder::open(path).and_then(|folder| folder.read_summary()) {
        Ok(Summary { status: Status::Failed, .. }) => {
            ("the run failed before it had a model", "see the reason in its summary.json, and train again")
        }
        Ok(Summary { status: Status::Running, .. }) => {
            ("the run has no model yet: it is still running or was killed", resume.as_str())
        }
        _ => ("no model.safetensors in it", "give the folder of a run or a model.safetensors"),
    };
    Err(TrainError::of_file(path, reason, next.to_owned()))
}
