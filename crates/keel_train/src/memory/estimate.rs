//! Memory of a run by part, computed from shapes only.

use keel_data::{PreprocessStep, SampleShape, SplitDataset, Targets};
use std::sync::Arc;

use keel_nn::graph::Node;
use keel_nn::{Cpu, Graph, MemoryPlan, MemoryRequest, Mode, Program, lower};

use super::limit::{LimitOrigin, bytes_text};
use crate::config::{AveragingConfig, Config};
use crate::error::TrainError;

/// Number of batches prepared ahead of the step.
pub(crate) const BATCHES_AHEAD: usize = 2;

/// Maximum batch size of an evaluation; results do not depend on it.
pub(crate) const EVALUATION_BATCH: usize = 256;

/// Number of values up to which the memory of a run is added up: 280 TB. A larger run is rejected without a sum, which could
/// overflow.
const COUNTABLE: u128 = 1 << 46;

/// Size of one number in bytes.
const FLOAT: u64 = size_of::<f32>() as u64;

/// Facts that determine the memory of a run, in addition to its config.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// Config of the run.
    pub config: &'a Config,
    /// Shape of a sample after preprocessing.
    pub input: SampleShape,
    /// Number of outputs of the network per sample.
    pub outputs: usize,
    /// Size of all samples and their targets in bytes.
    pub data_bytes: u64,
    /// True if the data is in memory already, so that it is not part of the machine's free memory.
    pub data_is_held: bool,
    /// Number of samples of the training split.
    pub training_samples: usize,
    /// Number of samples of the largest split.
    pub largest_split: usize,
    /// Number of threads that compute.
    pub workers: usize,
}

/// Memory of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryPart {
    /// Name, as in "gradients and optimizer".
    pub name: &'static str,
    /// Size in bytes.
    pub bytes: u64,
}

/// Memory of a run by part, and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    parts: Vec<MemoryPart>,
    limit: Option<(u64, LimitOrigin)>,
    held: u64,
}

