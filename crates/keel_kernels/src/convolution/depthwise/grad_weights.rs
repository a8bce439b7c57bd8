//! The weight gradient: for each tap, input pixels times output gradients, summed over the image.
//!
//! The sums of a patch of taps are kept in registers while the pixels of a few rows are processed: every output gradient is read
//! once for the whole patch.

use pulp::Simd;

use super::super::ConvolutionShape;
use super::super::gradient_pass::GradientPass;
use super::lanes::{Lanes, load, store};
use super::runs::{self, Run};
use crate::product::Tiles;
use crate::simd::SimdLevel;

/// Maximum side of a patch in taps.
const MAX_TAPS: usize = 5;

/// Number of registers that are not used for sums.
const OTHER_REGISTERS: usize = 4;

/// Number of input floats in a block. A block stays in a fast cache while each vector of channels reads it in turn.
const BLOCK_FLOATS: usize = 8 * 1024;

/// Weight gradient of one fixed shape.
#[derive(Clone, Debug)]
pub(in super::super) struct GradWeights {
    /// Runs of output rows.
    rows: Vec<Run>,
    /// Runs of output columns.
    columns: Vec<Run>,
    /// Size `[rows, columns]` of the input in pixels.
    input: [usize; 2],
    /// Size `[rows, columns]` of the output in pixels.
    output: [usize; 2],
    /// Size `[rows, columns]` of the kernel in taps.
    kernel: [usize; 2],
    dilation: [usize; 2],
    channels: usize,
}

impl GradWeights {
    /// Prepares the sums of a shape.
    pub(in super::super) fn new(shape: &ConvolutionShape) -> Self {
        GradWeights {
            rows: runs::of_outputs(shape, 0),
            columns: runs::of_outputs(shape, 1),
            input: [shape.height, shape.width],
            output: [shape.out_height(), shape.out_width()],
            kernel: shape.kernel,
            dilation: shape.dilation,
            channels: shape.in_channels,
        }
    }

    /// Adds the contribution of one image to the sums, `[kernel_h, kernel_w, 1, channels]`.
    pub(in super::super) fn add(&self, simd: SimdLevel, pass: GradientPass<'_>, sums: &mut [f32]) {
        struct Operation<'s, 'a>(&'s GradWeights, GradientPass<'a>, &'s mut [f32]);
        impl pulp::WithSimd for Operation<'_, '_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.add_with(simd, self.1, self.2);
            }
        }
        let channels = self.channels;
        let last = (self.output[0] - 1) * pass.grad_output.row + self.output[1] * channels;
        assert!(pass.grad_output.values.len() >= last, "output gradient");
        assert_eq!(pass.frames.len(), self.input[0] * self.input[1] * channels, "input");
        assert_eq!(sums.len(), self.kernel[0] * self.kernel[1] * channels, "sums");
        simd.dispatch(Operation(self, pass, sums));
    }

    #[inline(always)]
    fn add_with<S: Simd>(&self, simd: S, pass: GradientPass<'_>, sums: &mut [f32]) {
        let most_lines = (BLOCK_FLOATS / (self.input[1] * self.channels)).max(1);
        let reached = |runs: &&Run| runs.taps.count > 0;
        for rows in self.rows.iter().filter(reached) {
            for (first, lines) in Tiles::new(rows.count, most_lines).iter() {
                for columns in self.columns.iter().filter(reached) {
                    self.add_block(simd, Block { rows, columns, first, lines }, pass, sums);
                }
            }
        }
    }

    /// Adds the contribution of a few rows of one run of columns, patch by patch of the taps.
    #[inline(always)]
    fn add_block<S: Simd>(&self, simd: S, block: Block<'_>, pass: GradientPass<'_>, sums: &mut [f32]) {
        let Block { rows, columns, first, lines } = block;
        let (channels, row) = (self.channels, self.input[1] * self.channels);
        for (tap_column, patch_columns) in Tiles::new(columns.taps.count, MAX_TAPS).iter() {
            for (tap_row, patch_rows) in Tiles::new(rows.taps.count, most_rows::<S>(patch_columns)).iter() {
                let y = rows.taps.source + first * rows.source_step + tap_row * self.dilation[0];
                let x = columns.taps.source + tap_column * self.dilation[1];
                let tap = (rows.taps.first + tap_row) * self.kernel[1] + columns.taps.first + tap_column;
                let from = (rows.first + first) * pass.grad_output.row + columns.first * channels;
                // SAFETY: runs refer to positions inside input and output (tested in `runs`), whose lengths `add` asserted.
                unsafe {
                    let patch = Patch {
                        input: pass.frames.as_ptr().add(y * row + x * channels),
                        input_line: rows.source_step * row,
                        input_pixel: columns.source_step * channels,
                        input_row: self.dilation[0] * row,
                        input_column: self.dilation[1] * channels,
                        gradient: pass.grad_output.values.as_ptr().add(from),
                        gradient_line: pass.grad_output.row,
                        lines,
                        pixels: columns.count,
                        sums: sums.as_mut_ptr().add(tap * channels),
                        sums_row: self.kernel[1] * channels,
                        channels,
                    };
                    patch.run(simd, [patch_rows, patch_columns]);
                }
            }
        }
    }
}

