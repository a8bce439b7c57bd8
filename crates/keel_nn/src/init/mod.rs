//! Weight initialisers: how a config file names them, which one `auto` means, and how each fills a parameter.

mod catalog;
mod constant;
mod dirac;
mod kaiming;
mod lecun;
mod lsuv;
mod normal;
mod orthogonal;
mod parameter;
mod patch_whitening;
mod signs;
mod sparse;
mod uniform;
mod xavier;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use catalog::{CatalogEntry, catalog};
pub use lsuv::Lsuv;
pub use parameter::{ParameterRole, ParameterSpec};
pub use patch_whitening::PatchWhitening;

use crate::activations::Activation;
use crate::name_or_table::{self, Named};
use crate::random::RandomKey;

/// An initialiser as a config file gives it: its name, or a table with its own settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = name_or_table::allow_bare_names)]
pub enum InitSpec {
    /// Chosen by the activation that follows.
    #[serde(deserialize_with = "name_or_table::no_settings")]
    Auto,
    /// All zeros.
    #[serde(deserialize_with = "name_or_table::no_settings")]
    Zeros,
    /// Every value the same.
    Constant {
        /// That value.
        value: f32,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        #[schemars(range(min = 0.0))]
        std: f32,
    },
    /// Uniform between -limit and limit.
    Uniform {
        /// Largest magnitude.
        #[schemars(range(min = 0.0))]
        limit: f32,
    },
    /// Normal with variance gain^2 / fan.
    XavierNormal {
        /// Multiplies the standard deviation.
        #[serde(default = "one")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        gain: f32,
        /// Which connections are counted.
        #[serde(default = "average")]
        fan: Fan,
    },
    /// Uniform with variance gain^2 / fan.
    XavierUniform {
        /// Multiplies the standard deviation.
        #[serde(default = "one")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        gain: f32,
        /// Which connections are counted.
        #[serde(default = "average")]
        fan: Fan,
    },
    /// Normal with variance gain^2 / fan, the gain that of the activation that follows.
    KaimingNormal {
        /// Instead of the gain of the activation that follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        gain: Option<f32>,
        /// Which connections are counted.
        #[serde(default = "fan_in")]
        fan: Fan,
    },
    /// Uniform with variance gain^2 / fan, the gain that of the activation that follows.
    KaimingUniform {
        /// Instead of the gain of the activation that follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        gain: Option<f32>,
        /// Which connections are counted.
        #[serde(default = "fan_in")]
        fan: Fan,
    },
    /// Normal with variance 1 / fan_in.
    #[serde(deserialize_with = "name_or_table::no_settings")]
    LecunNormal,
    /// A random orthogonal matrix.
    Orthogonal {
        /// Multiplies the matrix.
        #[serde(default = "one")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        gain: f32,
    },
    /// The first filters hand the value of one input each on; those left over are normal with variance 1 / fan_in.
    #[serde(deserialize_with = "name_or_table::no_settings")]
    Dirac,
    /// +1 or -1, each with probability one half.
    #[serde(deserialize_with = "name_or_table::no_settings")]
    Signs,
    /// A few normal connections into each output, the rest zero.
    Sparse {
        /// Connections into each output.
        #[serde(default = "ten")]
        #[schemars(range(min = 1))]
        n: usize,
        /// Standard deviation; by default the gain of the activation that follows / sqrt(n).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.0))]
        std: Option<f32>,
    },
    /// For the first convolution: filters that make the values of a patch uncorrelated, computed from training images.
    PatchWhitening {
        /// Added to each variance before it is divided by.
        #[serde(default = "patch_whitening::epsilon")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        epsilon: f32,
    },
    /// Orthogonal, then rescaled on a batch until the layer's outputs have the target variance.
    Lsuv {
        /// Variance to reach.
        #[serde(default = "one")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        target: f32,
        /// Largest deviation from it.
        #[serde(default = "lsuv::tolerance")]
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        tolerance: f32,
        /// Most rescalings of one layer.
        #[serde(default = "lsuv::iterations")]
        iterations: usize,
    },
}

