//! Measurements of one training step, layer by layer.
//!
//! An engine keeps one [`StepMeasurement`] with a preallocated entry for every layer and overwrites the numbers in each
//! step; nothing is allocated after the first step.

use serde::{Deserialize, Serialize};

use super::{PredictionMeasurement, UnitMeasurement, null_is_nan};

/// One training step: forward, backward, update.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepMeasurement {
    /// Number of the step, from 0, increasing.
    pub step: u64,
    /// Number of the epoch the step belongs to, from 0.
    #[serde(default)]
    pub epoch: u64,
    /// Number of samples in the batch.
    pub samples: u64,
    /// Mean loss of the batch, without penalties.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f32,
    /// Accuracy on the batch, in [0, 1].
    #[serde(default)]
    pub accuracy: Option<f32>,
    /// Learning rate of this step's update.
    #[serde(default)]
    pub learning_rate: Option<f32>,
    /// Norm of the gradient over all parameters, before clipping.
    #[serde(default)]
    pub gradient_norm: Option<f32>,
    /// Norm of the gradient buffers right before the first backward pass of the step, over the parameters that the
    /// optimizer updates; 0 if the loop clears its gradients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_before_norm: Option<f32>,
    /// True if the step ended in an update of the parameters; false if its gradient is only accumulated for a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<bool>,
    /// True if the network was in training mode, as reported by the framework.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_mode: Option<bool>,
    /// Number of samples per class in the batch. `[classes]`, or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_counts: Vec<u32>,
    /// Values passed to the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<PredictionMeasurement>,
    /// Measurements by layer, in graph order. Layers may be missing.
    #[serde(default)]
    pub layers: Vec<LayerMeasurement>,
}

/// One layer in one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerMeasurement {
    /// Index of the layer in the model description.
    pub layer: usize,
    /// Output of the layer: z of a linear layer or convolution, a of an activation.
    pub output: Option<SignalMeasurement>,
    /// Gradient of the loss with respect to the layer's output: dL/dz, or dL/da for an activation.
    pub gradient: Option<GradientMeasurement>,
    /// Firing and saturation of units, for activations.
    pub units: Option<UnitMeasurement>,
    /// Parameters of the layer.
    pub parameters: Vec<ParameterMeasurement>,
    /// Share of units whose incoming-weight gradient has a sign agreement |n+ - n-| / (n+ + n-) of at least 0.9; exact
    /// zeros are ignored.
    pub sign_agreement: Option<f32>,
    /// mean(x)² / mean(x²) of the layer's input: 0 when it is centred, 1 when it is constant.
    pub input_mean_energy: Option<f32>,
}

/// Statistics of a tensor over the batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalMeasurement {
    /// Number of elements, over all samples of the batch.
    pub count: u64,
    /// Mean over the finite elements.
    #[serde(deserialize_with = "null_is_nan")]
    pub mean: f32,
    /// Standard deviation over the finite elements.
    #[serde(deserialize_with = "null_is_nan")]
    pub std: f32,
    /// Smallest element.
    #[serde(default)]
    pub min: Option<f32>,
    /// Largest element.
    #[serde(default)]
    pub max: Option<f32>,
    /// Share of elements that are exactly zero.
    #[serde(default)]
    pub zero_fraction: Option<f32>,
    /// Share of saturated elements: sigmoid outside [0.015, 0.985], |tanh| > 0.97.
    #[serde(default)]
    pub saturated_fraction: Option<f32>,
    /// Number of NaN or infinite elements.
    #[serde(default)]
    pub non_finite: u64,
}

/// Statistics of a loss gradient over the batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientMeasurement {
    /// Number of elements, over all samples of the batch.
    pub count: u64,
    /// Root mean square over the finite elements.
    #[serde(deserialize_with = "null_is_nan")]
    pub rms: f32,
    /// Largest absolute value.
    #[serde(default)]
    pub max_abs: Option<f32>,
    /// Number of NaN or infinite elements.
    #[serde(default)]
    pub non_finite: u64,
}

