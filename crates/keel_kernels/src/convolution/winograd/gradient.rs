//! The weight gradient: at each position, transformed input tiles times transformed tiles of output gradients, summed over tiles
//! and images; one inverse transform at the end of the batch.

use pulp::Simd;

use super::image::{pixels_inside, store};
use super::transform::{Filtering, Four, Tile, Two, in_both_directions};
use super::{Strip, Winograd, first_vector, lanes};
use crate::convolution::ConvolutionShape;
use crate::convolution::gradient_pass::{GradientPass, GradientRows};
use crate::parallel::{Pieces, for_each_task};
use crate::product::OuterProduct;
use crate::product::microkernel::Segment;
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Number of floats of all planes of a strip that stay in the second-level cache. The sums are read and written once per strip: if
/// they do not stay in the cache themselves, the planes may take as much memory as they do.
const STRIP_FLOATS: usize = 128 * 1024;

/// Maximum number of pairs of channels whose sums are taken over tiles of 4x4: they are more than twice as many as those over tiles
/// of 2x2, and are read and written once per strip.
const MOST_WEIGHTS_FOR_FOUR: usize = 128 * 128;

/// Weight gradient of one convolution, by its forward geometry.
#[derive(Clone, Copy, Debug)]
pub(in crate::convolution) struct WeightGradient(Winograd);

impl WeightGradient {
    /// Creates the weight gradient from the framed input and the gradient of the output.
    pub(in crate::convolution) fn new(shape: &ConvolutionShape) -> Self {
        let forward = Winograd::forward(shape);
        let side = if shape.in_channels * shape.out_channels > MOST_WEIGHTS_FOR_FOUR { 2 } else { forward.side };
        // The frame is the same as in the forward pass, which is large enough for smaller tiles too.
        let winograd = Winograd { side, ..forward };
        let floats_per_tile = winograd.positions() * (shape.in_channels + shape.out_channels);
        let tiles = STRIP_FLOATS.max(WeightGradient(winograd).sums_length()) / floats_per_tile;
        let images = (tiles / winograd.tiles().iter().product::<usize>()).clamp(1, winograd.images);
        WeightGradient(Winograd { images, tiles_per_strip: tiles / images, ..winograd })
    }

    /// Returns the number of floats of the sums over tiles, `[position][in_channels][out_channels]`.
    pub(in crate::convolution) fn sums_length(&self) -> usize {
        self.0.positions() * self.0.in_channels * self.0.out_channels
    }

    /// Returns the length of the scratch buffer of [`WeightGradient::add`] in floats.
    pub(in crate::convolution) fn scratch_length(&self) -> usize {
        self.0.scratch_length()
    }

    /// Adds the contribution of a pass to the sums.
    pub(in crate::convolution) fn add(
        &self,
        simd: SimdLevel,
        pass: GradientPass<'_>,
        sums: &mut [f32],
        scratch: Scratch<'_>,
    ) {
        let (winograd, GradientPass { frames, grad_output }) = (&self.0, pass);
        let images = frames.len() / winograd.frame_length();
        let last_row = (images - 1) * grad_output.image + (winograd.output[0] - 1) * grad_output.row;
        assert_eq!(frames.len(), images * winograd.frame_length(), "frames");
        assert!(grad_output.values.len() >= last_row + winograd.output[1] * winograd.out_channels, "output gradient");
        assert_eq!(sums.len(), self.sums_length(), "sums");
        let (inputs, rest) = scratch.take(winograd.planes(winograd.in_channels).length());
        let (gradients, _) = rest.take(winograd.planes(winograd.out_channels).length());
        for (part, frames) in frames.chunks(winograd.images * winograd.frame_length()).enumerate() {
            let pass = GradientPass { frames, grad_output: grad_output.starting_at(part * winograd.images) };
            let planes = GradientPlanes { inputs: &mut *inputs, gradients: &mut *gradients };
            simd.dispatch(AddPass { gradient: self, pass, planes, sums: &mut *sums });
        }
    }
}

