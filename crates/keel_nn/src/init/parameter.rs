//! A learned parameter before it has values.

use super::InitSpec;

/// One learned parameter of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Name: `weight`, `bias`, `scale`, `shift` or `slope`.
    pub name: &'static str,
    /// Dimensions, row-major: `[in_features, out_features]`, `[kernel_h, kernel_w, in_channels / groups, out_channels]`, ….
    pub shape: Vec<usize>,
    /// Role, which determines weight decay and the health rules that apply.
    pub role: ParameterRole,
    /// Number of inputs that each output value sums over in the forward pass.
    pub fan_in: usize,
    /// Number of outputs that each input value reaches.
    pub fan_out: usize,
    /// Initialiser; `None` = `auto`, chosen by the activation that follows.
    pub init: Option<InitSpec>,
}

impl ParameterSpec {
    /// Number of floats in the parameter.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns true if the parameter is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Role of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterRole {
    /// Factor of inputs; the only role that weight decay applies to.
    Weight,
    /// Term added to outputs.
    Bias,
    /// Gamma of a norm.
    Scale,
    /// Beta of a norm.
    Shift,
    /// Learned slope of an activation.
    Slope,
}
