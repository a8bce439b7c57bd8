//! A pass over a few images: their tiles are transformed, multiplied by the weights at each position, and transformed back.

use pulp::Simd;

use super::transform::{Filtering, Four, Tile, in_both_directions};
use super::{SIDE, Strip, Winograd};
use crate::convolution::Pass;
use crate::product::microkernel::Segment;
use crate::product::{Product, Rows};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

impl Winograd {
    /// Computes the output images `[images, rows, columns, out_channels]` of a pass, whose frames have the size [`Winograd::frame`]
    /// and whose weights were transformed by [`Winograd::pack`] at the same level.
    pub(in crate::convolution) fn run(
        &self,
        simd: SimdLevel,
        pass: Pass<'_>,
        outputs: &mut [f32],
        scratch: Scratch<'_>,
    ) {
        let images = outputs.len() / self.output_length();
        assert!(images <= self.images, "{images} images in a pass of {}", self.images);
        assert_eq!(outputs.len(), images * self.output_length(), "output images");
        assert_eq!(pass.frames.len(), images * self.frame_length(), "frames");
        assert_eq!(pass.packed.len(), self.packed_length(), "packed weights");
        assert!(pass.bias.is_none_or(|bias| bias.len() == self.out_channels), "bias");
        let (inputs, rest) = scratch.take(self.planes(self.in_channels).length());
        let (products, _) = rest.take(self.planes(self.out_channels).length());
        simd.dispatch(ImagePass {
            winograd: self,
            level: simd,
            pass,
            outputs,
            planes: PassPlanes { inputs, products },
        });
    }

    /// # Safety
    /// `frame` as [`Winograd::run`] asserts, `planes` those of the image's first tile and all after them.
    #[inline(always)]
    pub(super) unsafe fn transform_inputs<
        S: Simd,
        F: Filtering<INPUTS, OUTPUTS>,
        const INPUTS: usize,
        const OUTPUTS: usize,
    >(
        &self,
        simd: S,
        frame: &[f32],
        strip: Strip,
        planes: &mut [f32],
    ) {
        let (columns, channels) = (self.tiles()[1], self.in_channels);
        let line = self.frame()[1] * channels;
        let stride = self.planes(channels).stride();
        for row in 0..strip.rows {
            for column in 0..columns {
                let from = OUTPUTS * (strip.first_row + row) * line + OUTPUTS * column * channels;
                let to = (row * columns + column) * channels;
                for channel in (0..channels).step_by(S::F32_LANES) {
                    // SAFETY: a tile is inside the frame, a plane inside the scratch buffer.
                    unsafe {
                        let source = frame.as_ptr().add(from + channel);
                        let mut tile: Tile<S::f32s, INPUTS> = [[simd.splat_f32s(0.0); INPUTS]; INPUTS];
                        for (y, line_of_tile) in tile.iter_mut().enumerate() {
                            for (x, value) in line_of_tile.iter_mut().enumerate() {
                                *value = source.add(y * line + x * channels).cast::<S::f32s>().read_unaligned();
                            }
                        }
                        let tile = in_both_directions(
                            tile,
                            #[inline(always)]
                            |line| F::inputs(simd, line),
                        );
                        store(tile, planes.as_mut_ptr().add(to + channel), stride);
                    }
                }
            }
        }
    }
}

/// Planes of a strip: the transformed inputs, and their products.
struct PassPlanes<'a> {
    inputs: &'a mut [f32],
    products: &'a mut [f32],
}

/// Work of [`Winograd::run`], which has asserted all lengths.
struct ImagePass<'a> {
    winograd: &'a Winograd,
    level: SimdLevel,
    pass: Pass<'a>,
    outputs: &'a mut [f32],
    planes: PassPlanes<'a>,
}

impl pulp::WithSimd for ImagePass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (winograd, pass) = (self.winograd, self.pass);
        for strip in winograd.strips() {
            let tiles = winograd.tiles_of(strip);
            // SAFETY: strips are inside frames and outputs, their planes inside the scratch buffer: `run` asserted the lengths.
            unsafe {
                for (image, frame) in pass.frames.chunks_exact(winograd.frame_length()).enumerate() {
                    let planes = &mut self.planes.inputs[image * tiles * winograd.in_channels..];
                    winograd.transform_inputs::<S, Four, 6, 4>(simd, frame, strip, planes);
                }
                self.multiply(simd, tiles);
                self.transform_outputs(simd, strip);
            }
        }
    }
}

impl ImagePass<'_> {
    /// Multiplies `tiles` tiles of each image by the weights, at every position.
    ///
    /// # Safety
    /// The planes have the lengths of their channels.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&mut self, simd: S, tiles: usize) {
        let (winograd, PassPlanes { inputs, products }) = (self.winograd, &mut self.planes);
        let length = self.outputs.len() / winograd.output_length() * tiles;
        let (depth, columns) = (winograd.in_channels, winograd.out_channels);
        let (from, to) = (winograd.planes(depth).stride(), winograd.planes(columns).stride());
        for (position, panels) in winograd.panels(self.level, self.pass.packed).enumerate() {
            let product = Product {
                rows: Rows { lines: 1, length, a_line: 0, a_row: depth, c_line: 0, c_row: columns },
                segments: &[Segment { a: 0, b: 0, length: depth }],
                a: inputs[position * from..].as_ptr(),
                b: panels,
                c: products[position * to..].as_mut_ptr(),
                bias: None,
                accumulate: false,
            };
            // SAFETY: the rows of one plane each.
            unsafe { product.run_with(simd) };
        }
    }

    /// Transforms the products of a strip back and writes its pixels in every image.
    ///
    /// # Safety
    /// As [`ImagePass::multiply`]; the outputs are whole images.
    #[inline(always)]
    unsafe fn transform_outputs<S: Simd>(&mut self, simd: S, strip: Strip) {
        let image_planes = self.winograd.tiles_of(strip) * self.winograd.out_channels;
        for (image, output) in self.outputs.chunks_exact_mut(self.winograd.output_length()).enumerate() {
            let planes = &self.planes.products[image * image_planes..];
            // SAFETY: guaranteed by the caller.
            unsafe { self.winograd.transform_image(simd, planes, self.pass, ImageStrip { strip, output }) };
        }
    }
}