/// Which connections a variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fan {
    /// Inputs each output sums over: keeps the signal's variance forward.
    In,
    /// Outputs each input reaches: keeps the gradient's variance backward.
    Out,
    /// The mean of both.
    Average,
}

impl Fan {
    fn of(self, spec: &ParameterSpec) -> f32 {
        let (fan_in, fan_out) = (spec.fan_in as f32, spec.fan_out as f32);
        let fan = match self {
            Fan::In => fan_in,
            Fan::Out => fan_out,
            Fan::Average => 0.5 * (fan_in + fan_out),
        };
        fan.max(1.0)
    }

    fn name(self) -> &'static str {
        match self {
            Fan::In => "fan_in",
            Fan::Out => "fan_out",
            Fan::Average => "fan_average",
        }
    }
}

/// A setting no initialiser can work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} of the initialiser {name} is {value}; it must be {allowed}")]
pub struct InvalidInit {
    /// Name of the initialiser.
    pub name: &'static str,
    /// Name of the setting.
    pub key: &'static str,
    /// What was given.
    pub value: f64,
    /// What would be accepted.
    pub allowed: &'static str,
}

impl InitSpec {
    /// Default of weights, for the keys of layers.
    pub(crate) fn auto() -> Self {
        InitSpec::Auto
    }

    /// Default of biases, for the keys of layers.
    pub(crate) fn zeros() -> Self {
        InitSpec::Zeros
    }

    /// The explicit initialiser of a weight in front of `following`, every default filled in.
    ///
    /// `auto` is xavier_normal before sigmoid or tanh, lecun_normal before selu, and kaiming_normal with the activation's
    /// gain before all others. Before identity or nothing, which is where logits are made, it is lecun_normal too: it keeps
    /// the variance of the signal, where averaging with a small fan_out would nearly double it.
    pub fn resolve(self, following: Option<Activation>) -> InitSpec {
        match self {
            InitSpec::Auto => match following {
                Some(Activation::Sigmoid | Activation::Tanh) => InitSpec::XavierNormal { gain: one(), fan: average() },
                None | Some(Activation::Identity | Activation::Selu) => InitSpec::LecunNormal,
                Some(_) => InitSpec::KaimingNormal { gain: None, fan: fan_in() }.resolve(following),
            },
            InitSpec::KaimingNormal { gain, fan } => {
                InitSpec::KaimingNormal { gain: Some(gain.unwrap_or_else(|| gain_of(following))), fan }
            }
            InitSpec::KaimingUniform { gain, fan } => {
                InitSpec::KaimingUniform { gain: Some(gain.unwrap_or_else(|| gain_of(following))), fan }
            }
            InitSpec::Sparse { n, std } => {
                let std = std.unwrap_or_else(|| gain_of(following) / (n.max(1) as f32).sqrt());
                InitSpec::Sparse { n, std: Some(std) }
            }
            explicit => explicit,
        }
    }

    /// The explicit initialiser of any parameter: as [`InitSpec::resolve`] for weights; where nothing is said, biases
    /// and shifts start at 0, scales at 1.
    pub fn of(spec: &ParameterSpec, following: Option<Activation>) -> InitSpec {
        match (spec.init.unwrap_or(InitSpec::Auto), spec.role) {
            (InitSpec::Auto, ParameterRole::Bias | ParameterRole::Shift | ParameterRole::Slope) => InitSpec::Zeros,
            (InitSpec::Auto, ParameterRole::Scale) => InitSpec::Constant { value: 1.0 },
            (init, _) => init.resolve(following),
        }
    }

