//! A pass over a few images: their tiles transformed, multiplied at each position with the weights, and transformed back.

use pulp::Simd;

use super::transform::{Filtering, Four, Tile, in_both_directions};
use super::{SIDE, Strip, Winograd};
use crate::product::microkernel::Segment;
use crate::product::{Product, Rows};
use crate::simd;

/// What a few images are computed from.
#[derive(Clone, Copy)]
pub(in crate::convolution) struct Pass<'a> {
    /// `[images, frame rows, frame columns, in_channels]`, [`Winograd::frame`].
    pub(in crate::convolution) frames: &'a [f32],
    /// Transformed weights, [`Winograd::pack`].
    pub(in crate::convolution) packed: &'a [f32],
    /// `[out_channels]`, added to every pixel.
    pub(in crate::convolution) bias: Option<&'a [f32]>,
    /// Whether the result is added to what the output holds.
    pub(in crate::convolution) accumulate: bool,
}

impl Winograd {
    /// Output images `[images, rows, columns, out_channels]`.
    pub(in crate::convolution) fn run(&self, pass: Pass<'_>, outputs: &mut [f32], room: &mut [f32]) {
        let images = outputs.len() / self.output_length();
        assert!(images <= self.images, "{images} images in a pass of {}", self.images);
        assert_eq!(outputs.len(), images * self.output_length(), "output images");
        assert_eq!(pass.frames.len(), images * self.frame_length(), "frames");
        assert_eq!(pass.packed.len(), self.packed_length(), "packed weights");
        assert!(pass.bias.is_none_or(|bias| bias.len() == self.out_channels), "bias");
        assert!(room.len() >= self.room_length(), "room");
        struct Operation<'a>(&'a Winograd, Pass<'a>, &'a mut [f32], &'a mut [f32]);
        impl pulp::WithSimd for Operation<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let Operation(winograd, pass, outputs, room) = self;
                // SAFETY: `run` asserted all lengths.
                unsafe { winograd.run_with(simd, pass, outputs, room) }
            }
        }
        simd::level().dispatch(Operation(self, pass, outputs, room));
    }

    /// # Safety
    /// The lengths [`Winograd::run`] asserts.
    #[inline(always)]
    unsafe fn run_with<S: Simd>(&self, simd: S, pass: Pass<'_>, outputs: &mut [f32], room: &mut [f32]) {
        let (inputs, products) = room.split_at_mut(self.planes(self.in_channels).length());
        let images = outputs.len() / self.output_length();
        for strip in self.strips() {
            let tiles = self.tiles_of(strip);
            // SAFETY: strips lie inside frames and outputs, their planes inside the room.
            unsafe {
                for (image, frame) in pass.frames.chunks_exact(self.frame_length()).enumerate() {
                    let planes = &mut inputs[image * tiles * self.in_channels..];
                    self.transform_inputs::<S, Four, 6, 4>(simd, frame, strip, planes);
                }
                self.multiply(simd, (inputs, pass.packed), images * tiles, products);
                for (image, output) in outputs.chunks_exact_mut(self.output_length()).enumerate() {
                    let planes = &products[image * tiles * self.out_channels..];
                    self.transform_outputs(simd, (planes, pass), strip, output);
                }
            }
        }
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
                    // SAFETY: a tile lies inside the frame, a plane inside the room.
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

    /// # Safety
    /// `inputs` and `products` hold the planes of their channels.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(
        &self,
        simd: S,
        (inputs, packed): (&[f32], &[f32]),
        length: usize,
        products: &mut [f32],
    ) {
        let (depth, columns) = (self.in_channels, self.out_channels);
        let (from, to) = (self.planes(depth).stride(), self.planes(columns).stride());
        for (position, panels) in self.panels(packed).enumerate() {
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

    /// # Safety
    /// `planes` and `output` as for [`Winograd::transform_inputs`].
    #[inline(always)]
    unsafe fn transform_outputs<S: Simd>(
        &self,
        simd: S,
        (planes, pass): (&[f32], Pass<'_>),
        strip: Strip,
        output: &mut [f32],
    ) {
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
                    // SAFETY: a tile's planes lie inside the room, its pixels `inside` the output.
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
                        write_pixels(simd, (pixels, inside), (target, width * channels, channels), pass.accumulate);
                    }
                }
            }
        }
    }
}

/// Rows and columns of a tile's pixels inside the output, of which so many are left from its first one on. Written so that
/// loops over a whole tile have a length the compiler knows.
#[inline(always)]
pub(super) fn pixels_inside<const SIDE: usize>(left: [usize; 2]) -> [usize; 2] {
    if left[0] >= SIDE && left[1] >= SIDE { [SIDE, SIDE] } else { [left[0].min(SIDE), left[1].min(SIDE)] }
}

/// Writes or adds the pixels inside `size` `[rows, columns]` to a target with steps of `(line, pixel)` floats.
///
/// # Safety
/// They must be writable.
#[inline(always)]
unsafe fn write_pixels<S: Simd, const SIDE: usize>(
    simd: S,
    (pixels, size): (Tile<S::f32s, SIDE>, [usize; 2]),
    (target, line, pixel): (*mut f32, usize, usize),
    accumulate: bool,
) {
    for (y, row) in pixels.iter().enumerate().take(size[0]) {
        for (x, value) in row.iter().enumerate().take(size[1]) {
            // SAFETY: by the caller's promise.
            unsafe {
                let target = target.add(y * line + x * pixel).cast::<S::f32s>();
                let value = if accumulate { simd.add_f32s(target.read_unaligned(), *value) } else { *value };
                target.write_unaligned(value);
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
            // SAFETY: by the caller's promise.
            unsafe { target.add((SIDE * y + x) * stride).cast::<V>().write_unaligned(*value) };
        }
    }
}

/// Reads what [`store`] wrote.
///
/// # Safety
/// All positions must be readable.
#[inline(always)]
unsafe fn load<S: Simd, const SIDE: usize>(source: *const f32, stride: usize) -> Tile<S::f32s, SIDE> {
    // SAFETY: by the caller's promise.
    let at = |position: usize| unsafe { source.add(position * stride).cast::<S::f32s>().read_unaligned() };
    let mut tile = [[at(0); SIDE]; SIDE];
    for (y, line) in tile.iter_mut().enumerate() {
        for (x, value) in line.iter_mut().enumerate() {
            *value = at(SIDE * y + x);
        }
    }
    tile
}