/// A strip of an output image.
struct ImageStrip<'a> {
    strip: Strip,
    /// Output image.
    output: &'a mut [f32],
}

impl Winograd {
    /// # Safety
    /// `planes` and the output as for [`Winograd::transform_inputs`].
    #[inline(always)]
    unsafe fn transform_image<S: Simd>(&self, simd: S, planes: &[f32], pass: Pass<'_>, target: ImageStrip<'_>) {
        let ImageStrip { strip, output } = target;
        let (columns, channels) = (self.tiles()[1], self.out_channels);
        let [height, width] = self.output;
        let stride = self.planes(channels).stride();
        for row in 0..strip.rows {
            let y = SIDE * (strip.first_row + row);
            for column in 0..columns {
                let from = (row * columns + column) * channels;
                let at = (y * width + SIDE * column) * channels;
                let inside = pixels_inside::<SIDE>([height - y, width - SIDE * column]);
                for channel in (0..channels).step_by(S::F32_LANES) {
                    // SAFETY: a tile's planes are inside the scratch buffer, its pixels `inside` the output.
                    unsafe {
                        let tile = load::<S, _>(planes.as_ptr().add(from + channel), stride);
                        let mut pixels = in_both_directions(
                            tile,
                            #[inline(always)]
                            |line| Four::outputs(simd, line),
                        );
                        if let Some(bias) = pass.bias {
                            let bias = bias.as_ptr().add(channel).cast::<S::f32s>().read_unaligned();
                            pixels = pixels.map(|line| line.map(|value| simd.add_f32s(value, bias)));
                        }
                        let target = output.as_mut_ptr().add(at + channel);
                        let target = PixelTarget { start: target, line: width * channels, pixel: channels, inside };
                        target.write(simd, pixels, pass.accumulate);
                    }
                }
            }
        }
    }
}

/// Returns the numbers of rows and columns of a tile inside the output, where `left` of them remain from its first pixel. Written
/// so that loops over a whole tile have a length known to the compiler.
#[inline(always)]
pub(super) fn pixels_inside<const SIDE: usize>(left: [usize; 2]) -> [usize; 2] {
    if left[0] >= SIDE && left[1] >= SIDE { [SIDE, SIDE] } else { [left[0].min(SIDE), left[1].min(SIDE)] }
}

/// Pixels of an output image under a tile.
#[derive(Clone, Copy)]
struct PixelTarget {
    start: *mut f32,
    /// Number of floats from one line to the next.
    line: usize,
    /// Number of floats from one pixel to the next.
    pixel: usize,
    /// Number of rows and columns inside the image.
    inside: [usize; 2],
}

impl PixelTarget {
    /// Writes or adds the pixels inside the image.
    ///
    /// # Safety
    /// They must be writable.
    #[inline(always)]
    unsafe fn write<S: Simd, const SIDE: usize>(self, simd: S, pixels: Tile<S::f32s, SIDE>, accumulate: bool) {
        for (y, row) in pixels.iter().enumerate().take(self.inside[0]) {
            for (x, value) in row.iter().enumerate().take(self.inside[1]) {
                // SAFETY: guaranteed by the caller.
                unsafe {
                    let target = self.start.add(y * self.line + x * self.pixel).cast::<S::f32s>();
                    let value = if accumulate { simd.add_f32s(target.read_unaligned(), *value) } else { *value };
                    target.write_unaligned(value);
                }
            }
        }
    }
}

/// Writes the positions of a tile, one vector every `stride` floats.
///
/// # Safety
/// All of them must be writable.
#[inline(always)]
pub(super) unsafe fn store<V: Copy, const SIDE: usize>(tile: Tile<V, SIDE>, target: *mut f32, stride: usize) {
    for (y, line) in tile.iter().enumerate() {
        for (x, value) in line.iter().enumerate() {
            // SAFETY: guaranteed by the caller.
            unsafe { target.add((SIDE * y + x) * stride).cast::<V>().write_unaligned(*value) };
        }
    }
}

/// Reads values written by [`store`].
///
/// # Safety
/// All positions must be readable.
#[inline(always)]
unsafe fn load<S: Simd, const SIDE: usize>(source: *const f32, stride: usize) -> Tile<S::f32s, SIDE> {
    // SAFETY: guaranteed by the caller.
    let at = |position: usize| unsafe { source.add(position * stride).cast::<S::f32s>().read_unaligned() };
    let mut tile = [[at(0); SIDE]; SIDE];
    for (y, line) in tile.iter_mut().enumerate() {
        for (x, value) in line.iter_mut().enumerate() {
            *value = at(SIDE * y + x);
        }
    }
    tile
}