    /// Overwrites `values`, laid out as `spec` says, with numbers that depend on `key` alone: the same for any number of
    /// threads. Lsuv and patch whitening fill with an orthogonal start; [`InitSpec::lsuv`] and
    /// [`InitSpec::patch_whitening`] give the rest.
    ///
    /// # Panics
    /// If `values` does not have the length of `spec`.
    pub fn fill(&self, values: &mut [f32], spec: &ParameterSpec, following: Option<Activation>, key: RandomKey) {
        assert_eq!(values.len(), spec.len(), "length of {}", spec.name);
        match self.resolve(following) {
            InitSpec::Auto | InitSpec::Zeros => constant::fill(values, 0.0),
            InitSpec::Constant { value } => constant::fill(values, value),
            InitSpec::Normal { std } => normal::fill(values, std, key),
            InitSpec::Uniform { limit } => uniform::fill(values, limit, key),
            InitSpec::XavierNormal { gain, fan } => normal::fill(values, xavier::std(gain, fan, spec), key),
            InitSpec::XavierUniform { gain, fan } => uniform::fill_std(values, xavier::std(gain, fan, spec), key),
            InitSpec::KaimingNormal { gain, fan } => normal::fill(values, kaiming::std(gain, fan, spec), key),
            InitSpec::KaimingUniform { gain, fan } => uniform::fill_std(values, kaiming::std(gain, fan, spec), key),
            InitSpec::LecunNormal => normal::fill(values, lecun::std(spec), key),
            InitSpec::Orthogonal { gain } => orthogonal::fill(values, spec, gain, key),
            InitSpec::Dirac => dirac::fill(values, spec, key),
            InitSpec::Signs => signs::fill(values, key),
            InitSpec::Sparse { n, std } => sparse::fill(values, spec, (n, std.unwrap_or(0.0)), key),
            InitSpec::PatchWhitening { .. } | InitSpec::Lsuv { .. } => orthogonal::fill(values, spec, 1.0, key),
        }
    }

    /// The data-dependent part of an lsuv initialiser, which needs the network's outputs.
    pub fn lsuv(&self) -> Option<Lsuv> {
        match *self {
            InitSpec::Lsuv { target, tolerance, iterations } => Some(Lsuv { target, tolerance, iterations }),
            _ => None,
        }
    }

    /// The data-dependent part of a patch-whitening initialiser, which needs training images.
    pub fn patch_whitening(&self) -> Option<PatchWhitening> {
        match *self {
            InitSpec::PatchWhitening { epsilon } => Some(PatchWhitening { epsilon }),
            _ => None,
        }
    }

    /// Refuses settings that are not finite or outside their range.
    ///
    /// # Errors
    /// The first such setting.
    pub fn validate(&self) -> Result<(), InvalidInit> {
        let finite = |key, value: f32| (key, f64::from(value), value.is_finite(), "a finite number");
        let not_negative = |key, value: f32| (key, f64::from(value), value.is_finite() && value >= 0.0, "0 or more");
        let positive = |key, value: f32| (key, f64::from(value), value.is_finite() && value > 0.0, "above 0");
        let checks = match *self {
            InitSpec::Constant { value } => vec![finite("value", value)],
            InitSpec::Normal { std } => vec![not_negative("std", std)],
            InitSpec::Uniform { limit } => vec![not_negative("limit", limit)],
            InitSpec::XavierNormal { gain, .. }
            | InitSpec::XavierUniform { gain, .. }
            | InitSpec::Orthogonal { gain } => {
                vec![positive("gain", gain)]
            }
            InitSpec::KaimingNormal { gain: Some(gain), .. } | InitSpec::KaimingUniform { gain: Some(gain), .. } => {
                vec![positive("gain", gain)]
            }
            InitSpec::Sparse { n, std } => {
                vec![("n", n as f64, n > 0, "1 or more"), not_negative("std", std.unwrap_or(0.0))]
            }
            InitSpec::PatchWhitening { epsilon } => vec![positive("epsilon", epsilon)],
            InitSpec::Lsuv { target, tolerance, .. } => {
                vec![positive("target", target), positive("tolerance", tolerance)]
            }
            _ => vec![],
        };
        match checks.into_iter().find(|(_, _, valid, _)| !valid) {
            Some((key, value, _, allowed)) => Err(InvalidInit { name: self.name(), key, value, allowed }),
            None => Ok(()),
        }
    }

