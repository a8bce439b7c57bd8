//! A constant. All units of a layer then compute and learn the same: right for biases, wrong for weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition};
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `constant`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConstantSpec {
    /// Value of every element.
    pub value: f32,
}

impl ConstantSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "constant", summary: "every value the same (value)" };
}

impl InitDefinition for ConstantSpec {
    fn fill(&self, values: &mut [f32], _spec: &ParameterSpec, _key: RandomKey) {
        values.fill(self.value);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::finite("value", self.value)]
    }

    fn settings(&self, _fan: &str) -> String {
        self.value.to_string()
    }
}
