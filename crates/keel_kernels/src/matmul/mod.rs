//! Matrix products of linear layers: `Y = X W + b` and its two gradients.
//!
//! `X` is `[rows, in_features]`, `W` `[in_features, out_features]`, all row-major. The bits of the result depend on the sizes and
//! the SIMD level, not on the number of threads; nothing allocates.

mod multiply;
mod pack;
mod plan;
#[cfg(test)]
mod tests;

use crate::activation::Function;
use crate::length;
use crate::parallel::MULTIPLY_ADDS_PER_OPERATION;
use crate::scratch::Scratch;
use crate::simd::SimdLevel;
pub(crate) use multiply::{Multiplication, Operand};

/// Function applied to the rows of a product while they are in the fastest cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowActivation {
    /// Function applied to every value.
    pub function: Function,
    /// First row that it is applied to; the rows before keep the sums.
    pub first_row: usize,
}

/// Sizes of a product `[rows, depth] x [depth, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Number of rows of the left matrix and of the result.
    pub rows: usize,
    /// Number of columns of the left matrix and of rows of the right one.
    pub depth: usize,
    /// Number of columns of the right matrix and of the result.
    pub columns: usize,
}

/// Operands of a product.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// Left matrix.
    pub left: &'a [f32],
    /// Right matrix.
    pub right: &'a [f32],
    /// Bias, `[columns]`, added to every row of the product.
    pub bias: Option<&'a [f32]>,
}

/// Operands of a product whose rows are activated.
#[derive(Clone, Copy, Debug)]
pub struct ActivatedFactors<'a> {
    /// Operands of the product.
    pub factors: Factors<'a>,
    /// Function applied to it.
    pub activation: RowActivation,
}

impl Sizes {
    /// Returns the number of multiply-adds of the product, saturating at the maximum of a `usize`.
    pub fn work(self) -> usize {
        self.rows.saturating_mul(self.depth).saturating_mul(self.columns)
    }

    /// Returns the cost of the product in element-wise operations, for sharing it among threads.
    fn operations(self) -> usize {
        self.work() / MULTIPLY_ADDS_PER_OPERATION
    }

    /// Checks that matrices of these sizes are possible, and their lengths.
    fn check(self, lengths: MatrixLengths) {
        let Sizes { rows, depth, columns } = self;
        assert_eq!(lengths.left, length::product("left matrix", &[rows, depth]), "left matrix of {self:?}");
        assert_eq!(lengths.right, length::product("right matrix", &[depth, columns]), "right matrix of {self:?}");
        assert_eq!(lengths.result, length::product("result", &[rows, columns]), "result of {self:?}");
    }
}

/// Lengths of the matrices of a product, in floats.
#[derive(Clone, Copy)]
struct MatrixLengths {
    left: usize,
    right: usize,
    result: usize,
}

/// Returns the length of the scratch buffer of a product of these sizes, in floats; the same for all three forms.
pub fn scratch_length(simd: SimdLevel, sizes: Sizes) -> usize {
    plan::packed_left_length(simd, sizes)
}

/// Computes `result = left * right (+ bias)`: left `[rows, depth]`, right `[depth, columns]`, result `[rows, columns]`; `scratch`
/// has [`scratch_length`] floats.
///
/// # Panics
/// If a length does not match its sizes, or the matrices are too large for any machine.
pub fn matmul(simd: SimdLevel, sizes: Sizes, factors: Factors<'_>, result: &mut [f32], scratch: Scratch<'_>) {
    forward(sizes, factors).run(simd, result, scratch);
}

/// Computes [`matmul`] followed by the activation, with the bits of [`crate::activation::forward`] applied to the product.
///
/// # Panics
/// As described at [`matmul`].
pub fn matmul_activated(
    simd: SimdLevel,
    sizes: Sizes,
    operands: ActivatedFactors<'_>,
    result: &mut [f32],
    scratch: Scratch<'_>,
) {
    let ActivatedFactors { factors, activation } = operands;
    Multiplication { activation: Some(activation), ..forward(sizes, factors) }.run(simd, result, scratch);
}

/// Computes `result = left * transpose(right) (+ bias)`: left `[rows, depth]`, right `[columns, depth]`, result `[rows, columns]`;
/// `scratch` has [`scratch_length`] floats.
///
/// # Panics
/// As described at [`matmul`].
pub fn matmul_transposed(
    simd: SimdLevel,
    sizes: Sizes,
    factors: Factors<'_>,
    result: &mut [f32],
    scratch: Scratch<'_>,
) {
    let left = Operand { values: factors.left, depth_step: 1, side_step: sizes.depth };
    let right = Operand { values: factors.right, depth_step: 1, side_step: sizes.depth };
    product(sizes, left, right, factors.bias).run(simd, result, scratch);
}

/// Computes `result = transpose(left) * right (+ bias)`: left `[depth, rows]`, right `[depth, columns]`, result `[rows, columns]`;
/// `scratch` has [`scratch_length`] floats.
///
/// # Panics
/// As described at [`matmul`].
pub fn transposed_matmul(
    simd: SimdLevel,
    sizes: Sizes,
    factors: Factors<'_>,
    result: &mut [f32],
    scratch: Scratch<'_>,
) {
    let left = Operand { values: factors.left, depth_step: sizes.rows, side_step: 1 };
    let right = Operand { values: factors.right, depth_step: sizes.columns, side_step: 1 };
    product(sizes, left, right, factors.bias).run(simd, result, scratch);
}

/// Returns the product of [`matmul`].
fn forward(sizes: Sizes, factors: Factors<'_>) -> Multiplication<'_> {
    let left = Operand { values: factors.left, depth_step: 1, side_step: sizes.depth };
    let right = Operand { values: factors.right, depth_step: sizes.columns, side_step: 1 };
    product(sizes, left, right, factors.bias)
}

fn product<'a>(sizes: Sizes, left: Operand<'a>, right: Operand<'a>, bias: Option<&'a [f32]>) -> Multiplication<'a> {
    Multiplication { sizes, left, right, bias, accumulate: false, in_place: false, activation: None }
}