    /// Its name in config files.
    pub fn name(&self) -> &'static str {
        match self {
            InitSpec::Auto => "auto",
            InitSpec::Zeros => "zeros",
            InitSpec::Constant { .. } => "constant",
            InitSpec::Normal { .. } => "normal",
            InitSpec::Uniform { .. } => "uniform",
            InitSpec::XavierNormal { .. } => "xavier_normal",
            InitSpec::XavierUniform { .. } => "xavier_uniform",
            InitSpec::KaimingNormal { .. } => "kaiming_normal",
            InitSpec::KaimingUniform { .. } => "kaiming_uniform",
            InitSpec::LecunNormal => "lecun_normal",
            InitSpec::Orthogonal { .. } => "orthogonal",
            InitSpec::Dirac => "dirac",
            InitSpec::Signs => "signs",
            InitSpec::Sparse { .. } => "sparse",
            InitSpec::PatchWhitening { .. } => "patch_whitening",
            InitSpec::Lsuv { .. } => "lsuv",
        }
    }

    /// As [`fmt::Display`], with the parameter's own fan: `kaiming_normal(gain 1.414, fan_in 288)`.
    pub fn describe(&self, spec: &ParameterSpec) -> String {
        match self.fan() {
            Some(fan) => self.text(&format!("{} {}", fan.name(), significant(fan.of(spec)))),
            None => self.to_string(),
        }
    }

    fn fan(&self) -> Option<Fan> {
        match *self {
            InitSpec::XavierNormal { fan, .. } | InitSpec::XavierUniform { fan, .. } => Some(fan),
            InitSpec::KaimingNormal { fan, .. } | InitSpec::KaimingUniform { fan, .. } => Some(fan),
            InitSpec::LecunNormal => Some(Fan::In),
            _ => None,
        }
    }

    fn text(&self, fan: &str) -> String {
        let name = self.name();
        match *self {
            InitSpec::Auto | InitSpec::Zeros | InitSpec::Dirac | InitSpec::Signs => name.to_owned(),
            InitSpec::Constant { value } => format!("{name}({value})"),
            InitSpec::Normal { std } => format!("{name}(std {})", significant(std)),
            InitSpec::Uniform { limit } => format!("{name}(limit {})", significant(limit)),
            InitSpec::XavierNormal { gain, .. }
            | InitSpec::XavierUniform { gain, .. }
            | InitSpec::KaimingNormal { gain: Some(gain), .. }
            | InitSpec::KaimingUniform { gain: Some(gain), .. } => format!("{name}(gain {}, {fan})", significant(gain)),
            InitSpec::KaimingNormal { gain: None, .. } | InitSpec::KaimingUniform { gain: None, .. } => {
                format!("{name}(gain of the activation, {fan})")
            }
            InitSpec::LecunNormal => format!("{name}({fan})"),
            InitSpec::Orthogonal { gain } => format!("{name}(gain {})", significant(gain)),
            InitSpec::Sparse { n, std: Some(std) } => format!("{name}(n {n}, std {})", significant(std)),
            InitSpec::Sparse { n, std: None } => format!("{name}(n {n})"),
            InitSpec::PatchWhitening { epsilon } => format!("{name}(epsilon {})", significant(epsilon)),
            InitSpec::Lsuv { target, tolerance, iterations } => {
                format!("{name}(target {target}, tolerance {tolerance}, iterations {iterations})")
            }
        }
    }
}

impl fmt::Display for InitSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text(self.fan().map_or("", Fan::name)))
    }
}

impl Named for InitSpec {
    const EXPECTED: &'static str = "the name of an initialiser, or a table with its type and settings";

    fn from_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        InitSpec::deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for InitSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        name_or_table::deserialize(deserializer)
    }
}

/// A bare name where there are no settings, else the table.
impl Serialize for InitSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            InitSpec::Auto | InitSpec::Zeros | InitSpec::LecunNormal | InitSpec::Dirac | InitSpec::Signs => {
                serializer.serialize_str(self.name())
            }
            _ => InitSpec::serialize(self, serializer),
        }
    }
}

fn gain_of(following: Option<Activation>) -> f32 {
    following.unwrap_or(Activation::Identity).gain().value()
}

/// Four significant digits, without trailing zeros.
fn significant(value: f32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn one() -> f32 {
    1.0
}

fn ten() -> usize {
    10
}

fn average() -> Fan {
    Fan::Average
}

fn fan_in() -> Fan {
    Fan::In
}
