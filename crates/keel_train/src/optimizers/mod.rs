//! Optimisers: how a gradient becomes an update. One file each; this one holds the catalog.

mod adagrad;
mod adam;
mod adamw;
mod clip;
mod element_wise;
mod optimizer;
mod rmsprop;
mod sgd;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use adagrad::AdagradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamwConfig;
pub use optimizer::{Optimizer, ParameterSegment, SegmentNorms, StepNorms};
pub use rmsprop::RmspropConfig;
pub use sgd::SgdConfig;

/// Name and one line about each optimiser.
pub const CATALOG: &[(&str, &str)] = &[
    ("sgd", "Stochastic gradient descent with momentum, plain or Nesterov; the usual choice for images"),
    ("adam", "Steps scaled by running averages of the gradient and its square; works with little tuning"),
    ("adamw", "Adam with weight decay kept apart from the gradient's averages"),
    ("rmsprop", "Steps divided by the root of a running average of the squared gradient"),
    ("adagrad", "Steps divided by the root of the sum of all squared gradients so far"),
];

/// How gradients become updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum.
    Sgd(SgdConfig),
    /// Adam.
    Adam(AdamConfig),
    /// Adam with decoupled weight decay.
    Adamw(AdamwConfig),
    /// RMSprop.
    Rmsprop(RmspropConfig),
    /// Adagrad.
    Adagrad(AdagradConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig::Sgd(SgdConfig::default())
    }
}

impl OptimizerConfig {
    /// The name in the config file.
    pub fn name(&self) -> &'static str {
        match self {
            OptimizerConfig::Sgd(_) => "sgd",
            OptimizerConfig::Adam(_) => "adam",
            OptimizerConfig::Adamw(_) => "adamw",
            OptimizerConfig::Rmsprop(_) => "rmsprop",
            OptimizerConfig::Adagrad(_) => "adagrad",
        }
    }

    /// The learning rate schedules scale.
    pub fn learning_rate(&self) -> f64 {
        match self {
            OptimizerConfig::Sgd(config) => config.learning_rate,
            OptimizerConfig::Adam(config) => config.learning_rate,
            OptimizerConfig::Adamw(config) => config.learning_rate,
            OptimizerConfig::Rmsprop(config) => config.learning_rate,
            OptimizerConfig::Adagrad(config) => config.learning_rate,
        }
    }

    /// The same optimiser with another learning rate.
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        *match &mut self {
            OptimizerConfig::Sgd(config) => &mut config.learning_rate,
            OptimizerConfig::Adam(config) => &mut config.learning_rate,
            OptimizerConfig::Adamw(config) => &mut config.learning_rate,
            OptimizerConfig::Rmsprop(config) => &mut config.learning_rate,
            OptimizerConfig::Adagrad(config) => &mut config.learning_rate,
        } = learning_rate;
        self
    }

    /// The same optimiser with another weight decay.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        *match &mut self {
            OptimizerConfig::Sgd(config) => &mut config.weight_decay,
            OptimizerConfig::Adam(config) => &mut config.weight_decay,
            OptimizerConfig::Adamw(config) => &mut config.weight_decay,
            OptimizerConfig::Rmsprop(config) => &mut config.weight_decay,
            OptimizerConfig::Adagrad(config) => &mut config.weight_decay,
        } = weight_decay;
        self
    }

    /// The weight decay applied to weights.
    pub fn weight_decay(&self) -> f64 {
        match self {
            OptimizerConfig::Sgd(config) => config.weight_decay,
            OptimizerConfig::Adam(config) => config.weight_decay,
            OptimizerConfig::Adamw(config) => config.weight_decay,
            OptimizerConfig::Rmsprop(config) => config.weight_decay,
            OptimizerConfig::Adagrad(config) => config.weight_decay,
        }
    }

    /// The norm gradients are clipped to; 0 is off.
    pub fn clip_norm(&self) -> f64 {
        match self {
            OptimizerConfig::Sgd(config) => config.clip_norm,
            OptimizerConfig::Adam(config) => config.clip_norm,
            OptimizerConfig::Adamw(config) => config.clip_norm,
            OptimizerConfig::Rmsprop(config) => config.clip_norm,
            OptimizerConfig::Adagrad(config) => config.clip_norm,
        }
    }

    /// Names of the numbers kept for every parameter between steps, as a checkpoint stores them.
    pub fn slot_names(&self) -> &'static [&'static str] {
        match self {
            OptimizerConfig::Sgd(config) if config.momentum == 0.0 => &[],
            OptimizerConfig::Sgd(_) => &["momentum"],
            OptimizerConfig::Adam(_) | OptimizerConfig::Adamw(_) => &["mean", "square"],
            OptimizerConfig::Rmsprop(_) => &["square"],
            OptimizerConfig::Adagrad(_) => &["sum"],
        }
    }
}
