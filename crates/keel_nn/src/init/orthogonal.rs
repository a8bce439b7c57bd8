//! Saxe, McClelland, Ganguli (2013): a random orthogonal matrix, which preserves the length of every signal.

use faer::Mat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use super::normal;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `orthogonal`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrthogonalSpec {
    /// Factor of the matrix.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub gain: f32,
}

impl OrthogonalSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "orthogonal", summary: "random orthogonal matrix (gain 1)" };
}

impl Default for OrthogonalSpec {
    fn default() -> Self {
        OrthogonalSpec { gain: 1.0 }
    }
}

impl InitDefinition for OrthogonalSpec {
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        fill(values, spec, self.gain, key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::positive("gain", self.gain)]
    }

    fn settings(&self, _fan: &str) -> String {
        format!("gain {}", significant(self.gain))
    }
}

/// Fills the matrix `[all other dimensions, last dimension]` so that its columns are orthogonal and of length `gain` if there are
/// at most as many columns as rows, otherwise its rows.
///
/// Takes the Q of a QR decomposition of normal values, with the signs of its columns chosen so that R has a positive diagonal: then
/// Q is uniform over all orthogonal matrices (Mezzadri 2007).
pub(super) fn fill(values: &mut [f32], spec: &ParameterSpec, gain: f32, key: RandomKey) {
    let columns = spec.shape.last().copied().unwrap_or(1);
    if values.is_empty() {
        return;
    }
    let rows = values.len() / columns;
    normal::fill(values, 1.0, key);
    let tall = rows >= columns;
    let draws = match tall {
        true => Mat::from_fn(rows, columns, |row, column| values[row * columns + column]),
        false => Mat::from_fn(columns, rows, |column, row| values[row * columns + column]),
    };
    let decomposition = draws.qr();
    let (q, r) = (decomposition.compute_thin_Q(), decomposition.thin_R());
    for row in 0..rows {
        for column in 0..columns {
            let (i, j) = if tall { (row, column) } else { (column, row) };
            let sign = if r[(j, j)] < 0.0 { -gain } else { gain };
            values[row * columns + column] = sign * q[(i, j)];
        }
    }
}
