//! Saxe, McClelland, Ganguli (2013): a random orthogonal matrix, which keeps the length of every signal.

use faer::Mat;

use super::ParameterSpec;
use super::normal;
use crate::random::RandomKey;

/// Fills the matrix `[all other dimensions, last dimension]` so that its columns are orthogonal and of length `gain`
/// where there are at most as many columns as rows, else its rows.
///
/// The Q of a QR decomposition of normal draws, its columns turned so that R has a positive diagonal: then Q is uniform
/// over all orthogonal matrices (Mezzadri 2007).
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
