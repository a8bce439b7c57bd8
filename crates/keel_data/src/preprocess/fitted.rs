//! Fitted steps with their statistics.

use super::matrix::Matrix;
use crate::dataset::SampleShape;
use crate::error::DataError;
use serde::{Deserialize, Serialize};

/// A step with its statistics, as stored with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FittedStep {
    /// Replaces missing cells. Always the first step.
    Impute {
        /// Replacement for each feature, `[features]`.
        fill: Vec<f32>,
    },
    /// `(x - shift) * scale`, with one pair per value of a sample, per channel, or one for all.
    Elementwise {
        /// Name of the step in the config file.
        step: String,
        /// Offset subtracted first; length: values of a sample, channels, or 1.
        shift: Vec<f64>,
        /// Factor applied after the offset; same length, never zero.
        scale: Vec<f64>,
        /// Positions without variance in the training split, which are centred but not scaled.
        constant: Vec<usize>,
    },
    /// Clamps to two limits; the raw value cannot be recovered.
    Clip {
        /// Lower limit of each feature, `[features]`.
        low: Vec<f32>,
        /// Upper limit of each feature, `[features]`, none below the lower one.
        high: Vec<f32>,
    },
    /// `x / sqrt(1 + (x / limit)^2)`.
    SoftClip {
        /// Largest magnitude.
        limit: f64,
    },
    /// Appends to each feature its position in each of its bins.
    PiecewiseLinear {
        /// Ascending bin edges of each feature, `[features][bins + 1]`; empty for a feature without bins.
        edges: Vec<Vec<f32>>,
    },
    /// `(x - mean) x matrix`.
    Projection {
        /// Name of the step in the config file.
        step: String,
        /// Mean of each value over the training split, `[in_features]`.
        mean: Vec<f64>,
        /// `[in_features, out_features]`.
        matrix: Matrix,
        /// Share of the training split's variance that the output keeps, `[0, 1]`.
        kept_variance: f64,
        /// Directions without variance in the training split; the output is zero along them.
        dropped_directions: usize,
        /// Shape of the output.
        output_shape: SampleShape,
    },
}

impl FittedStep {
    /// Returns the name in the config file, or `impute` for the replacement of missing cells.
    pub fn name(&self) -> &str {
        match self {
            Self::Impute { .. } => "impute",
            Self::Clip { .. } => "clip",
            Self::SoftClip { .. } => "soft_clip",
            Self::PiecewiseLinear { .. } => "piecewise_linear",
            Self::Elementwise { step, .. } | Self::Projection { step, .. } => step,
        }
    }

    /// Returns the shape after the step.
    pub fn output_shape(&self, input: &SampleShape) -> SampleShape {
        match self {
            Self::Projection { output_shape, .. } => *output_shape,
            Self::PiecewiseLinear { edges } => SampleShape::Features(edges.len() + positions(edges)),
            _ => *input,
        }
    }

    /// Returns true if the step found no feature to encode and passes its input on.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Self::PiecewiseLinear { edges } if edges.iter().all(Vec::is_empty))
    }

    /// Describes the step in one sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::Impute { fill } => format!("impute: replacements for missing cells of {} features", fill.len()),
            Self::Clip { low, .. } => format!("clip: a lower and an upper limit for each of {} features", low.len()),
            Self::SoftClip { limit } => format!("soft_clip: values squashed into -{limit} to {limit}"),
            Self::PiecewiseLinear { edges } => {
                let encoded = edges.iter().filter(|edges| !edges.is_empty()).count();
                format!(
                    "piecewise_linear: {encoded} of {} features and their positions in {} bins",
                    edges.len(),
                    positions(edges)
                )
            }
            Self::Elementwise { step, shift, constant, .. } if constant.is_empty() => {
                format!("{step}: {} pairs of shift and scale", shift.len())
            }
            Self::Elementwise { step, shift, constant, .. } => format!(
                "{step}: {} pairs of shift and scale, {} of them constant in the training split and therefore not scaled",
                shift.len(),
                constant.len()
            ),
            Self::Projection { step, matrix, kept_variance, dropped_directions, .. } => format!(
                "{step}: {} to {} values, {:.2} % of the variance kept, {dropped_directions} directions without variance",
                matrix.in_features,
                matrix.out_features,
                kept_variance * 100.0
            ),
        }
    }

    /// Checks a step read from a document against its input shape.
    pub(crate) fn check(&self, input: &SampleShape) -> Result<(), DataError> {
        let wrong = |found: usize| DataError::shape(&format!("preprocessing step {}", self.name()), input, found);
        match self {
            Self::Impute { fill } if fill.len() != input.len() => Err(wrong(fill.len())),
            Self::Elementwise { shift, scale, .. } => {
                let lengths = [1, input.channels(), input.len()];
                let usable = scale.iter().all(|scale| scale.is_finite() && *scale != 0.0);
                let finite = shift.iter().all(|shift| shift.is_finite());
                if lengths.contains(&shift.len()) && shift.len() == scale.len() && usable && finite {
                    return Ok(());
                }
                Err(wrong(shift.len()))
            }
            Self::Projection { mean, matrix, output_shape, .. } => {
                let fits = mean.len() == input.len()
                    && matrix.in_features == input.len()
                    && matrix.out_features == output_shape.len()
                    && matrix.values.len() == matrix.in_features * matrix.out_features;
                if fits { Ok(()) } else { Err(wrong(mean.len())) }
            }
            Self::Clip { low, high } => {
                let ordered = low.iter().zip(high).all(|(low, high)| low <= high);
                let fits = low.len() == input.len() && high.len() == input.len();
                if fits && ordered { Ok(()) } else { Err(wrong(low.len())) }
            }
            Self::SoftClip { limit } if !(limit.is_finite() && *limit > 0.0) => Err(wrong(1)),
            Self::PiecewiseLinear { edges } => {
                let ascending = |edges: &Vec<f32>| edges.windows(2).all(|bin| bin[0] < bin[1]) && edges.len() != 1;
                if edges.len() == input.len() && edges.iter().all(ascending) { Ok(()) } else { Err(wrong(edges.len())) }
            }
            Self::Impute { .. } | Self::SoftClip { .. } => Ok(()),
        }
    }
}

/// Returns the number of bins of all features.
fn positions(edges: &[Vec<f32>]) -> usize {
    edges.iter().map(|edges| edges.len().saturating_sub(1)).sum()
}
