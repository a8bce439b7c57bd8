//! 3x3 convolutions with stride 1 by Winograd's minimal filtering: fewer multiplications than the definition has.
//!
//! The output is cut into tiles of 4x4 pixels, each made from a 6x6 tile of the framed image; small images have tiles of
//! 2x2 from 4x4. A tile is transformed to 36 (16) numbers a channel; at each of these *positions* all tiles of a strip
//! together are the rows of a plain matrix product with the transformed weights; the result is transformed back. A strip
//! is a few rows of tiles, so that what lies between the transforms stays in the cache. The frame is wide enough for whole
//! tiles; of a tile that reaches past the output, only the part inside is written.
//!
//! Sums are taken in another order than by the definition, with an error a few times as large, still at the level of
//! rounding: `tests` holds every path against the definition in f64.

mod gradient;
mod transform;

pub(super) use gradient::WeightGradient;

use pulp::Simd;

use super::ConvolutionShape;
use crate::product::microkernel::Segment;
use crate::product::panels::{self, Panels};
use crate::product::{Product, Rows};
use crate::simd;
use transform::{Filtering, Four, Tile, Two, in_both_directions};

/// Channels come in whole vectors of every SIMD level. With fewer, the transforms would cost more than the multiplications
/// they save.
const CHANNEL_STEP: usize = 16;

/// Smallest output, in pixels of a side. The tiles of an image share one pass over the weights: few tiles wait for it.
const LEAST_SIDE: usize = 7;

/// Fewest tiles of 4x4 for which the weights of many channels are read: each image waits for all of them.
const LEAST_TILES_OF_FOUR: usize = 16;

/// Pairs of channels whose weights stay in the cache from image to image, so that fewer tiles will do.
const FEW_WEIGHTS: usize = 64 * 64;

/// Tiles of a strip in a pass over an image, unless one row has more.
const TILES_PER_STRIP: usize = 32;

/// A convolution `[height + 2, width + 2, in_channels] -> [height, width, out_channels]` of a framed image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd {
    /// Pixels of the output `[rows, columns]`.
    output: [usize; 2],
    /// Pixels of a side of a tile: 4 or 2.
    side: usize,
    /// Pixels of the framed image, at least [`least_frame`].
    frame: [usize; 2],
    in_channels: usize,
    out_channels: usize,
    /// Whether it goes against the weights: from their output channels to their input channels, kernel turned around.
    mirrored: bool,
    /// Tiles of a strip, unless one row has more.
    tiles_per_strip: usize,
}

/// What one image is computed from.
#[derive(Clone, Copy)]
pub(super) struct ImagePass<'a> {
    /// `[frame rows, frame columns, in_channels]`, [`Winograd::frame`].
    pub(super) frame: &'a [f32],
    /// Transformed weights, [`Winograd::pack`].
    pub(super) packed: &'a [f32],
    /// `[out_channels]`, added to every pixel.
    pub(super) bias: Option<&'a [f32]>,
    /// Whether the result is added to what the output holds.
    pub(super) accumulate: bool,
}

/// The positions of all tiles of a strip: `[position][tile][channel]`.
#[derive(Clone, Copy)]
struct Planes {
    positions: usize,
    tiles: usize,
    channels: usize,
}

impl Planes {
    /// Floats from one position to the next. Not a multiple of the page, whose multiples share few places of the cache.
    #[inline(always)]
    fn stride(self) -> usize {
        self.tiles * self.channels + CHANNEL_STEP
    }

    fn length(self) -> usize {
        self.positions * self.stride()
    }
}

/// A few rows of tiles.
#[derive(Clone, Copy)]
struct Strip {
    first_row: usize,
    rows: usize,
}

/// Whether the method applies to a shape.
pub(super) fn suits(shape: &ConvolutionShape) -> bool {
    shape.kernel == [3, 3]
        && shape.stride == [1, 1]
        && shape.dilation == [1, 1]
        && shape.groups == 1
        && shape.padding.as_flattened().iter().all(|&zeros| zeros <= 1)
        && [shape.in_channels, shape.out_channels].iter().all(|channels| channels.is_multiple_of(CHANNEL_STEP))
        && shape.out_height().min(shape.out_width()) >= LEAST_SIDE
}

impl Winograd {
    /// The output of a convolution from its framed input.
    pub(super) fn forward(shape: &ConvolutionShape) -> Self {
        Winograd::new([shape.out_height(), shape.out_width()], (shape.in_channels, shape.out_channels), false)
    }

    /// The input's gradient from the framed gradient of the output: a convolution itself.
    pub(super) fn grad_input(shape: &ConvolutionShape) -> Self {
        Winograd::new([shape.height, shape.width], (shape.out_channels, shape.in_channels), true)
    }