/// Returns the maximum number of rows of taps whose sums fit the registers of `S`.
#[inline(always)]
const fn most_rows<S: Simd>(columns: usize) -> usize {
    let rows = (S::REGISTER_COUNT - OTHER_REGISTERS) / columns;
    if rows > MAX_TAPS { MAX_TAPS } else { rows }
}

/// A few output rows of one run of columns.
#[derive(Clone, Copy)]
struct Block<'a> {
    rows: &'a Run,
    columns: &'a Run,
    /// Index of the first row of the run.
    first: usize,
    lines: usize,
}

/// A patch of taps and the pixels that it covers; steps in floats.
#[derive(Clone, Copy)]
struct Patch {
    /// Input pixel of the first output pixel and the first tap.
    input: *const f32,
    /// Step from one row of output pixels to the next.
    input_line: usize,
    /// Step from one output pixel to the next.
    input_pixel: usize,
    /// Step from one row of taps to the next.
    input_row: usize,
    /// Step from one column of taps to the next.
    input_column: usize,
    gradient: *const f32,
    gradient_line: usize,
    /// Number of rows of output pixels.
    lines: usize,
    /// Number of output pixels per row.
    pixels: usize,
    /// Sum of the first tap.
    sums: *mut f32,
    sums_row: usize,
    channels: usize,
}

impl Patch {
    /// Adds to the sums of `[rows, columns]` taps, for all channels.
    ///
    /// # Safety
    /// Every pixel must be inside its buffer, and no other thread may access the sums.
    #[inline(always)]
    unsafe fn run<S: Simd>(&self, simd: S, [rows, columns]: [usize; 2]) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            match rows {
                1 => self.by_columns::<S, 1>(simd, columns),
                2 => self.by_columns::<S, 2>(simd, columns),
                3 => self.by_columns::<S, 3>(simd, columns),
                4 => self.by_columns::<S, 4>(simd, columns),
                5 => self.by_columns::<S, 5>(simd, columns),
                _ => unreachable!("patches have 1 to {MAX_TAPS} rows"),
            }
        }
    }

    #[inline(always)]
    unsafe fn by_columns<S: Simd, const ROWS: usize>(&self, simd: S, columns: usize) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            match columns {
                1 => self.compute::<S, ROWS, 1>(simd),
                2 => self.compute::<S, ROWS, 2>(simd),
                3 => self.compute::<S, ROWS, 3>(simd),
                4 => self.compute::<S, ROWS, 4>(simd),
                5 => self.compute::<S, ROWS, 5>(simd),
                _ => unreachable!("patches have 1 to {MAX_TAPS} columns"),
            }
        }
    }

    #[inline(always)]
    unsafe fn compute<S: Simd, const ROWS: usize, const COLUMNS: usize>(&self, simd: S) {
        struct Compute<'a, const ROWS: usize, const COLUMNS: usize>(&'a Patch);
        impl<const ROWS: usize, const COLUMNS: usize> pulp::WithSimd for Compute<'_, ROWS, COLUMNS> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // SAFETY: the caller of `run` guarantees the patch.
                unsafe { self.0.channels::<S, ROWS, COLUMNS>(simd) }
            }
        }
        if ROWS <= const { most_rows::<S>(COLUMNS) } {
            simd.vectorize(Compute::<ROWS, COLUMNS>(self));
        } else {
            unreachable!("{ROWS} rows of {COLUMNS} sums do not fit the registers");
        }
    }

    #[inline(always)]
    unsafe fn channels<S: Simd, const ROWS: usize, const COLUMNS: usize>(&self, simd: S) {
        let whole = self.channels - self.channels % S::F32_LANES;
        // SAFETY: guaranteed by the caller.
        unsafe {
            for channel in (0..whole).step_by(S::F32_LANES) {
                self.vector::<S, ROWS, COLUMNS, false>(simd, channel);
            }
            if whole < self.channels {
                self.vector::<S, ROWS, COLUMNS, true>(simd, whole);
            }
        }
    }

    /// Adds to the channels of one vector, or of the remainder.
    #[inline(always)]
    unsafe fn vector<S: Simd, const ROWS: usize, const COLUMNS: usize, const PART: bool>(
        &self,
        simd: S,
        channel: usize,
    ) {
        let lanes = Lanes::<S, PART>::new(simd, self.channels - channel);
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        // SAFETY: the caller of `run` guarantees every pixel.
        unsafe {
            let place =
                |row: usize, column: usize| self.sums.add(channel + row * self.sums_row + column * self.channels);
            for row in 0..ROWS {
                for column in 0..COLUMNS {
                    sums[row][column] = load(simd, lanes, place(row, column));
                }
            }
            for line in 0..self.lines {
                let mut input = self.input.add(channel + line * self.input_line);
                let mut gradient = self.gradient.add(channel + line * self.gradient_line);
                for _ in 0..self.pixels {
                    let right = load(simd, lanes, gradient);
                    for row in 0..ROWS {
                        for column in 0..COLUMNS {
                            let left = load(simd, lanes, input.add(row * self.input_row + column * self.input_column));
                            sums[row][column] = simd.mul_add_e_f32s(left, right, sums[row][column]);
                        }
                    }
                    // The last step may leave the images.
                    input = input.wrapping_add(self.input_pixel);
                    gradient = gradient.wrapping_add(self.channels);
                }
            }
            for row in 0..ROWS {
                for column in 0..COLUMNS {
                    store(simd, lanes, place(row, column), sums[row][column]);
                }
            }
        }
    }
}
