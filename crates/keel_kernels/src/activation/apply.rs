//! Activation functions over whole slices, shared over threads in fixed chunks.

use std::ops::Range;

use super::{Elementwise, Function, Visitor};
use crate::parallel::{Pieces, for_each_chunk};
use crate::simd::{self, Level};

/// Floats one task handles: 64 KiB of each slice.
const CHUNK: usize = 16 * 1024;

/// `output = f(input)`.
///
/// # Panics
/// If the lengths differ.
pub fn forward(function: Function, input: &[f32], output: &mut [f32]) {
    forward_at(simd::level(), function, input, output);
}

/// `grad_input = grad_output * f'(input)`, with `input` what the forward call read.
///
/// # Panics
/// If the lengths differ.
pub fn backward(function: Function, input: &[f32], grad_output: &[f32], grad_input: &mut [f32]) {
    let kernel = Backward { level: simd::level(), saved: input, grad_output, grad_input };
    function.visit(kernel);
}

/// As [`backward`], from the output of the forward call instead of its input.
///
/// # Panics
/// If the lengths differ or [`Function::from_output`] is false.
pub fn backward_from_output(function: Function, output: &[f32], grad_output: &[f32], grad_input: &mut [f32]) {
    assert!(function.from_output(), "the derivative of {function:?} is no function of its output");
    let kernel = Backward { level: simd::level(), saved: output, grad_output, grad_input };
    function.visit(BackwardFromOutput(kernel));
}

pub(super) fn forward_at(level: Level, function: Function, input: &[f32], output: &mut [f32]) {
    assert_eq!(input.len(), output.len(), "lengths of input and output");
    function.visit(Forward { level, input, output });
}

struct Forward<'a> {
    level: Level,
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
            self.level.run(
                #[inline(always)]
                || output.iter_mut().zip(input).for_each(|(output, &x)| *output = function.value(x)),
            );
        });
    }
}

pub(super) struct Backward<'a> {
    pub(super) level: Level,
    pub(super) saved: &'a [f32],
    pub(super) grad_output: &'a [f32],
    pub(super) grad_input: &'a mut [f32],
}

impl Backward<'_> {
    /// `grad_input = grad_output * slope(saved)`.
    #[inline(always)]
    fn run(self, slope: impl Fn(f32) -> f32 + Copy + Sync) {
        assert_eq!(self.saved.len(), self.grad_input.len(), "lengths of the saved values and grad_input");
        assert_eq!(self.grad_output.len(), self.grad_input.len(), "lengths of grad_output and grad_input");
        let pieces = Pieces::new(self.grad_input);
        for_each_chunk(self.saved.len(), CHUNK, |range: Range<usize>| {
            // SAFETY: ranges of different tasks do not overlap.
            let grad_input = unsafe { pieces.piece(range.clone()) };
            let (saved, grad_output) = (&self.saved[range.clone()], &self.grad_output[range]);
            self.level.run(
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
