//! Measured networks with their batch, optimizer and loss, including the yardsticks.

use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_nn::losses::LossSpec;
use keel_nn::{Shape, model};
use keel_train::config::{self, LossConfig};
use keel_train::optimizers::{OptimizerConfig, SgdConfig};
use serde_json::{Value, json};

use super::formula::CLASSES;

/// Learning rate of every measured step.
pub(super) const LEARNING_RATE: f64 = 0.001;

/// A network with its batch, as both sides receive it.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    /// Name in results.
    pub(crate) name: String,
    /// Shape of one input.
    pub(crate) input: Shape,
    /// Number of samples per step.
    pub(crate) batch: usize,
    /// Layers of the network.
    pub(crate) layers: Vec<LayerSpec>,
    /// The optimizer.
    pub(crate) optimizer: OptimizerConfig,
    /// Fraction of the target that the cross-entropy loss spreads over all classes.
    pub(crate) label_smoothing: f32,
}

impl Description {
    /// Creates a network trained by SGD with momentum 0.9 and cross-entropy.
    pub(crate) fn new(name: impl Into<String>, input: Shape, batch: usize, layers: Vec<LayerSpec>) -> Self {
        let optimizer = OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, weight_decay: 0.0, ..SgdConfig::default() });
        Description { name: name.into(), input, batch, layers, optimizer, label_smoothing: 0.0 }
    }

    /// Returns the description for the peer (`bench/peers/workloads.py`).
    pub(crate) fn to_json(&self) -> Value {
        let input = match self.input {
            Shape::Features(features) => json!([features]),
            Shape::Image { height, width, channels } => json!([height, width, channels]),
        };
        let optimizer = self.optimizer.clone().with_learning_rate(LEARNING_RATE);
        json!({
            "name": self.name, "input": input, "batch": self.batch, "layers": self.layers, "optimizer": optimizer,
            "classes": CLASSES, "label_smoothing": self.label_smoothing,
        })
    }

    /// Returns the loss.
    pub(crate) fn loss(&self) -> LossSpec {
        LossSpec::CrossEntropy { label_smoothing: self.label_smoothing }
    }
}

/// A yardstick and its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Name, as the peer knows it.
    pub(crate) network: &'static str,
    /// Number of samples per step.
    pub(crate) batch: usize,
    /// Factor of the number of channels or units.
    pub(crate) width: usize,
    /// Factor of the number of convolutions per stage, residual blocks or hidden layers.
    pub(crate) depth: usize,
}

/// Networks whose training step is a yardstick.
pub(crate) const STEPS: [&str; 4] = ["cnn", "resnet20", "mlp", "cifar10-fast"];

impl Spec {
    /// Returns the yardstick `network` at its own size.
    pub(crate) fn new(network: &'static str) -> Self {
        Spec { network, batch: if network == "mlp" { 32 } else { 128 }, width: 1, depth: 1 }
    }

    /// Returns the network with its batch, optimizer and loss.
    pub(crate) fn description(self) -> Description {
        let plain = Description::new(self.network, self.input(), self.batch, self.layers());
        if self.network != "cifar10-fast" {
            return plain;
        }
        let preset = preset();
        let label_smoothing = match preset.train.loss {
            LossConfig::Chosen(LossSpec::CrossEntropy { label_smoothing }) => label_smoothing,
            _ => 0.0,
        };
        Description { optimizer: preset.optimizer, label_smoothing, ..plain }
    }

    /// Returns the shape of one input.
    fn input(self) -> Shape {
        match self.network {
            "mlp" => Shape::Features(64),
            _ => Shape::Image { height: 32, width: 32, channels: 3 },
        }
    }

    /// Returns the layers.
    ///
    /// # Panics
    /// If there is no such network.
    fn layers(self) -> Vec<LayerSpec> {
        match self.network {
            "cnn" => cnn(self.width, self.depth),
            "resnet20" => model::resnet(16 * self.width, 3 * self.depth),
            "mlp" => model::mlp(128 * self.width, self.depth),
            "cifar10-fast" => preset().model.layers(),
            other => unreachable!("unknown yardstick {other}"),
        }
    }
}

fn preset() -> config::Config {
    config::load(Some("cifar10-fast"), &[]).expect("shipped config files are valid")
}

/// Two stages of `depth` times convolution, batch norm and relu with 32 and 64 channels, each followed by a max pool; linear.
fn cnn(width: usize, depth: usize) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for channels in [32 * width, 64 * width] {
        for _ in 0..depth {
            let convolution = Conv2dSpec { bias: false, ..Conv2dSpec::new(channels, 3) };
            layers.extend([
                LayerSpec::Conv2d(convolution),
                LayerSpec::BatchNorm(BatchNormSpec::default()),
                LayerSpec::Activation(Activation::Relu),
            ]);
        }
        layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
    }
    layers.push(LayerSpec::Flatten(FlattenSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}
