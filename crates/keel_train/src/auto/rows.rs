//! Choices for rows of numbers: tables and arrays of features.

use keel_data::PreprocessStep;
use keel_nn::Preset;

use super::{Chooser, Facts};
use crate::config::AveragingConfig;
use crate::optimizers::{AdamwConfig, OptimizerConfig};
use crate::schedules::{CosineConfig, ScheduleConfig};

/// Steps after which small tables have been learned.
const STEPS: u64 = 3_500;

/// Samples of a table that counts as large.
const MANY_SAMPLES: usize = 50_000;

/// Decides everything open for rows.
pub(super) fn choose(chooser: &mut Chooser, facts: &Facts) {
    let (samples, features) = (facts.parts.iter().sum(), facts.shape.len());
    held_out(chooser, samples);
    chooser.choose(
        "preprocess.steps",
        "medians and quantiles, so that outliers decide nothing; bins find thresholds",
        |config| {
            config.preprocess.steps = vec![
                PreprocessStep::RobustScale,
                PreprocessStep::SoftClip { limit: 3.0 },
                PreprocessStep::PiecewiseLinear { bins: 48 },
            ];
        },
    );
    let width = width(samples);
    chooser.choose("model.preset", "rows of a table: an ensemble of perceptrons in one network", |config| {
        config.model.preset = Preset::Tabular;
    });
    chooser.choose("model.width", format!("{samples} samples with {features} features"), |config| {
        config.model.width = width;
    });
    chooser
        .choose("model.depth", "two hidden layers: what tables rarely need more than", |config| config.model.depth = 2);
    chooser.choose("model.members", "the average of several predictions errs less", |config| config.model.members = 4);
    chooser.choose("model.dropout", "keeps the members from memorising", |config| config.model.dropout = 0.1);
    training(chooser, facts);
}

/// More samples carry more units; very few carry a small network only.
fn width(samples: usize) -> usize {
    match samples {
        0..1_000 => 64,
        1_000..20_000 => 128,
        _ => 192,
    }
}

/// Held-out shares: at most a few thousand rows each, since more would not make the measurement better.
fn held_out(chooser: &mut Chooser, samples: usize) {
    let share = |most: f64, rows: f64| (rows / samples.max(1) as f64).min(most);
    let validation = round(share(0.15, 5_000.0));
    let reason = "enough rows to choose the best epoch by";
    chooser.choose("data.validation", reason, |config| config.data.validation = validation);
    let test = round(share(0.1, 5_000.0));
    let reason = "enough rows to measure the finished model on; it never sees them";
    chooser.choose("data.test", reason, |config| config.data.test = test);
}

fn round(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}

fn training(chooser: &mut Chooser, facts: &Facts) {
    let samples = facts.training_samples(&chooser.config);
    let batch = match samples {
        0..2_000 => 64,
        2_000..MANY_SAMPLES => 128,
        _ => 256,
    };
    chooser.choose("train.batch_size", format!("{samples} training samples"), |config| config.train.batch_size = batch);
    let batch = chooser.config.train.batch_size as u64;
    let steps_per_epoch = (samples as u64).div_ceil(batch).max(1);
    let epochs = STEPS.div_ceil(steps_per_epoch).clamp(20, 200);
    let reason = format!("about {STEPS} steps of {batch} samples, at least 20 epochs");
    chooser.choose("train.epochs", reason, |config| config.train.epochs = epochs);
    let patience = (chooser.config.train.epochs / 4).max(10);
    let reason = "epochs without a better validation result, then the best weights are kept";
    chooser.choose("train.early_stopping", reason, |config| config.train.early_stopping = patience);
    chooser.choose("train.averaging", "averaged weights generalise better than the last ones", |config| {
        config.train.averaging = AveragingConfig::Ema { decay: 0.99 };
    });
    let reason = if facts.values {
        "values: a standardised target, squared error"
    } else {
        "a stable rate for rows of any scale"
    };
    chooser.choose("optimizer", reason, |config| {
        config.optimizer =
            OptimizerConfig::Adamw(AdamwConfig { learning_rate: 0.004, weight_decay: 0.1, ..AdamwConfig::default() });
    });
    chooser.choose("schedule", "falls to zero at the end", |config| {
        config.schedule = ScheduleConfig::Cosine(CosineConfig::default());
    });
}
