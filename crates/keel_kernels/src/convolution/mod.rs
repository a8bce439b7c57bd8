//! Two-dimensional convolution, forward and both gradients, without an im2col copy.
//!
//! Images are `[height, width, channels]`, weights `[kernel_h, kernel_w, in_channels / groups, out_channels]`. Images that need
//! padding are copied, one or a few at a time, into zero-padded frames that stay in the processor's cache; the products read their
//! left matrix from there (`crate::product`). The input gradient is itself a convolution of the padded output gradient: with stride
//! `s` it is divided into `s * s` phases, each with the kernel taps that reach it. 3x3 kernels with stride 1 over whole vectors of
//! channels take fewer multiplications than the definition (`winograd`). Narrow outputs are computed for several images at a time
//! (`narrow`). Depthwise convolutions have no products and no frames (`depthwise`).
//!
//! A *pass* processes a few images on one thread; [`ConvolutionAt`] shares the passes of a batch among threads.

mod batch;
mod depthwise;
mod geometry;
mod grad_input;
mod grad_weights;
mod gradient_pass;
mod joined;
mod narrow;
mod normalized;
#[cfg(test)]
mod tests;
mod winograd;

pub use batch::{BatchGradient, BatchGradientOutput, BatchInput, GradientRowsMut};
pub use geometry::ConvolutionShape;
pub use normalized::{Finish, NormalizedGradient};

use std::ops::Deref;

pub use crate::filter::Filter;
use crate::product::microkernel::Segment;
use crate::product::panels::{PanelLayout, Panels, Strided};
use crate::product::{Product, Rows};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;
use depthwise::{GradWeights, Stencil, StencilInput};
use grad_input::Phase;
use winograd::{WeightGradient, Winograd};

/// A convolution of one fixed shape, with everything that can be computed in advance, independent of the SIMD level.
#[derive(Clone, Debug)]
pub struct Convolution {
    shape: ConvolutionShape,
    /// Size of the framed input image in rows and columns.
    frame: [usize; 2],
    /// Size of the framed output gradient in rows and columns.
    gradient_frame: [usize; 2],
    /// Maximum number of images per pass.
    images: usize,
    algorithm: Algorithm,
}

/// A convolution computed at one SIMD level.
#[derive(Clone, Copy, Debug)]
pub struct ConvolutionAt<'a> {
    convolution: &'a Convolution,
    simd: SimdLevel,
}

impl Deref for ConvolutionAt<'_> {
    type Target = Convolution;

    fn deref(&self) -> &Convolution {
        self.convolution
    }
}

/// Operands of the output or the input gradient of a few images.
#[derive(Clone, Copy)]
struct Pass<'a> {
    /// Framed images or output gradients, `[images, frame rows, frame columns, channels]`.
    frames: &'a [f32],
    /// Packed weights for the direction.
    packed: &'a [f32],
    /// Bias, `[out_channels]`, added to every pixel.
    bias: Option<&'a [f32]>,
    /// True to add the result to the contents of its target.
    accumulate: bool,
}

/// Algorithm of a convolution, which determines the order of its sums.
#[derive(Clone, Debug)]
enum Algorithm {
    /// Channel by channel.
    Depthwise { forward: Stencil, grad_input: Stencil, grad_weights: GradWeights },
    /// According to the definition.
    Direct { forward_segments: Vec<Segment>, phases: Vec<Phase> },
    /// With fewer multiplications.
    Winograd { forward: Winograd, grad_input: Winograd, grad_weights: WeightGradient },
}

impl Convolution {
    /// Prepares a convolution.
    ///
    /// # Panics
    /// If the shape is invalid ([`ConvolutionShape::is_valid`]).
    pub fn new(shape: ConvolutionShape) -> Self {
        assert!(shape.is_valid(), "invalid convolution: {shape:?}");
        if winograd::suits(&shape) {
            let (forward, grad_input) = (Winograd::forward(&shape), Winograd::grad_input(&shape));
            let (frame, gradient_frame) = (forward.frame(), grad_input.frame());
            return Convolution {
                shape,
                frame,
                gradient_frame,
                images: winograd::images_per_pass(&shape),
                algorithm: Algorithm::Winograd { forward, grad_input, grad_weights: WeightGradient::new(&shape) },
            };
        }
        Convolution::by_definition(shape)
    }

