//! Matrix products of linear layers: `Y = X W + b` and its two gradients.
//!
//! `X` is `[rows, in_features]`, `W` `[in_features, out_features]`, all row-major. The weight matrix is packed once per
//! step by the caller's scratch; nothing allocates.

use crate::parallel::{MULTIPLY_ADDS_PER_OPERATION, Pieces, for_each_task};
use crate::product::microkernel::{FULL_VECTORS, Segment};
use crate::product::panels::{self, Panels};
use crate::product::{OuterProduct, Product, Rows};
use crate::simd;

/// Rows of the result one task computes.
const ROWS_PER_TASK: usize = 48;

/// Sizes of a product `[rows, depth] x [depth, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of the left matrix and of the result.
    pub rows: usize,
    /// Columns of the left matrix, rows of the right one.
    pub depth: usize,
    /// Columns of the right matrix and of the result.
    pub columns: usize,
}

impl Sizes {
    /// Multiply-adds of the product.
    pub fn work(self) -> usize {
        self.rows * self.depth * self.columns
    }

    /// What the product costs beside element-wise work, for sharing it over threads.
    fn operations(self) -> usize {
        self.work() / MULTIPLY_ADDS_PER_OPERATION
    }
}

/// Floats of scratch [`matmul`] and [`matmul_transposed`] need for a right matrix of `depth` x `columns`.
pub fn scratch_length(depth: usize, columns: usize) -> usize {
    panels::packed_length(depth, columns)
}

/// `c = a * b (+ bias)`: `a` `[rows, depth]`, `b` `[depth, columns]`, `bias` `[columns]`, `c` `[rows, columns]`.
pub fn matmul(sizes: Sizes, a: &[f32], b: &[f32], bias: Option<&[f32]>, (c, scratch): (&mut [f32], &mut [f32])) {
    assert_eq!(Some(b.len()), sizes.depth.checked_mul(sizes.columns), "right matrix");
    pack_rows(sizes, b, scratch);
    multiply(sizes, a, bias, c, scratch);
}

/// `c = a * transpose(b)`: `a` `[rows, depth]`, `b` `[columns, depth]`, `c` `[rows, columns]`.
pub fn matmul_transposed(sizes: Sizes, a: &[f32], b: &[f32], (c, scratch): (&mut [f32], &mut [f32])) {
    assert_eq!(Some(b.len()), sizes.depth.checked_mul(sizes.columns), "right matrix");
    pack_parallel(sizes, scratch, |column, packed| {
        let columns = packed.len() / sizes.depth.max(1);
        let present = columns.min(sizes.columns - column);
        panels::pack(b, sizes.depth, (sizes.depth, present), |row| row + column * sizes.depth, packed);
    });
    multiply(sizes, a, None, c, scratch);
}

/// `c = transpose(a) * b`: `a` `[depth, rows]`, `b` `[depth, columns]`, `c` `[rows, columns]`; `scratch` holds
/// [`scratch_length`]`(depth, columns)` floats.
pub fn transposed_matmul(sizes: Sizes, a: &[f32], b: &[f32], (c, scratch): (&mut [f32], &mut [f32])) {
    let Sizes { rows, depth, columns } = sizes;
    assert_eq!(Some(a.len()), rows.checked_mul(depth), "left matrix");
    assert_eq!(Some(b.len()), depth.checked_mul(columns), "right matrix");
    assert_eq!(Some(c.len()), rows.checked_mul(columns), "result");
    let lanes = simd::level().lanes();
    let is_one_panel = columns <= FULL_VECTORS * lanes && columns.is_multiple_of(lanes);
    let packed = if is_one_panel { b } else { pack_rows(sizes, b, scratch) };
    let segments = [Segment { a: 0, b: 0, length: depth }];
    let target = Pieces::new(c);
    for_each_task(rows.div_ceil(ROWS_PER_TASK), sizes.operations(), |task| {
        let first = task * ROWS_PER_TASK;
        let count = ROWS_PER_TASK.min(rows - first);
        for panel in Panels::new(packed, depth, columns).iter() {
            // SAFETY: each task writes its own rows; A rows lie inside the asserted length, and panels are whole
            // vectors wide.
            unsafe {
                let product = OuterProduct {
                    rows: count,
                    a: a.as_ptr().add(first),
                    a_step: rows,
                    b: panel.values.as_ptr(),
                    b_step: panel.width,
                    segments: &segments,
                    c: target.pointer(first * columns + panel.first_column),
                    c_row: columns,
                    columns: panel.columns,
                    accumulate: false,
                };
                run_outer(&product);
            }
        }
    });
}

/// # Safety
/// As [`OuterProduct::run_with`].
pub(crate) unsafe fn run_outer(product: &OuterProduct<'_>) {
    struct Operation<'p, 'a>(&'p OuterProduct<'a>);
    impl pulp::WithSimd for Operation<'_, '_> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, simd: S) {
            // SAFETY: passed on.
            unsafe { self.0.run_with(simd) }
        }
    }
    simd::level().dispatch(Operation(product));
}

/// Packs `b` `[depth, columns]` into the beginning of `scratch`.
fn pack_rows<'a>(sizes: Sizes, b: &[f32], scratch: &'a mut [f32]) -> &'a [f32] {
    pack_parallel(sizes, scratch, |column, packed| {
        let columns = packed.len() / sizes.depth.max(1);
        let present = columns.min(sizes.columns - column);
        panels::pack(b, 1, (sizes.depth, present), |row| row * sizes.columns + column, packed);
    });
    &scratch[..panels::packed_length(sizes.depth, sizes.columns)]
}

