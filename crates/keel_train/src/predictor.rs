//! A trained model, ready to predict.

use std::path::{Path, PathBuf};

use keel_data::{
    BatchTargets, DataConfig, Dataset, ImageSize, PreprocessScratch, Preprocessor, SampleShape, Schema, TargetKind,
    Targets,
};
use keel_nn::layers::CustomLayer;
use keel_nn::{Executor, Network, RandomKey};

use crate::config;
use crate::error::TrainError;
use crate::metrics::{Metrics, Tally, largest};
use crate::model_file;
use crate::objective::Objective;
use crate::runs::{RunFolder, Status, Summary};
use crate::trainer::{build_graph, executor_for_evaluation, restore_network};
use crate::views::Views;
use crate::{Config, threads};

/// Samples predicted at once.
const BATCH: usize = 256;

/// A trained model with its preprocessing, labels and config.
#[derive(Debug)]
pub struct Predictor {
    config: Config,
    schema: Schema,
    preprocessor: Preprocessor,
    objective: Objective,
    network: Network,
    executor: Executor,
    views: Views,
    pool: rayon::ThreadPool,
}

/// What the model says about one sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// The most probable class and the probability of each.
    Class {
        /// Its index.
        index: usize,
        /// Its name.
        name: String,
        /// One per class; they add up to 1 but for `bce`.
        probabilities: Vec<f32>,
    },
    /// Predicted values in the targets' own unit.
    Values(Vec<f32>),
}

