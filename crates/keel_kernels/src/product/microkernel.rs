//! The inner loop of matrix products and convolutions: a small tile of the result kept in registers.
//!
//! ```text
//! C[i, j] = start[i, j] + sum over segments, sum over t < length:
//!           A[segment.a + i * a_row + t * a_step] * B[(segment.b + t) * b_step + j]
//! ```
//!
//! The depth (the dimension that is summed over) is given as *segments*, runs that are evenly spaced in both operands. A
//! convolution is a product without an im2col copy: one segment is one row of the kernel window. The weight gradient is the same
//! loop with rows and depth of `A` exchanged. One of `a_row` and `a_step` is always 1, and the loop is compiled for each case:
//! addresses with a constant distance cost nothing.

use pulp::Simd;

use crate::simd::{SimdLevel, prefetch};

/// Maximum number of rows of a tile: with one vector per row, more rows mean fewer reads of B per multiply-add.
const MAX_ROWS: usize = 16;

/// Maximum number of rows of a full tile.
const MAX_FULL_ROWS: usize = 12;

/// Number of depth steps by which A is prefetched: hardware prefetchers work only within a page of memory, and a tile of A spans a
/// few pages.
const STEPS_AHEAD: usize = 32;

/// Number of vectors per row in a full tile.
pub(crate) const FULL_VECTORS: usize = 2;

/// A run of the depth dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Distance in floats from the tile's first row to the start of the run in A.
    pub(crate) a: usize,
    /// Number of depth steps before the run in B.
    pub(crate) b: usize,
    /// Number of steps in the run.
    pub(crate) length: usize,
}

/// Initial value of the sums of a tile.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// Zero.
    Zero,
    /// The same row for every row of C (a bias).
    Row(*const f32),
    /// The contents of C.
    Output,
}

/// Operands of one call of the inner loop; strides in floats.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'a> {
    pub(crate) a: *const f32,
    /// 1, or anything if `a_step` is 1.
    pub(crate) a_row: usize,
    /// 1, or anything if `a_row` is 1.
    pub(crate) a_step: usize,
    pub(crate) b: *const f32,
    pub(crate) b_step: usize,
    pub(crate) segments: &'a [Segment],
    pub(crate) c: *mut f32,
    pub(crate) c_row: usize,
    /// Number of columns of C to write; B must be readable in whole vectors.
    pub(crate) columns: usize,
    pub(crate) start: Start,
}

/// Returns the number of rows that fit the registers of `S`.
pub(crate) const fn max_rows<S: Simd>(vectors: usize) -> usize {
    let rows = (S::REGISTER_COUNT - 1 - vectors) / vectors;
    let most = if vectors == FULL_VECTORS { MAX_FULL_ROWS } else { MAX_ROWS };
    if rows > most { most } else { rows }
}

/// Returns the number of rows of a full tile at a level.
pub(crate) fn full_rows(simd: SimdLevel) -> usize {
    struct FullRows;
    impl pulp::WithSimd for FullRows {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _simd: S) -> usize {
            max_rows::<S>(FULL_VECTORS)
        }
    }
    simd.dispatch(FullRows)
}

/// Computes a tile of `rows` x `vectors` vectors.
///
/// # Safety
/// Every element in the module's formula must be inside the buffers at `a` and `b` (B: whole vectors), and `columns` floats in each
/// of `rows` rows at `c` must be writable and not accessed by other threads.
#[inline(always)]
pub(crate) unsafe fn run<S: Simd>(simd: S, rows: usize, vectors: usize, tile: &Tile<'_>) {
    debug_assert!(tile.a_row == 1 || tile.a_step == 1, "A is contiguous in one direction");
    // SAFETY: guaranteed by the caller.
    unsafe {
        match (vectors, tile.a_step) {
            (1, 1) => by_rows::<S, 1, true>(simd, rows, tile),
            (1, _) => by_rows::<S, 1, false>(simd, rows, tile),
            (_, 1) => by_rows::<S, FULL_VECTORS, true>(simd, rows, tile),
            (_, _) => by_rows::<S, FULL_VECTORS, false>(simd, rows, tile),
        }
    }
}

#[inline(always)]
unsafe fn by_rows<S: Simd, const VECTORS: usize, const DEEP: bool>(simd: S, rows: usize, tile: &Tile<'_>) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        match rows {
            1 => compute::<S, 1, VECTORS, DEEP>(simd, tile),
            2 => compute::<S, 2, VECTORS, DEEP>(simd, tile),
            3 => compute::<S, 3, VECTORS, DEEP>(simd, tile),
            4 => compute::<S, 4, VECTORS, DEEP>(simd, tile),
            5 => compute::<S, 5, VECTORS, DEEP>(simd, tile),
            6 => compute::<S, 6, VECTORS, DEEP>(simd, tile),
            7 => compute::<S, 7, VECTORS, DEEP>(simd, tile),
            8 => compute::<S, 8, VECTORS, DEEP>(simd, tile),
            9 => compute::<S, 9, VECTORS, DEEP>(simd, tile),
            10 => compute::<S, 10, VECTORS, DEEP>(simd, tile),
            11 => compute::<S, 11, VECTORS, DEEP>(simd, tile),
            12 => compute::<S, 12, VECTORS, DEEP>(simd, tile),
            13 => compute::<S, 13, VECTORS, DEEP>(simd, tile),
            14 => compute::<S, 14, VECTORS, DEEP>(simd, tile),
            15 => compute::<S, 15, VECTORS, DEEP>(simd, tile),
            16 => compute::<S, 16, VECTORS, DEEP>(simd, tile),
            _ => unreachable!("tiles have 1 to {MAX_ROWS} rows"),
        }
    }
}

