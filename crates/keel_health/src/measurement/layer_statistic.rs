//! Names of the statistics recorded for a layer in a step.

use super::ParameterRole;

/// A statistic of a layer in a step, recorded by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerStatistic {
    /// Mean of the output.
    OutputMean,
    /// Standard deviation of the output.
    OutputStd,
    /// Share of zeros in the output.
    ZeroFraction,
    /// Share of saturated values in the output.
    SaturatedFraction,
    /// Share of units that are silent over the batch.
    DeadFraction,
    /// Root mean square of the gradient with respect to the output.
    GradientRms,
    /// Share of the energy of the input that is its mean.
    InputMeanEnergy,
    /// Share of units whose weight gradients have one sign.
    SignAgreement,
    /// Norm of a parameter.
    Norm(ParameterRole),
    /// Norm of the gradient of a parameter.
    GradientNorm(ParameterRole),
    /// Norm of the update of a parameter.
    UpdateNorm(ParameterRole),
    /// Norm of the update of a parameter divided by the norm of the parameter.
    UpdateRatio(ParameterRole),
}

impl LayerStatistic {
    /// Returns the name in the run's database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutputMean => "output_mean",
            Self::OutputStd => "output_std",
            Self::ZeroFraction => "zero_fraction",
            Self::SaturatedFraction => "saturated_fraction",
            Self::DeadFraction => "dead_fraction",
            Self::GradientRms => "gradient_rms",
            Self::InputMeanEnergy => "input_mean_energy",
            Self::SignAgreement => "sign_agreement",
            Self::Norm(ParameterRole::Weight) => "weight_norm",
            Self::Norm(ParameterRole::Bias) => "bias_norm",
            Self::Norm(ParameterRole::Scale) => "scale_norm",
            Self::Norm(ParameterRole::Shift) => "shift_norm",
            Self::Norm(ParameterRole::Other) => "slope_norm",
            Self::GradientNorm(ParameterRole::Weight) => "weight_gradient_norm",
            Self::GradientNorm(ParameterRole::Bias) => "bias_gradient_norm",
            Self::GradientNorm(ParameterRole::Scale) => "scale_gradient_norm",
            Self::GradientNorm(ParameterRole::Shift) => "shift_gradient_norm",
            Self::GradientNorm(ParameterRole::Other) => "slope_gradient_norm",
            Self::UpdateNorm(ParameterRole::Weight) => "weight_update_norm",
            Self::UpdateNorm(ParameterRole::Bias) => "bias_update_norm",
            Self::UpdateNorm(ParameterRole::Scale) => "scale_update_norm",
            Self::UpdateNorm(ParameterRole::Shift) => "shift_update_norm",
            Self::UpdateNorm(ParameterRole::Other) => "slope_update_norm",
            Self::UpdateRatio(ParameterRole::Weight) => "weight_update_ratio",
            Self::UpdateRatio(ParameterRole::Bias) => "bias_update_ratio",
            Self::UpdateRatio(ParameterRole::Scale) => "scale_update_ratio",
            Self::UpdateRatio(ParameterRole::Shift) => "shift_update_ratio",
            Self::UpdateRatio(ParameterRole::Other) => "slope_update_ratio",
        }
    }
}