/// Planes of a strip: the transformed inputs and the transformed output gradients.
struct GradientPlanes<'a> {
    inputs: &'a mut [f32],
    gradients: &'a mut [f32],
}

/// Work of [`WeightGradient::add`], which has asserted all lengths, for as many images as share a strip.
struct AddPass<'a> {
    gradient: &'a WeightGradient,
    pass: GradientPass<'a>,
    planes: GradientPlanes<'a>,
    sums: &'a mut [f32],
}

impl pulp::WithSimd for AddPass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: `add` asserted all lengths.
        unsafe {
            match self.gradient.0.side {
                2 => self.run::<S, Two, 4, 2>(simd),
                _ => self.run::<S, Four, 6, 4>(simd),
            }
        }
    }
}

impl AddPass<'_> {
    /// # Safety
    /// The lengths [`WeightGradient::add`] asserts.
    #[inline(always)]
    unsafe fn run<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(self, simd: S) {
        let AddPass { gradient, pass, mut planes, sums } = self;
        let (winograd, GradientPass { frames, grad_output }) = (&gradient.0, pass);
        let (in_channels, out_channels) = (winograd.in_channels, winograd.out_channels);
        let images = frames.len() / winograd.frame_length();
        for strip in winograd.strips() {
            let tiles = winograd.tiles_of(strip);
            // SAFETY: strips are inside frames and gradients, their planes inside the scratch buffer.
            unsafe {
                for (image, frame) in frames.chunks_exact(winograd.frame_length()).enumerate() {
                    let target = &mut planes.inputs[image * tiles * in_channels..];
                    winograd.transform_inputs::<S, F, INPUTS, OUTPUTS>(simd, frame, strip, target);
                    let target = &mut planes.gradients[image * tiles * out_channels..];
                    let source = grad_output.starting_at(image);
                    gradient.transform_gradients::<S, F, INPUTS, OUTPUTS>(simd, source, strip, target);
                }
                gradient.multiply(simd, &mut planes, images * tiles, sums);
            }
        }
    }
}

impl WeightGradient {
    /// # Safety
    /// `grad_output` from the image on, as [`WeightGradient::add`] asserts; `planes` as for
    /// [`Winograd::transform_inputs`].
    #[inline(always)]
    unsafe fn transform_gradients<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(
        &self,
        simd: S,
        grad_output: GradientRows<'_>,
        strip: Strip,
        planes: &mut [f32],
    ) {
        let winograd = &self.0;
        let (columns, channels) = (winograd.tiles()[1], winograd.out_channels);
        let [height, width] = winograd.output;
        let stride = winograd.planes(channels).stride();
        for row in 0..strip.rows {
            let y = OUTPUTS * (strip.first_row + row);
            for column in 0..columns {
                let x = OUTPUTS * column;
                let to = (row * columns + column) * channels;
                let inside = pixels_inside::<OUTPUTS>([height - y, width - x]);
                for channel in (0..channels).step_by(S::F32_LANES) {
                    // SAFETY: pixels are read inside the output only, planes are inside the scratch buffer.
                    unsafe {
                        let start = grad_output.values.as_ptr().add(y * grad_output.row + x * channels + channel);
                        let source = PixelSource { start, line: grad_output.row, pixel: channels, inside };
                        let pixels: Tile<S::f32s, OUTPUTS> = source.read(simd);
                        let tile = in_both_directions(
                            pixels,
                            #[inline(always)]
                            |line| F::output_gradients(simd, line),
                        );
                        store(tile, planes.as_mut_ptr().add(to + channel), stride);
                    }
                }
            }
        }
    }

