//! Random signs: every value is +1 or -1, each with probability one half.

use super::ParameterSpec;
use super::definition::InitDefinition;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// The initialiser `signs`; it has no keys.
pub(super) struct SignsSpec;

impl SignsSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "signs", summary: "+1 or -1 at random; for the scales of members" };
}

impl InitDefinition for SignsSpec {
    fn fill(&self, values: &mut [f32], _spec: &ParameterSpec, key: RandomKey) {
        fill(values, key);
    }

    fn has_keys(&self) -> bool {
        false
    }
}

/// Fills `values` with signs that depend only on `key` and the position.
fn fill(values: &mut [f32], key: RandomKey) {
    for (index, value) in values.iter_mut().enumerate() {
        *value = if key.bits(index as u64) & 1 == 0 { 1.0 } else { -1.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_values_are_negative() {
        let mut values = [0.0; 10_000];
        fill(&mut values, RandomKey::new(1));
        assert!(values.iter().all(|value| value.abs() == 1.0));
        let negative = values.iter().filter(|&&value| value < 0.0).count();
        assert!((4_750..5_250).contains(&negative), "{negative} of 10,000; five standard deviations are 250");
    }
}