    /// Prepares a convolution that is computed according to the definition, with which other algorithms are compared.
    ///
    /// # Panics
    /// If the shape is invalid ([`ConvolutionShape::is_valid`]).
    pub fn by_definition(shape: ConvolutionShape) -> Self {
        assert!(shape.is_valid(), "invalid convolution: {shape:?}");
        if shape.is_depthwise() {
            return Convolution::depthwise(shape);
        }
        let algorithm =
            Algorithm::Direct { forward_segments: forward_segments(&shape), phases: grad_input::phases(&shape) };
        let (frame, gradient_frame) = ([shape.frame_height(), shape.frame_width()], grad_input::frame(&shape));
        let mut convolution = Convolution { shape, frame, gradient_frame, images: 1, algorithm };
        convolution.images =
            if convolution.joins_images() { convolution.joined_images() } else { convolution.narrow_images() };
        convolution
    }

    /// Prepares a depthwise convolution, which reads images in place.
    fn depthwise(shape: ConvolutionShape) -> Self {
        Convolution {
            shape,
            frame: [shape.height, shape.width],
            gradient_frame: [shape.out_height(), shape.out_width()],
            images: 1,
            algorithm: Algorithm::Depthwise {
                forward: Stencil::output(&shape),
                grad_input: Stencil::grad_input(&shape),
                grad_weights: GradWeights::new(&shape),
            },
        }
    }

    /// Returns the shape.
    pub fn shape(&self) -> &ConvolutionShape {
        &self.shape
    }

    /// Returns the convolution at a SIMD level, whose functions compute it.
    pub fn at(&self, simd: SimdLevel) -> ConvolutionAt<'_> {
        ConvolutionAt { convolution: self, simd }
    }

    /// Returns the number of floats of the padded frame of one input image; 0 if the image itself is used.
    fn frame_length(&self) -> usize {
        let [height, width] = self.frame;
        if self.frame == [self.shape.height, self.shape.width] { 0 } else { height * width * self.shape.in_channels }
    }

    /// Copies one image into the middle of a frame of zeros.
    fn fill_frame(&self, image: &[f32], frame: &mut [f32]) {
        let (channels, [frame_height, frame_width]) = (self.shape.in_channels, self.frame);
        let (top, left) = (self.shape.padding[0][0], self.shape.padding[1][0]);
        assert_eq!(image.len(), self.shape.input_length(), "image");
        assert_eq!(frame.len(), frame_height * frame_width * channels, "frame");
        let (row, frame_row) = (self.shape.width * channels, frame_width * channels);
        frame[..top * frame_row].fill(0.0);
        for (y, source) in image.chunks_exact(row).enumerate() {
            let target = &mut frame[(top + y) * frame_row..(top + y + 1) * frame_row];
            target[..left * channels].fill(0.0);
            target[left * channels..left * channels + row].copy_from_slice(source);
            target[left * channels + row..].fill(0.0);
        }
        frame[(top + self.shape.height) * frame_row..].fill(0.0);
    }

    /// Returns the length of the scratch buffer of [`ConvolutionAt::forward_pass`] in floats.
    fn forward_pass_scratch(&self) -> usize {
        match &self.algorithm {
            Algorithm::Winograd { forward, .. } => forward.scratch_length(),
            _ => 0,
        }
    }

    /// Returns the rows of the product that computes `images` outputs.
    fn forward_rows(&self, images: usize) -> Rows {
        let shape = &self.shape;
        let line = shape.frame_width() * shape.in_channels;
        if shape.is_pointwise() {
            let length = images * shape.out_height() * shape.out_width();
            let (a_row, c_row) = (shape.in_channels, shape.out_channels);
            return Rows { lines: 1, length, a_line: 0, a_row, c_line: 0, c_row };
        }
        Rows {
            lines: shape.out_height(),
            length: shape.out_width(),
            a_line: shape.stride[0] * line,
            a_row: shape.stride[1] * shape.in_channels,
            c_line: shape.out_width() * shape.out_channels,
            c_row: shape.out_channels,
        }
    }
}

