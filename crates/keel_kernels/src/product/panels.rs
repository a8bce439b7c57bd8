//! The right-hand matrix, rearranged so that the inner loop reads it in order.
//!
//! Columns are cut into panels of two vectors (the last one may be one vector), padded with zeros; a panel holds its
//! columns for every depth index in turn: `[depth][width]`.

use super::microkernel::FULL_VECTORS;
use crate::simd;

/// A packed matrix of `depth` rows and `columns` columns.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    values: &'a [f32],
    depth: usize,
    columns: usize,
}

/// One panel.
pub(crate) struct Panel<'a> {
    /// First column of the matrix in this panel.
    pub(crate) first_column: usize,
    /// Columns of the matrix in this panel.
    pub(crate) columns: usize,
    /// Columns with padding: floats per depth index.
    pub(crate) width: usize,
    /// `[depth][width]`.
    pub(crate) values: &'a [f32],
}

/// Floats a packed matrix takes.
pub(crate) fn packed_length(depth: usize, columns: usize) -> usize {
    depth * columns.next_multiple_of(simd::level().lanes())
}

/// Where element `(row, column)` of a `depth` x `columns` matrix lies in its packed form.
#[inline(always)]
pub(crate) fn place((depth, columns): (usize, usize), (row, column): (usize, usize)) -> usize {
    let lanes = simd::level().lanes();
    let full = FULL_VECTORS * lanes;
    let first_column = column / full * full;
    let width = full.min(columns - first_column).next_multiple_of(lanes);
    first_column * depth + row * width + column - first_column
}

impl<'a> Panels<'a> {
    /// Reads what [`pack`] wrote.
    pub(crate) fn new(values: &'a [f32], depth: usize, columns: usize) -> Self {
        assert_eq!(values.len(), packed_length(depth, columns), "packed {depth} x {columns}");
        Panels { values, depth, columns }
    }

    #[inline(always)]
    pub(crate) fn iter(self) -> impl Iterator<Item = Panel<'a>> {
        let lanes = simd::level().lanes();
        let full = FULL_VECTORS * lanes;
        (0..self.columns.div_ceil(full)).map(move |index| {
            let first_column = index * full;
            let columns = full.min(self.columns - first_column);
            let width = columns.next_multiple_of(lanes);
            let start = first_column * self.depth;
            Panel { first_column, columns, width, values: &self.values[start..start + self.depth * width] }
        })
    }
}

/// Packs the matrix whose element `(row, column)` is `source[start(row) + column * column_stride]`.
pub(crate) fn pack(
    source: &[f32],
    column_stride: usize,
    (depth, columns): (usize, usize),
    start: impl Fn(usize) -> usize,
    packed: &mut [f32],
) {
    assert_eq!(packed.len(), packed_length(depth, columns), "packing {depth} x {columns}");
    let lanes = simd::level().lanes();
    let full = FULL_VECTORS * lanes;
    let mut rest = packed;
    for first_column in (0..columns).step_by(full) {
        let present = full.min(columns - first_column);
        let width = present.next_multiple_of(lanes);
        let (panel, tail) = rest.split_at_mut(depth * width);
        rest = tail;
        for (row, target) in panel.chunks_exact_mut(width).enumerate() {
            let origin = start(row) + first_column * column_stride;
            if column_stride == 1 {
                target[..present].copy_from_slice(&source[origin..origin + present]);
            } else {
                for (column, value) in target[..present].iter_mut().enumerate() {
                    *value = source[origin + column * column_stride];
                }
            }
            target[present..].fill(0.0);
        }
    }
}
