//! The tasks of a product, shared among threads.
//!
//! A task computes a block of the result. For each block of the depth and each panel of the right matrix, it packs the panel on its
//! stack and multiplies the tiles of all its rows by it.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::Simd;

use super::pack::{self, Runs};
use super::plan::{MAX_DEPTH_BLOCK, ProductPlan, tallest_tile_in_place};
use super::{MatrixLengths, RowActivation, Sizes};
use crate::activation::{Elementwise, Visitor};
use crate::parallel::{Pieces, for_each_task};
use crate::product::Tiles;
use crate::product::microkernel::{self, FULL_VECTORS, Segment, Start, Tile, max_rows};
use crate::scratch::Scratch;
use crate::simd::{SimdLevel, prefetch_far};

/// Maximum number of lanes of a vector.
const MAX_LANES: usize = 16;

/// Depth from which a tile takes long enough to prefetch the rows of the next one.
const PREFETCH_DEPTH: usize = 64;

/// Length of a cache line, in floats.
const LINE: usize = 16;

/// A matrix in memory; one of the steps is 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'a> {
    pub(crate) values: &'a [f32],
    /// Distance of neighbours along the depth, in floats.
    pub(crate) depth_step: usize,
    /// Distance of neighbouring rows of the left matrix, or columns of the right one, in floats.
    pub(crate) side_step: usize,
}

impl Operand<'_> {
    #[inline(always)]
    fn at(&self, depth: usize, side: usize) -> *const f32 {
        self.values.as_ptr().wrapping_add(depth * self.depth_step + side * self.side_step)
    }
}

/// A product to be computed; the lengths of its operands match `sizes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Multiplication<'a> {
    pub(crate) sizes: Sizes,
    pub(crate) left: Operand<'a>,
    pub(crate) right: Operand<'a>,
    /// Bias, `[columns]`, added to every row.
    pub(crate) bias: Option<&'a [f32]>,
    /// True to add the product to the contents of the result; `bias` is ignored then.
    pub(crate) accumulate: bool,
    /// True if the left matrix is never packed, so that no scratch buffer is needed.
    pub(crate) in_place: bool,
    /// Function applied to the finished sums.
    pub(crate) activation: Option<RowActivation>,
}

impl Multiplication<'_> {
    /// Writes the product to `c` `[rows, columns]`. `scratch` has [`super::scratch_length`] floats unless the product is
    /// `in_place`.
    ///
    /// # Panics
    /// If lengths do not match the sizes, or the matrices are too large.
    pub(crate) fn run(&self, simd: SimdLevel, c: &mut [f32], scratch: Scratch<'_>) {
        let sizes = self.sizes;
        sizes.check(MatrixLengths { left: self.left.values.len(), right: self.right.values.len(), result: c.len() });
        assert!(self.bias.is_none_or(|bias| bias.len() == sizes.columns), "bias");
        if c.is_empty() {
            return;
        }
        let plan = ProductPlan::new(simd, sizes, (!self.in_place).then_some(self.left.side_step));
        let packed = plan.packs_left.then(|| {
            let length = sizes.rows * sizes.depth;
            assert!(scratch.len() >= length, "matmul needs a scratch buffer of {length} floats, not {}", scratch.len());
            let (packed, _) = scratch.take(length);
            self.pack_left(simd, &plan, packed);
            &*packed
        });
        let target = Pieces::new(c);
        for_each_task(plan.tasks(), sizes.operations(), |task| {
            let (rows, panels) = (task / plan.panels.parts, task % plan.panels.parts);
            simd.dispatch(Task {
                level: simd,
                product: self,
                plan: &plan,
                packed,
                target,
                rows: plan.rows.part(rows),
                panels: plan.panels.part(panels),
            });
        });
    }

    /// Packs the left matrix: `[depth block][tile][depth][row of the tile]`.
    fn pack_left(&self, simd: SimdLevel, plan: &ProductPlan, packed: &mut [f32]) {
        let tiles_per_block = plan.rows.part(0).len().div_ceil(plan.tile_rows);
        let (left, all_rows, length) = (self.left, self.sizes.rows, packed.len());
        let pieces = Pieces::new(packed);
        for_each_task(plan.rows.parts * tiles_per_block, length, |task| {
            let block = plan.rows.part(task / tiles_per_block);
            let tile = Tiles::new(block.len(), plan.tile_rows).iter().nth(task % tiles_per_block);
            let Some((first, count)) = tile else { return };
            let first = block.start + first;
            for depth in (0..plan.depth.parts).map(|index| plan.depth.part(index)) {
                let start = packed_tile(all_rows, &depth, first);
                // SAFETY: tiles do not overlap.
                let target = unsafe { pieces.piece(start..start + count * depth.len()) };
                simd.dispatch(PackTile { level: simd, left, rows: first..first + count, depth, target });
            }
        });
    }
}

