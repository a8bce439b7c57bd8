//! Weighted sums of neighbouring pixels, channel by channel: the output of a depthwise convolution, and its input gradient.

use pulp::Simd;

use super::super::ConvolutionShape;
use super::lanes::{Lanes, load, store};
use super::runs::{self, Run};
use crate::product::Tiles;
use crate::product::microkernel::Start;
use crate::simd::{SimdLevel, prefetch};

/// Maximum number of target pixels whose sums are kept in registers at the same time: they share one read of the weights.
const MAX_PIXELS: usize = 8;

/// Number of rows by which source pixels are prefetched before the first tap. Pixels of many channels are too far apart for the
/// hardware prefetcher.
const SOURCE_ROWS_AHEAD: usize = 4;

/// Number of rows by which target pixels are prefetched.
const TARGET_ROWS_AHEAD: usize = 2;

/// Sums of one fixed shape.
#[derive(Clone, Debug)]
pub(in super::super) struct Stencil {
    /// Runs of target rows.
    rows: Vec<Run>,
    /// Runs of target columns.
    columns: Vec<Run>,
    /// Size `[rows, columns]` of the source in pixels.
    source: [usize; 2],
    /// Size `[rows, columns]` of the target in pixels.
    target: [usize; 2],
    /// Size `[rows, columns]` of the kernel in taps.
    kernel: [usize; 2],
    channels: usize,
}

/// Operands of the sums of one image.
#[derive(Clone, Copy)]
pub(in super::super) struct StencilInput<'a> {
    /// Source, `[source rows, source columns, channels]`.
    pub(in super::super) source: &'a [f32],
    /// Weights, `[kernel_h, kernel_w, 1, channels]`.
    pub(in super::super) weights: &'a [f32],
    /// Bias, `[channels]`, added to every pixel.
    pub(in super::super) bias: Option<&'a [f32]>,
    /// True to add the sums to the contents of the target.
    pub(in super::super) accumulate: bool,
}

impl Stencil {
    /// Creates the stencil of the output from the image.
    pub(in super::super) fn output(shape: &ConvolutionShape) -> Self {
        Stencil {
            rows: runs::of_outputs(shape, 0),
            columns: runs::of_outputs(shape, 1),
            source: [shape.height, shape.width],
            target: [shape.out_height(), shape.out_width()],
            kernel: shape.kernel,
            channels: shape.in_channels,
        }
    }

    /// Creates the stencil of the input gradient from the output gradient.
    pub(in super::super) fn grad_input(shape: &ConvolutionShape) -> Self {
        Stencil {
            rows: runs::of_inputs(shape, 0),
            columns: runs::of_inputs(shape, 1),
            source: [shape.out_height(), shape.out_width()],
            target: [shape.height, shape.width],
            kernel: shape.kernel,
            channels: shape.in_channels,
        }
    }

