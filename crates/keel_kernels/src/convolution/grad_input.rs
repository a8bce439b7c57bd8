//! The input gradient: a convolution of the output gradient, one phase of the stride at a time.
//!
//! Input pixel `y` receives `dY[o] * W[k]` from every output `o` and tap `k` with `o * stride + k * dilation = y + padding`. All
//! `y` with the same remainder modulo the stride (a phase) are reached by the same taps, and moving `y` by one stride moves `o` by
//! one: so each phase is a product with stride 1 over a zero-padded frame of `dY`.

use super::depthwise::StencilInput;
use super::{Algorithm, Convolution, ConvolutionAt, ConvolutionShape, Pass};
use crate::product::microkernel::Segment;
use crate::product::panels::{PanelLayout, Panels, Strided};
use crate::product::{Product, Rows};
use crate::scratch::Scratch;

/// Input pixels with the same remainder modulo the stride.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// First input pixel `[y, x]`.
    pub(super) origin: [usize; 2],
    /// Number of pixels `[rows, columns]`.
    pub(super) count: [usize; 2],
    /// Taps `[ky, kx]` that reach them, in the order of the packed weights.
    taps: Vec<[usize; 2]>,
    pub(super) segments: Vec<Segment>,
}

/// Returns the zero padding `[before, after]` of dY in one direction with which every tap reads inside the frame.
fn frame_padding(shape: &ConvolutionShape, direction: usize) -> [usize; 2] {
    let (size, outputs) = match direction {
        0 => (shape.height, shape.out_height()),
        _ => (shape.width, shape.out_width()),
    };
    let (stride, padding) = (shape.stride[direction], shape.padding[direction][0]);
    let reach = shape.window()[direction] - 1;
    let before = reach.saturating_sub(padding).div_ceil(stride);
    let last = (size - 1 + padding) / stride;
    [before, (last + 1).saturating_sub(outputs)]
}

/// Returns the size of the frame of dY in rows and columns.
pub(super) fn frame(shape: &ConvolutionShape) -> [usize; 2] {
    let ([top, bottom], [left, right]) = (frame_padding(shape, 0), frame_padding(shape, 1));
    [shape.out_height() + top + bottom, shape.out_width() + left + right]
}

pub(super) fn phases(shape: &ConvolutionShape) -> Vec<Phase> {
    let mut phases = Vec::new();
    for y in 0..shape.stride[0].min(shape.height) {
        for x in 0..shape.stride[1].min(shape.width) {
            phases.push(phase(shape, [y, x]));
        }
    }
    phases
}

fn phase(shape: &ConvolutionShape, origin: [usize; 2]) -> Phase {
    let count =
        [(shape.height - origin[0]).div_ceil(shape.stride[0]), (shape.width - origin[1]).div_ceil(shape.stride[1])];
    let rows = taps_of_phase(shape, 0, origin[0]);
    let columns = taps_of_phase(shape, 1, origin[1]);
    let frame_width = frame(shape)[1];
    let per_tap = shape.out_channels / shape.groups;
    let (mut taps, mut segments) = (Vec::new(), Vec::<Segment>::new());
    for &(ky, row) in &rows {
        for &(kx, column) in &columns {
            let a = (row * frame_width + column) * shape.out_channels;
            match segments.last_mut() {
                Some(last) if shape.groups == 1 && last.a + last.length == a => last.length += per_tap,
                _ => segments.push(Segment { a, b: taps.len() * per_tap, length: per_tap }),
            }
            taps.push([ky, kx]);
        }
    }
    Phase { origin, count, taps, segments }
}

/// Returns the taps that reach inputs `position, position + stride, ...`, each with the frame index that it reads for the first of
/// them; in ascending order of the frame index, so that neighbouring taps can be read as one run.
fn taps_of_phase(shape: &ConvolutionShape, direction: usize, position: usize) -> Vec<(usize, usize)> {
    let (stride, padding) = (shape.stride[direction], shape.padding[direction][0]);
    let before = frame_padding(shape, direction)[0];
    let mut taps: Vec<_> = (0..shape.kernel[direction])
        .filter_map(|tap| {
            let index = (position + padding + before * stride).checked_sub(tap * shape.dilation[direction])?;
            index.is_multiple_of(stride).then_some((tap, index / stride))
        })
        .collect();
    taps.reverse();
    taps
}

impl Convolution {
    /// Returns the number of floats of the frame of one output gradient.
    pub(super) fn gradient_frame_length(&self) -> usize {
        let [height, width] = self.gradient_frame;
        height * width * self.shape.out_channels
    }

    /// Returns the position of the rows of an output gradient in its frame.
    pub(super) fn gradient_frame_rows(&self) -> FrameRows {
        let step = self.gradient_frame[1] * self.shape.out_channels;
        if self.gradient_frame == [self.shape.out_height(), self.shape.out_width()] {
            return FrameRows { origin: 0, step };
        }
        let [top, left] = [frame_padding(&self.shape, 0)[0], frame_padding(&self.shape, 1)[0]];
        FrameRows { origin: top * step + left * self.shape.out_channels, step }
    }

    /// Returns the length of the scratch buffer of [`ConvolutionAt::grad_input_pass`] in floats.
    pub(super) fn grad_input_scratch(&self) -> usize {
        match &self.algorithm {
            Algorithm::Winograd { grad_input, .. } => grad_input.scratch_length(),
            _ => 0,
        }
    }
}