impl Job<'_> {
    /// Collects the facts of a run of `config` on `data`, which is in memory.
    pub fn of_data<'a>(config: &'a Config, data: &SplitDataset, input: SampleShape, workers: usize) -> Job<'a> {
        Job {
            config,
            input,
            outputs: data.dataset.outputs() * config.model.members(),
            data_bytes: bytes_of(data),
            data_is_held: true,
            training_samples: data.train.len(),
            largest_split: [&data.train, &data.validation, &data.test].map(Vec::len).into_iter().max().unwrap_or(1),
            workers,
        }
    }

    /// Estimates the memory of the run of `program` with training batches of up to `batch` samples. Nothing is allocated.
    ///
    /// # Errors
    /// If `train.memory_limit` is not a valid size, or the run is too large to be added up.
    pub fn estimate(&self, program: &Program, batch: usize) -> Result<Estimate, TrainError> {
        let batch = batch.clamp(1, self.training_samples.max(1) + 1);
        check_countable(program.graph(), batch)?;
        let limit = self.config.train.memory_limit.resolve();
        let limit = limit.map_err(|message| TrainError::setting("train.memory_limit", message))?;
        let plan = |mode, batch| {
            let request = MemoryRequest { batch, mode, workers: self.workers };
            FLOAT * MemoryPlan::new(program, request).arena_length() as u64
        };
        let graph = program.graph();
        let (parameters, state) = (graph.parameter_length() as u64, graph.state_length() as u64);
        let averages = u64::from(!matches!(self.config.train.averaging, AveragingConfig::Off {}));
        let slots = self.config.optimizer.slot_names().len() as u64;
        let evaluated = self.largest_split.clamp(1, EVALUATION_BATCH);
        let sample = FLOAT * self.input.len() as u64;
        let held = parameters * (1 + slots + averages) + state * (1 + averages);
        let parts = vec![
            MemoryPart { name: "data", bytes: self.data_bytes },
            MemoryPart { name: "weights and their averages", bytes: FLOAT * (parameters + state) * (1 + averages) },
            MemoryPart { name: "gradients and optimizer", bytes: FLOAT * parameters * (1 + slots) },
            MemoryPart { name: "training steps", bytes: plan(Mode::Train, batch) },
            MemoryPart { name: "evaluation", bytes: plan(Mode::Evaluate, evaluated) + evaluated as u64 * sample },
            MemoryPart { name: "batches ahead", bytes: (BATCHES_AHEAD as u64 + 1) * batch as u64 * sample },
            MemoryPart { name: "checkpoints while they are written", bytes: FLOAT * held },
        ];
        let held = if self.data_is_held { self.data_bytes } else { 0 };
        Ok(Estimate { parts, limit, held })
    }

    /// Returns the maximum training batch size, at most that of the config, within the limit; `None` if not even two samples
    /// fit.
    ///
    /// # Errors
    /// See [`Job::estimate`].
    pub fn largest_batch(&self, program: &Program) -> Result<Option<usize>, TrainError> {
        let (mut fitting, mut above) = (1, self.config.train.batch_size + 1);
        while fitting + 1 < above {
            let middle = fitting + (above - fitting) / 2;
            match self.estimate(program, middle)?.fits() {
                true => fitting = middle,
                false => above = middle,
            }
        }
        Ok((fitting > 1).then_some(fitting))
    }

    /// Returns the maximum `[height, width]` below the current one, in the same proportions, whose run stays within the limit
    /// with the batch size of the config; `None` if samples are not images or no size fits.
    ///
    /// # Errors
    /// See [`Job::estimate`].
    pub fn largest_image(&self) -> Result<Option<[usize; 2]>, TrainError> {
        let SampleShape::Image { height, width, channels } = self.input else { return Ok(None) };
        let steps = height.min(width) / 8;
        for step in (1..steps).rev() {
            let scaled = |side: usize| (side * step / steps).max(1);
            let input = SampleShape::Image { height: scaled(height), width: scaled(width), channels };
            let share = input.len() as f64 / self.input.len() as f64;
            let job = Job { input, data_bytes: (self.data_bytes as f64 * share) as u64, ..self.clone() };
            let Ok(graph) = self.config.graph(&input, self.outputs) else { continue };
            // Data in memory keeps its current size until it is read again.
            let job = Job { data_is_held: false, ..job };
            if job.estimate(&lower(&Arc::new(graph), &Cpu::fused()), self.config.train.batch_size)?.fits() {
                return Ok(Some([scaled(height), scaled(width)]));
            }
        }
        Ok(None)
    }
}

impl Estimate {
    /// Returns the memory by part.
    pub fn parts(&self) -> &[MemoryPart] {
        &self.parts
    }

