//! A learned parameter before it has values.

use super::InitSpec;

/// One learned parameter of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// `weight`, `bias`, `scale`, `shift`, `slope`.
    pub name: &'static str,
    /// Dimensions, row-major: `[in_features, out_features]`, `[kernel_h, kernel_w, in_channels / groups, out_channels]`, ….
    pub shape: Vec<usize>,
    /// Decides weight decay and which health rules look at it.
    pub role: ParameterRole,
    /// Inputs each output value sums over, in the forward direction.
    pub fan_in: usize,
    /// Outputs each input value reaches.
    pub fan_out: usize,
    /// How it is filled before training; `None` = `auto`, chosen by the activation that follows.
    pub init: Option<InitSpec>,
}

impl ParameterSpec {
    /// Number of floats in the parameter.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns true if the parameter holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Purpose of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterRole {
    /// Multiplies inputs; the only role weight decay applies to.
    Weight,
    /// Added to outputs.
    Bias,
    /// A norm's gamma.
    Scale,
    /// A norm's beta.
    Shift,
    /// A learned slope of an activation.
    Slope,
}