    /// Computes every pixel of one image, `[target rows, target columns, channels]`.
    pub(in super::super) fn run(&self, simd: SimdLevel, read: StencilInput<'_>, target: &mut [f32]) {
        struct Operation<'s, 'a>(&'s Stencil, StencilInput<'a>, &'s mut [f32]);
        impl pulp::WithSimd for Operation<'_, '_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.run_with(simd, self.1, self.2);
            }
        }
        let pixels = |[rows, columns]: [usize; 2]| rows * columns * self.channels;
        assert_eq!(read.source.len(), pixels(self.source), "source");
        assert_eq!(read.weights.len(), pixels(self.kernel), "weights");
        assert!(read.bias.is_none_or(|bias| bias.len() == self.channels), "bias");
        assert_eq!(target.len(), pixels(self.target), "target");
        simd.dispatch(Operation(self, read, target));
    }

    #[inline(always)]
    fn run_with<S: Simd>(&self, simd: S, read: StencilInput<'_>, target: &mut [f32]) {
        for rows in &self.rows {
            for (y, lines) in Tiles::new(rows.count, MAX_PIXELS).iter() {
                for columns in &self.columns {
                    let block = Block { rows, columns, y, lines };
                    // SAFETY: runs refer to positions inside source and target (tested in `runs`), whose lengths `run` asserted.
                    unsafe {
                        let pixels = self.first_pixel(block, read, target);
                        self.run_block(simd, block, pixels);
                    }
                }
            }
        }
    }

    /// Returns the first pixel of a block.
    ///
    /// # Safety
    /// `read` and `target` must have the lengths that [`Stencil::run`] asserts.
    #[inline(always)]
    unsafe fn first_pixel(&self, block: Block<'_>, read: StencilInput<'_>, target: &mut [f32]) -> Pixels {
        let Block { rows, columns, y, .. } = block;
        let (channels, row) = (self.channels, self.source[1] * self.channels);
        let (vertical, horizontal) = (rows.taps, columns.taps);
        let is_reached = vertical.count > 0 && horizontal.count > 0;
        let from = (vertical.source + y * rows.source_step) * row + horizontal.source * channels;
        let to = (rows.first + y * rows.step) * self.target[1] + columns.first;
        let tap = vertical.first * self.kernel[1] + horizontal.first;
        // SAFETY: positions of runs are inside the buffers; without taps, nothing is read.
        unsafe {
            Pixels {
                source: read.source.as_ptr().add(if is_reached { from } else { 0 }),
                source_step: 0,
                tap_rows: if is_reached { vertical.count } else { 0 },
                tap_columns: horizontal.count,
                source_row: vertical.source_step * row as isize,
                source_column: horizontal.source_step * channels as isize,
                weights: read.weights.as_ptr().add(tap * channels),
                weight_row: vertical.step * self.kernel[1] * channels,
                weight_column: horizontal.step * channels,
                target: target.as_mut_ptr().add(to * channels),
                target_step: 0,
                source_ahead: SOURCE_ROWS_AHEAD * row,
                target_ahead: TARGET_ROWS_AHEAD * self.target[1] * channels,
                channels,
                start: match (read.bias, read.accumulate) {
                    (_, true) => Start::Output,
                    (Some(bias), _) => Start::Row(bias.as_ptr()),
                    (None, false) => Start::Zero,
                },
            }
        }
    }

    /// Computes a block, given its first pixel, along its longer side: runs at the edges of an image are one pixel wide.
    ///
    /// # Safety
    /// The conditions of [`Pixels::run`] hold for all pixels of the block.
    #[inline(always)]
    unsafe fn run_block<S: Simd>(&self, simd: S, block: Block<'_>, pixels: Pixels) {
        let Block { rows, columns, lines, .. } = block;
        let source_line = rows.source_step * self.source[1] * self.channels;
        let target_line = rows.step * self.target[1] * self.channels;
        let (source_pixel, target_pixel) = (columns.source_step * self.channels, columns.step * self.channels);
        // SAFETY: guaranteed by the caller.
        unsafe {
            if columns.count < lines {
                let pixels = Pixels { source_step: source_line, target_step: target_line, ..pixels };
                for x in 0..columns.count {
                    pixels.moved(x * source_pixel, x * target_pixel).run(simd, lines);
                }
            } else {
                let pixels = Pixels { source_step: source_pixel, target_step: target_pixel, ..pixels };
                for line in 0..lines {
                    let pixels = pixels.moved(line * source_line, line * target_line);
                    for (first, count) in Tiles::new(columns.count, MAX_PIXELS).iter() {
                        pixels.moved(first * source_pixel, first * target_pixel).run(simd, count);
                    }
                }
            }
        }
    }
}

/// A few target rows of one run, in the columns of one run.
#[derive(Clone, Copy)]
struct Block<'a> {
    rows: &'a Run,
    columns: &'a Run,
    /// Index of the first row of the run.
    y: usize,
    lines: usize,
}

/// A few target pixels of one run; steps in floats.
#[derive(Clone, Copy)]
struct Pixels {
    /// Source pixel of the first target pixel and the first tap.
    source: *const f32,
    /// Step from one target pixel to the next.
    source_step: usize,
    tap_rows: usize,
    tap_columns: usize,
    /// Step from one row of taps to the next.
    source_row: isize,
    /// Step from one column of taps to the next.
    source_column: isize,
    weights: *const f32,
    weight_row: usize,
    weight_column: usize,
    target: *mut f32,
    target_step: usize,
    /// Distance from a source pixel to the one that is prefetched.
    source_ahead: usize,
    /// Distance from a target pixel to the one that is prefetched.
    target_ahead: usize,
    channels: usize,
    start: Start,
}

impl Pixels {
    /// Returns the pixels moved by `source` and `target` floats.
    ///
    /// # Safety
    /// They must be inside the buffers, unless no tap reaches them.
    #[inline(always)]
    unsafe fn moved(self, source: usize, target: usize) -> Self {
        // SAFETY: guaranteed by the caller.
        Pixels { source: self.source.wrapping_add(source), target: unsafe { self.target.add(target) }, ..self }
    }