    /// Returns the total.
    pub fn total(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// Returns the limit and its origin; `None` if the system does not report its free memory.
    pub fn limit(&self) -> Option<(u64, LimitOrigin)> {
        self.limit
    }

    /// Returns true if the run stays within the limit.
    pub fn fits(&self) -> bool {
        match self.limit {
            None => true,
            Some((bytes, LimitOrigin::Config)) => self.total() <= bytes,
            Some((bytes, LimitOrigin::Machine)) => self.total() - self.held <= bytes,
        }
    }

    /// Returns one line per part, the total last, with aligned numbers.
    pub fn table(&self) -> String {
        let total = MemoryPart { name: "together", bytes: self.total() };
        let width = self.parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
        let line = |part: &MemoryPart| format!("  {:width$}  {:>12}", part.name, bytes_text(part.bytes));
        self.parts.iter().chain([&total]).map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the first sentence of the error message.
    fn excess(&self) -> String {
        let needed = bytes_text(self.total());
        match self.limit {
            Some((bytes, LimitOrigin::Config)) => {
                format!("the run takes {needed} of memory, the limit is {}", bytes_text(bytes))
            }
            Some((bytes, LimitOrigin::Machine)) => {
                format!("the run takes {needed} of memory, the machine has {} free", bytes_text(bytes))
            }
            None => format!("the run takes {needed} of memory"),
        }
    }
}

/// Checks that a run fits; otherwise returns an error with the sum by part and the settings that would fit.
///
/// # Errors
/// If the run does not fit.
pub(crate) fn check(job: &Job<'_>, program: &Program) -> Result<(), TrainError> {
    let batch = job.config.train.batch_size;
    let estimate = job.estimate(program, batch)?;
    if estimate.fits() {
        return Ok(());
    }
    let mut ways = Vec::new();
    if let Some(batch) = job.largest_batch(program)? {
        ways.push(format!("train.batch_size to at most {batch}"));
    }
    if let Some([height, width]) = job.largest_image()? {
        ways.push(format!("data.image_size to at most [{height}, {width}]"));
    }
    let next = match ways.is_empty() {
        true => "use a smaller network".to_owned(),
        false => format!("set {}", ways.join(" or ")),
    };
    let message = format!("{}:\n{}; {next}", estimate.excess(), estimate.table());
    Err(TrainError::setting("train.memory_limit", message))
}

/// Rejects a network whose weights or outputs of a batch are too many to be added up.
fn check_countable(graph: &Graph, batch: usize) -> Result<(), TrainError> {
    let outputs = |node: &Node| node.op.output_shape().len() as u128;
    let numbers = |node: &Node| node.parameters.len() as u128 + outputs(node).saturating_mul(batch as u128);
    let total = graph.nodes().iter().map(numbers).fold(0, u128::saturating_add);
    let largest = graph.nodes().iter().max_by_key(|node| numbers(node));
    match largest.filter(|_| total > COUNTABLE) {
        None => Ok(()),
        Some(node) => {
            let message = format!(
                "weights and a batch of {batch} samples have {total} numbers, most of them in layer {} ({}), more than fit into \
                 any memory; use a narrower layer, smaller batches or smaller images",
                node.place, node.name
            );
            Err(TrainError::setting("model.layers", message))
        }
    }
}

/// Rejects projections whose matrices, `[features, features]` in f64, do not fit.
///
/// # Errors
/// If they do not fit.
pub(crate) fn check_preprocessing(config: &Config, input: &SampleShape) -> Result<(), TrainError> {
    if !config.preprocess.resolved_steps().iter().any(PreprocessStep::is_projection) {
        return Ok(());
    }
    let limit = config.train.memory_limit.resolve();
    let limit = limit.map_err(|message| TrainError::setting("train.memory_limit", message))?;
    let features = input.len() as u64;
    // The covariance, its eigenvectors, and the scratch buffer of their computation.
    let bytes = features.saturating_mul(features).saturating_mul(3 * size_of::<f64>() as u64);
    match limit {
        Some((limit, _)) if bytes > limit => {
            let message = format!(
                "the principal axes of {features} features take {} of memory, {} are free; use smaller images or \
                 channel_standardize",
                bytes_text(bytes),
                bytes_text(limit)
            );
            Err(TrainError::setting("preprocess.steps", message))
        }
        _ => Ok(()),
    }
}

/// Returns the size of samples and targets in bytes.
fn bytes_of(data: &SplitDataset) -> u64 {
    let inputs = match data.dataset.inputs() {
        keel_data::Inputs::Bytes(values) => values.len() as u64,
        keel_data::Inputs::Floats(values) => FLOAT * values.len() as u64,
    };
    let targets = match data.dataset.targets() {
        Targets::Classes { labels, .. } => labels.len(),
        Targets::Values { values, .. } => values.len(),
        Targets::Unlabelled => 0,
    };
    inputs + FLOAT * targets as u64
}

#[cfg(test)]
mod tests {
    use keel_data::ZcaSpec;

    use super::*;
    use crate::config::MemoryLimit;

    const INPUT: SampleShape = SampleShape::Image { height: 64, width: 64, channels: 3 };

    fn config(limit: &str) -> Config {
        let mut config = Config::default();
        config.model.preset = keel_nn::Preset::Cnn;
        config.train.memory_limit = MemoryLimit::Text(limit.to_owned());
        config
    }

    fn job(config: &Config) -> Job<'_> {
        Job {
            config,
            input: INPUT,
            outputs: 2,
            data_bytes: 1_000_000,
            data_is_held: false,
            training_samples: 1_000,
            largest_split: 1_000,
            workers: 2,
        }
    }

    fn program(config: &Config) -> Arc<Program> {
        lower(&Arc::new(config.graph(&INPUT, 2).unwrap()), &Cpu::fused())
    }

    #[test]
    fn parts_add_up_and_grow_with_the_batch() {
        let config = config("1TB");
        let (job, program) = (job(&config), program(&config));
        let [small, large] = [32, 64].map(|batch| job.estimate(&program, batch).unwrap());
        assert_eq!(small.total(), small.parts().iter().map(|part| part.bytes).sum::<u64>());
        assert!(small.fits() && large.total() > small.total());
        let part =
            |estimate: &Estimate, name: &str| estimate.parts().iter().find(|part| part.name == name).unwrap().bytes;
        assert_eq!(part(&large, "batches ahead"), 2 * part(&small, "batches ahead"));
        assert_eq!(part(&large, "data"), 1_000_000);
        assert_eq!(
            part(&small, "weights and their averages"),
            4 * (program.graph().parameter_length() + program.graph().state_length()) as u64
        );
        // SGD with momentum has one slot.
        assert_eq!(part(&small, "gradients and optimizer"), 2 * 4 * program.graph().parameter_length() as u64);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let roomy = config("1TB");
        let needed = job(&roomy).estimate(&program(&roomy), roomy.train.batch_size).unwrap().total();
        let tight = config(&(needed / 2).to_string());
        let message = check(&job(&tight), &program(&tight)).unwrap_err().to_string();
        for words in ["train.memory_limit: the run takes", "training steps", "together", "data.image_size to at most"] {
            assert!(message.contains(words), "{message}");
        }
        let [height, width] = job(&tight).largest_image().unwrap().unwrap();
        assert!(height == width && (8..64).contains(&height), "{height}");
        let slightly = config(&(needed * 95 / 100).to_string());
        let batch = job(&slightly).largest_batch(&program(&slightly)).unwrap().unwrap();
        assert!((2..slightly.train.batch_size).contains(&batch), "{batch}");
        let (job, program) = (job(&slightly), program(&slightly));
        assert!(job.estimate(&program, batch).unwrap().fits() && !job.estimate(&program, batch + 1).unwrap().fits());
        let hopeless = config("1000");
        assert!(
            check(&Job { config: &hopeless, ..job }, &program)
                .unwrap_err()
                .to_string()
                .ends_with("use a smaller network")
        );
    }

    #[test]
    fn held_data_is_no_part_of_what_is_free_and_axes_of_large_images_are_refused() {
        let estimate = |held, limit| Estimate { parts: vec![MemoryPart { name: "data", bytes: 10 }], limit, held };
        let cases = [
            (estimate(10, Some((5, LimitOrigin::Machine))), true),
            (estimate(0, Some((5, LimitOrigin::Machine))), false),
            (estimate(10, Some((5, LimitOrigin::Config))), false),
            (estimate(0, None), true),
        ];
        for (estimate, fits) in cases {
            assert_eq!(estimate.fits(), fits, "{estimate:?}");
        }
        let mut whitening = config("1GB");
        whitening.preprocess.steps = vec![PreprocessStep::Zca(ZcaSpec { epsilon: 1e-5 })];
        let message = check_preprocessing(&whitening, &INPUT).unwrap_err().to_string();
        assert!(message.contains("the principal axes of 12288 features take 3.6 GB"), "{message}");
        assert!(check_preprocessing(&config("1GB"), &INPUT).is_ok());
    }
}