    /// Adds the products of `length` tiles to the sums, at every position.
    ///
    /// # Safety
    /// The planes have the lengths of their channels.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&self, simd: S, planes: &mut GradientPlanes<'_>, length: usize, sums: &mut [f32]) {
        let (winograd, GradientPlanes { inputs, gradients }) = (&self.0, planes);
        let (rows, columns) = (winograd.in_channels, winograd.out_channels);
        let (input_stride, gradient_stride) = (winograd.planes(rows).stride(), winograd.planes(columns).stride());
        let segments = [Segment { a: 0, b: 0, length }];
        for (position, sum) in sums.chunks_exact_mut(rows * columns).enumerate() {
            let product = OuterProduct {
                rows,
                a: inputs[position * input_stride..].as_ptr(),
                a_step: rows,
                b: gradients[position * gradient_stride..].as_ptr(),
                b_step: columns,
                segments: &segments,
                c: sum.as_mut_ptr(),
                c_row: columns,
                columns,
                accumulate: true,
            };
            // SAFETY: the tiles of one plane each; channels are whole vectors.
            unsafe { product.run_with(simd) };
        }
    }

    /// Computes the weight gradient `[3, 3, in_channels, out_channels]` from the sums over the batch.
    pub(in crate::convolution) fn finish(&self, simd: SimdLevel, sums: &[f32], grad_weights: &mut [f32]) {
        let (rows, columns) = (self.0.in_channels, self.0.out_channels);
        let plane = rows * columns;
        assert_eq!(sums.len(), self.sums_length(), "sums");
        assert_eq!(grad_weights.len(), 9 * plane, "weight gradient");
        let target = Pieces::new(grad_weights);
        for_each_task(rows, sums.len(), |row| {
            let range = row * columns..(row + 1) * columns;
            // SAFETY: each task has its own row of every tap.
            let taps = [0, 1, 2, 3, 4, 5, 6, 7, 8]
                .map(|tap| unsafe { target.piece(tap * plane + range.start..tap * plane + range.end) });
            simd.dispatch(FinishRow { side: self.0.side, sums, plane, first: range.start, taps });
        });
    }
}

/// Pixels of an output gradient under a tile.
#[derive(Clone, Copy)]
struct PixelSource {
    start: *const f32,
    /// Number of floats from one line to the next.
    line: usize,
    /// Number of floats from one pixel to the next.
    pixel: usize,
    /// Number of rows and columns inside the image.
    inside: [usize; 2],
}

impl PixelSource {
    /// Returns the pixels inside the image, zeros for the others.
    ///
    /// # Safety
    /// They must be readable.
    #[inline(always)]
    unsafe fn read<S: Simd, const SIDE: usize>(self, simd: S) -> Tile<S::f32s, SIDE> {
        let mut pixels = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        for (y, row) in pixels.iter_mut().enumerate().take(self.inside[0]) {
            for (x, value) in row.iter_mut().enumerate().take(self.inside[1]) {
                let offset = y * self.line + x * self.pixel;
                // SAFETY: guaranteed by the caller.
                *value = unsafe { self.start.add(offset).cast::<S::f32s>().read_unaligned() };
            }
        }
        pixels
    }
}

/// Work of [`WeightGradient::finish`] for one input channel.
struct FinishRow<'a> {
    side: usize,
    sums: &'a [f32],
    /// Number of floats of one position.
    plane: usize,
    /// Start of the row in it.
    first: usize,
    /// Row in each tap.
    taps: [&'a mut [f32]; 9],
}

impl pulp::WithSimd for FinishRow<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.side {
            2 => self.run::<S, Two, 4, 2>(simd),
            _ => self.run::<S, Four, 6, 4>(simd),
        }
    }
}

impl FinishRow<'_> {
    #[inline(always)]
    fn run<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(self, simd: S) {
        let FinishRow { sums, plane, first, mut taps, .. } = self;
        for column in (0..taps[0].len()).step_by(S::F32_LANES) {
            let mut tile = [[simd.splat_f32s(0.0); INPUTS]; INPUTS];
            for (position, sums) in sums.chunks_exact(plane).enumerate() {
                tile[position / INPUTS][position % INPUTS] = first_vector(simd, &sums[first + column..]);
            }
            let gradients = in_both_directions(
                tile,
                #[inline(always)]
                |line| F::tap_gradients(simd, line),
            );
            for (tap, row) in taps.iter_mut().enumerate() {
                row[column..column + S::F32_LANES].copy_from_slice(lanes(simd, &gradients[tap / 3][tap % 3]));
            }
        }
    }
}
