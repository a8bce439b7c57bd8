//! All zeros.

use super::ParameterSpec;
use super::definition::InitDefinition;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// The initialiser `zeros`; it has no keys.
pub(super) struct ZerosSpec;

impl ZerosSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "zeros", summary: "all zeros; for biases" };
}

impl InitDefinition for ZerosSpec {
    fn fill(&self, values: &mut [f32], _spec: &ParameterSpec, _key: RandomKey) {
        values.fill(0.0);
    }

    fn has_keys(&self) -> bool {
        false
    }
}
