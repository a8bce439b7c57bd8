//! 3x3 convolutions with stride 1 by Winograd's minimal filtering: fewer multiplications than the definition has.
//!
//! The output is cut into tiles of 4x4 pixels, each made from a 6x6 tile of the framed image. A tile is transformed to 36
//! numbers a channel; at each of these *positions* all tiles of a strip together are the rows of a plain matrix product
//! with the transformed weights; the result is transformed back. A strip is a few rows of tiles, so that what lies between
//! the transforms stays in the cache; of small images, a few are taken together, so that the weights are not read for a
//! handful of tiles. The frame is wide enough for whole tiles; of a tile that reaches past the output, only the part inside
//! is written. The gradient of many weights has tiles of 2x2 from 4x4: fewer sums.
//!
//! Sums are taken in another order than by the definition, with an error a few times as large, still at the level of
//! rounding: `tests` holds every path against the definition in f64.

mod gradient;
mod image;
mod transform;
mod weights;

pub(super) use gradient::WeightGradient;

use pulp::Simd;

use super::ConvolutionShape;

/// Channels come in whole vectors of every SIMD level. With fewer, the transforms would cost more than the multiplications
/// they save.
const CHANNEL_STEP: usize = 16;

/// Pixels of a side of a tile, but for the gradient of many weights.
const SIDE: usize = 4;

/// Smallest output, in pixels of a side: a tile of which less is used has no fewer multiplications than the definition.
const LEAST_SIDE: usize = 3;

/// Tiles of a strip, unless one row has more. All tiles of a strip share one reading of the weights.
const TILES_PER_STRIP: usize = 32;

/// Maximum number of images that share a strip.
const MOST_IMAGES: usize = 16;

/// A convolution `[height + 2, width + 2, in_channels] -> [height, width, out_channels]` of a framed image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Winograd {
    /// Pixels of the output `[rows, columns]`.
    output: [usize; 2],
    /// Pixels of a side of a tile: [`SIDE`], or 2 for the gradient of many weights.
    side: usize,
    /// Pixels of the framed image: whole tiles and the kernel's reach.
    frame: [usize; 2],
    /// Maximum number of images of a pass.
    images: usize,
    in_channels: usize,
    out_channels: usize,
    direction: Direction,
    /// Tiles of a strip in each image, unless one row has more.
    tiles_per_strip: usize,
}

/// Way through the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// From their input channels to their output channels.
    Forward,
    /// From their output channels to their input channels, with the kernel turned around.
    Backward,
}

/// The positions of all tiles of a strip: `[position][image][tile][channel]`.
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

/// A few rows of tiles, the same in each image of a pass.
#[derive(Clone, Copy)]
struct Strip {
    first_row: usize,
    rows: usize,
}

/// Returns true if the method applies to a shape.
pub(super) fn suits(shape: &ConvolutionShape) -> bool {
    shape.kernel == [3, 3]
        && shape.stride == [1, 1]
        && shape.dilation == [1, 1]
        && shape.groups == 1
        && shape.padding.as_flattened().iter().all(|&zeros| zeros <= 1)
        && [shape.in_channels, shape.out_channels].iter().all(|channels| channels.is_multiple_of(CHANNEL_STEP))
        && shape.out_height().min(shape.out_width()) >= LEAST_SIDE
}

/// Maximum number of images of a pass: small ones are taken together, until their tiles are worth a reading of the weights.
pub(super) fn images_per_pass(shape: &ConvolutionShape) -> usize {
    let tiles = shape.out_height().div_ceil(SIDE) * shape.out_width().div_ceil(SIDE);
    (TILES_PER_STRIP / tiles).clamp(1, MOST_IMAGES)
}

impl Winograd {
    /// The output of a convolution from its framed input.
    pub(super) fn forward(shape: &ConvolutionShape) -> Self {
        Winograd::new(shape, Direction::Forward)
    }

    /// The input's gradient from the framed gradient of the output: a convolution itself.
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

    /// Maximum number of rows of tiles in a strip.
    fn strip_rows(&self) -> usize {
        let [rows, columns] = self.tiles();
        let most = (self.tiles_per_strip / columns).max(1);
        rows.div_ceil(rows.div_ceil(most))
    }

    fn strips(self) -> impl Iterator<Item = Strip> {
        let (total, rows) = (self.tiles()[0], self.strip_rows());
        (0..total).step_by(rows).map(move |first_row| Strip { first_row, rows: rows.min(total - first_row) })
    }

    /// Tiles of a strip in one image.
    fn tiles_of(&self, strip: Strip) -> usize {
        strip.rows * self.tiles()[1]
    }

    fn planes(&self, channels: usize) -> Planes {
        let tiles = self.images * self.strip_rows() * self.tiles()[1];
        Planes { positions: self.positions(), tiles, channels }
    }

    /// Floats of a framed image.
    fn frame_length(&self) -> usize {
        self.frame[0] * self.frame[1] * self.in_channels
    }

    /// Floats of an output image.
    fn output_length(&self) -> usize {
        self.output[0] * self.output[1] * self.out_channels
    }

    /// Returns the number of floats of scratch for [`Winograd::run`].
    pub(super) fn scratch_length(&self) -> usize {
        self.planes(self.in_channels).length() + self.planes(self.out_channels).length()
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