/// One parameter tensor in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterMeasurement {
    /// Role of the parameter in its layer.
    pub role: ParameterRole,
    /// L2 norm of the values before the update.
    #[serde(default)]
    pub weight_norm: Option<f32>,
    /// L2 norm of the gradient of the data loss.
    #[serde(default)]
    pub gradient_norm: Option<f32>,
    /// L2 norm of the applied update.
    #[serde(default)]
    pub update_norm: Option<f32>,
    /// L2 norm of the weight decay term (decay × values).
    #[serde(default)]
    pub decay_norm: Option<f32>,
    /// Number of NaN or infinite values.
    #[serde(default)]
    pub non_finite: u64,
    /// Number of NaN or infinite gradient entries.
    #[serde(default)]
    pub non_finite_gradient: u64,
}

/// Role of a parameter in its layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterRole {
    /// Weight matrix or kernel.
    #[default]
    Weight,
    /// Added after the multiplication.
    Bias,
    /// γ of a normalisation layer.
    Scale,
    /// β of a normalisation layer.
    Shift,
    /// Anything else, such as the slope of prelu.
    Other,
}

impl ParameterRole {
    /// Returns the word used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
            Self::Scale => "scale",
            Self::Shift => "shift",
            Self::Other => "parameter",
        }
    }
}

impl StepMeasurement {
    /// Returns the entry of layer `index`, if measured.
    pub fn layer(&self, index: usize) -> Option<&LayerMeasurement> {
        match self.layers.get(index) {
            Some(layer) if layer.layer == index => Some(layer),
            _ => self.layers.iter().find(|layer| layer.layer == index),
        }
    }

    /// Returns true if the step ended in an update, according to the record or the norms of the updates; `None` if
    /// neither is known.
    pub fn has_updated(&self) -> Option<bool> {
        let parameters = self.layers.iter().flat_map(|layer| &layer.parameters);
        let norms = parameters.filter_map(|parameter| parameter.update_norm);
        self.updated.or_else(|| norms.map(|norm| norm != 0.0).reduce(|moved, next| moved || next))
    }

    /// Returns true if the loss, the gradient norm or any tensor contains a NaN or an infinity.
    pub fn has_non_finite(&self) -> bool {
        !self.loss.is_finite()
            || self.gradient_norm.is_some_and(|norm| !norm.is_finite())
            || self.layers.iter().any(LayerMeasurement::has_non_finite)
    }
}

impl LayerMeasurement {
    /// Returns true if any tensor of the layer contains a NaN or an infinity.
    pub fn has_non_finite(&self) -> bool {
        self.output_non_finite()
            || self.gradient_non_finite()
            || self.parameters.iter().any(ParameterMeasurement::has_non_finite)
    }

    /// Returns true if the output contains a NaN or an infinity.
    pub fn output_non_finite(&self) -> bool {
        self.output.is_some_and(|output| output.non_finite > 0 || !output.mean.is_finite() || !output.std.is_finite())
    }

    /// Returns true if the gradient with respect to the output contains a NaN or an infinity.
    pub fn gradient_non_finite(&self) -> bool {
        self.gradient.is_some_and(|gradient| gradient.non_finite > 0 || !gradient.rms.is_finite())
    }
}

impl ParameterMeasurement {
    /// Returns true if the values or their gradient contain a NaN or an infinity.
    pub fn has_non_finite(&self) -> bool {
        self.values_non_finite() || self.gradient_non_finite()
    }

    /// Returns true if the values contain a NaN or an infinity.
    pub fn values_non_finite(&self) -> bool {
        self.non_finite > 0 || self.weight_norm.is_some_and(|norm| !norm.is_finite())
    }

    /// Returns true if the gradient contains a NaN or an infinity.
    pub fn gradient_non_finite(&self) -> bool {
        self.non_finite_gradient > 0 || self.gradient_norm.is_some_and(|norm| !norm.is_finite())
    }
}
