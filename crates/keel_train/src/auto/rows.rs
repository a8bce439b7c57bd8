//! Choices for rows of numbers: tables and arrays of features.

use keel_data::{PiecewiseLinearSpec, PreprocessStep, SoftClipSpec};
use keel_nn::Preset;

use super::{Chooser, Facts, RowReason, TrainingReason};
use crate::config::AveragingConfig;
use crate::metrics::MetricName;
use crate::optimizers::{AdamwConfig, OptimizerConfig};
use crate::schedules::{CosineConfig, ScheduleConfig};

/// Number of steps in which small tables are learned.
const STEPS: u64 = 3_500;

/// Number of samples from which a table counts as large.
const MANY_SAMPLES: usize = 50_000;

/// Number of samples per numeric feature from which quantile bins pay: with fewer, the network memorises the noise of the additional inputs.
const SAMPLES_PER_BINNED_FEATURE: usize = 200;

/// Preprocessing, network and batch size for a table of a given size.
struct Capacity {
    /// Number of quantile bins of a feature; 0 = none.
    bins: usize,
    width: usize,
    depth: usize,
    members: usize,
    batch_size: usize,
    learning_rate: f64,
    weight_decay: f64,
    /// Reason for the depth.
    reason: RowReason,
    /// Reason for the preprocessing.
    scaling: RowReason,
}

impl Capacity {
    fn of(samples: usize, numeric_features: usize) -> Self {
        let few = Capacity {
            bins: 0,
            width: 64,
            depth: 1,
            members: 16,
            batch_size: 32,
            learning_rate: 0.002,
            weight_decay: 0.5,
            reason: RowReason::FewRows,
            scaling: RowReason::Quartiles,
        };
        let some = Capacity {
            bins: 16,
            width: 128,
            depth: 2,
            members: 8,
            batch_size: 64,
            learning_rate: 0.004,
            weight_decay: 0.1,
            reason: RowReason::EnoughRows,
            scaling: RowReason::Bins,
        };
        let mut capacity = match samples {
            0..1_000 => few,
            1_000..3_000 => some,
            3_000..20_000 => Capacity { bins: 48, batch_size: 128, ..some },
            20_000..MANY_SAMPLES => {
                Capacity { bins: 48, width: 192, members: 4, batch_size: 128, reason: RowReason::VeryManyRows, ..some }
            }
            _ => {
                Capacity { bins: 48, width: 192, members: 4, batch_size: 256, reason: RowReason::VeryManyRows, ..some }
            }
        };
        if capacity.bins > 0 && samples < SAMPLES_PER_BINNED_FEATURE.saturating_mul(numeric_features) {
            // Members cost little on so few inputs, and many of them average out what each memorised.
            (capacity.bins, capacity.members) = (0, capacity.members.saturating_mul(2));
            capacity.scaling = RowReason::FewRowsPerFeature { samples, features: numeric_features };
        }
        capacity
    }

    fn steps(&self) -> Vec<PreprocessStep> {
        let mut steps = vec![PreprocessStep::RobustScale, PreprocessStep::SoftClip(SoftClipSpec { limit: 3.0 })];
        if self.bins > 0 {
            steps.push(PreprocessStep::PiecewiseLinear(PiecewiseLinearSpec { bins: self.bins }));
        }
        steps
    }
}

/// Chooses all open settings for rows.
pub(super) fn choose(chooser: &mut Chooser, facts: &Facts) {
    let samples = facts.parts.iter().sum();
    let capacity = Capacity::of(samples, facts.numeric_features);
    held_out(chooser, samples);
    chooser.choose("preprocess.steps", capacity.scaling, |config| config.preprocess.steps = capacity.steps());
    chooser.choose("model.preset", RowReason::Ensemble, |config| {
        config.model.preset = Preset::Tabular;
    });
    let reason = RowReason::Size { samples, features: facts.shape.len() };
    chooser.choose("model.width", reason, |config| config.model.width = capacity.width);
    chooser.choose("model.depth", capacity.reason, |config| config.model.depth = capacity.depth);
    chooser.choose("model.members", RowReason::AveragedMembers, |config| {
        config.model.members = capacity.members;
    });
    chooser.choose("model.dropout", RowReason::LessOverfitting, |config| config.model.dropout = 0.1);
    training(chooser, facts, &capacity);
}

/// Chooses the held-out fractions: at most a few thousand rows each, since more would not improve the measurement.
fn held_out(chooser: &mut Chooser, samples: usize) {
    let share = |most: f64, rows: f64| (rows / samples.max(1) as f64).min(most);
    let validation = round(share(if samples < 1_000 { 0.1 } else { 0.15 }, 5_000.0));
    chooser.choose("data.validation", RowReason::ValidationRows, |config| config.data.validation = validation);
    let test = round(share(0.1, 5_000.0));
    chooser.choose("data.test", RowReason::TestRows, |config| config.data.test = test);
}

fn round(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}

fn training(chooser: &mut Chooser, facts: &Facts, capacity: &Capacity) {
    let samples = facts.training_samples(&chooser.config);
    chooser.choose("train.batch_size", RowReason::Samples { samples }, |config| {
        config.train.batch_size = capacity.batch_size;
    });
    let batch = chooser.config.train.batch_size as u64;
    let steps_per_epoch = (samples as u64).div_ceil(batch).max(1);
    let epochs = STEPS.div_ceil(steps_per_epoch).clamp(20, 200);
    chooser.choose("train.epochs", RowReason::Steps { steps: STEPS, batch }, |config| config.train.epochs = epochs);
    let patience = (chooser.config.train.epochs / 4).max(10);
    chooser.choose("train.early_stopping", RowReason::Patience, |config| config.train.early_stopping = patience);
    if !facts.values && facts.has_validation(&chooser.config) {
        chooser.choose("train.metric", RowReason::Probabilities, |config| {
            config.train.metric = MetricName::LogLoss;
        });
    }
    chooser.choose("train.averaging", TrainingReason::AveragedWeights, |config| {
        config.train.averaging = AveragingConfig::Ema { decay: 0.99 };
    });
    let reason = match facts.values {
        true => RowReason::Regression,
        false => RowReason::AnyScale,
    };
    chooser.choose("optimizer", reason, |config| {
        let (learning_rate, weight_decay) = (capacity.learning_rate, capacity.weight_decay);
        config.optimizer =
            OptimizerConfig::Adamw(AdamwConfig { learning_rate, weight_decay, ..AdamwConfig::default() });
    });
    chooser.choose("schedule", RowReason::FallsToZero, |config| {
        config.schedule = ScheduleConfig::Cosine(CosineConfig::default());
    });
}
