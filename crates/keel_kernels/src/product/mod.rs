//! Matrix products over evenly spaced rows, the basis of linear layers and convolutions.

pub(crate) mod microkernel;
pub(crate) mod panels;

use pulp::Simd;

use microkernel::{FULL_VECTORS, Segment, Start, Tile, max_rows};
pub(crate) use panels::Panels;

use crate::simd::SimdLevel;

/// Rows of a product: `lines` groups of `length` rows, evenly spaced within a group and between groups; strides in floats. An
/// output image of a convolution has one line per row of pixels; a plain matrix is one line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) lines: usize,
    pub(crate) length: usize,
    pub(crate) a_line: usize,
    pub(crate) a_row: usize,
    pub(crate) c_line: usize,
    pub(crate) c_row: usize,
}

impl Rows {
    /// Returns the maximum number of rows that are read together. Rows whole pages apart share one set of the first-level cache,
    /// which has at least this many entries.
    #[inline(always)]
    fn tallest_tile(&self) -> usize {
        if self.a_row.is_multiple_of(1024) { 8 } else { usize::MAX }
    }
}

/// The product `C = start + A * B` with B in packed panels.
pub(crate) struct Product<'a> {
    pub(crate) rows: Rows,
    pub(crate) segments: &'a [Segment],
    pub(crate) a: *const f32,
    pub(crate) b: Panels<'a>,
    pub(crate) c: *mut f32,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) accumulate: bool,
}

impl Product<'_> {
    /// Computes the whole product on the calling thread, at the level of its panels.
    ///
    /// # Safety
    /// `rows` and `segments` must stay inside the buffers at `a` and `c`, and no other thread may access that part of C.
    pub(crate) unsafe fn run(&self) {
        struct Operation<'p, 'a>(&'p Product<'a>);
        impl pulp::WithSimd for Operation<'_, '_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // SAFETY: the caller of `run` guarantees the addresses.
                unsafe { self.0.run_with(simd) }
            }
        }
        self.b.simd().dispatch(Operation(self));
    }

    /// Computes the whole product with the vectors of `simd`, which are those of the panels.
    ///
    /// # Safety
    /// As described at [`Product::run`].
    #[inline(always)]
    pub(crate) unsafe fn run_with<S: Simd>(&self, simd: S) {
        assert_eq!(S::F32_LANES, self.b.simd().lanes(), "vectors of the panels");
        let rows = self.rows;
        for panel in self.b.iter() {
            let vectors = panel.width.div_ceil(S::F32_LANES);
            let tiles = Tiles::new(rows.length, max_rows::<S>(vectors).min(rows.tallest_tile()));
            for line in 0..rows.lines {
                for (first, count) in tiles.iter() {
                    // SAFETY: inside the buffers, guaranteed by the caller.
                    unsafe {
                        let c = self.c.add(line * rows.c_line + first * rows.c_row + panel.first_column);
                        let tile = Tile {
                            a: self.a.add(line * rows.a_line + first * rows.a_row),
                            a_row: rows.a_row,
                            a_step: 1,
                            b: panel.values.as_ptr(),
                            b_step: panel.width,
                            segments: self.segments,
                            c,
                            c_row: rows.c_row,
                            columns: panel.columns,
                            start: match (self.bias, self.accumulate) {
                                (_, true) => Start::Output,
                                (Some(bias), _) => Start::Row(bias.as_ptr().add(panel.first_column)),
                                (None, false) => Start::Zero,
                            },
                        };
                        microkernel::run(simd, count, vectors, &tile);
                    }
                }
            }
        }
    }
}

/// The product `C[i, j] += sum over the segments of A[i + ...] * B[..., j]`: rows of the result are contiguous in A.
pub(crate) struct OuterProduct<'a> {
    /// Number of rows of C; row `i` starts at `a + i`.
    pub(crate) rows: usize,
    pub(crate) a: *const f32,
    /// Distance between consecutive depth steps of A in floats.
    pub(crate) a_step: usize,
    pub(crate) b: *const f32,
    /// Distance between consecutive depth steps of B in floats; a multiple of the vector width covers the columns.
    pub(crate) b_step: usize,
    pub(crate) segments: &'a [Segment],
    pub(crate) c: *mut f32,
    pub(crate) c_row: usize,
    pub(crate) columns: usize,
    pub(crate) accumulate: bool,
}

impl OuterProduct<'_> {
    /// Computes it on the calling thread, at a level.
    ///
    /// # Safety
    /// As described at [`OuterProduct::run_with`].
    pub(crate) unsafe fn run(&self, simd: SimdLevel) {
        struct Operation<'p, 'a>(&'p OuterProduct<'a>);
        impl pulp::WithSimd for Operation<'_, '_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // SAFETY: guaranteed by the caller.
                unsafe { self.0.run_with(simd) }
            }
        }
        simd.dispatch(Operation(self));
    }

    /// Computes it on the calling thread with the vectors of `simd`.
    ///
    /// # Safety
    /// As described at [`Product::run`]; B must be readable up to whole vectors past its last column.
    #[inline(always)]
    pub(crate) unsafe fn run_with<S: Simd>(&self, simd: S) {
        let full = FULL_VECTORS * S::F32_LANES;
        let mut first_column = 0;
        while first_column < self.columns {
            let columns = full.min(self.columns - first_column);
            let vectors = columns.div_ceil(S::F32_LANES);
            for (first, count) in Tiles::new(self.rows, max_rows::<S>(vectors)).iter() {
                // SAFETY: inside the buffers, guaranteed by the caller.
                unsafe {
                    let tile = Tile {
                        a: self.a.add(first),
                        a_row: 1,
                        a_step: self.a_step,
                        b: self.b.add(first_column),
                        b_step: self.b_step,
                        segments: self.segments,
                        c: self.c.add(first * self.c_row + first_column),
                        c_row: self.c_row,
                        columns,
                        start: if self.accumulate { Start::Output } else { Start::Zero },
                    };
                    microkernel::run(simd, count, vectors, &tile);
                }
            }
            first_column += columns;
        }
    }
}

/// A number of rows divided into tiles of nearly equal height.
#[derive(Clone, Copy)]
pub(crate) struct Tiles {
    rows: usize,
    count: usize,
}

impl Tiles {
    #[inline(always)]
    pub(crate) fn new(rows: usize, highest: usize) -> Self {
        Tiles { rows, count: rows.div_ceil(highest) }
    }

    /// Iterates over the first row and height of each tile.
    #[inline(always)]
    pub(crate) fn iter(self) -> impl Iterator<Item = (usize, usize)> {
        let (mut first, mut left) = (0, self.count);
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let height = (self.rows - first).div_ceil(left);
            let tile = (first, height);
            first += height;
            left -= 1;
            Some(tile)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_all_rows_once_and_stay_under_the_limit() {
        for rows in 0..50 {
            for highest in [1, 6, 12] {
                let mut next = 0;
                for (first, height) in Tiles::new(rows, highest).iter() {
                    assert_eq!(first, next);
                    assert!((1..=highest).contains(&height), "{rows} rows in tiles of {highest}: {height}");
                    next = first + height;
                }
                assert_eq!(next, rows);
            }
        }
    }
}
