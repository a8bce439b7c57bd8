//! Division of a product into tasks and blocks.
//!
//! The division depends only on the sizes and the SIMD level, never on the number of threads; the terms of every sum are added in
//! the order of the depth, regardless of the division.

use std::ops::Range;

use super::Sizes;
use crate::product::microkernel::{FULL_VECTORS, full_rows};
use crate::simd::SimdLevel;

/// Typical depth of a block: a panel of the right matrix and a tile of the left one then stay in the fastest caches.
const DEPTH_BLOCK: usize = 384;

/// Maximum depth of a block: a remainder of less than half a block is distributed to the others.
pub(super) const MAX_DEPTH_BLOCK: usize = DEPTH_BLOCK + DEPTH_BLOCK / 2;

/// Maximum number of rows of a block of a packed left matrix. Each block packs the panels of the right matrix again.
const PACKED_ROW_BLOCK: usize = 1024;

/// Maximum number of rows of a block of a left matrix read in place: with the depth of a block, what fits into the second-level
/// cache.
const ROW_BLOCK: usize = 512;

/// Number of rows and columns from which packing a left matrix is faster than reading its scattered rows.
const PACKED_SIDE: usize = 512;

/// Number of panels from which packing a transposed left matrix pays off.
const PACKED_PANELS: usize = 3;

/// Depth from which packing a transposed left matrix pays off: short columns stay in the cache without packing.
const PACKED_DEPTH: usize = 64;

/// Distance of rows that share one set of the first-level cache, in floats: such rows evict each other.
const ALIASED_ROW: usize = 1024;

/// Number of tiles of one panel up to which the panel is read in place: packing it would take longer than reading its scattered rows.
const TILES_IN_PLACE: usize = 4;

/// Minimum number of tiles of rows per block, if rows are divided among threads: each block packs its panels again.
const MIN_TILES: usize = 10;

/// Number of tasks, which threads share evenly.
const TASKS: usize = 16;

/// Minimum number of multiply-adds per task.
const MIN_TASK_WORK: usize = 1 << 19;

/// Typical number of multiply-adds of a task of a large product.
const LARGE_TASK_WORK: usize = 1 << 27;

/// A length divided into parts that differ by at most one, longer ones first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    length: usize,
    pub(super) parts: usize,
}

impl Cut {
    /// Divides `length` into `parts`, or fewer if it is too short; at least one part.
    pub(super) fn new(length: usize, parts: usize) -> Self {
        Cut { length, parts: parts.clamp(1, length.max(1)) }
    }

    pub(super) fn part(self, index: usize) -> Range<usize> {
        let (short, longer) = (self.length / self.parts, self.length % self.parts);
        let start = index * short + index.min(longer);
        start..start + short + usize::from(index < longer)
    }
}

/// Division of one product.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductPlan {
    /// Rows, one part per block.
    pub(super) rows: Cut,
    /// Panels of columns, one part per block.
    pub(super) panels: Cut,
    /// Depth, one part per block.
    pub(super) depth: Cut,
    /// Number of columns of a panel.
    pub(super) panel_columns: usize,
    /// Maximum number of rows of a tile of a packed left matrix.
    pub(super) tile_rows: usize,
    /// True if the left matrix is packed.
    pub(super) packs_left: bool,
    /// Number of rows of a block up to which panels are read in place.
    pub(super) rows_in_place: usize,
}

impl ProductPlan {
    /// Creates the division. `packable_row` is the distance between rows of the left matrix in floats, 1 if it is transposed;
    /// `None` if it must not be packed.
    pub(super) fn new(simd: SimdLevel, sizes: Sizes, packable_row: Option<usize>) -> ProductPlan {
        let panel_columns = FULL_VECTORS * simd.lanes();
        let (panel_count, tile_rows) = (sizes.columns.div_ceil(panel_columns), full_rows(simd));
        let packs_left = packable_row.is_some_and(|row| packs_left(sizes, panel_count, row));
        let wanted = (sizes.work() / MIN_TASK_WORK).clamp(1, TASKS).max(sizes.work() / LARGE_TASK_WORK);
        let row_blocks = sizes.rows.div_ceil(if packs_left { PACKED_ROW_BLOCK } else { ROW_BLOCK }).max(1);
        let panels = Cut::new(panel_count, wanted.div_ceil(row_blocks));
        let more_rows = wanted.div_ceil(panels.parts).min(sizes.rows / (MIN_TILES * tile_rows));
        ProductPlan {
            rows: Cut::new(sizes.rows, row_blocks.max(more_rows)),
            panels,
            depth: Cut::new(sizes.depth, (sizes.depth + DEPTH_BLOCK / 2) / DEPTH_BLOCK),
            panel_columns,
            tile_rows,
            packs_left,
            rows_in_place: TILES_IN_PLACE * tile_rows,
        }
    }

    pub(super) fn tasks(&self) -> usize {
        self.rows.parts * self.panels.parts
    }
}

/// Returns the maximum number of rows of a tile of a left matrix read in place: as many as a set of the first-level cache can store.
pub(super) fn tallest_tile_in_place(left_row: usize) -> usize {
    if left_row.is_multiple_of(ALIASED_ROW) { 8 } else { usize::MAX }
}

/// Returns the number of floats of the packed left matrix, saturating at the maximum of a `usize`; 0 if no product of these sizes
/// packs it.
pub(super) fn packed_left_length(simd: SimdLevel, sizes: Sizes) -> usize {
    let panels = sizes.columns.div_ceil(FULL_VECTORS * simd.lanes());
    let packs = packs_left(sizes, panels, 1) || packs_left(sizes, panels, sizes.depth);
    if packs { sizes.rows.saturating_mul(sizes.depth) } else { 0 }
}

fn packs_left(sizes: Sizes, panels: usize, left_row: usize) -> bool {
    match left_row {
        1 => panels >= PACKED_PANELS && sizes.depth >= PACKED_DEPTH,
        _ if left_row.is_multiple_of(ALIASED_ROW) => sizes.columns >= PACKED_SIDE,
        _ => sizes.rows >= PACKED_SIDE && sizes.columns >= PACKED_SIDE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_length_once() {
        for length in 0..40 {
            for parts in 0..9 {
                let cut = Cut::new(length, parts);
                let mut next = 0;
                for index in 0..cut.parts {
                    let part = cut.part(index);
                    assert_eq!(part.start, next);
                    next = part.end;
                }
                assert_eq!(next, length, "{parts} parts");
            }
        }
    }

    #[test]
    fn blocks_of_the_depth_fit_the_panel_buffer() {
        for simd in SimdLevel::available() {
            for depth in 0..5000 {
                let plan = ProductPlan::new(simd, Sizes { rows: 3, depth, columns: 5 }, None);
                assert!(plan.depth.part(0).len() <= MAX_DEPTH_BLOCK, "depth {depth}");
            }
        }
    }
}
