//! A run before it exists: its network and its memory, from the headers of its data where those suffice.

use std::path::Path;

use keel_data::{
    BatchOptions, Dataset, ImageSurvey, Inputs, PreprocessStep, Preprocessor, SampleShape, Schema, Targets,
};
use keel_nn::Graph;

use super::estimate::{Estimate, Job, check_preprocessing};
use crate::config::Config;
use crate::error::TrainError;
use crate::objective::Objective;
use crate::trainer::{check_batches, load_data, shape_of};

/// The network of a run, not fused, and what the run would hold.
#[derive(Debug)]
pub struct Outline {
    /// Every layer by itself.
    pub graph: Graph,
    /// Samples of the largest training batch.
    pub batch: usize,
    /// Memory by part.
    pub estimate: Estimate,
    /// What was decided or left out while looking at the data, one sentence each.
    pub notes: Vec<String>,
}

impl Outline {
    /// The outline of `config`. Images are not decoded and no network is made: nothing of what is described is allocated.
    /// Call it inside the pool of [`crate::threads::pool`].
    ///
    /// # Errors
    /// Data that cannot be read, layers that do not fit it.
    pub fn of(config: &Config) -> Result<Self, TrainError> {
        let config = &config.clone().settled();
        let changes_shape =
            |step: &PreprocessStep| matches!(step, PreprocessStep::Pca { .. } | PreprocessStep::Whiten { .. });
        let survey = match config.preprocess.resolved_steps().iter().any(changes_shape) {
            true => None,
            false => keel_data::survey(&config.data, Path::new(""))?,
        };
        match survey {
            Some(survey) => Self::of_survey(config, &survey),
            None => Self::of_data(config),
        }
    }

    fn of_survey(config: &Config, survey: &ImageSurvey) -> Result<Self, TrainError> {
        Objective::of_model(&config.train, &schema_of(survey)?, &[])?;
        let [train, validation, test] = survey.parts;
        let held_out = config.data.validation + if test == 0 { config.data.test } else { 0.0 };
        let share = if validation > 0 { 1.0 } else { (1.0 - held_out).clamp(0.0, 1.0) };
        let samples = (train as f64 * share).round() as usize;
        let job = Job {
            config,
            input: survey.sample_shape,
            outputs: survey.classes.len(),
            data_bytes: survey.bytes().map_or(u64::MAX / 4, |bytes| bytes as u64),
            data_is_held: false,
            training_samples: samples,
            largest_split: samples.max(validation).max(test),
            workers: rayon::current_num_threads(),
        };
        Self::of_job(&job, survey.notes.clone())
    }

    fn of_data(config: &Config) -> Result<Self, TrainError> {
        let data = load_data(config)?;
        Objective::new(&config.train, &data)?;
        check_preprocessing(config, data.dataset.sample_shape())?;
        let steps = config.preprocess.resolved_steps();
        let preprocessor = Preprocessor::fit(&data.dataset, &data.train, &steps)?;
        let job = Job::of_data(config, &data, *preprocessor.output_shape(), rayon::current_num_threads());
        Self::of_job(&job, data.dataset.notes().to_vec())
    }

    fn of_job(job: &Job<'_>, notes: Vec<String>) -> Result<Self, TrainError> {
        let layers = job.config.model.layers();
        let build = || Graph::build(shape_of(&job.input), &layers, job.outputs);
        let (graph, train) = (build()?, &job.config.train);
        check_batches(&graph, BatchOptions::shuffled(train.batch_size, train.seed), job.training_samples)?;
        let batch = train.batch_size.clamp(1, job.training_samples.max(1));
        let estimate = job.estimate(&build()?.fuse(), batch)?;
        Ok(Outline { graph, batch, estimate, notes })
    }
}

/// The classes of a survey as a loss asks for them; what the samples are does not matter to it.
fn schema_of(survey: &ImageSurvey) -> Result<Schema, TrainError> {
    let class_names: Vec<String> = survey.classes.iter().map(|(name, _)| name.clone()).collect();
    let labels: Vec<u32> = (0..class_names.len() as u32).collect();
    let inputs = Inputs::Bytes(vec![0; labels.len()]);
    let targets = Targets::Classes { labels, class_names };
    Ok(Dataset::from_memory("images", SampleShape::Features(1), inputs, targets)?.schema())
}