/// Returns the offset in the packed left matrix of the tile that begins with row `first`.
#[inline(always)]
fn packed_tile(all_rows: usize, depth: &Range<usize>, first: usize) -> usize {
    depth.start * all_rows + first * depth.len()
}

/// Packs one tile of the left matrix.
struct PackTile<'a> {
    level: SimdLevel,
    left: Operand<'a>,
    rows: Range<usize>,
    depth: Range<usize>,
    target: &'a mut [f32],
}

impl pulp::WithSimd for PackTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let PackTile { level, left, rows, depth, target } = self;
        let (source, count) = (left.at(depth.start, rows.start), rows.len());
        let runs = |stride| Runs { source, stride, depth: depth.len(), count, width: count };
        // SAFETY: rows and depth are inside the left matrix, whose length `run` asserted; the target is as long as the tile.
        unsafe {
            if left.side_step == 1 {
                pack::copy(simd, runs(left.depth_step), target.as_mut_ptr());
            } else {
                pack::transpose(level, runs(left.side_step), target.as_mut_ptr());
            }
        }
    }
}

/// A panel of the right matrix for one block of the depth.
#[repr(C, align(64))]
struct PanelBuffer([f32; MAX_DEPTH_BLOCK * MAX_LANES * FULL_VECTORS]);

/// Part of a panel of columns: the unit of work of a task.
#[derive(Clone, Debug)]
struct Block {
    depth: Range<usize>,
    columns: Range<usize>,
}

/// Address of a panel for the inner loop.
#[derive(Clone, Copy)]
struct PanelRows {
    start: *const f32,
    step: usize,
}

/// Computes one block of the result.
struct Task<'a> {
    level: SimdLevel,
    product: &'a Multiplication<'a>,
    plan: &'a ProductPlan,
    /// Packed left matrix, if it is packed.
    packed: Option<&'a [f32]>,
    target: Pieces<'a>,
    rows: Range<usize>,
    panels: Range<usize>,
}

