//! He, Zhang, Ren, Sun (2015), uniform distribution: keeps the variance through activations that cut off part of the second moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InitSpec;
use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use super::fan::Fan;
use super::gain_of;
use super::uniform;
use crate::activations::Activation;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `kaiming_uniform`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KaimingUniformSpec {
    /// Gain; by default that of the activation that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gain: Option<f32>,
    /// Fan that is used.
    pub fan: Fan,
}

impl KaimingUniformSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "kaiming_uniform",
        summary: "uniform, variance gain^2 / fan (gain of the activation, fan in); for relu and similar activations",
    };
}

impl Default for KaimingUniformSpec {
    fn default() -> Self {
        KaimingUniformSpec { gain: None, fan: Fan::In }
    }
}

impl InitDefinition for KaimingUniformSpec {
    fn resolve(&self, following: Option<Activation>) -> Option<InitSpec> {
        let gain = self.gain.unwrap_or_else(|| gain_of(following));
        Some(InitSpec::KaimingUniform(KaimingUniformSpec { gain: Some(gain), ..*self }))
    }

    /// Draws with standard deviation gain / sqrt(fan), sqrt(2 / fan_in) before relu; a missing gain counts as 1.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        uniform::fill_std(values, self.fan.std(self.gain.unwrap_or(1.0), spec), key);
    }

    fn checks(&self) -> Vec<Check> {
        self.gain.map(|gain| Check::positive("gain", gain)).into_iter().collect()
    }

    fn fan(&self) -> Option<Fan> {
        Some(self.fan)
    }

    fn settings(&self, fan: &str) -> String {
        match self.gain {
            Some(gain) => format!("gain {}, {fan}", significant(gain)),
            None => format!("gain of the activation, {fan}"),
        }
    }
}
