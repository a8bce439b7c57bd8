//! Activation functions: the catalog and what every one of them offers.

mod elu;
mod gain;
mod gelu;
mod hard_swish;
mod identity;
mod leaky_relu;
mod mish;
mod prelu;
mod relu;
mod selu;
mod sigmoid;
mod silu;
mod softplus;
mod tanh;

use std::fmt;

use keel_kernels::activation::Function;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use gain::Gain;

/// An activation function with its own parameter, as a config file names it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// x
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Identity,
    /// 1 / (1 + exp(-x))
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Sigmoid,
    /// tanh(x)
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Tanh,
    /// max(0, x)
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
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
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Selu,
    /// x * Phi(x), Phi the normal distribution function
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Gelu,
    /// x * sigmoid(x), also called swish
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Silu,
    /// ln(1 + exp(x))
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Softplus,
    /// x * tanh(softplus(x))
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    Mish,
    /// x * clamp(x + 3, 0, 6) / 6
    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
    HardSwish,
}

/// What the catalog says about one activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Name in config files.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// f(x).
    pub formula: &'static str,
    /// f'(x).
    pub derivative: &'static str,
    /// Where it fits and what to mind.
    pub when_to_use: &'static str,
    /// Who published it.
    pub source: &'static str,
    /// Whether the outputs of a standard normal input have mean zero.
    pub zero_centred: bool,
    /// Whether it consists of straight pieces.
    pub piecewise_linear: bool,
}

/// Outputs below `low` or above `high` come from inputs where the derivative is below 6 % of its largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    /// Smallest output that is not saturated.
    pub low: f32,
    /// Largest output that is not saturated; infinite where large outputs never are.
    pub high: f32,
}

impl Saturation {
    /// Whether `output` lies in the flat part.
    pub fn contains(self, output: f32) -> bool {
        output < self.low || output > self.high
    }
}

/// All activations, in the order of [`catalog`], with the default of their own parameter.
pub const ALL: [Activation; 13] = [
    Activation::Identity,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Relu,
    Activation::LeakyRelu { slope: LEAKY_SLOPE },
    Activation::Prelu { slope: PRELU_SLOPE },
    Activation::Elu { alpha: ELU_ALPHA },
    Activation::Selu,
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
    Activation::Mish,
    Activation::HardSwish,
];

/// What there is to know about every activation a config file can name.
pub fn catalog() -> impl Iterator<Item = Facts> {
    ALL.iter().map(|activation| activation.facts())
}

impl Activation {
    /// The activation with this name, its own parameter at the default.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|activation| activation.name() == name)
    }

    /// Its name in config files.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// What the catalog says about it.
    pub fn facts(self) -> Facts {
        match self {
            Activation::Identity => identity::FACTS,
            Activation::Sigmoid => sigmoid::FACTS,
            Activation::Tanh => tanh::FACTS,
            Activation::Relu => relu::FACTS,
            Activation::LeakyRelu { .. } => leaky_relu::FACTS,
            Activation::Prelu { .. } => prelu::FACTS,
            Activation::Elu { .. } => elu::FACTS,
            Activation::Selu => selu::FACTS,
            Activation::Gelu => gelu::FACTS,
            Activation::Silu => silu::FACTS,
            Activation::Softplus => softplus::FACTS,
            Activation::Mish => mish::FACTS,
            Activation::HardSwish => hard_swish::FACTS,
        }
    }

    /// The kernel's function; `None` for prelu, whose slopes are parameters of its layer.
    pub fn function(self) -> Option<Function> {
        match self {
            Activation::Prelu { .. } => None,
            other => Some(other.initial_function()),
        }
    }

    /// The function before training: as [`Activation::function`], prelu with its initial slope everywhere.
    pub fn initial_function(self) -> Function {
        match self {
            Activation::Identity => Function::Identity,
            Activation::Sigmoid => Function::Sigmoid,
            Activation::Tanh => Function::Tanh,
            Activation::Relu => Function::Relu,
            Activation::LeakyRelu { slope } | Activation::Prelu { slope } => Function::LeakyRelu { slope },
            Activation::Elu { alpha } => Function::Elu { alpha },
            Activation::Selu => Function::Selu,
            Activation::Gelu => Function::Gelu,
            Activation::Silu => Function::Silu,
            Activation::Softplus => Function::Softplus,
            Activation::Mish => Function::Mish,
            Activation::HardSwish => Function::HardSwish,
        }
    }

    /// The factor by which kaiming initialisation widens the weights in front of it.
    pub fn gain(self) -> Gain {
        match self {
            Activation::Identity => identity::GAIN,
            Activation::Sigmoid => sigmoid::GAIN,
            Activation::Tanh => tanh::GAIN,
            Activation::Relu => relu::GAIN,
            Activation::LeakyRelu { slope } | Activation::Prelu { slope } => leaky_relu::gain(slope),
            Activation::Selu => selu::GAIN,
            other => Gain::computed(other.initial_function()),
        }
    }

    /// Where it passes hardly any gradient, told by the output; `None` where the output does not tell.
    pub fn saturation(self) -> Option<Saturation> {
        match self {
            Activation::Sigmoid => Some(sigmoid::SATURATION),
            Activation::Tanh => Some(tanh::SATURATION),
            Activation::Elu { alpha } => Some(elu::saturation(alpha)),
            Activation::Selu => Some(selu::SATURATION),
            _ => None,
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::LeakyRelu { slope } => write!(formatter, "leaky_relu(slope {slope})"),
            Activation::Prelu { slope } => write!(formatter, "prelu(slope {slope})"),
            Activation::Elu { alpha } => write!(formatter, "elu(alpha {alpha})"),
            other => formatter.write_str(other.name()),
        }
    }
}

const LEAKY_SLOPE: f32 = 0.01;
const PRELU_SLOPE: f32 = 0.25;
const ELU_ALPHA: f32 = 1.0;

fn leaky_slope() -> f32 {
    LEAKY_SLOPE
}

fn prelu_slope() -> f32 {
    PRELU_SLOPE
}

fn elu_alpha() -> f32 {
    ELU_ALPHA
}
