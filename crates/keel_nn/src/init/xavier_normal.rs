//! Glorot & Bengio (2010), normal distribution: keeps the variance through a symmetric activation of slope 1 at 0, forward and backward.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use super::fan::Fan;
use super::normal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `xavier_normal`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct XavierNormalSpec {
    /// Factor of the standard deviation.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gain: f32,
    /// Fan that is used.
    pub fan: Fan,
}

impl XavierNormalSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "xavier_normal",
        summary: "normal, variance gain^2 / fan (gain 1, fan = in | out | average); for tanh",
    };
}

impl Default for XavierNormalSpec {
    fn default() -> Self {
        XavierNormalSpec { gain: 1.0, fan: Fan::Average }
    }
}

impl InitDefinition for XavierNormalSpec {
    /// Draws with standard deviation gain / sqrt(fan): with the average fan sqrt(2 / (fan_in + fan_out)), with fan_in the form
    /// taught in many courses.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        normal::fill(values, self.fan.std(self.gain, spec), key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::positive("gain", self.gain)]
    }

    fn fan(&self) -> Option<Fan> {
        Some(self.fan)
    }

    fn settings(&self, fan: &str) -> String {
        format!("gain {}, {fan}", significant(self.gain))
    }
}
