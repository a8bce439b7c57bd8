//! The sections of the config that belong to training itself.

use keel_nn::losses::{CustomLoss, LossSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClassWeights, MemoryLimit, MetricName};

/// Duration, batches and loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Number of passes over the training split.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u64,
    /// Number of samples per step.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch_size: usize,
    /// Seed of all random numbers: weights, order of samples, augmentation, dropout.
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// Number of threads; 0 = one per physical core available to the process.
    #[schemars(range(max = 1024))]
    pub threads: usize,
    /// Loss that is minimised: auto, cross_entropy, hinge, mse, huber or bce. Auto: cross_entropy for classes, mse for values.
    pub loss: LossConfig,
    /// Class weights in the loss: none, balanced (all classes have the same total weight), one number per class, or a table by
    /// class name.
    pub class_weights: ClassWeights,
    /// Validation metric that decides the best epoch and early stopping: auto, loss; for classes accuracy, balanced_accuracy, f1,
    /// mcc, roc_auc, pr_auc, log_loss, brier, calibration_error, top_accuracy; for values r2, rmse, mae, median_absolute_error,
    /// max_error. Auto: for classes the accuracy, with the loss as a tie-breaker; for values the loss.
    pub metric: MetricName,
    /// Averaging of the weights used for evaluation and in the finished model: off, ema, or lookahead, which also continues
    /// training from them.
    pub averaging: AveragingConfig,
    /// Predicts every image twice, the second time mirrored, and averages the outputs; does not affect training.
    pub mirrored_evaluation: bool,
    /// Shift in pixels for two additional predictions of every image, up and left as well as down and right; together, the shifted
    /// predictions have the same weight in the average as the others. 0 = off.
    pub shifted_evaluation: usize,
    /// Number of training samples on which the finished model is evaluated, spread evenly over the split; 0 = all.
    pub evaluated_training_samples: usize,
    /// Number of training batches over which the statistics of batch norm are recomputed exactly at the end of training; 0 = keep
    /// the running statistics.
    #[schemars(range(max = 10_000))]
    pub exact_batch_norm_batches: usize,
    /// Number of epochs without a better validation result after which training stops; 0 = off.
    pub early_stopping: u64,
    /// Seconds after which training stops with a checkpoint; 0 = no limit.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub time_limit: f64,
    /// Maximum memory; a run that would exceed it is rejected before it starts: bytes, a text such as "4GB", or auto for the free
    /// memory of the machine.
    pub memory_limit: MemoryLimit,
}

impl TrainConfig {
    /// Returns the custom loss, if one is minimised.
    pub fn custom_loss(&self) -> Option<&CustomLoss> {
        match &self.loss {
            LossConfig::Chosen(LossSpec::Custom(loss)) => Some(loss),
            _ => None,
        }
    }

    /// Supplies custom losses, by name, to a config that was read from a file.
    pub fn provide(&mut self, losses: &[CustomLoss]) {
        if let LossConfig::Chosen(LossSpec::Custom(loss)) = &mut self.loss {
            loss.provide(losses);
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            epochs: 20,
            batch_size: 64,
            seed: 0,
            threads: 0,
            loss: LossConfig::Auto(AutoLoss::Auto),
            class_weights: ClassWeights::default(),
            metric: MetricName::Auto,
            averaging: AveragingConfig::Off {},
            mirrored_evaluation: false,
            shifted_evaluation: 0,
            evaluated_training_samples: 0,
            exact_batch_norm_batches: 0,
            early_stopping: 0,
            time_limit: 0.0,
            memory_limit: MemoryLimit::default(),
        }
    }
}

/// Relation of the weights that are evaluated and kept to those that are trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AveragingConfig {
    /// Both are the same.
    Off {},
    /// Exponential moving average, updated after every step.
    Ema {
        /// Weight of the old average; 0.99 averages over about a hundred steps.
        #[serde(default = "decay")]
        #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
        decay: f64,
    },
    /// Slow weights follow the trained ones, which are reset to the slow weights every few steps (Zhang et al. 2019). Running
    /// statistics are included. The slow weights have little influence at first and most at the end.
    Lookahead {
        /// Number of steps between two synchronisations of slow and trained weights.
        #[serde(default = "lookahead_steps")]
        #[schemars(range(min = 1, max = 1_000_000))]
        every: u64,
        /// Weight of the old slow weights at the last synchronisation.
        #[serde(default = "lookahead_decay")]
        #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
        decay: f64,
        /// The weight of the old slow weights is `decay` times this power of the completed fraction of the steps; 0 = constant.
        #[serde(default = "lookahead_power")]
        #[schemars(range(min = 0.0))]
        power: f64,
    },
}

fn decay() -> f64 {
    0.99
}

fn lookahead_steps() -> u64 {
    5
}

fn lookahead_decay() -> f64 {
    0.77
}

fn lookahead_power() -> f64 {
    3.0
}

/// A loss, by name or as a table with its own keys, or `auto`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LossConfig {
    /// Chosen from the targets.
    Auto(AutoLoss),
    /// Set explicitly.
    Chosen(LossSpec),
}

/// The value that leaves the choice to the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoLoss {
    /// `cross_entropy` for classes, `mse` for values.
    Auto,
}

/// Measurements during training and the reaction to problems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// Amount of measurement: off, standard (every step) or full (with histograms).
    pub level: HealthLevel,
    /// Reaction to a finding of level error: warn or stop.
    pub on_error: OnError,
}

impl Default for HealthConfig {
    fn default() -> Self {
        HealthConfig { level: HealthLevel::Standard, on_error: OnError::Warn }
    }
}

/// Amount of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// Only the loss.
    Off,
    /// Statistics of every layer at every step.
    Standard,
    /// Statistics and histograms.
    Full,
}

/// Reaction to a finding of level error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Report it.
    Warn,
    /// Report it and stop training with a checkpoint.
    Stop,
}

/// Folder of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Folder that contains the folders of all runs.
    pub directory: String,
    /// Name of the run's folder; empty = derived from the data and the model, as in `digits-cnn`. A number is appended to a name
    /// that is taken.
    pub name: String,
    /// Seconds between checkpoints within an epoch; there is always one at the end of an epoch.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub checkpoint_seconds: f64,
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig { directory: "runs".to_owned(), name: String::new(), checkpoint_seconds: 60.0 }
    }
}