    /// Computes all channels of `count` pixels.
    ///
    /// # Safety
    /// Every pixel must be inside its buffer, and no other thread may access those of the target.
    #[inline(always)]
    unsafe fn run<S: Simd>(&self, simd: S, count: usize) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            match count {
                1 => self.by_columns::<S, 1>(simd),
                2 => self.by_columns::<S, 2>(simd),
                3 => self.by_columns::<S, 3>(simd),
                4 => self.by_columns::<S, 4>(simd),
                5 => self.by_columns::<S, 5>(simd),
                6 => self.by_columns::<S, 6>(simd),
                7 => self.by_columns::<S, 7>(simd),
                8 => self.by_columns::<S, 8>(simd),
                _ => unreachable!("tiles have 1 to {MAX_PIXELS} pixels"),
            }
        }
    }

    #[inline(always)]
    unsafe fn by_columns<S: Simd, const PIXELS: usize>(&self, simd: S) {
        struct Compute<'a, const PIXELS: usize, const COLUMNS: usize>(&'a Pixels);
        impl<const PIXELS: usize, const COLUMNS: usize> pulp::WithSimd for Compute<'_, PIXELS, COLUMNS> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // SAFETY: the caller of `run` guarantees the pixels.
                unsafe { self.0.channels::<S, PIXELS, COLUMNS>(simd) }
            }
        }
        match self.tap_columns {
            2 => simd.vectorize(Compute::<PIXELS, 2>(self)),
            3 => simd.vectorize(Compute::<PIXELS, 3>(self)),
            _ => simd.vectorize(Compute::<PIXELS, 0>(self)),
        }
    }

    #[inline(always)]
    unsafe fn channels<S: Simd, const PIXELS: usize, const COLUMNS: usize>(&self, simd: S) {
        let whole = self.channels - self.channels % S::F32_LANES;
        // SAFETY: guaranteed by the caller.
        unsafe {
            for channel in (0..whole).step_by(S::F32_LANES) {
                self.vector::<S, PIXELS, COLUMNS, false>(simd, channel);
            }
            if whole < self.channels {
                self.vector::<S, PIXELS, COLUMNS, true>(simd, whole);
            }
        }
    }

    /// Computes the channels of one vector, or of the remainder; `COLUMNS` is the number of columns of taps, or 0.
    #[inline(always)]
    unsafe fn vector<S: Simd, const PIXELS: usize, const COLUMNS: usize, const PART: bool>(
        &self,
        simd: S,
        channel: usize,
    ) {
        let lanes = Lanes::<S, PART>::new(simd, self.channels - channel);
        let mut sums = [simd.splat_f32s(0.0); PIXELS];
        // SAFETY: the caller of `run` guarantees every pixel.
        unsafe {
            let target = self.target.add(channel);
            match self.start {
                Start::Zero => {}
                Start::Row(bias) => sums = [load(simd, lanes, bias.add(channel)); PIXELS],
                Start::Output => {
                    for pixel in 0..PIXELS {
                        sums[pixel] = load(simd, lanes, target.add(pixel * self.target_step));
                    }
                }
            }
            for pixel in 0..PIXELS {
                prefetch(self.source.wrapping_add(channel + pixel * self.source_step + self.source_ahead));
                prefetch(target.wrapping_add(pixel * self.target_step + self.target_ahead));
            }
            for tap_row in 0..self.tap_rows {
                let mut tap = Tap {
                    source: self.source.add(channel).offset(tap_row as isize * self.source_row),
                    weights: self.weights.add(channel + tap_row * self.weight_row),
                };
                // Unrolled by hand: the compiler keeps a loop of two or three taps, and half of its instructions would be overhead.
                match COLUMNS {
                    2 => {
                        tap = self.tap(simd, lanes, &mut sums, tap);
                        self.tap(simd, lanes, &mut sums, tap);
                    }
                    3 => {
                        tap = self.tap(simd, lanes, &mut sums, tap);
                        tap = self.tap(simd, lanes, &mut sums, tap);
                        self.tap(simd, lanes, &mut sums, tap);
                    }
                    _ => {
                        for _ in 0..self.tap_columns {
                            tap = self.tap(simd, lanes, &mut sums, tap);
                        }
                    }
                }
            }
            for pixel in 0..PIXELS {
                store(simd, lanes, target.add(pixel * self.target_step), sums[pixel]);
            }
        }
    }

    /// Adds one tap to the sums, and returns the next tap of its row.
    #[inline(always)]
    unsafe fn tap<S: Simd, const PIXELS: usize, const PART: bool>(
        &self,
        simd: S,
        lanes: Lanes<S, PART>,
        sums: &mut [S::f32s; PIXELS],
        Tap { source, weights }: Tap,
    ) -> Tap {
        // SAFETY: the caller of `run` guarantees every pixel.
        unsafe {
            let weight = load(simd, lanes, weights);
            for pixel in 0..PIXELS {
                let value = load(simd, lanes, source.add(pixel * self.source_step));
                sums[pixel] = simd.mul_add_e_f32s(value, weight, sums[pixel]);
            }
        }
        // The tap after the last one may be outside.
        Tap { source: source.wrapping_offset(self.source_column), weights: weights.wrapping_add(self.weight_column) }
    }
}

/// Source pixel and weights of a tap, for one vector of channels.
#[derive(Clone, Copy)]
struct Tap {
    source: *const f32,
    weights: *const f32,
}
