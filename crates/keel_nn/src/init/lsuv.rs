//! Mishkin & Matas (2015), layer-sequential unit variance: orthogonal weights, rescaled on real data, one layer after another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition};
use super::orthogonal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `lsuv`: the owner of the network runs a batch through it and, in the order of the graph, multiplies
/// each layer's weight by [`Lsuv::factor`] of the variance of that layer's outputs until it returns `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lsuv {
    /// Target variance of each layer's outputs.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub target: f32,
    /// Maximum deviation from the target.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub tolerance: f32,
    /// Maximum number of rescalings of one layer.
    pub iterations: usize,
}

impl Lsuv {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "lsuv",
        summary: "orthogonal, then rescaled on a batch until every layer's outputs have variance target (target 1)",
    };
}

impl Default for Lsuv {
    fn default() -> Self {
        Lsuv { target: 1.0, tolerance: 0.02, iterations: 20 }
    }
}

impl InitDefinition for Lsuv {
    /// Fills with orthogonal weights; the scale is determined from the data.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        orthogonal::fill(values, spec, 1.0, key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::positive("target", self.target), Check::positive("tolerance", self.tolerance)]
    }

    fn settings(&self, _fan: &str) -> String {
        let Lsuv { target, tolerance, iterations } = self;
        format!("target {target}, tolerance {tolerance}, iterations {iterations}")
    }
}

impl Lsuv {
    /// Returns the factor for the weight, given the variance of the layer's outputs; `None` if the variance is close enough, or if
    /// no factor can help because it is zero or not finite.
    pub fn factor(&self, variance: f64) -> Option<f32> {
        let target = f64::from(self.target);
        if !(variance > 0.0 && variance.is_finite()) || (variance - target).abs() <= f64::from(self.tolerance) {
            return None;
        }
        Some((target / variance).sqrt() as f32)
    }
}