/// Packs panel by panel, panels shared over threads; `pack(first_column, panel)`.
fn pack_parallel(sizes: Sizes, scratch: &mut [f32], pack: impl Fn(usize, &mut [f32]) + Sync) {
    let length = panels::packed_length(sizes.depth, sizes.columns);
    assert!(scratch.len() >= length, "matmul wants {length} floats of scratch, not {}", scratch.len());
    let full = FULL_VECTORS * simd::level().lanes();
    let pieces = Pieces::new(&mut scratch[..length]);
    for_each_task(sizes.columns.div_ceil(full), length, |panel| {
        let range = panel * full * sizes.depth..((panel + 1) * full * sizes.depth).min(length);
        // SAFETY: panels do not overlap.
        pack(panel * full, unsafe { pieces.piece(range) });
    });
}

fn multiply(sizes: Sizes, a: &[f32], bias: Option<&[f32]>, c: &mut [f32], scratch: &[f32]) {
    let Sizes { rows, depth, columns } = sizes;
    assert_eq!(Some(a.len()), rows.checked_mul(depth), "left matrix");
    assert_eq!(Some(c.len()), rows.checked_mul(columns), "result");
    assert!(bias.is_none_or(|bias| bias.len() == columns), "bias");
    let full = FULL_VECTORS * simd::level().lanes();
    // Few rows and many columns are shared out by panels, many rows by rows.
    let panels_per_task = if rows <= ROWS_PER_TASK { 1 } else { columns.div_ceil(full) };
    let column_tasks = columns.div_ceil(full * panels_per_task);
    let row_tasks = rows.div_ceil(ROWS_PER_TASK);
    let segments = [Segment { a: 0, b: 0, length: depth }];
    let target = Pieces::new(c);
    for_each_task(row_tasks * column_tasks, sizes.operations(), |task| {
        let first_row = (task / column_tasks) * ROWS_PER_TASK;
        let first_column = (task % column_tasks) * panels_per_task * full;
        let count = ROWS_PER_TASK.min(rows - first_row);
        let width = (panels_per_task * full).min(columns - first_column);
        let start = first_column * depth;
        let packed = &scratch[start..start + panels::packed_length(depth, width)];
        // SAFETY: each task writes its own block of C; A rows lie inside the asserted length.
        unsafe {
            let rows = Rows { lines: 1, length: count, a_line: 0, a_row: depth, c_line: 0, c_row: columns };
            Product {
                rows,
                segments: &segments,
                a: a.as_ptr().add(first_row * depth),
                b: Panels::new(packed, depth, width),
                c: target.pointer(first_row * columns + first_column),
                bias: bias.map(|bias| &bias[first_column..first_column + width]),
                accumulate: false,
            }
            .run();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "left matrix")]
    fn sizes_whose_products_wrap_are_refused() {
        let sizes = Sizes { rows: 1 << 63, depth: 2, columns: 2 };
        let mut scratch = vec![0.0; scratch_length(2, 2)];
        matmul(sizes, &[], &[1.0; 4], None, (&mut [], &mut scratch));
    }

    fn values(length: usize, seed: u32) -> Vec<f32> {
        (0..length as u32)
            .map(|i| (i.wrapping_add(seed << 16).wrapping_mul(2654435761) >> 8) as f32 / 8388608.0 - 1.0)
            .collect()
    }

    /// The definition, in f64.
    fn reference(sizes: Sizes, a: impl Fn(usize, usize) -> f32, b: impl Fn(usize, usize) -> f32) -> Vec<f64> {
        let mut c = Vec::new();
        for row in 0..sizes.rows {
            for column in 0..sizes.columns {
                c.push((0..sizes.depth).map(|k| f64::from(a(row, k)) * f64::from(b(k, column))).sum());
            }
        }
        c
    }

    fn assert_near(actual: &[f32], expected: &[f64], depth: usize, what: &str) {
        for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            let tolerance = 1e-6 * (depth as f64).sqrt().max(1.0) + 1e-6 * expected.abs();
            assert!((f64::from(*actual) - expected).abs() <= tolerance, "{what} [{index}]: {actual} for {expected}");
        }
    }

    #[test]
    fn products_match_the_definition_on_awkward_sizes() {
        let cases =
            [(1, 1, 1), (3, 5, 7), (13, 17, 33), (49, 64, 10), (100, 3, 65), (12, 0, 4), (97, 31, 48), (2, 300, 129)];
        for (rows, depth, columns) in cases {
            let sizes = Sizes { rows, depth, columns };
            let (a, b, bias) = (values(rows * depth, 1), values(depth * columns, 2), values(columns, 3));
            let mut c = vec![f32::NAN; rows * columns];
            let mut scratch = vec![f32::NAN; scratch_length(depth, columns)];

            matmul(sizes, &a, &b, Some(&bias), (&mut c, &mut scratch));
            let mut expected = reference(sizes, |i, k| a[i * depth + k], |k, j| b[k * columns + j]);
            expected.iter_mut().enumerate().for_each(|(i, value)| *value += f64::from(bias[i % columns]));
            assert_near(&c, &expected, depth, &format!("{sizes:?}"));

            matmul_transposed(sizes, &a, &b, (&mut c, &mut scratch));
            let expected = reference(sizes, |i, k| a[i * depth + k], |k, j| b[j * depth + k]);
            assert_near(&c, &expected, depth, &format!("transposed right, {sizes:?}"));

            transposed_matmul(sizes, &a, &b, (&mut c, &mut scratch));
            let expected = reference(sizes, |i, k| a[k * rows + i], |k, j| b[k * columns + j]);
            assert_near(&c, &expected, depth, &format!("transposed left, {sizes:?}"));
        }
    }
}
