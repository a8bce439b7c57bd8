//! Activation functions over whole slices, shared among threads in fixed chunks.

use std::ops::Range;

use super::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_chunk, for_each_chunk_mut};
use crate::simd::SimdLevel;

/// Number of floats per task: 64 KiB of each slice.
const CHUNK: usize = 16 * 1024;

/// Computes `output = f(input)`.
///
/// # Panics
/// If the lengths differ.
pub fn forward(simd: SimdLevel, function: Function, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len(), "lengths of input and output");
    function.visit(Forward { simd, input, output });
}

/// Computes `values = f(values)`, with the bits of [`forward`].
pub fn forward_in_place(simd: SimdLevel, function: Function, values: &mut [f32]) {
    function.visit(InPlace { simd, values });
}

/// Computes `gradient = gradient * f'(input)` from the output of the forward call, with the bits of [`backward_from_output`].
///
/// # Panics
/// If the lengths differ or [`Function::from_output`] is false.
pub fn backward_in_place(simd: SimdLevel, function: Function, output: &[f32], gradient: &mut [f32]) {
    assert!(function.from_output(), "the derivative of {function:?} cannot be computed from its output");
    assert_eq!(output.len(), gradient.len(), "lengths of output and gradient");
    function.visit(BackwardInPlace { simd, output, gradient });
}

/// Operands of the backward pass of an activation.
#[derive(Clone, Copy, Debug)]
pub struct ActivationGradient<'a> {
    /// Values from the forward call: its input or, for [`backward_from_output`], its output.
    pub saved: &'a [f32],
    /// Gradient with respect to the output, as long as the saved values.
    pub grad_output: &'a [f32],
}

/// Computes `grad_input = grad_output * f'(input)`, where the input of the forward call is saved.
///
/// # Panics
/// If the lengths differ.
pub fn backward(simd: SimdLevel, function: Function, given: ActivationGradient<'_>, grad_input: &mut [f32]) {
    function.visit(Backward { simd, given, grad_input });
}

/// Computes [`backward`] from the output of the forward call instead of its input.
///
/// # Panics
/// If the lengths differ or [`Function::from_output`] is false.
pub fn backward_from_output(
    simd: SimdLevel,
    function: Function,
    given: ActivationGradient<'_>,
    grad_input: &mut [f32],
) {
    assert!(function.from_output(), "the derivative of {function:?} cannot be computed from its output");
    function.visit(BackwardFromOutput(Backward { simd, given, grad_input }));
}

struct Forward<'a> {
    simd: SimdLevel,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Visitor for Forward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        let pieces = Pieces::new(self.output);
        for_each_chunk(self.input.len(), CHUNK, |range| {
            // SAFETY: ranges of different tasks do not overlap.
            let output = unsafe { pieces.piece(range.clone()) };
            let input = &self.input[range];
            self.simd.run(
                #[inline(always)]
                || output.iter_mut().zip(input).for_each(|(output, &x)| *output = function.value(x)),
            );
        });
    }
}

struct InPlace<'a> {
    simd: SimdLevel,
    values: &'a mut [f32],
}

impl Visitor for InPlace<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        for_each_chunk_mut(self.values, CHUNK, |_, values| {
            self.simd.run(
                #[inline(always)]
                || values.iter_mut().for_each(|value| *value = function.value(*value)),
            );
        });
    }
}

struct BackwardInPlace<'a> {
    simd: SimdLevel,
    output: &'a [f32],
    gradient: &'a mut [f32],
}

impl Visitor for BackwardInPlace<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        for_each_chunk_mut(self.gradient, CHUNK, |index, gradient| {
            let output = &self.output[index * CHUNK..][..gradient.len()];
            self.simd.run(
                #[inline(always)]
                || {
                    for (gradient, &output) in gradient.iter_mut().zip(output) {
                        *gradient *= function.derivative_from_output(output);
                    }
                },
            );
        });
    }
}

struct Backward<'a> {
    simd: SimdLevel,
    given: ActivationGradient<'a>,
    grad_input: &'a mut [f32],
}

impl Backward<'_> {
    /// Computes `grad_input = grad_output * slope(saved)`.
    #[inline(always)]
    fn run(self, slope: impl Fn(f32) -> f32 + Copy + Sync) {
        let ActivationGradient { saved, grad_output } = self.given;
        assert_eq!(saved.len(), self.grad_input.len(), "lengths of the saved values and grad_input");
        assert_eq!(grad_output.len(), self.grad_input.len(), "lengths of grad_output and grad_input");
        let pieces = Pieces::new(self.grad_input);
        for_each_chunk(saved.len(), CHUNK, |range: Range<usize>| {
            // SAFETY: ranges of different tasks do not overlap.
            let grad_input = unsafe { pieces.piece(range.clone()) };
            let (saved, grad_output) = (&saved[range.clone()], &grad_output[range]);
            self.simd.run(
                #[inline(always)]
                || {
                    for ((grad_input, &saved), &grad_output) in grad_input.iter_mut().zip(saved).zip(grad_output) {
                        *grad_input = grad_output * slope(saved);
                    }
                },
            );
        });
    }
}

impl Visitor for Backward<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        self.run(
            #[inline(always)]
            move |x| function.derivative(x),
        );
    }
}

struct BackwardFromOutput<'a>(Backward<'a>);

impl Visitor for BackwardFromOutput<'_> {
    type Output = ();

    fn visit<F: Elementwise>(self, function: F) {
        self.0.run(
            #[inline(always)]
            move |y| function.derivative_from_output(y),
        );
    }
}
