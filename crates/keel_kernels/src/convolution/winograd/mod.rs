//! 3x3 convolutions with stride 1 by Winograd's minimal filtering: fewer multiplications than the definition.
//!
//! The output is divided into tiles of 4x4 pixels, each computed from a 6x6 tile of the framed image. A tile is transformed to 36
//! numbers per channel; at each of these *positions*, all tiles of a strip are the rows of a plain matrix product with the
//! transformed weights; the result is transformed back. A strip is a few rows of tiles, so that the values between the transforms
//! stay in the cache; several small images are processed together, so that the weights are not read for only a few tiles. The frame
//! is large enough for whole tiles; of a tile that extends past the output, only the part inside is written. The gradient of many
//! weights uses tiles of 2x2 from 4x4: fewer sums.
//!
//! Sums are taken in a different order than by the definition, with an error a few times as large, still at the level of rounding:
//! `tests` compares every path with the definition in f64.

mod gradient;
mod image;
mod transform;
mod weights;

pub(super) use gradient::WeightGradient;

use pulp::Simd;

use super::ConvolutionShape;

/// Channels must be whole vectors at every SIMD level. With fewer, the transforms would cost more than the multiplications they
/// save.
const CHANNEL_STEP: usize = 16;

/// Side of a tile in pixels, except for the gradient of many weights.
const SIDE: usize = 4;

/// Minimum side of an output in pixels: a tile that is used less has no fewer multiplications than the definition.
const LEAST_SIDE: usize = 3;

/// Number of tiles per strip, unless one row has more. All tiles of a strip share one read of the weights.
const TILES_PER_STRIP: usize = 32;

/// Maximum number of images that share a strip.
const MOST_IMAGES: usize = 16;

/// A convolution `[height + 2, width + 2, in_channels] -> [height, width, out_channels]` of a framed image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd {
    /// Size of the output `[rows, columns]` in pixels.
    output: [usize; 2],
    /// Side of a tile in pixels: [`SIDE`], or 2 for the gradient of many weights.
    side: usize,
    /// Size of the framed image in pixels: whole tiles plus the extent of the kernel.
    frame: [usize; 2],
    /// Maximum number of images per pass.
    images: usize,
    in_channels: usize,
    out_channels: usize,
    direction: Direction,
    /// Number of tiles per strip in each image, unless one row has more.
    tiles_per_strip: usize,
}

/// Direction through the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// From their input channels to their output channels.
    Forward,
    /// From their output channels to their input channels, with the kernel reversed.
    Backward,
}

/// Positions of all tiles of a strip: `[position][image][tile][channel]`.
#[derive(Clone, Copy)]
struct Planes {
    positions: usize,
    tiles: usize,
    channels: usize,
}

impl Planes {
    /// Returns the distance between positions in floats. Not a multiple of the page size, whose multiples map to few cache sets.
    #[inline(always)]
    fn stride(self) -> usize {
        self.tiles * self.channels + CHANNEL_STEP
    }

    fn length(self) -> usize {
        self.positions * self.stride()
    }
}

/// A few rows of tiles, the same in each image of a pass.
#[derive(Clone, Copy)]
struct Strip {
    first_row: usize,
    rows: usize,
}

/// Returns true if the algorithm supports a shape.
pub(super) fn suits(shape: &ConvolutionShape) -> bool {
    shape.kernel == [3, 3]
        && shape.stride == [1, 1]
        && shape.dilation == [1, 1]
        && shape.groups == 1
        && shape.padding.as_flattened().iter().all(|&zeros| zeros <= 1)
        && [shape.in_channels, shape.out_channels].iter().all(|channels| channels.is_multiple_of(CHANNEL_STEP))
        && shape.out_height().min(shape.out_width()) >= LEAST_SIDE
}

/// Returns the maximum number of images per pass: small ones are computed together, until their tiles are worth a read of the weights.
pub(super) fn images_per_pass(shape: &ConvolutionShape) -> usize {
    let tiles = shape.out_height().div_ceil(SIDE) * shape.out_width().div_ceil(SIDE);
    (TILES_PER_STRIP / tiles).clamp(1, MOST_IMAGES)
}

impl Winograd {
    /// Creates the convolution of a framed input.
    pub(super) fn forward(shape: &ConvolutionShape) -> Self {
        Winograd::new(shape, Direction::Forward)
    }

    /// Creates the input gradient from the framed gradient of the output, which is itself a convolution.
    pub(super) fn grad_input(shape: &ConvolutionShape) -> Self {
        Winograd::new(shape, Direction::Backward)
    }

    fn new(shape: &ConvolutionShape, direction: Direction) -> Self {
        let images = images_per_pass(shape);
        let (output, in_channels, out_channels) = match direction {
            Direction::Forward => ([shape.out_height(), shape.out_width()], shape.in_channels, shape.out_channels),
            Direction::Backward => ([shape.height, shape.width], shape.out_channels, shape.in_channels),
        };
        let frame = output.map(|pixels| SIDE * pixels.div_ceil(SIDE) + 2);
        let tiles_per_strip = TILES_PER_STRIP;
        Winograd { output, side: SIDE, frame, images, in_channels, out_channels, direction, tiles_per_strip }
    }

    /// Returns the numbers of rows and columns of tiles.
    fn tiles(&self) -> [usize; 2] {
        self.output.map(|pixels| pixels.div_ceil(self.side))
    }

    /// Returns how many numbers a tile of one channel is transformed to.
    fn positions(&self) -> usize {
        (self.side + 2) * (self.side + 2)
    }

    /// Returns the numbers of rows and columns of the frame.
    pub(super) fn frame(&self) -> [usize; 2] {
        self.frame
    }

    /// Returns the maximum number of rows of tiles in a strip.
    fn strip_rows(&self) -> usize {
        let [rows, columns] = self.tiles();
        let most = (self.tiles_per_strip / columns).max(1);
        rows.div_ceil(rows.div_ceil(most))
    }

    fn strips(self) -> impl Iterator<Item = Strip> {
        let (total, rows) = (self.tiles()[0], self.strip_rows());
        (0..total).step_by(rows).map(move |first_row| Strip { first_row, rows: rows.min(total - first_row) })
    }

    /// Returns the number of tiles of a strip in one image.
    fn tiles_of(&self, strip: Strip) -> usize {
        strip.rows * self.tiles()[1]
    }

    fn planes(&self, channels: usize) -> Planes {
        let tiles = self.images * self.strip_rows() * self.tiles()[1];
        Planes { positions: self.positions(), tiles, channels }
    }

    /// Returns the number of floats of a framed image.
    fn frame_length(&self) -> usize {
        self.frame[0] * self.frame[1] * self.in_channels
    }

    /// Returns the number of floats of an output image.
    fn output_length(&self) -> usize {
        self.output[0] * self.output[1] * self.out_channels
    }

    /// Returns the length of the scratch buffer of [`Winograd::run`] in floats.
    pub(super) fn scratch_length(&self) -> usize {
        self.planes(self.in_channels).length() + self.planes(self.out_channels).length()
    }
}

/// Returns the first vector of a slice.
#[inline(always)]
fn first_vector<S: Simd>(_: S, values: &[f32]) -> S::f32s {
    pulp::bytemuck::pod_read_unaligned(pulp::bytemuck::cast_slice(&values[..S::F32_LANES]))
}

/// Returns the lanes of a vector.
#[inline(always)]
fn lanes<S: Simd>(_: S, vector: &S::f32s) -> &[f32] {
    pulp::bytemuck::cast_slice(std::slice::from_ref(vector))
}
