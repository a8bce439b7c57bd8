//! Sums of the columns of a matrix: gradients of biases, and of the scale and shift of norms of samples.

use crate::parallel::{Pieces, for_each_task};
use crate::simd::SimdLevel;

/// Number of columns per task: their sums stay in registers.
const COLUMNS: usize = 128;

/// Number of rows that are summed in single precision before the sum is added in double precision.
const ROWS: usize = 32;

/// Columns of a matrix `[rows, width]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixColumns<'a> {
    /// Values of the whole matrix.
    pub values: &'a [f32],
    /// Number of floats of a row.
    pub width: usize,
    /// Index of the first column.
    pub first: usize,
}

/// Computes `sums[column] = sum over rows of values[row, first + column]`, for as many columns as there are sums.
///
/// # Panics
/// If there are more sums than columns, or `values` is not a whole number of rows.
pub fn column_sums(simd: SimdLevel, matrix: MatrixColumns<'_>, sums: &mut [f32]) {
    if sums.is_empty() {
        return;
    }
    let (MatrixColumns { values, width, first }, columns) = (matrix, sums.len());
    assert!(first + columns <= width, "columns {first} to {} in rows of {width}", first + columns);
    assert!(values.len().is_multiple_of(width), "{} values in rows of {width}", values.len());
    let work = values.len() / width * columns;
    let pieces = Pieces::new(sums);
    for_each_task(columns.div_ceil(COLUMNS), work, |task| {
        let range = task * COLUMNS..((task + 1) * COLUMNS).min(columns);
        // SAFETY: tasks have disjoint columns.
        let sums = unsafe { pieces.piece(range.clone()) };
        simd.run(
            #[inline(always)]
            || match range.len() {
                COLUMNS => block::<COLUMNS>(values, width, first + range.start, sums),
                _ => narrow(values, width, first + range.start, sums),
            },
        );
    });
}

/// Sums fewer than [`COLUMNS`] columns, in blocks of decreasing size.
#[inline(always)]
fn narrow(values: &[f32], width: usize, first: usize, sums: &mut [f32]) {
    let mut done = 0;
    while done + 16 <= sums.len() {
        block::<16>(values, width, first + done, &mut sums[done..done + 16]);
        done += 16;
    }
    while done + 4 <= sums.len() {
        block::<4>(values, width, first + done, &mut sums[done..done + 4]);
        done += 4;
    }
    while done < sums.len() {
        block::<1>(values, width, first + done, &mut sums[done..=done]);
        done += 1;
    }
}

#[inline(always)]
fn block<const N: usize>(values: &[f32], width: usize, first: usize, sums: &mut [f32]) {
    let mut totals = [0.0f64; N];
    for rows in values.chunks(ROWS * width) {
        let mut partial = [0.0f32; N];
        for row in rows.chunks_exact(width) {
            for (sum, value) in partial.iter_mut().zip(&row[first..first + N]) {
                *sum += value;
            }
        }
        for (total, sum) in totals.iter_mut().zip(partial) {
            *total += f64::from(sum);
        }
    }
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum = total as f32;
    }
}

#[cfg(test)]
mod tests {
    use keel_testkit::deterministic_values;

    use super::*;

    #[test]
    fn sums_are_those_in_double_precision_at_every_level_for_any_number_of_threads() {
        for (rows, width, first, columns) in [
            (0, 3, 0, 3),
            (1, 1, 0, 1),
            (33, 10, 0, 10),
            (70, 131, 0, 131),
            (5, 300, 1, 299),
            (200, 64, 40, 7),
            (1000, 520, 0, 520),
        ] {
            let values = deterministic_values(1, rows * width, -1.0, 2.0);
            let plain =
                |column: usize| (0..rows).map(|row| f64::from(values[row * width + first + column])).sum::<f64>();
            for simd in SimdLevel::available() {
                let on_threads = |threads: usize| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let mut sums = vec![f32::NAN; columns];
                    let matrix = MatrixColumns { values: &values, width, first };
                    pool.install(|| column_sums(simd, matrix, &mut sums));
                    sums
                };
                let one = on_threads(1);
                assert_eq!(one, on_threads(3), "{} {rows}x{width}", simd.name());
                for (column, sum) in one.iter().enumerate() {
                    let expected = plain(column);
                    let near = (f64::from(*sum) - expected).abs() <= 1e-6 * (rows as f64 + expected.abs());
                    assert!(near, "{} {rows}x{width} [{column}]: {sum} for {expected}", simd.name());
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "rows of 2")]
    fn more_sums_than_columns_are_refused() {
        column_sums(SimdLevel::Scalar, MatrixColumns { values: &[1.0; 4], width: 2, first: 1 }, &mut [0.0; 2]);
    }
}
