//! Convolutions with narrow outputs, several images at a time.
//!
//! A row of few pixels has too few rows for a tile of a product, and the weights would be read for only a few multiply-adds each.
//! Therefore, the rows of a product are the same pixel of several images, and every panel of the weights is used for all pixels of
//! a pass while it is in the cache. Each sum is taken in the order of the definition, as for one image.

use super::grad_input::Phase;
use super::{Algorithm, Convolution, ConvolutionAt, Pass};
use crate::product::microkernel::{FULL_VECTORS, Segment};
use crate::product::panels::{PanelLayout, Panels};
use crate::product::{Product, Rows};

/// Maximum width of an output whose images are computed together.
const MOST_COLUMNS: usize = 4;

/// Maximum number of images per pass.
const MOST_IMAGES: usize = 16;

impl Convolution {
    /// Returns the maximum number of images whose pixels are rows of one product.
    pub(super) fn narrow_images(&self) -> usize {
        let is_direct = matches!(self.algorithm, Algorithm::Direct { .. });
        if is_direct && self.shape.out_width() <= MOST_COLUMNS { MOST_IMAGES } else { 1 }
    }

    /// Returns true if the rows of products are images rather than columns.
    pub(super) fn rows_are_images(&self, images: usize) -> bool {
        !self.joins_images() && images.min(self.narrow_images()) > self.shape.out_width()
    }
}

impl ConvolutionAt<'_> {
    /// Computes the outputs of a pass.
    pub(super) fn forward_narrow(&self, pass: Pass<'_>, segments: &[Segment], outputs: &mut [f32]) {
        let (shape, layout, Pass { frames, packed, bias, .. }) = (&self.shape, self.panel_layout(), pass);
        let (columns, in_channels) = (layout.columns, shape.in_channels / shape.groups);
        let (frame_row, output_row) = (self.frame[1] * shape.in_channels, shape.out_width() * shape.out_channels);
        let rows = Rows {
            lines: shape.out_width(),
            length: outputs.len() / shape.output_length(),
            a_line: shape.stride[1] * shape.in_channels,
            a_row: self.frame[0] * frame_row,
            c_line: shape.out_channels,
            c_row: shape.output_length(),
        };
        for (group, packed) in packed.chunks_exact(layout.length()).enumerate() {
            for (first, panel) in panels(packed, layout) {
                let column = group * columns + first;
                for y in 0..shape.out_height() {
                    let product = Product {
                        rows,
                        segments,
                        a: frames[y * shape.stride[0] * frame_row + group * in_channels..].as_ptr(),
                        b: panel,
                        c: outputs[y * output_row + column..].as_mut_ptr(),
                        bias: bias.map(|bias| &bias[column..(group + 1) * columns]),
                        accumulate: false,
                    };
                    // SAFETY: rows and segments address the frames and outputs that `forward_pass` asserted.
                    unsafe { product.run() };
                }
            }
        }
    }

    /// Computes the input gradients of a pass, phase by phase.
    pub(super) fn grad_input_narrow(&self, pass: Pass<'_>, phases: &[Phase], target: &mut [f32]) {
        let (shape, Pass { frames, packed, accumulate, .. }) = (&self.shape, pass);
        let (in_channels, out_channels) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
        let (frame_row, target_row) = (self.gradient_frame[1] * shape.out_channels, shape.width * shape.in_channels);
        let mut rest = packed;
        for phase in phases {
            let layout = self.phase_layout(phase);
            let rows = Rows {
                lines: phase.count[1],
                length: target.len() / shape.input_length(),
                a_line: shape.out_channels,
                a_row: self.gradient_frame_length(),
                c_line: shape.stride[1] * shape.in_channels,
                c_row: shape.input_length(),
            };
            for group in 0..shape.groups {
                let (part, tail) = rest.split_at(layout.length());
                rest = tail;
                for (first, panel) in panels(part, layout) {
                    for y in 0..phase.count[0] {
                        let row = (phase.origin[0] + y * shape.stride[0]) * target_row;
                        let column = phase.origin[1] * shape.in_channels + group * in_channels + first;
                        let product = Product {
                            rows,
                            segments: &phase.segments,
                            a: frames[y * frame_row + group * out_channels..].as_ptr(),
                            b: panel,
                            c: target[row + column..].as_mut_ptr(),
                            bias: None,
                            accumulate,
                        };
                        // SAFETY: rows and segments address the frames and gradients that `grad_input_pass` asserted.
                        unsafe { product.run() };
                    }
                }
            }
        }
    }
}

/// Iterates over the panels of a packed matrix, each with its first column and as a separate matrix.
fn panels(packed: &[f32], layout: PanelLayout) -> impl Iterator<Item = (usize, Panels<'_>)> {
    let full = FULL_VECTORS * layout.simd.lanes();
    (0..layout.columns).step_by(full).map(move |first| {
        let panel = PanelLayout { columns: full.min(layout.columns - first), ..layout };
        let start = first * layout.depth;
        (first, Panels::new(&packed[start..start + panel.length()], panel))
    })
}
