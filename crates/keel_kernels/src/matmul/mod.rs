//! Matrix products of linear layers: `Y = X W + b` and its two gradients.
//!
//! `X` is `[rows, in_features]`, `W` `[in_features, out_features]`, all row-major. The result's bits depend on the sizes and
//! the SIMD level, not on the number of threads; nothing allocates.

mod multiply;
mod pack;
mod plan;
#[cfg(test)]
mod tests;

use crate::parallel::MULTIPLY_ADDS_PER_OPERATION;
use crate::simd;
pub(crate) use multiply::{Multiplication, Operand};

/// Sizes of a product `[rows, depth] x [depth, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of the left matrix and of the result.
    pub rows: usize,
    /// Columns of the left matrix, rows of the right one.
    pub depth: usize,
    /// Columns of the right matrix and of the result.
    pub columns: usize,
}

impl Sizes {
    /// Multiply-adds of the product; as many as a `usize` can count if there are more.
    pub fn work(self) -> usize {
        self.rows.saturating_mul(self.depth).saturating_mul(self.columns)
    }

    /// Cost of the product in element-wise operations, for sharing it over threads.
    fn operations(self) -> usize {
        self.work() / MULTIPLY_ADDS_PER_OPERATION
    }

    /// Checks the lengths of the left matrix, the right one and the result.
    fn check(self, [left, right, result]: [usize; 3]) {
        let Sizes { rows, depth, columns } = self;
        assert_eq!(Some(left), rows.checked_mul(depth), "left matrix");
        assert_eq!(Some(right), depth.checked_mul(columns), "right matrix");
        assert_eq!(Some(result), rows.checked_mul(columns), "result");
    }
}

/// Length of the scratch buffer of a product of these sizes, in floats; the same for all three forms.
pub fn scratch_length(sizes: Sizes) -> usize {
    plan::packed_left_length(simd::level(), sizes)
}

/// `c = a * b (+ bias)`: `a` `[rows, depth]`, `b` `[depth, columns]`, `bias` `[columns]`, `c` `[rows, columns]`; `scratch`
/// holds [`scratch_length`] floats.
pub fn matmul(sizes: Sizes, a: &[f32], b: &[f32], bias: Option<&[f32]>, (c, scratch): (&mut [f32], &mut [f32])) {
    let left = Operand { values: a, depth_step: 1, side_step: sizes.depth };
    let right = Operand { values: b, depth_step: sizes.columns, side_step: 1 };
    Multiplication { sizes, left, right, bias, accumulate: false, in_place: false }.run(simd::level(), c, scratch);
}

/// `c = a * transpose(b)`: `a` `[rows, depth]`, `b` `[columns, depth]`, `c` `[rows, columns]`; `scratch` holds
/// [`scratch_length`] floats.
pub fn matmul_transposed(sizes: Sizes, a: &[f32], b: &[f32], (c, scratch): (&mut [f32], &mut [f32])) {
    let left = Operand { values: a, depth_step: 1, side_step: sizes.depth };
    let right = Operand { values: b, depth_step: 1, side_step: sizes.depth };
    Multiplication { sizes, left, right, bias: None, accumulate: false, in_place: false }.run(
        simd::level(),
        c,
        scratch,
    );
}

/// `c = transpose(a) * b`: `a` `[depth, rows]`, `b` `[depth, columns]`, `c` `[rows, columns]`; `scratch` holds
/// [`scratch_length`] floats.
pub fn transposed_matmul(sizes: Sizes, a: &[f32], b: &[f32], (c, scratch): (&mut [f32], &mut [f32])) {
    let left = Operand { values: a, depth_step: sizes.rows, side_step: 1 };
    let right = Operand { values: b, depth_step: sizes.columns, side_step: 1 };
    Multiplication { sizes, left, right, bias: None, accumulate: false, in_place: false }.run(
        simd::level(),
        c,
        scratch,
    );
}