impl Predictor {
    /// Loads a model from the folder of a run or a `model.safetensors`.
    ///
    /// # Errors
    /// No such file, or one that is damaged or of another version.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        Predictor::load_with(path, &[])
    }

    /// As [`Predictor::load`], for a model that has layers of a program's own.
    ///
    /// # Errors
    /// As [`Predictor::load`], or such a layer that is not in `layers`.
    pub fn load_with(path: &Path, layers: &[CustomLayer]) -> Result<Self, TrainError> {
        let path: PathBuf = if path.is_dir() { model_of(path)? } else { path.to_owned() };
        let checkpoint = model_file::read(&path)?;
        let description = &checkpoint.description;
        let mut config = config::parse(&path, &description.config, &[])?;
        config.model.provide(layers);
        fix_image_size(&mut config, &description.schema);
        let outputs = match &description.schema.target {
            TargetKind::Classes(names) | TargetKind::Values(names) => names.len(),
            TargetKind::Unlabelled => 0,
        };
        let graph = build_graph(&config, &description.preprocessor, outputs)?;
        let mut network = Network::new(graph, RandomKey::new(0));
        restore_network(&mut network, &checkpoint, &path)?;
        let pool = threads::pool(config.train.threads)
            .map_err(|error| TrainError::setting("train.threads", format!("cannot start threads: {error}")))?;
        let executor = pool.install(|| executor_for_evaluation(&network, BATCH));
        let (schema, preprocessor) = (description.schema.clone(), description.preprocessor.clone());
        let objective = Objective::of_model(&config.train, &schema, &description.scaling)?;
        let views = Views::new(&config, &preprocessor)?;
        Ok(Predictor { config, schema, preprocessor, objective, network, executor, views, pool })
    }

    /// The config the model was trained with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Shape, classes and columns of the data it was trained on.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Names of the classes; empty for regression.
    pub fn class_names(&self) -> &[String] {
        match &self.schema.target {
            TargetKind::Classes(names) => names,
            _ => &[],
        }
    }

    /// From now on, leaves unreadable images out of what [`Predictor::load_data`] reads, with a note that counts them.
    pub fn skip_unreadable(&mut self) {
        self.config.data.skip_unreadable = true;
    }

    /// Reads data for this model: images are brought to its size, classes and columns get its numbers.
    ///
    /// # Errors
    /// Data that cannot be read or does not fit the model.
    pub fn load_data(&self, source: &str) -> Result<Dataset, TrainError> {
        let config = DataConfig { source: source.to_owned(), ..self.config.data.clone() };
        Ok(keel_data::load_for_model(&config, Path::new(""), &self.schema)?)
    }

    /// The fitted preprocessing.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    /// Graph and trained parameters.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Predicts all samples of `dataset`, in order.
    ///
    /// # Errors
    /// Samples of another shape or with values that are not finite.
    pub fn predict(&mut self, dataset: &Dataset) -> Result<Vec<Prediction>, TrainError> {
        let indices: Vec<usize> = (0..dataset.samples()).collect();
        self.predict_samples(dataset, &indices)
    }

    /// Predicts the samples `indices` of `dataset`, in order.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn predict_samples(&mut self, dataset: &Dataset, indices: &[usize]) -> Result<Vec<Prediction>, TrainError> {
        let outputs = self.outputs(dataset, indices)?;
        let rows = self.objective.predictions(&outputs);
        Ok(rows.chunks_exact(self.objective.outputs()).map(|row| self.prediction(row)).collect())
    }

    /// Metrics of the samples `indices` of labelled data.
    ///
    /// # Errors
    /// As [`Predictor::predict`], or data without targets.
    pub fn evaluate(&mut self, dataset: &Dataset, indices: &[usize]) -> Result<Metrics, TrainError> {
        let outputs = self.outputs(dataset, indices)?;
        let targets = match dataset.targets() {
            Targets::Classes { labels, .. } => {
                BatchTargets::Classes(indices.iter().map(|&sample| labels[sample]).collect())
            }
            Targets::Values { values, target_names } => {
                let width = target_names.len();
                let row = |&sample: &usize| &values[sample * width..(sample + 1) * width];
                BatchTargets::Values(indices.iter().flat_map(row).copied().collect())
            }
            Targets::Unlabelled => {
                let message = "this data has no targets to compare with; use predict instead";
                return Err(TrainError::setting("data", message));
            }
        };
        let mut tally = Tally::new(&self.objective);
        tally.add(&mut self.objective, &outputs, &targets);
        Ok(tally.metrics(&self.objective))
    }

    /// Raw outputs, `[indices, outputs]`.
    fn outputs(&mut self, dataset: &Dataset, indices: &[usize]) -> Result<Vec<f32>, TrainError> {
        let Predictor { preprocessor, network, executor, views, pool, .. } = self;
        pool.install(|| {
            let length = preprocessor.output_shape().len();
            let mut scratch = PreprocessScratch::default();
            let mut outputs = Vec::with_capacity(indices.len() * network.graph.output_shape().len());
            let mut inputs = vec![0.0; BATCH * length];
            for part in indices.chunks(BATCH) {
                let inputs = &mut inputs[..part.len() * length];
                preprocessor.gather(dataset, part, inputs, &mut scratch)?;
                let batch = keel_nn::Batch { input: inputs, random: RandomKey::new(0) };
                outputs.extend_from_slice(views.outputs(executor, network, batch));
            }
            Ok(outputs)
        })
    }

    /// `row` holds what the objective makes of the raw outputs.
    fn prediction(&self, row: &[f32]) -> Prediction {
        match self.class_names() {
            [] => Prediction::Values(row.to_vec()),
            names => {
                let index = largest(row);
                Prediction::Class { index, name: names[index].clone(), probabilities: row.to_vec() }
            }
        }
    }
}

/// Puts the size the model was trained at in the place of one that would be chosen again.
fn fix_image_size(config: &mut Config, schema: &Schema) {
    if let (SampleShape::Image { height, width, .. }, Some(decoding)) = (schema.sample_shape, schema.image_decoding) {
        config.data.image_size.get_or_insert(ImageSize::Sides([height, width]));
        config.data.fit = decoding.fit;
    }
}

/// The model in the folder of a run.
///
/// # Errors
/// There is none; the message says why, as far as the folder knows.
fn model_of(path: &Path) -> Result<PathBuf, TrainError> {
    let model = path.join("model.safetensors");
    if model.exists() {
        return Ok(model);
    }
    let (reason, next) = match RunFolder::open(path).and_then(|folder| folder.read_summary()) {
        Ok(Summary { status: Status::Failed, .. }) => {
            ("the run failed before it had a model", "see the reason in its summary.json, and train again")
        }
        Ok(Summary { status: Status::Running, .. }) => {
            ("the run has no model yet: it is under way or was killed", "finish it with `evenkeel train --resume RUN`")
        }
        _ => ("no model.safetensors in it", "give the folder of a run or a model.safetensors"),
    };
    Err(TrainError::Run { path: path.to_owned(), reason: reason.to_owned(), next })
}
