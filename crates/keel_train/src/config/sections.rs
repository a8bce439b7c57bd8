//! The sections of the config that belong to training itself.

use keel_nn::losses::{CustomLoss, LossSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClassWeights, MemoryLimit, MetricName};

/// Length, batches and loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training split.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u64,
    /// Samples per step.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch_size: usize,
    /// Start of every random draw: weights, order of samples, augmentation, dropout.
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
    /// Threads; 0 = one per physical core this process may use.
    #[schemars(range(max = 1024))]
    pub threads: usize,
    /// What is minimised: auto, cross_entropy, hinge, mse, huber or bce. Auto: cross_entropy for classes, mse for values.
    pub loss: LossConfig,
    /// Weights of the classes in the loss: none, balanced (rare classes weigh as much as frequent ones), one number a class,
    /// or a table by class name.
    pub class_weights: ClassWeights,
    /// Validation result that decides the best epoch and early stopping: auto, loss, or of classes accuracy,
    /// balanced_accuracy, f1, mcc, roc_auc, pr_auc, log_loss, brier, calibration_error, top_accuracy, of values r2, rmse, mae,
    /// median_absolute_error, max_error. Auto: of classes the accuracy, the loss deciding between equals; of values the loss.
    pub metric: MetricName,
    /// Averaged weights for evaluation and the finished model: off, ema, or lookahead, which also goes on from them.
    pub averaging: AveragingConfig,
    /// Whether images are predicted twice, the second time mirrored, and the outputs averaged; training is not affected.
    pub mirrored_evaluation: bool,
    /// Pixels by which images are shifted for two more predictions, up and left, down and right; the outputs are averaged,
    /// the shifted ones together with the weight of the others. 0 = off.
    pub shifted_evaluation: usize,
    /// Training samples on which the finished model is evaluated, spread evenly over the split; 0 = all.
    pub evaluated_training_samples: usize,
    /// Training batches over which the statistics of batch norm are computed anew, exactly, when training ends; 0 = the
    /// running statistics are kept.
    #[schemars(range(max = 10_000))]
    pub exact_batch_norm_batches: usize,
    /// Epochs without a better validation result before training stops; 0 = off.
    pub early_stopping: u64,
    /// Seconds after which training stops with a checkpoint; 0 = no limit.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub time_limit: f64,
    /// Memory above which training is refused before it starts: bytes, a text such as "4GB", or auto for what the machine
    /// has free.
    pub memory_limit: MemoryLimit,
}

impl TrainConfig {
    /// The loss of a program's own, if that is what is minimised.
    pub fn custom_loss(&self) -> Option<&CustomLoss> {
        match &self.loss {
            LossConfig::Chosen(LossSpec::Custom(loss)) => Some(loss),
            _ => None,
        }
    }

    /// Gives the losses of a program's own, by name, to a config that was read from a file.
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

/// How the weights that are evaluated and kept follow those that are trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AveragingConfig {
    /// They are the same.
    Off {},
    /// An exponential moving average, updated after every step.
    Ema {
        /// Share of the old average; 0.99 averages over about a hundred steps.
        #[serde(default = "decay")]
        #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
        decay: f64,
    },
    /// Slow weights follow the trained ones, and every few steps the trained ones go on from them (Zhang et al. 2019). Running
    /// statistics take part. The slow weights hardly hold back at first and most at the end.
    Lookahead {
        /// Steps between two meetings of slow and trained weights.
        #[serde(default = "lookahead_steps")]
        #[schemars(range(min = 1, max = 1_000_000))]
        every: u64,
        /// Share of the old slow weights in the new ones at the last meeting.
        #[serde(default = "lookahead_decay")]
        #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
        decay: f64,
        /// The share of the old slow weights is `decay` times this power of the share of the steps that are done; 0 = the
        /// same throughout.
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
    /// Chosen by the targets.
    Auto(AutoLoss),
    /// This one.
    Chosen(LossSpec),
}

/// The word that leaves the choice to the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoLoss {
    /// `cross_entropy` for classes, `mse` for values.
    Auto,
}

/// What is measured and what happens when something is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// off, standard (every step) or full (histograms too).
    pub level: HealthLevel,
    /// At a finding of level error: warn or stop.
    pub on_error: OnError,
}

impl Default for HealthConfig {
    fn default() -> Self {
        HealthConfig { level: HealthLevel::Standard, on_error: OnError::Warn }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// Nothing but the loss.
    Off,
    /// Statistics of every layer at every step.
    Standard,
    /// Histograms as well.
    Full,
}

/// What a finding of level error does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It is reported.
    Warn,
    /// It ends the training with a checkpoint.
    Stop,
}

/// Where the run is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Folder that holds the folders of all runs.
    pub directory: String,
    /// Name of the run's folder; empty = made from the data and the model, as in `digits-cnn`. A name that is taken gets a
    /// number.
    pub name: String,
    /// Seconds between checkpoints inside an epoch; there is always one at the end of an epoch.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub checkpoint_seconds: f64,
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig { directory: "runs".to_owned(), name: String::new(), checkpoint_seconds: 60.0 }
    }
}
