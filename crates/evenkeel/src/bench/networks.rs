//! The yardstick networks with their optimisers and losses.

use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_nn::losses::LossSpec;
use keel_nn::{Shape, model};
use keel_train::config::{self, LossConfig};
use keel_train::optimizers::{OptimizerConfig, SgdConfig};
use serde_json::{Value, json};

/// A network and its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Its name, as the peer knows it.
    pub(crate) network: &'static str,
    /// Samples a step.
    pub(crate) batch: usize,
    /// Multiplies channels or units.
    pub(crate) width: usize,
    /// Multiplies convolutions a stage, residual blocks or hidden layers.
    pub(crate) depth: usize,
}

/// Networks whose training step is a yardstick.
pub(crate) const STEPS: [&str; 4] = ["cnn", "resnet20", "mlp", "cifar10-fast"];

impl Spec {
    /// The yardstick `network` at its own size.
    pub(crate) fn new(network: &'static str) -> Self {
        Spec { network, batch: if network == "mlp" { 32 } else { 128 }, width: 1, depth: 1 }
    }

    /// What the peer is told.
    pub(crate) fn to_json(self) -> Value {
        json!({"network": self.network, "batch": self.batch, "width": self.width, "depth": self.depth})
    }

    /// Shape of one input.
    pub(crate) fn input(self) -> Shape {
        match self.network {
            "mlp" => Shape::Features(64),
            _ => Shape::Image { height: 32, width: 32, channels: 3 },
        }
    }

    /// The layers.
    ///
    /// # Panics
    /// If there is no such network.
    pub(crate) fn layers(self) -> Vec<LayerSpec> {
        match self.network {
            "cnn" => cnn(self.width, self.depth),
            "resnet20" => model::resnet(16 * self.width, 3 * self.depth),
            "mlp" => model::mlp(128 * self.width, self.depth),
            "cifar10-fast" => preset().model.layers(),
            other => unreachable!("{other} is no yardstick"),
        }
    }

    /// The optimiser: SGD with momentum, for a preset as it says.
    pub(crate) fn optimizer(self) -> OptimizerConfig {
        match self.network {
            "cifar10-fast" => preset().optimizer,
            _ => OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, weight_decay: 0.0, ..SgdConfig::default() }),
        }
    }

    /// The loss.
    pub(crate) fn loss(self) -> LossSpec {
        match preset().train.loss {
            LossConfig::Chosen(loss) if self.network == "cifar10-fast" => loss,
            _ => LossSpec::cross_entropy(),
        }
    }
}

fn preset() -> config::Config {
    config::load(Some("cifar10-fast"), &[]).expect("shipped config files are valid")
}

/// Two stages of `depth` times convolution - batch norm - relu with 32 and 64 channels, each with a max pool; linear.
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
