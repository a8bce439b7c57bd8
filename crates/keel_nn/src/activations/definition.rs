//! The trait that the file of every activation implements.

use keel_kernels::activation::Function;

use super::gain::Gain;

/// Name, formula and source of one activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Name in config files.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// f(x).
    pub formula: &'static str,
    /// f'(x).
    pub derivative: &'static str,
    /// Advice on its use.
    pub when_to_use: &'static str,
    /// Who published it.
    pub source: &'static str,
    /// True if the outputs of a standard normal input have mean zero.
    pub zero_centred: bool,
    /// True if it consists of straight pieces.
    pub piecewise_linear: bool,
}

/// Outputs below `low` or above `high` come from inputs where the derivative is below 6 % of its largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Saturation {
    /// Smallest output that is not saturated.
    pub low: f32,
    /// Largest output that is not saturated; infinite where large outputs never are.
    pub high: f32,
}

impl Saturation {
    /// Returns true if `output` lies in the flat part.
    pub fn contains(self, output: f32) -> bool {
        output < self.low || output > self.high
    }

    /// Returns true if the function is flat for small and for large inputs.
    pub fn is_two_sided(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}

/// Scale of random weights that keeps the signal's size through the activation behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightScheme {
    /// Variance 1 over the average of fan_in and fan_out.
    Xavier,
    /// Variance 1 over fan_in.
    Lecun,
    /// Variance over fan_in by the gain of the activation.
    Kaiming,
}

/// The key of an activation that has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Setting {
    /// Name in config files.
    pub(crate) key: &'static str,
    /// Value of the key.
    pub(crate) value: f32,
    /// True if the activation works with this value.
    pub(crate) is_allowed: bool,
    /// Values it works with, in words.
    pub(crate) allowed: &'static str,
}

/// An activation function: its f64 definition, its kernel and the numbers that follow from it. Implemented by the type of each.
pub(crate) trait ActivationDefinition {
    /// Returns the kernel of the function before training.
    fn kernel(&self) -> Function;

    /// Returns f(x) before training, the definition kernels are tested against.
    fn value(&self, x: f64) -> f64;

    /// Returns f'(x) before training; at a kink the slope of the left side.
    fn derivative(&self, x: f64) -> f64;

    /// Returns the inputs at which f' jumps, in ascending order.
    fn kinks(&self) -> &'static [f64] {
        &[]
    }

    /// Returns the factor by which kaiming initialisation widens the weights in front of it.
    fn gain(&self) -> Gain {
        Gain::computed(self.kernel())
    }

    /// Returns the scheme by which `auto` initialises the weights in front of it.
    fn weight_scheme(&self) -> WeightScheme {
        WeightScheme::Kaiming
    }

    /// Returns where it passes hardly any gradient; `None` where the output does not show it.
    fn saturation(&self) -> Option<Saturation> {
        None
    }

    /// Returns its own key, if it has one.
    fn setting(&self) -> Option<Setting> {
        None
    }

    /// Returns the initial slope of the negative side, if that is learned for each channel.
    fn learned_slope(&self) -> Option<f32> {
        None
    }
}