/// Compiled once per shape: wrapped in `vectorize` so that each shape is a separate function.
#[inline(always)]
unsafe fn compute<S: Simd, const ROWS: usize, const VECTORS: usize, const DEEP: bool>(simd: S, tile: &Tile<'_>) {
    struct Compute<'a, const ROWS: usize, const VECTORS: usize, const DEEP: bool>(&'a Tile<'a>);
    impl<const ROWS: usize, const VECTORS: usize, const DEEP: bool> pulp::WithSimd for Compute<'_, ROWS, VECTORS, DEEP> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            // SAFETY: the caller of `run` guarantees the tile.
            unsafe { accumulate::<S, ROWS, VECTORS, DEEP>(simd, self.0) }
        }
    }
    if ROWS <= const { max_rows::<S>(VECTORS) } {
        simd.vectorize(Compute::<ROWS, VECTORS, DEEP>(tile));
    } else {
        unreachable!("{ROWS} rows of {VECTORS} vectors do not fit the registers");
    }
}

/// Accumulates the sums. `DEEP`: A is contiguous along the depth (`a_step` is 1), otherwise along the rows (`a_row` is 1).
#[inline(always)]
unsafe fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize, const DEEP: bool>(simd: S, tile: &Tile<'_>) {
    let (a_row, a_step) = if DEEP { (tile.a_row, 1) } else { (1, tile.a_step) };
    // With one vector, the addresses of the rows of A would take more instructions than the arithmetic: a few steps share them.
    let unrolled = if VECTORS == 1 && DEEP { 4 } else { 1 };
    // SAFETY: the caller of `run` guarantees every address of the module's formula.
    unsafe {
        let mut sums = start::<S, ROWS, VECTORS>(simd, tile);
        for segment in tile.segments {
            let mut a = tile.a.add(segment.a);
            let mut b = tile.b.add(segment.b * tile.b_step);
            for _ in 0..segment.length / unrolled {
                for _ in 0..unrolled {
                    if !DEEP {
                        prefetch(a.wrapping_add(a_step * STEPS_AHEAD));
                    }
                    step(simd, &mut sums, Column { start: a, row_step: a_row }, b);
                    a = a.add(a_step);
                    b = b.add(tile.b_step);
                }
            }
            for _ in 0..segment.length % unrolled {
                step(simd, &mut sums, Column { start: a, row_step: a_row }, b);
                a = a.add(a_step);
                b = b.add(tile.b_step);
            }
        }
        store::<S, ROWS, VECTORS>(simd, sums, tile);
    }
}

/// One depth index of the rows of A.
#[derive(Clone, Copy)]
struct Column {
    start: *const f32,
    /// Number of floats between neighbouring rows.
    row_step: usize,
}

/// Executes one step of the depth. A closure in [`accumulate`] could be compiled to a function without the vectors of `S`, and many
/// times slower.
#[inline(always)]
unsafe fn step<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sums: &mut [[S::f32s; VECTORS]; ROWS],
    a: Column,
    b: *const f32,
) {
    let mut right = [simd.splat_f32s(0.0); VECTORS];
    // SAFETY: the caller of `run` guarantees every address of the module's formula.
    unsafe {
        for vector in 0..VECTORS {
            right[vector] = b.add(vector * S::F32_LANES).cast::<S::f32s>().read_unaligned();
        }
        for row in 0..ROWS {
            let left = simd.splat_f32s(*a.start.add(row * a.row_step));
            for vector in 0..VECTORS {
                sums[row][vector] = simd.mul_add_e_f32s(left, right[vector], sums[row][vector]);
            }
        }
    }
}

/// Returns the initial sums of a tile. Only the last vector of a row can be partly outside C; it is masked, so that the address of
/// the sums is never taken and they stay in registers.
#[inline(always)]
unsafe fn start<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    tile: &Tile<'_>,
) -> [[S::f32s; VECTORS]; ROWS] {
    let lanes = S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let (source, step) = match tile.start {
        Start::Zero => return sums,
        Start::Row(bias) => (bias, 0),
        Start::Output => (tile.c.cast_const(), tile.c_row),
    };
    let whole = tile.columns == VECTORS * lanes;
    let mask = last_vector_mask::<S, VECTORS>(simd, tile);
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            // SAFETY: `columns` floats are readable at a bias row and at each row of C.
            sums[row][vector] = unsafe {
                let from = source.add(row * step + vector * lanes);
                if vector + 1 < VECTORS || whole {
                    from.cast::<S::f32s>().read_unaligned()
                } else {
                    simd.mask_load_ptr_f32s(mask, from)
                }
            };
        }
    }
    sums
}

#[inline(always)]
unsafe fn store<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    sums: [[S::f32s; VECTORS]; ROWS],
    tile: &Tile<'_>,
) {
    let lanes = S::F32_LANES;
    let whole = tile.columns == VECTORS * lanes;
    let mask = last_vector_mask::<S, VECTORS>(simd, tile);
    for row in 0..ROWS {
        for vector in 0..VECTORS {
            // SAFETY: `columns` floats are writable in each row of C.
            unsafe {
                let target = tile.c.add(row * tile.c_row + vector * lanes);
                if vector + 1 < VECTORS || whole {
                    target.cast::<S::f32s>().write_unaligned(sums[row][vector]);
                } else {
                    simd.mask_store_ptr_f32s(mask, target, sums[row][vector]);
                }
            }
        }
    }
}

#[inline(always)]
fn last_vector_mask<S: Simd, const VECTORS: usize>(simd: S, tile: &Tile<'_>) -> pulp::MemMask<S::m32s> {
    let count = tile.columns - (VECTORS - 1) * S::F32_LANES;
    simd.mask_between_m32s(0, count as u32)
}
