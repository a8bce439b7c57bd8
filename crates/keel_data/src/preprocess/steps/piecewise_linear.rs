//! Piecewise linear encoding: adds to each feature its position in each of its quantile bins (Gorishniy, Rubachev &
//! Babenko 2022, equation 1), so that a network can represent thresholds and bends as trees do.

use super::robust_scale::quantile;
use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of bins per feature.
const LARGEST_BINS: usize = 256;

/// Keys of the step `piecewise_linear`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PiecewiseLinearSpec {
    /// Number of bins of a feature.
    pub bins: usize,
}

impl PiecewiseLinearSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "piecewise_linear",
        summary: "add to each feature with more than two values its position in each of its quantile bins (bins 16)",
    };
}

impl Default for PiecewiseLinearSpec {
    fn default() -> Self {
        Self { bins: 16 }
    }
}

impl StepDefinition for PiecewiseLinearSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let bins = self.bins;
        if !(2..=LARGEST_BINS).contains(&bins) {
            let what = format!("piecewise_linear cannot have {bins} bins");
            return Err(DataError::setting("preprocess.steps", what, format!("Give bins from 2 to {LARGEST_BINS}")));
        }
        if view.shape().is_image() {
            let what = "piecewise_linear needs rows, but the samples here are images";
            return Err(DataError::setting("preprocess.steps", what, "Use channel_standardize for images"));
        }
        let edges = view.map_sorted_columns(|_, column| edges(column, bins))?;
        Ok(FittedStep::PiecewiseLinear { edges })
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the ascending bin edges of a sorted column: its distinct values if there are few, else quantiles. Empty for
/// a column with at most two values, which bins would not add to.
fn edges(sorted: &[f32], bins: usize) -> Vec<f32> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() <= 2 {
        return Vec::new();
    }
    if distinct.len() <= bins + 1 {
        return distinct;
    }
    let mut edges: Vec<f32> = (0..=bins).map(|bin| quantile(sorted, bin as f64 / bins as f64) as f32).collect();
    edges.dedup();
    if edges.len() > 2 {
        return edges;
    }
    // A column that is nearly always at one extreme: separate that value from the others.
    let (last, second) = (distinct[distinct.len() - 1], distinct[1]);
    let inner = if sorted[sorted.len() / 2] == last { distinct[distinct.len() - 2] } else { second };
    vec![distinct[0], inner, last]
}

/// Writes the position of `value` in each bin between `edges`: 1 for bins below the value, 0 for bins above it, and the
/// fraction for the bin that contains it. Values outside the training range count as its nearest end.
pub(in crate::preprocess) fn encode(value: f32, edges: &[f32], positions: &mut [f32]) {
    for (position, bin) in positions.iter_mut().zip(edges.windows(2)) {
        *position = if value.is_nan() { value } else { ((value - bin[0]) / (bin[1] - bin[0])).clamp(0.0, 1.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_values_or_quantiles() {
        let hundred: Vec<f32> = (0..=100).map(|value| value as f32).collect();
        let mut spike = vec![5.0; 98];
        spike.insert(0, 1.0);
        spike.push(9.0);
        let mut zeros = vec![0.0; 97];
        zeros.extend([1.0, 2.0, 3.0]);
        let cases: [(&[f32], usize, &[f32]); 6] = [
            (&[0.0, 0.0, 1.0], 4, &[]),
            (&[0.0, 1.0, 1.0, 4.0], 4, &[0.0, 1.0, 4.0]),
            (&hundred, 4, &[0.0, 25.0, 50.0, 75.0, 100.0]),
            (&spike, 2, &[1.0, 5.0, 9.0]),
            (&zeros, 2, &[0.0, 1.0, 3.0]),
            (&[2.0], 4, &[]),
        ];
        for (sorted, bins, expected) in cases {
            assert_eq!(edges(sorted, bins), expected, "{sorted:?}");
        }
    }

    #[test]
    fn a_step_without_bins_is_idle() {
        for (edges, idle) in [(vec![], true), (vec![vec![], vec![]], true), (vec![vec![], vec![0.0, 1.0, 2.0]], false)]
        {
            assert_eq!(FittedStep::PiecewiseLinear { edges: edges.clone() }.is_idle(), idle, "{edges:?}");
        }
    }

    #[test]
    fn positions_fill_bin_by_bin() {
        let cases = [
            (-1.0, [0.0, 0.0]),
            (0.0, [0.0, 0.0]),
            (0.5, [0.5, 0.0]),
            (1.0, [1.0, 0.0]),
            (2.5, [1.0, 0.5]),
            (1e30, [1.0, 1.0]),
        ];
        for (value, expected) in cases {
            let mut positions = [9.0; 2];
            encode(value, &[0.0, 1.0, 4.0], &mut positions);
            assert_eq!(positions, expected, "{value}");
        }
    }
}
