//! Outline of a run that does not exist yet: its network and its memory, from the headers of its data if those suffice.

use std::path::Path;
use std::sync::Arc;

use keel_data::{
    BatchOptions, Dataset, ImageSurvey, Inputs, PreprocessStep, Preprocessor, SampleShape, Schema, SplitDataset,
    Targets,
};
use keel_nn::{Cpu, Graph, lower};

use super::{Pace, Timing};
use crate::auto::{self, Choice, Facts, Resolved};
use crate::config::Config;
use crate::error::TrainError;
use crate::loading::load_data;
use crate::memory::{Estimate, Job, check_preprocessing};
use crate::objective::{Known, Objective, TrainingTargets};
use crate::session::check_batches;

/// The network of a run, without fusion, and the memory of the run.
#[derive(Debug)]
pub struct Outline {
    /// Graph of all layers.
    pub graph: Arc<Graph>,
    /// Number of samples of the largest training batch.
    pub batch: usize,
    /// Memory by part.
    pub estimate: Estimate,
    /// Decisions and omissions made while reading the data, one sentence each.
    pub notes: Vec<String>,
    /// Automatic choices, with reasons.
    pub choices: Vec<Choice>,
    /// Config as given.
    open: Config,
    /// Config with all settings resolved.
    config: Config,
    facts: Facts,
}

/// A config before and after the automatic choices.
struct Decided {
    open: Config,
    config: Config,
    choices: Vec<Choice>,
    facts: Facts,
}

impl Outline {
    /// Creates the outline of `config`. Images are not decoded and no network is created: nothing that is described is
    /// allocated. Call it inside the pool of [`crate::threads::pool`].
    ///
    /// # Errors
    /// If data cannot be read, or layers do not fit it.
    pub fn of(config: &Config) -> Result<Self, TrainError> {
        let open = config.clone().settled();
        let makes_rows = config.preprocess.resolved_steps().iter().any(PreprocessStep::makes_rows_of_images);
        let survey = match makes_rows {
            true => None,
            false => keel_data::survey(&open.data, Path::new(""))?,
        };
        match survey {
            Some(survey) => {
                let facts = Facts {
                    shape: survey.sample_shape,
                    numeric_features: survey.sample_shape.len(),
                    parts: survey.parts,
                    values: false,
                    imbalance: auto::imbalance(survey.classes.iter().map(|(_, samples)| *samples)),
                };
                let (config, choices) = auto::decide(&open, &facts);
                Self::of_survey(Decided { open, config, choices, facts }, &survey)
            }
            None => {
                let data = load_data(&open)?;
                let facts = Facts::of_data(&data.dataset);
                let Resolved { config, data, choices } = auto::resolve(&open, data)?;
                Self::of_data(Decided { open, config, choices, facts }, &data)
            }
        }
    }

    /// Measures a few steps of the network on synthetic samples and returns the expected duration of training; `None` if it
    /// would not fit into memory or takes only a moment.
    pub fn timing(&self) -> Option<Timing> {
        if !self.estimate.fits() {
            return None;
        }
        let pace = Pace::of_network(&self.graph, self.batch, &self.facts, &self.config)?;
        Some(pace.fit(&mut self.config.clone(), &self.open, &mut Vec::new()))
    }

    /// Returns the config with all settings resolved.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    fn of_survey(decided: Decided, survey: &ImageSurvey) -> Result<Self, TrainError> {
        let class_samples = survey.classes.iter().map(|(_, samples)| *samples as u64).collect();
        let training = TrainingTargets { class_samples, means: Vec::new() };
        Objective::of_model(&decided.config, &schema_of(survey)?, Known { scaling: &[], training })?;
        let [_, validation, test] = survey.parts;
        let samples = decided.facts.training_samples(&decided.config);
        let job = Job {
            config: &decided.config.clone(),
            input: survey.sample_shape,
            outputs: survey.classes.len() * decided.config.model.members(),
            data_bytes: survey.bytes().map_or(u64::MAX / 4, |bytes| bytes as u64),
            data_is_held: false,
            training_samples: samples,
            largest_split: samples.max(validation).max(test),
            workers: rayon::current_num_threads(),
        };
        Self::of_job(decided, &job, survey.notes.clone())
    }

    fn of_data(decided: Decided, data: &SplitDataset) -> Result<Self, TrainError> {
        let config = &decided.config.clone();
        Objective::new(config, data)?;
        check_preprocessing(config, data.dataset.sample_shape())?;
        let steps = config.preprocess.resolved_steps();
        let preprocessor = Preprocessor::fit(&data.dataset, &data.train, &steps)?;
        let job = Job::of_data(config, data, *preprocessor.output_shape(), rayon::current_num_threads());
        Self::of_job(decided, &job, data.dataset.notes().to_vec())
    }

    fn of_job(decided: Decided, job: &Job<'_>, notes: Vec<String>) -> Result<Self, TrainError> {
        let Decided { open, config, choices, facts } = decided;
        let graph = Arc::new(job.config.graph(&job.input, job.outputs)?);
        let train = &job.config.train;
        check_batches(&graph, BatchOptions::shuffled(train.batch_size, train.seed), job.training_samples)?;
        let batch = train.batch_size.clamp(1, job.training_samples.max(1));
        let estimate = job.estimate(&lower(&graph, &Cpu::fused()), batch)?;
        Ok(Outline { graph, batch, estimate, notes, choices, open, config, facts })
    }
}

/// Returns the classes of a survey in the form that a loss needs; the samples themselves do not matter.
fn schema_of(survey: &ImageSurvey) -> Result<Schema, TrainError> {
    let class_names: Vec<String> = survey.classes.iter().map(|(name, _)| name.clone()).collect();
    let labels: Vec<u32> = (0..class_names.len() as u32).collect();
    let inputs = Inputs::Bytes(vec![0; labels.len()]);
    let targets = Targets::Classes { labels, class_names };
    Ok(Dataset::from_memory("images", SampleShape::Features(1), inputs, targets)?.schema())
}