impl pulp::WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut buffer = MaybeUninit::<PanelBuffer>::uninit();
        let blocks = self.plan.depth.parts * self.panels.len();
        for index in 0..blocks {
            let block = self.block(index);
            let next = (index + 1 < blocks).then(|| self.block(index + 1));
            // SAFETY: the buffer holds the longest block; `run` asserted the lengths of all matrices.
            unsafe {
                let panel = self.panel(simd, &block, buffer.as_mut_ptr().cast());
                self.tiles(simd, &block, panel, next);
            }
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn block(&self, index: usize) -> Block {
        let panel = self.panels.start + index % self.panels.len();
        let first = panel * self.plan.panel_columns;
        let end = (first + self.plan.panel_columns).min(self.product.sizes.columns);
        Block { depth: self.plan.depth.part(index / self.panels.len()), columns: first..end }
    }

    /// Returns true if the inner loop can and should read the block of the right matrix in place.
    #[inline(always)]
    fn is_in_place(&self, block: &Block, lanes: usize) -> bool {
        let (right, columns) = (self.product.right, block.columns.len());
        let is_dense = right.depth_step == columns;
        let is_readable = right.side_step == 1 && columns.is_multiple_of(lanes);
        is_readable && (is_dense || self.rows.len() <= self.plan.rows_in_place)
    }

    /// Returns the block of the right matrix in whole vectors: in place, or packed in `buffer`.
    ///
    /// # Safety
    /// The block must be inside the right matrix, and must fit into `buffer` in whole vectors.
    #[inline(always)]
    unsafe fn panel<S: Simd>(&self, simd: S, block: &Block, buffer: *mut f32) -> PanelRows {
        let right = self.product.right;
        let (source, count) = (right.at(block.depth.start, block.columns.start), block.columns.len());
        if self.is_in_place(block, S::F32_LANES) {
            return PanelRows { start: source, step: right.depth_step };
        }
        let width = count.next_multiple_of(S::F32_LANES);
        let runs = |stride| Runs { source, stride, depth: block.depth.len(), count, width };
        // SAFETY: guaranteed by the caller.
        unsafe {
            if right.side_step == 1 {
                pack::copy(simd, runs(right.depth_step), buffer);
            } else {
                pack::transpose(self.level, runs(right.side_step), buffer);
            }
        }
        PanelRows { start: buffer, step: width }
    }

    /// Computes the tiles of all rows for one block.
    ///
    /// # Safety
    /// `panel` must be readable in whole vectors for the depth of the block.
    #[inline(always)]
    unsafe fn tiles<S: Simd>(&self, simd: S, block: &Block, panel: PanelRows, next: Option<Block>) {
        let Sizes { rows: all_rows, columns: all_columns, .. } = self.product.sizes;
        let left = self.product.left;
        let vectors = block.columns.len().div_ceil(S::F32_LANES);
        let highest = match self.packed {
            Some(_) => self.plan.tile_rows,
            None => max_rows::<S>(vectors).min(tallest_tile_in_place(left.side_step)),
        };
        let segments = [Segment { a: 0, b: 0, length: block.depth.len() }];
        let tile_count = self.rows.len().div_ceil(highest);
        let activates = self.product.activation.is_some() && block.depth.end == self.product.sizes.depth;
        for (index, (first, count)) in Tiles::new(self.rows.len(), highest).iter().enumerate() {
            let first = self.rows.start + first;
            if let Some(next) = &next {
                self.prefetch_right(next, index, tile_count, S::F32_LANES);
            }
            let (a, a_row, a_step) = match self.packed {
                Some(packed) => (packed[packed_tile(all_rows, &block.depth, first)..].as_ptr(), 1, count),
                None => (left.at(block.depth.start, first), left.side_step, left.depth_step),
            };
            // SAFETY: each task writes its own block of the result; rows and depth are inside the left matrix.
            unsafe {
                let c = self.target.pointer(first * all_columns + block.columns.start);
                if block.depth.len() >= PREFETCH_DEPTH {
                    prefetch_rows(c, all_columns, count..(2 * count).min(self.rows.end - first), block.columns.len());
                }
                let tile = Tile {
                    a,
                    a_row,
                    a_step,
                    b: panel.start,
                    b_step: panel.step,
                    segments: &segments,
                    c,
                    c_row: all_columns,
                    columns: block.columns.len(),
                    start: match self.product.bias {
                        _ if self.product.accumulate || block.depth.start > 0 => Start::Output,
                        Some(bias) => Start::Row(bias[block.columns.start..].as_ptr()),
                        None => Start::Zero,
                    },
                };
                microkernel::run(simd, count, vectors, &tile);
                if activates {
                    self.activate(simd, block, first..first + count);
                }
            }
        }
    }

    /// Applies the activation to a tile whose sums are complete. Not inlined, so that the loop over the tiles stays small.
    ///
    /// # Safety
    /// No other thread may access the tile.
    #[inline(never)]
    unsafe fn activate<S: Simd>(&self, simd: S, block: &Block, rows: Range<usize>) {
        let all_columns = self.product.sizes.columns;
        let Some(RowActivation { function, first_row }) = self.product.activation else { return };
        let rows = rows.start.max(first_row)..rows.end;
        if rows.is_empty() {
            return;
        }
        // SAFETY: inside the result; guaranteed by the caller.
        let start = unsafe { self.target.pointer(rows.start * all_columns + block.columns.start) };
        let tile = ActivatedTile { start, stride: all_columns, rows: rows.len(), columns: block.columns.len() };
        function.visit(Activation { simd, tile });
    }

    /// Prefetches one part of the block of the right matrix that is packed next: its rows are too far apart for the hardware
    /// prefetcher.
    #[inline(always)]
    fn prefetch_right(&self, next: &Block, share: usize, shares: usize, lanes: usize) {
        if self.is_in_place(next, lanes) {
            return;
        }
        let right = self.product.right;
        let (stride, runs, length) = match right.side_step {
            1 => (right.depth_step, next.depth.len(), next.columns.len()),
            stride => (stride, next.columns.len(), next.depth.len()),
        };
        let start = right.at(next.depth.start, next.columns.start);
        for run in runs * share / shares..runs * (share + 1) / shares {
            for column in (0..length).step_by(LINE) {
                prefetch_far(start.wrapping_add(run * stride + column));
            }
        }
    }
}

/// Tile of the result that an activation is applied to.
#[derive(Clone, Copy)]
struct ActivatedTile {
    start: *mut f32,
    /// Distance of neighbouring rows, in floats.
    stride: usize,
    rows: usize,
    columns: usize,
}

/// Calls the loop over a tile that is compiled for a function.
struct Activation<S> {
    simd: S,
    tile: ActivatedTile,
}

impl<S: Simd> Visitor for Activation<S> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        self.simd.vectorize(ActivateTile { function, tile: self.tile });
    }
}

struct ActivateTile<F> {
    function: F,
    tile: ActivatedTile,
}

impl<F: Elementwise> pulp::WithSimd for ActivateTile<F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let ActivateTile { function, tile: ActivatedTile { start, stride, rows, columns } } = self;
        for row in 0..rows {
            // SAFETY: `Task::activate` passes rows of the result that belong to its task.
            let row = unsafe { std::slice::from_raw_parts_mut(start.add(row * stride), columns) };
            let (whole, rest) = row.as_chunks_mut::<8>();
            for values in whole {
                values.iter_mut().for_each(|value| *value = function.value(*value));
            }
            rest.iter_mut().for_each(|value| *value = function.value(*value));
        }
    }
}

/// Prefetches the rows of the result that the next tile writes.
#[inline(always)]
fn prefetch_rows(c: *const f32, stride: usize, rows: Range<usize>, columns: usize) {
    for row in rows {
        for column in (0..columns).step_by(LINE) {
            prefetch_far(c.wrapping_add(row * stride + column));
        }
        prefetch_far(c.wrapping_add(row * stride + columns - 1));
    }
}
