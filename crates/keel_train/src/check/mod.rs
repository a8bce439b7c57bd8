//! Pre-flight: what can be known about a training before its first step.

mod batch_mixing;
mod finite_difference;
mod gradient;
mod samples;
mod tiny_batch;

pub use gradient::{CheckedParameter, GradientComparison, ParameterComparison, compare_gradient};
