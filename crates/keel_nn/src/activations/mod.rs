//! Activation functions: the list, and their common interface. The file of an activation contains everything about it except its
//! SIMD kernel, which is in `keel_kernels::activation`.

mod definition;
mod elu;
mod gain;
mod gelu;
mod hard_swish;
mod identity;
mod leaky_relu;
mod mish;
mod normal_distribution;
pub(crate) mod prelu;
mod relu;
mod selu;
mod sigmoid;
mod silu;
mod softplus;
mod tanh;

use std::fmt;

use keel_kernels::activation::Function;
use schemars::JsonSchema;
use serde::de::value::{Error as ValueError, MapDeserializer};
use serde::{Deserialize, Serialize};

use crate::catalog_enum;

pub(crate) use definition::{ActivationDefinition, Setting};
pub use definition::{Facts, Saturation, WeightScheme};
pub use elu::EluSpec;
pub use gain::Gain;
use gelu::GeluSpec;
use hard_swish::HardSwishSpec;
use identity::IdentitySpec;
pub use leaky_relu::LeakyReluSpec;
use mish::MishSpec;
pub use prelu::PreluSpec;
use relu::ReluSpec;
use selu::SeluSpec;
use sigmoid::SigmoidSpec;
use silu::SiluSpec;
use softplus::SoftplusSpec;
use tanh::TanhSpec;

catalog_enum! {
    /// An activation function with its key, as written in a config file.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "function", rename_all = "snake_case", deny_unknown_fields)]
    pub enum Activation: ActivationDefinition, Facts {
        Identity: IdentitySpec,
        Sigmoid: SigmoidSpec,
        Tanh: TanhSpec,
        Relu: ReluSpec,
        LeakyRelu(leaky_relu: LeakyReluSpec),
        Prelu(prelu: PreluSpec),
        Elu(elu: EluSpec),
        Selu: SeluSpec,
        Gelu: GeluSpec,
        Silu: SiluSpec,
        Softplus: SoftplusSpec,
        Mish: MishSpec,
        HardSwish: HardSwishSpec,
    }
}

/// Returns all activations with default keys.
pub fn all() -> impl Iterator<Item = Activation> {
    CATALOG.iter().filter_map(|facts| Activation::named(facts.name))
}

impl Activation {
    /// Returns the activation with this name and its default key.
    pub fn named(name: &str) -> Option<Self> {
        Activation::deserialize(MapDeserializer::<_, ValueError>::new([("function", name)].into_iter())).ok()
    }

    /// Returns its name in config files.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Returns the function that the kernel computes; `None` for prelu, whose slopes are parameters of its layer.
    pub fn function(self) -> Option<Function> {
        self.definition().learned_slope().is_none().then(|| self.initial_function())
    }

    /// Returns the function before training: that of [`Activation::function`], or prelu with its initial slope in every channel.
    pub fn initial_function(self) -> Function {
        self.definition().kernel()
    }

    /// Returns the gain by which Kaiming initialisation scales the weights before it.
    pub fn gain(self) -> Gain {
        self.definition().gain()
    }

    /// Returns the scheme that `auto` chooses for the weights before it.
    pub fn weight_scheme(self) -> WeightScheme {
        self.definition().weight_scheme()
    }

    /// Returns the range of outputs outside which the gradient nearly vanishes; `None` if it cannot be read from the output.
    pub fn saturation(self) -> Option<Saturation> {
        self.definition().saturation()
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self.definition().setting() {
            Some(setting) => write!(formatter, "({} {})", setting.key, setting.value),
            None => Ok(()),
        }
    }
}
