//! Convolutions with one filter per channel: channels are contiguous, so that every tap is an element-wise multiply-add over them.
//!
//! Images are `[height, width, channels]` without a frame, weights `[kernel_h, kernel_w, 1, channels]`. There are few multiply-adds
//! per float of the images, so that memory is the bottleneck: each row is read while it is in a fast cache, and sums stay in
//! registers.

mod grad_weights;
mod lanes;
mod runs;
mod stencil;

pub(super) use grad_weights::GradWeights;
pub(super) use stencil::{Stencil, StencilInput};
