//! One filter per channel: channels lie side by side, so every tap is an element-wise multiply-add over them.
//!
//! Images are `[height, width, channels]` without a frame, weights `[kernel_h, kernel_w, 1, channels]`. There are few
//! multiply-adds for each float of the images, so that memory decides: each row is read while it is in a near cache, and sums
//! stay in registers.

mod grad_weights;
mod lanes;
mod runs;
mod stencil;

pub(super) use grad_weights::GradWeights;
pub(super) use stencil::{Stencil, StencilInput};
