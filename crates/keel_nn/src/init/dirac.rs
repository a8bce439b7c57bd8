//! Filters that pass their input through: a deep convolutional network then starts near the identity.

use super::ParameterSpec;
use super::definition::InitDefinition;
use super::lecun_normal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// The initialiser `dirac`; it has no keys.
pub(super) struct DiracSpec;

impl DiracSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "dirac",
        summary: "each filter passes one input through, the remaining ones are normal with variance 1 / fan_in; before batch norm",
    };
}

impl InitDefinition for DiracSpec {
    /// Fills `[window..., inputs / groups, outputs]`: in each group, filter `i` is 1 at the centre of input `i` and 0 elsewhere, as
    /// long as there are inputs; the remaining filters are normal with variance 1 / fan_in, which gives them the same expected
    /// norm. The centre of an even window is the first position of its second half.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        let [window @ .., inputs, outputs] = &spec.shape[..] else {
            return values.fill(1.0);
        };
        lecun_normal::fill(values, spec, key);
        let positions: usize = window.iter().product();
        let centre = window.iter().fold(0, |at, &side| at * side + side / 2);
        let outputs_per_group = (spec.fan_out / positions.max(1)).clamp(1, (*outputs).max(1));
        for output in 0..*outputs {
            let input = output % outputs_per_group;
            if input < *inputs {
                values.iter_mut().skip(output).step_by(*outputs).for_each(|value| *value = 0.0);
                values[(centre * inputs + input) * outputs + output] = 1.0;
            }
        }
    }

    fn has_keys(&self) -> bool {
        false
    }
}
