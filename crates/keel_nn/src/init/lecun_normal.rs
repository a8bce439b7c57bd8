//! LeCun, Bottou, Orr, Muller (1998): variance 1 / fan_in, which selu requires for self-normalisation.

use super::ParameterSpec;
use super::definition::InitDefinition;
use super::fan::Fan;
use super::normal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// The initialiser `lecun_normal`; it has no keys.
pub(super) struct LecunNormalSpec;

impl LecunNormalSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "lecun_normal", summary: "normal, variance 1 / fan_in; for selu" };
}

impl InitDefinition for LecunNormalSpec {
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        fill(values, spec, key);
    }

    fn fan(&self) -> Option<Fan> {
        Some(Fan::In)
    }

    fn settings(&self, fan: &str) -> String {
        fan.to_owned()
    }

    fn has_keys(&self) -> bool {
        false
    }
}

/// Draws every value from N(0, 1 / fan_in).
pub(super) fn fill(values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
    normal::fill(values, Fan::In.std(1.0, spec), key);
}
