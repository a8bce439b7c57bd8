//! Filters of a first convolution that make the values of an image patch uncorrelated with variance 1: the principal axes of the
//! patches (as in PCA whitening), each with both signs so that a rectifier after them loses no information.

use faer::{Mat, Side};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use super::orthogonal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `patch_whitening`: the owner of the data passes the second moments of all patches to
/// [`PatchWhitening::filters`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PatchWhitening {
    /// Added to each variance before the division, in squared units of the inputs.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
}

impl PatchWhitening {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "patch_whitening",
        summary: "filters that decorrelate the patches of training images; first convolution (epsilon 5e-4)",
    };
}

impl Default for PatchWhitening {
    fn default() -> Self {
        PatchWhitening { epsilon: 5e-4 }
    }
}

impl InitDefinition for PatchWhitening {
    /// Fills with orthogonal weights; the filters are computed from the data.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        orthogonal::fill(values, spec, 1.0, key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::positive("epsilon", self.epsilon)]
    }

    fn settings(&self, _fan: &str) -> String {
        format!("epsilon {}", significant(self.epsilon))
    }
}

impl PatchWhitening {
    /// Returns the weights `[patch values, out_channels]` from the second moments `[patch values, patch values]` (row-major,
    /// symmetric) of the patches: column `k` is the axis of the `k`-th largest variance, divided by its standard deviation; the
    /// negatives of all axes follow. `None` if the number of channels is not between 1 and twice the number of patch values, if a
    /// moment is not finite, or if the eigenvectors do not converge.
    pub fn filters(&self, moments: &[f64], out_channels: usize) -> Option<Vec<f32>> {
        let length = moments.len().isqrt();
        let fits = length * length == moments.len() && (1..=2 * length).contains(&out_channels);
        if !fits || moments.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let matrix = Mat::from_fn(length, length, |row, column| moments[row * length + column]);
        let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
        let axes = if out_channels > length { out_channels.div_ceil(2) } else { out_channels };
        let mut filters = vec![0.0; length * out_channels];
        for channel in 0..out_channels {
            // Eigenvalues are in ascending order, so axes are taken from the end.
            let axis = length - 1 - channel % axes;
            let sign = turned(&eigen.U().col(axis).iter().copied().collect::<Vec<f64>>());
            let sign = if channel < axes { sign } else { -sign };
            let scale = sign / (eigen.S()[axis].max(0.0) + f64::from(self.epsilon)).sqrt();
            for value in 0..length {
                filters[value * out_channels + channel] = (eigen.U()[(value, axis)] * scale) as f32;
            }
        }
        Some(filters)
    }
}

/// Returns the sign, 1 or -1, that makes the entry of largest magnitude positive: the sign of an eigenvector is arbitrary.
fn turned(axis: &[f64]) -> f64 {
    let largest =
        axis.iter().fold(0.0_f64, |largest, &value| if value.abs() > largest.abs() { value } else { largest });
    if largest < 0.0 { -1.0 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `filters^T moments filters`, `[out_channels, out_channels]`.
    fn moments_behind(filters: &[f32], moments: &[f64], channels: usize) -> Vec<f64> {
        let length = moments.len().isqrt();
        let filter = |value: usize, channel: usize| f64::from(filters[value * channels + channel]);
        let mut result = vec![0.0; channels * channels];
        for (index, target) in result.iter_mut().enumerate() {
            let (left, right) = (index / channels, index % channels);
            for row in 0..length {
                for column in 0..length {
                    *target += filter(row, left) * moments[row * length + column] * filter(column, right);
                }
            }
        }
        result
    }

    #[test]
    fn filtered_patches_are_uncorrelated_with_variance_one_and_both_signs() {
        let moments = [4.0, 1.5, 0.5, 1.5, 2.0, 0.25, 0.5, 0.25, 1.0];
        let whitening = PatchWhitening { epsilon: 1e-9 };
        for channels in [1, 2, 3, 4, 6] {
            let filters = whitening.filters(&moments, channels).unwrap();
            let axes = if channels > 3 { channels / 2 } else { channels };
            for (index, value) in moments_behind(&filters, &moments, channels).into_iter().enumerate() {
                let (left, right) = (index / channels, index % channels);
                let expected = match (left % axes == right % axes, (left < axes) == (right < axes)) {
                    (false, _) => 0.0,
                    (true, true) => 1.0,
                    (true, false) => -1.0,
                };
                assert!((value - expected).abs() < 1e-5, "{channels} channels, {left} and {right}: {value}");
            }
        }
    }

    #[test]
    fn a_direction_without_variance_stays_finite_and_bad_requests_are_refused() {
        let whitening = PatchWhitening { epsilon: 0.01 };
        let filters = whitening.filters(&[1.0, 0.0, 0.0, 0.0], 4).unwrap();
        assert!(filters.iter().all(|value| value.abs() <= 10.0), "{filters:?}");
        for (moments, channels) in [(vec![1.0], 0), (vec![1.0], 3), (vec![f64::NAN], 1), (vec![1.0, 2.0, 3.0], 1)] {
            assert_eq!(whitening.filters(&moments, channels), None, "{moments:?} {channels}");
        }
    }
}