    fn new(output: [usize; 2], (in_channels, out_channels): (usize, usize), mirrored: bool) -> Self {
        let tiles_of_four: usize = output.iter().map(|pixels| pixels.div_ceil(4)).product();
        let four = tiles_of_four >= LEAST_TILES_OF_FOUR || in_channels * out_channels <= FEW_WEIGHTS;
        let side = if four { 4 } else { 2 };
        let tiles_per_strip = TILES_PER_STRIP;
        let frame = least_frame(output, side);
        Winograd { output, side, frame, in_channels, out_channels, mirrored, tiles_per_strip }
    }

    /// Rows and columns of tiles.
    fn tiles(&self) -> [usize; 2] {
        self.output.map(|pixels| pixels.div_ceil(self.side))
    }

    /// Numbers a tile of one channel is transformed to.
    fn positions(&self) -> usize {
        (self.side + 2) * (self.side + 2)
    }

    /// Rows and columns of the frame it reads.
    pub(super) fn frame(&self) -> [usize; 2] {
        self.frame
    }

    /// Most rows of tiles in a strip.
    fn strip_rows(&self) -> usize {
        let [rows, columns] = self.tiles();
        let most = (self.tiles_per_strip / columns).max(1);
        rows.div_ceil(rows.div_ceil(most))
    }

    fn strips(self) -> impl Iterator<Item = Strip> {
        let (total, rows) = (self.tiles()[0], self.strip_rows());
        (0..total).step_by(rows).map(move |first_row| Strip { first_row, rows: rows.min(total - first_row) })
    }

    fn planes(&self, channels: usize) -> Planes {
        Planes { positions: self.positions(), tiles: self.strip_rows() * self.tiles()[1], channels }
    }

    /// Floats of room for [`Winograd::run`].
    pub(super) fn room_length(&self) -> usize {
        self.planes(self.in_channels).length() + self.planes(self.out_channels).length()
    }

    /// Floats of the transformed weights.
    pub(super) fn packed_length(&self) -> usize {
        self.positions() * panels::packed_length(self.in_channels, self.out_channels)
    }