impl ConvolutionAt<'_> {
    /// Returns the layout of the packed weights of one group of a direct convolution.
    fn panel_layout(&self) -> PanelLayout {
        let (depth, columns) = (self.shape.depth(), self.shape.out_channels / self.shape.groups);
        PanelLayout { depth, columns, simd: self.simd }
    }

    /// Returns the number of floats of the packed weights for [`ConvolutionAt::forward_pass`].
    fn packed_length(&self) -> usize {
        match &self.algorithm {
            Algorithm::Depthwise { .. } => self.shape.weight_length(),
            Algorithm::Direct { .. } => self.shape.groups * self.panel_layout().length(),
            Algorithm::Winograd { forward, .. } => forward.packed_length(),
        }
    }

    /// Packs the weights for [`ConvolutionAt::forward_pass`]; once per step.
    fn pack_weights(&self, weights: &[f32], packed: &mut [f32]) {
        let shape = &self.shape;
        assert_eq!(weights.len(), shape.weight_length(), "weights");
        assert_eq!(packed.len(), self.packed_length(), "packed weights");
        match &self.algorithm {
            Algorithm::Depthwise { .. } => packed.copy_from_slice(weights),
            Algorithm::Winograd { forward, .. } => forward.pack(self.simd, weights, packed),
            Algorithm::Direct { .. } => {
                let (layout, source) = (self.panel_layout(), Strided { values: weights, column_stride: 1 });
                for (group, part) in packed.chunks_exact_mut(layout.length()).enumerate() {
                    layout.pack(source, |row| row * shape.out_channels + group * layout.columns, part);
                }
            }
        }
    }

    /// Computes a few output images `[out_height, out_width, out_channels]`, stored consecutively, from their framed images (see
    /// [`Convolution::fill_frame`]; from the images themselves if [`Convolution::frame_length`] is 0).
    fn forward_pass(&self, pass: Pass<'_>, outputs: &mut [f32], scratch: Scratch<'_>) {
        let (shape, Pass { frames, packed, bias, .. }) = (&self.shape, pass);
        let (frame_length, image) = (self.frame[0] * self.frame[1] * shape.in_channels, shape.output_length());
        assert_eq!(outputs.len() / image * frame_length, frames.len(), "frames");
        assert_eq!(packed.len(), self.packed_length(), "packed weights");
        assert!(bias.is_none_or(|bias| bias.len() == shape.out_channels), "bias");
        if let Algorithm::Winograd { forward, .. } = &self.algorithm {
            return forward.run(self.simd, pass, outputs, scratch);
        }
        let images = outputs.len() / image;
        if let Algorithm::Direct { forward_segments, .. } = &self.algorithm
            && self.rows_are_images(images)
        {
            return self.forward_narrow(pass, forward_segments, outputs);
        }
        // Joined images are contiguous, as the rows of one product.
        let joined = if self.joins_images() { images.max(1) } else { 1 };
        let each = frames.chunks_exact(joined * frame_length).zip(outputs.chunks_exact_mut(joined * image));
        for (frame, output) in each {
            let pass = Pass { frames: frame, ..pass };
            match &self.algorithm {
                Algorithm::Direct { forward_segments, .. } => self.forward_direct(pass, forward_segments, output),
                Algorithm::Depthwise { forward, .. } => {
                    let read = StencilInput { source: frame, weights: packed, bias, accumulate: false };
                    forward.run(self.simd, read, output);
                }
                Algorithm::Winograd { .. } => unreachable!("computed above"),
            }
        }
    }

    /// Computes the outputs of a frame, or of joined images.
    fn forward_direct(&self, pass: Pass<'_>, segments: &[Segment], output: &mut [f32]) {
        let (shape, layout, Pass { frames, packed, bias, .. }) = (&self.shape, self.panel_layout(), pass);
        let (columns, in_channels) = (layout.columns, shape.in_channels / shape.groups);
        for (group, packed) in packed.chunks_exact(layout.length()).enumerate() {
            let product = Product {
                rows: self.forward_rows(output.len() / shape.output_length()),
                segments,
                a: frames[group * in_channels..].as_ptr(),
                b: Panels::new(packed, layout),
                c: output[group * columns..].as_mut_ptr(),
                bias: bias.map(|bias| &bias[group * columns..(group + 1) * columns]),
                accumulate: false,
            };
            // SAFETY: rows and segments address the asserted frame and output (the corners are tested in `geometry`).
            unsafe { product.run() };
        }
    }
}

/// Returns the rows of the kernel window as runs of the framed image. Neighbouring taps without dilation or groups are one run.
fn forward_segments(shape: &ConvolutionShape) -> Vec<Segment> {
    let per_tap = shape.in_channels / shape.groups;
    let merged = shape.groups == 1 && shape.dilation[1] == 1;
    let (runs, length) = if merged { (1, shape.kernel[1] * per_tap) } else { (shape.kernel[1], per_tap) };
    let mut segments = Vec::new();
    for ky in 0..shape.kernel[0] {
        for run in 0..runs {
            let column = run * shape.dilation[1];
            let a = (ky * shape.dilation[0] * shape.frame_width() + column) * shape.in_channels;
            segments.push(Segment { a, b: (ky * shape.kernel[1] + run) * per_tap, length });
        }
    }
    segments
}
