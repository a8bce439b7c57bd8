//! The trait that the file of every activation implements.

use keel_kernels::activation::Function;

use super::gain::Gain;

/// Name, formula and source of one activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Name in config files.
    pub name: &'static str,
    /// Summary in one line.
    pub summary: &'static str,
    /// Formula f(x).
    pub formula: &'static str,
    /// Formula of the derivative f'(x).
    pub derivative: &'static str,
    /// Advice on its use.
    pub when_to_use: &'static str,
    /// Authors, title and year of the publication.
    pub source: &'static str,
    /// True if the outputs of a standard normal input have mean zero.
    pub zero_centred: bool,
    /// True if it is piecewise linear.
    pub piecewise_linear: bool,
}

/// Range of outputs outside which the derivative is below 6 % of its maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    /// Smallest output that is not saturated.
    pub low: f32,
    /// Largest output that is not saturated; infinite if large outputs never saturate.
    pub high: f32,
}

impl Saturation {
    /// Returns true if `output` lies in a flat part.
    pub fn contains(self, output: f32) -> bool {
        output < self.low || output > self.high
    }

    /// Returns true if the function is flat for small and for large inputs.
    pub fn is_two_sided(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}

/// Scaling of random weights that keeps the variance of the signal through the activation that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightScheme {
    /// Variance 1 / mean of fan_in and fan_out.
    Xavier,
    /// Variance 1 / fan_in.
    Lecun,
    /// Variance gain^2 / fan_in, with the gain of the activation.
    Kaiming,
}

/// Key of an activation that has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Setting {
    /// Name in config files.
    pub(crate) key: &'static str,
    /// Value of the key.
    pub(crate) value: f32,
    /// True if the value is valid.
    pub(crate) is_allowed: bool,
    /// Description of the valid values.
    pub(crate) allowed: &'static str,
}

/// An activation function: its definition in f64, its kernel and the facts derived from them. Implemented by the type of each activation.
pub(crate) trait ActivationDefinition {
    /// Returns the function that the kernel computes before training.
    fn kernel(&self) -> Function;

    /// Returns f(x) before training, the definition that kernels are tested against.
    fn value(&self, x: f64) -> f64;

    /// Returns f'(x) before training; at a kink, the left-hand derivative.
    fn derivative(&self, x: f64) -> f64;

    /// Returns the inputs at which f' jumps, in ascending order.
    fn kinks(&self) -> &'static [f64] {
        &[]
    }

    /// Returns the gain by which Kaiming initialisation scales the weights before it.
    fn gain(&self) -> Gain {
        Gain::computed(self.kernel())
    }

    /// Returns the scheme that `auto` chooses for the weights before it.
    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Kaiming
    }

    /// Returns the range outside which the gradient nearly vanishes; `None` if it cannot be read from the output.
    fn saturation(&self) -> Option<Saturation> {
        None
    }

    /// Returns its key, if it has one.
    fn setting(&self) -> Option<Setting> {
        None
    }

    /// Returns the initial slope for negative inputs, if the slope is learned for each channel.
    fn learned_slope(&self) -> Option<f32> {
        None
    }
}
