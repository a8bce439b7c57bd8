//! Activation functions on single values and on slices.
//!
//! Every function is a small `Copy` struct that implements [`Elementwise`]; kernels are generic over it, so that the compiler
//! generates one branch-free loop per function and SIMD level. [`Function`] is the choice at run time: [`Function::visit`] maps it
//! to the struct once per call. Multiplications and additions are never contracted, so that every SIMD level gives the same bits
//! here.

mod apply;
mod elu;
mod exponential;
mod gelu;
mod hard_swish;
mod identity;
mod leaky_relu;
mod logarithm;
mod mish;
mod normal_distribution;
mod prelu;
mod relu;
mod selu;
mod sigmoid;
mod silu;
mod softplus;
mod tanh;

pub use apply::{ActivationGradient, backward, backward_from_output, backward_in_place, forward, forward_in_place};
pub use elu::Elu;
pub use exponential::{exp, exp_m1};
pub use gelu::Gelu;
pub use hard_swish::HardSwish;
pub use identity::Identity;
pub use leaky_relu::LeakyRelu;
pub use logarithm::ln_1p;
pub use mish::Mish;
pub use normal_distribution::{normal_cumulative, normal_density};
pub use prelu::{Prelu, PreluGradient, prelu_scratch_length};
pub use relu::Relu;
pub use selu::Selu;
pub use sigmoid::Sigmoid;
pub use silu::Silu;
pub use softplus::Softplus;
pub use tanh::Tanh;

/// A function applied to every value separately. NaN stays NaN in [`Elementwise::value`].
pub trait Elementwise: Copy + Send + Sync {
    /// True if the derivative can be computed from the output with [`Elementwise::derivative_from_output`].
    const FROM_OUTPUT: bool;

    /// Returns f(x).
    fn value(self, x: f32) -> f32;

    /// Returns f'(x) from the pre-activation x. At a kink it is the left-hand derivative.
    fn derivative(self, x: f32) -> f32;

    /// Returns f'(x) from y = f(x); NaN if [`Elementwise::FROM_OUTPUT`] is false.
    #[inline(always)]
    fn derivative_from_output(self, y: f32) -> f32 {
        let _ = y;
        f32::NAN
    }
}

/// An activation function without learned parameters, chosen at run time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// [`Identity`]
    Identity,
    /// [`Sigmoid`]
    Sigmoid,
    /// [`Tanh`]
    Tanh,
    /// [`Relu`]
    Relu,
    /// [`LeakyRelu`]
    LeakyRelu {
        /// Slope for negative inputs, 0 or more.
        slope: f32,
    },
    /// [`Elu`]
    Elu {
        /// Negative of the limit for large negative inputs, above 0.
        alpha: f32,
    },
    /// [`Selu`]
    Selu,
    /// [`Gelu`]
    Gelu,
    /// [`Silu`]
    Silu,
    /// [`Softplus`]
    Softplus,
    /// [`Mish`]
    Mish,
    /// [`HardSwish`]
    HardSwish,
}

/// A kernel that is generic over the function it applies.
pub trait Visitor {
    /// Result of the kernel.
    type Output;

    /// Runs the kernel with `function`.
    fn visit<F: Elementwise>(self, function: F) -> Self::Output;
}

impl Function {
    /// Calls `visitor` with the struct of this function.
    #[inline]
    pub fn visit<V: Visitor>(self, visitor: V) -> V::Output {
        match self {
            Function::Identity => visitor.visit(Identity),
            Function::Sigmoid => visitor.visit(Sigmoid),
            Function::Tanh => visitor.visit(Tanh),
            Function::Relu => visitor.visit(Relu),
            Function::LeakyRelu { slope } => visitor.visit(LeakyRelu { slope }),
            Function::Elu { alpha } => visitor.visit(Elu { alpha }),
            Function::Selu => visitor.visit(Selu),
            Function::Gelu => visitor.visit(Gelu),
            Function::Silu => visitor.visit(Silu),
            Function::Softplus => visitor.visit(Softplus),
            Function::Mish => visitor.visit(Mish),
            Function::HardSwish => visitor.visit(HardSwish),
        }
    }

    /// Returns f(x) of one value.
    pub fn value(self, x: f32) -> f32 {
        struct Value(f32);
        impl Visitor for Value {
            type Output = f32;
            fn visit<F: Elementwise>(self, function: F) -> f32 {
                function.value(self.0)
            }
        }
        self.visit(Value(x))
    }

    /// Returns f'(x) of one value.
    pub fn derivative(self, x: f32) -> f32 {
        struct Derivative(f32);
        impl Visitor for Derivative {
            type Output = f32;
            fn visit<F: Elementwise>(self, function: F) -> f32 {
                function.derivative(self.0)
            }
        }
        self.visit(Derivative(x))
    }

    /// Returns true if [`backward_from_output`], which needs only the output, can be used.
    pub fn from_output(self) -> bool {
        struct FromOutput;
        impl Visitor for FromOutput {
            type Output = bool;
            fn visit<F: Elementwise>(self, _function: F) -> bool {
                F::FROM_OUTPUT
            }
        }
        self.visit(FromOutput)
    }
}

#[cfg(test)]
mod tests;
