//! Fully connected layers: every output depends on all inputs, or on all inputs of its group.

mod linear;
mod linear_block;
mod linear_groups;
mod maxout;
mod members;

use keel_kernels::SimdLevel;
use keel_kernels::matmul::{self, Sizes};

pub use linear::{Linear, LinearSpec};
pub use linear_block::LinearBlock;
pub use maxout::{Maxout, MaxoutSpec};
pub use members::{Members, MembersSpec};

/// Returns the length of the scratch buffer for the weight gradient and the input gradient of a product, in floats.
fn backward_scratch(simd: SimdLevel, forward: Sizes) -> usize {
    let Sizes { rows, depth, columns } = forward;
    let of_weights = Sizes { rows: depth, depth: rows, columns };
    let of_input = Sizes { rows, depth: columns, columns: depth };
    matmul::scratch_length(simd, of_weights).max(matmul::scratch_length(simd, of_input))
}