    /// Transforms weights `[3, 3, in_channels, out_channels]` of the forward convolution and packs those of each position.
    pub(super) fn pack(&self, weights: &[f32], packed: &mut [f32]) {
        assert_eq!(weights.len(), 9 * self.in_channels * self.out_channels, "weights");
        assert_eq!(packed.len(), self.packed_length(), "packed weights");
        struct Operation<'a>(&'a Winograd, &'a [f32], &'a mut [f32]);
        impl pulp::WithSimd for Operation<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                match self.0.side {
                    2 => self.0.pack_with::<S, Two, 4, 2>(simd, self.1, self.2),
                    _ => self.0.pack_with::<S, Four, 6, 4>(simd, self.1, self.2),
                }
            }
        }
        simd::level().dispatch(Operation(self, weights, packed));
    }

    #[inline(always)]
    fn pack_with<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(
        &self,
        simd: S,
        weights: &[f32],
        packed: &mut [f32],
    ) {
        let size = (self.in_channels, self.out_channels);
        let (rows, columns) = if self.mirrored { (size.1, size.0) } else { size };
        let position_length = panels::packed_length(size.0, size.1);
        for row in 0..rows {
            for column in (0..columns).step_by(S::F32_LANES) {
                let mut taps = [[simd.splat_f32s(0.0); 3]; 3];
                for (index, values) in weights.chunks_exact(rows * columns).enumerate() {
                    let tap = if self.mirrored { 8 - index } else { index };
                    taps[tap / 3][tap % 3] = first_vector(simd, &values[row * columns + column..]);
                }
                let tile = in_both_directions(
                    taps,
                    #[inline(always)]
                    |line| F::taps(simd, line),
                );
                for (position, packed) in packed.chunks_exact_mut(position_length).enumerate() {
                    let values = tile[position / INPUTS][position % INPUTS];
                    if self.mirrored {
                        for (lane, value) in lanes(simd, &values).iter().enumerate() {
                            packed[panels::place(size, (column + lane, row))] = *value;
                        }
                    } else {
                        let place = panels::place(size, (row, column));
                        packed[place..place + S::F32_LANES].copy_from_slice(lanes(simd, &values));
                    }
                }
            }
        }
    }

    /// One output image `[rows, columns, out_channels]`.
    pub(super) fn run(&self, pass: ImagePass<'_>, output: &mut [f32], room: &mut [f32]) {
        let [rows, columns] = self.frame();
        assert_eq!(pass.frame.len(), rows * columns * self.in_channels, "frame");
        assert_eq!(pass.packed.len(), self.packed_length(), "packed weights");
        assert_eq!(output.len(), self.output[0] * self.output[1] * self.out_channels, "output image");
        assert!(pass.bias.is_none_or(|bias| bias.len() == self.out_channels), "bias");
        assert!(room.len() >= self.room_length(), "room");
        struct Operation<'a>(&'a Winograd, ImagePass<'a>, &'a mut [f32], &'a mut [f32]);
        impl pulp::WithSimd for Operation<'_> {
            type Output = ();
            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                let Operation(winograd, pass, output, room) = self;
                // SAFETY: `run` asserted all lengths.
                unsafe {
                    match winograd.side {
                        2 => winograd.run_with::<S, Two, 4, 2>(simd, pass, output, room),
                        _ => winograd.run_with::<S, Four, 6, 4>(simd, pass, output, room),
                    }
                }
            }
        }
        simd::level().dispatch(Operation(self, pass, output, room));
    }

    /// # Safety
    /// The lengths [`Winograd::run`] asserts.
    #[inline(always)]
    unsafe fn run_with<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(
        &self,
        simd: S,
        pass: ImagePass<'_>,
        output: &mut [f32],
        room: &mut [f32],
    ) {
        let (inputs, products) = room.split_at_mut(self.planes(self.in_channels).length());
        for strip in self.strips() {
            // SAFETY: strips lie inside frame and output, their planes inside the room.
            unsafe {
                self.transform_inputs::<S, F, INPUTS, OUTPUTS>(simd, pass.frame, strip, inputs);
                self.multiply(simd, (inputs, pass.packed), strip, products);
                self.transform_outputs::<S, F, INPUTS, OUTPUTS>(simd, (products, pass), strip, output);
            }
        }
    }

    /// # Safety
    /// `frame` and `planes` as [`Winograd::run`] asserts.
    #[inline(always)]
    unsafe fn transform_inputs<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(
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
        strip: Strip,
        products: &mut [f32],
    ) {
        let (depth, columns) = (self.in_channels, self.out_channels);
        let (from, to) = (self.planes(depth).stride(), self.planes(columns).stride());
        let length = strip.rows * self.tiles()[1];
        for (position, packed) in packed.chunks_exact(panels::packed_length(depth, columns)).enumerate() {
            let product = Product {
                rows: Rows { lines: 1, length, a_line: 0, a_row: depth, c_line: 0, c_row: columns },
                segments: &[Segment { a: 0, b: 0, length: depth }],
                a: inputs[position * from..].as_ptr(),
                b: Panels::new(packed, depth, columns),
                c: products[position * to..].as_mut_ptr(),
                bias: None,
                accumulate: false,
            };
            // SAFETY: the rows of one plane each.
            unsafe { product.run_with(simd) };
        }
    }

    /// # Safety
    /// `planes` and `output` as [`Winograd::run`] asserts.
    #[inline(always)]
    unsafe fn transform_outputs<S: Simd, F: Filtering<INPUTS, OUTPUTS>, const INPUTS: usize, const OUTPUTS: usize>(
        &self,
        simd: S,
        (planes, pass): (&[f32], ImagePass<'_>),
        strip: Strip,
        output: &mut [f32],
    ) {
        let (columns, channels) = (self.tiles()[1], self.out_channels);
        let [height, width] = self.output;
        let stride = self.planes(channels).stride();
        for row in 0..strip.rows {
            let y = OUTPUTS * (strip.first_row + row);
            for column in 0..columns {
                let from = (row * columns + column) * channels;
                let at = (y * width + OUTPUTS * column) * channels;
                let inside = pixels_inside::<OUTPUTS>([height - y, width - OUTPUTS * column]);
                for channel in (0..channels).step_by(S::F32_LANES) {
                    // SAFETY: a tile's planes lie inside the room, its pixels `inside` the output.
                    unsafe {
                        let tile = load::<S, INPUTS>(planes.as_ptr().add(from + channel), stride);
                        let mut pixels = in_both_directions(
                            tile,
                            #[inline(always)]
                            |line| F::outputs(simd, line),
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

/// Rows and columns of a frame with whole tiles of `side` pixels and the kernel's reach.
fn least_frame(output: [usize; 2], side: usize) -> [usize; 2] {
    output.map(|pixels| side * pixels.div_ceil(side) + 2)
}

/// Rows and columns of a tile's pixels inside the output, of which so many are left from its first one on. Written so that
/// loops over a whole tile have a length the compiler knows.
#[inline(always)]
fn pixels_inside<const SIDE: usize>(left: [usize; 2]) -> [usize; 2] {
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

/// The vector a slice begins with.
#[inline(always)]
fn first_vector<S: Simd>(_: S, values: &[f32]) -> S::f32s {
    pulp::bytemuck::pod_read_unaligned(pulp::bytemuck::cast_slice(&values[..S::F32_LANES]))
}

/// The lanes of a vector.
#[inline(always)]
fn lanes<S: Simd>(_: S, vector: &S::f32s) -> &[f32] {
    pulp::bytemuck::cast_slice(std::slice::from_ref(vector))
}

/// Writes the positions of a tile, one vector every `stride` floats.
///
/// # Safety
/// All of them must be writable.
#[inline(always)]
unsafe fn store<V: Copy, const SIDE: usize>(tile: Tile<V, SIDE>, target: *mut f32, stride: usize) {
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
