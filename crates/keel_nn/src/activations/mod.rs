//! Activation functions: the catalog and what every one of them offers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An activation function with its own parameter, as a config file names it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// x
    Identity,
    /// 1 / (1 + exp(-x))
    Sigmoid,
    /// tanh(x)
    Tanh,
    /// max(0, x)
    Relu,
    /// x where positive, slope * x elsewhere
    LeakyRelu {
        /// Slope of the negative side.
        #[serde(default = "leaky_slope")]
        slope: f32,
    },
    /// Leaky relu whose slope is learned, one per channel
    Prelu {
        /// Slope before training.
        #[serde(default = "prelu_slope")]
        slope: f32,
    },
    /// x where positive, alpha * (exp(x) - 1) elsewhere
    Elu {
        /// Minus the limit on the negative side.
        #[serde(default = "elu_alpha")]
        alpha: f32,
    },
    /// Scaled elu that keeps mean 0 and variance 1
    Selu,
    /// x * Phi(x), Phi the normal distribution function
    Gelu,
    /// x * sigmoid(x), also called swish
    Silu,
    /// ln(1 + exp(x))
    Softplus,
    /// x * tanh(softplus(x))
    Mish,
    /// x * clamp(x + 3, 0, 6) / 6
    HardSwish,
}

fn leaky_slope() -> f32 {
    0.01
}

fn prelu_slope() -> f32 {
    0.25
}

fn elu_alpha() -> f32 {
    1.0
}
