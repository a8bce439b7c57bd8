//! Weight initialisers: the list, and how each fills a parameter. The file of an initialiser contains everything about it.

mod auto;
mod constant;
mod definition;
mod dirac;
mod fan;
mod kaiming_normal;
mod kaiming_uniform;
mod lecun_normal;
mod lsuv;
mod normal;
mod orthogonal;
mod parameter;
mod patch_whitening;
mod signs;
mod sparse;
mod uniform;
mod xavier_normal;
mod xavier_uniform;
mod zeros;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use auto::AutoSpec;
pub use constant::ConstantSpec;
pub(crate) use definition::InitDefinition;
use definition::{Check, significant};
use dirac::DiracSpec;
pub use fan::Fan;
pub use kaiming_normal::KaimingNormalSpec;
pub use kaiming_uniform::KaimingUniformSpec;
use lecun_normal::LecunNormalSpec;
pub use lsuv::Lsuv;
pub use normal::NormalSpec;
pub use orthogonal::OrthogonalSpec;
pub use parameter::{ParameterRole, ParameterSpec};
pub use patch_whitening::PatchWhitening;
use signs::SignsSpec;
pub use sparse::SparseSpec;
pub use uniform::UniformSpec;
pub use xavier_normal::XavierNormalSpec;
pub use xavier_uniform::XavierUniformSpec;
use zeros::ZerosSpec;

use crate::activations::Activation;
use crate::catalog::CatalogEntry;
use crate::catalog_enum;
use crate::name_or_table::{self, Named};
use crate::random::RandomKey;

catalog_enum! {
    /// An initialiser as written in a config file: its name, or a table with its settings.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(remote = "Self", tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    #[schemars(transform = name_or_table::allow_bare_names)]
    pub enum InitSpec: InitDefinition, CatalogEntry {
        Auto: AutoSpec,
        Zeros: ZerosSpec,
        Constant(constant: ConstantSpec),
        Normal(normal: NormalSpec),
        Uniform(uniform: UniformSpec),
        XavierNormal(xavier_normal: XavierNormalSpec),
        XavierUniform(xavier_uniform: XavierUniformSpec),
        KaimingNormal(kaiming_normal: KaimingNormalSpec),
        KaimingUniform(kaiming_uniform: KaimingUniformSpec),
        LecunNormal: LecunNormalSpec,
        Orthogonal(orthogonal: OrthogonalSpec),
        Dirac: DiracSpec,
        Signs: SignsSpec,
        Sparse(sparse: SparseSpec),
        PatchWhitening(patch_whitening: PatchWhitening),
        Lsuv(lsuv: Lsuv),
    }
}

/// An invalid setting of an initialiser.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} of the initialiser {name} is {value}; it must be {allowed}")]
pub struct InvalidInit {
    /// Name of the initialiser.
    pub name: &'static str,
    /// Name of the setting.
    pub key: &'static str,
    /// Value that was given.
    pub value: f64,
    /// Values that are accepted.
    pub allowed: &'static str,
}

impl InitSpec {
    /// Returns the default for weights, for the keys of layers.
    pub(crate) fn auto() -> Self {
        InitSpec::Auto
    }

    /// Returns the default for biases, for the keys of layers.
    pub(crate) fn zeros() -> Self {
        InitSpec::Zeros
    }

    /// Returns the initialiser that sets every value to `value`.
    pub fn constant(value: f32) -> Self {
        InitSpec::Constant(ConstantSpec { value })
    }

    /// Returns the initialiser that draws from a normal distribution with mean 0 and this standard deviation.
    pub fn normal(std: f32) -> Self {
        InitSpec::Normal(NormalSpec { std })
    }

    /// Returns the explicit initialiser of a weight before `following`, with every default resolved.
    pub fn resolve(self, following: Option<Activation>) -> InitSpec {
        self.definition().resolve(following).unwrap_or(self)
    }

    /// Returns the explicit initialiser of any parameter: that of [`InitSpec::resolve`] for weights; by default, biases and shifts
    /// start at 0, scales at 1.
    pub fn of(spec: &ParameterSpec, following: Option<Activation>) -> InitSpec {
        match (spec.init.unwrap_or(InitSpec::Auto), spec.role) {
            (InitSpec::Auto, ParameterRole::Bias | ParameterRole::Shift | ParameterRole::Slope) => InitSpec::Zeros,
            (InitSpec::Auto, ParameterRole::Scale) => InitSpec::constant(1.0),
            (init, _) => init.resolve(following),
        }
    }

    /// Overwrites `values`, laid out as described by `spec`, with numbers that depend only on `key`: the same for any number of
    /// threads. Lsuv and patch whitening fill with orthogonal weights; [`InitSpec::lsuv`] and [`InitSpec::patch_whitening`] give
    /// the data-dependent part.
    ///
    /// # Panics
    /// If `values` does not have the length of `spec`.
    pub fn fill(&self, values: &mut [f32], spec: &ParameterSpec, following: Option<Activation>, key: RandomKey) {
        assert_eq!(values.len(), spec.len(), "length of {}", spec.name);
        self.resolve(following).definition().fill(values, spec, key);
    }

    /// Returns the data-dependent part of an lsuv initialiser, which needs the network's outputs.
    pub fn lsuv(&self) -> Option<Lsuv> {
        match *self {
            InitSpec::Lsuv(lsuv) => Some(lsuv),
            _ => None,
        }
    }

    /// Returns the data-dependent part of a patch-whitening initialiser, which needs training images.
    pub fn patch_whitening(&self) -> Option<PatchWhitening> {
        match *self {
            InitSpec::PatchWhitening(whitening) => Some(whitening),
            _ => None,
        }
    }

    /// Checks that all settings are finite and in range.
    ///
    /// # Errors
    /// Reports the first invalid setting.
    pub fn validate(&self) -> Result<(), InvalidInit> {
        match self.definition().checks().into_iter().find(|check| !check.is_valid) {
            Some(Check { key, value, allowed, .. }) => Err(InvalidInit { name: self.name(), key, value, allowed }),
            None => Ok(()),
        }
    }

    /// Returns its name in config files.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Formats it like [`fmt::Display`], with the parameter's own fan: `kaiming_normal(gain 1.414, fan_in 288)`.
    pub fn describe(&self, spec: &ParameterSpec) -> String {
        match self.definition().fan() {
            Some(fan) => self.text(&format!("{} {}", fan.name(), significant(fan.of(spec)))),
            None => self.to_string(),
        }
    }

    fn text(&self, fan: &str) -> String {
        let (name, settings) = (self.name(), self.definition().settings(fan));
        if settings.is_empty() { name.to_owned() } else { format!("{name}({settings})") }
    }
}

impl fmt::Display for InitSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text(self.definition().fan().map_or("", Fan::name)))
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

/// Serializes to a bare name if there are no settings, otherwise to a table.
impl Serialize for InitSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.definition().has_keys() {
            InitSpec::serialize(self, serializer)
        } else {
            serializer.serialize_str(self.name())
        }
    }
}

/// Returns the gain of the activation that follows; 1 where there is none.
fn gain_of(following: Option<Activation>) -> f32 {
    following.unwrap_or(Activation::Identity).gain().value()
}