/// Position of the rows of an image in its frame, in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameRows {
    /// Start of the first row.
    pub(super) origin: usize,
    /// Distance between the starts of consecutive rows.
    pub(super) step: usize,
}

impl ConvolutionAt<'_> {
    /// Returns the layout of the packed weights of one group for one phase.
    pub(super) fn phase_layout(&self, phase: &Phase) -> PanelLayout {
        let shape = &self.shape;
        let depth = phase.taps.len() * shape.out_channels / shape.groups;
        PanelLayout { depth, columns: shape.in_channels / shape.groups, simd: self.simd }
    }

    /// Returns the number of floats of the packed weights for [`ConvolutionAt::grad_input_pass`].
    pub(super) fn packed_transposed_length(&self) -> usize {
        let shape = &self.shape;
        match &self.algorithm {
            Algorithm::Depthwise { .. } => shape.weight_length(),
            Algorithm::Direct { phases, .. } => {
                phases.iter().map(|phase| shape.groups * self.phase_layout(phase).length()).sum()
            }
            Algorithm::Winograd { grad_input, .. } => grad_input.packed_length(),
        }
    }

    /// Packs the weights for [`ConvolutionAt::grad_input_pass`]; once per step.
    pub(super) fn pack_transposed_weights(&self, weights: &[f32], packed: &mut [f32]) {
        assert_eq!(weights.len(), self.shape.weight_length(), "weights");
        assert_eq!(packed.len(), self.packed_transposed_length(), "packed weights");
        match &self.algorithm {
            Algorithm::Depthwise { .. } => packed.copy_from_slice(weights),
            Algorithm::Direct { phases, .. } => self.pack_phases(phases, weights, packed),
            Algorithm::Winograd { grad_input, .. } => grad_input.pack(self.simd, weights, packed),
        }
    }

    fn pack_phases(&self, phases: &[Phase], weights: &[f32], packed: &mut [f32]) {
        let shape = &self.shape;
        let (in_channels, out_channels) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let mut rest = packed;
        for phase in phases {
            let layout = self.phase_layout(phase);
            for group in 0..shape.groups {
                let (part, tail) = rest.split_at_mut(layout.length());
                rest = tail;
                let start = |row: usize| {
                    let [ky, kx] = phase.taps[row / out_channels];
                    let tap = (ky * shape.kernel[1] + kx) * in_channels * shape.out_channels;
                    tap + group * out_channels + row % out_channels
                };
                layout.pack(Strided { values: weights, column_stride: shape.out_channels }, start, part);
            }
        }
    }

    /// Computes the gradient with respect to a few input images from their framed output gradients, stored consecutively.
    pub(super) fn grad_input_pass(&self, pass: Pass<'_>, target: &mut [f32], scratch: Scratch<'_>) {
        let (shape, Pass { frames, packed, accumulate, .. }) = (&self.shape, pass);
        let (frame_length, image) = (self.gradient_frame_length(), shape.input_length());
        assert_eq!(target.len() / image * frame_length, frames.len(), "output gradients' frames");
        assert_eq!(packed.len(), self.packed_transposed_length(), "packed weights");
        if let Algorithm::Winograd { grad_input, .. } = &self.algorithm {
            return grad_input.run(self.simd, pass, target, scratch);
        }
        if let Algorithm::Direct { phases, .. } = &self.algorithm
            && self.rows_are_images(target.len() / image)
        {
            return self.grad_input_narrow(pass, phases, target);
        }
        for (frame, target) in frames.chunks_exact(frame_length).zip(target.chunks_exact_mut(image)) {
            match &self.algorithm {
                Algorithm::Direct { phases, .. } => {
                    self.grad_input_direct(Pass { frames: frame, ..pass }, phases, target);
                }
                Algorithm::Depthwise { grad_input, .. } => {
                    let read = StencilInput { source: frame, weights: packed, bias: None, accumulate };
                    grad_input.run(self.simd, read, target);
                }
                Algorithm::Winograd { .. } => unreachable!("computed above"),
            }
        }
    }

    /// Computes the gradient of one image, phase by phase.
    fn grad_input_direct(&self, pass: Pass<'_>, phases: &[Phase], grad_input: &mut [f32]) {
        let (shape, Pass { frames, packed, accumulate, .. }) = (&self.shape, pass);
        let (in_channels, out_channels) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let mut rest = packed;
        for phase in phases {
            let layout = self.phase_layout(phase);
            let rows = Rows {
                lines: phase.count[0],
                length: phase.count[1],
                a_line: self.gradient_frame[1] * shape.out_channels,
                a_row: shape.out_channels,
                c_line: shape.stride[0] * shape.width * shape.in_channels,
                c_row: shape.stride[1] * shape.in_channels,
            };
            let first = (phase.origin[0] * shape.width + phase.origin[1]) * shape.in_channels;
            for group in 0..shape.groups {
                let (part, tail) = rest.split_at(layout.length());
                rest = tail;
                let product = Product {
                    rows,
                    segments: &phase.segments,
                    a: frames[group * out_channels..].as_ptr(),
                    b: Panels::new(part, layout),
                    c: grad_input[first + group * in_channels..].as_mut_ptr(),
                    bias: None,
                    accumulate,
                };
                // SAFETY: rows and segments address the asserted frame and gradient (the corners are covered by `tests`).
                unsafe { product.run() };
            }
        }
    }
}
