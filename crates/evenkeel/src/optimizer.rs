//! The two usual optimizers, built by chaining; the others are variants of `OptimizerConfig`.

use keel_train::optimizers::{AdamwConfig, OptimizerConfig, SgdConfig};

/// Stochastic gradient descent, plain by default.
///
/// # Examples
///
/// ```
/// use evenkeel::prelude::*;
///
/// let optimizer: OptimizerConfig = Sgd::new(0.05).momentum(0.9).nesterov().weight_decay(5e-4).into();
/// assert_eq!(optimizer.learning_rate(), 0.05);
/// ```
#[must_use = "an optimizer does nothing until it is passed to a trainer"]
#[derive(Debug, Clone, PartialEq)]
pub struct Sgd(SgdConfig);

impl Sgd {
    /// Returns plain gradient descent, without momentum and weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Sgd(SgdConfig { learning_rate, momentum: 0.0, weight_decay: 0.0, ..SgdConfig::default() })
    }

    /// Sets the weight of the previous update in the next, `[0, 1)`.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.0.momentum = momentum;
        self
    }

    /// Uses Nesterov momentum: looks ahead along the momentum before the step.
    pub fn nesterov(mut self) -> Self {
        self.0.nesterov = true;
        self
    }

    /// Sets the weight decay: the share of each weight added to its gradient; norms and biases are exempt.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.0.weight_decay = weight_decay;
        self
    }

    /// Sets the maximum norm of the whole gradient.
    pub fn clip_norm(mut self, clip_norm: f64) -> Self {
        self.0.clip_norm = clip_norm;
        self
    }
}

impl From<Sgd> for OptimizerConfig {
    fn from(sgd: Sgd) -> Self {
        OptimizerConfig::Sgd(sgd.0)
    }
}

/// Adam with weight decay decoupled from the averages of the gradient (Loshchilov and Hutter 2019).
///
/// # Examples
///
/// ```
/// use evenkeel::prelude::*;
///
/// let optimizer: OptimizerConfig = AdamW::new(1e-3).weight_decay(0.01).clip_norm(1.0).into();
/// assert_eq!(optimizer.weight_decay(), 0.01);
/// ```
#[must_use = "an optimizer does nothing until it is passed to a trainer"]
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW(AdamwConfig);

impl AdamW {
    /// Returns the optimizer with default settings except the learning rate.
    pub fn new(learning_rate: f64) -> Self {
        AdamW(AdamwConfig { learning_rate, ..AdamwConfig::default() })
    }

    /// Sets the weight decay: the share of each weight subtracted per step, times the learning rate; norms and biases are exempt.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.0.weight_decay = weight_decay;
        self
    }

    /// Sets the maximum norm of the whole gradient.
    pub fn clip_norm(mut self, clip_norm: f64) -> Self {
        self.0.clip_norm = clip_norm;
        self
    }
}

impl From<AdamW> for OptimizerConfig {
    fn from(adamw: AdamW) -> Self {
        OptimizerConfig::Adamw(adamw.0)
    }
}
