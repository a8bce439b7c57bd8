//! The preprocessing steps, one a file: each computes its statistics from the training split.

use super::config::PreprocessStep;
use super::{FittedStep, Moments, TrainingView};
use crate::catalog::CatalogEntry;
use crate::error::DataError;

mod center;
mod channel_mean;
mod channel_standardize;
pub(super) mod impute;
mod mean_image;
mod min_max;
mod pca;
pub(super) mod piecewise_linear;
mod robust_scale;
pub(super) mod soft_clip;
mod standardize;
mod whiten;
mod zca;

/// Every step, in the order of the listings.
pub const PREPROCESSING: &[CatalogEntry] = &[
    center::ENTRY,
    standardize::ENTRY,
    min_max::ENTRY,
    robust_scale::ENTRY,
    soft_clip::ENTRY,
    piecewise_linear::ENTRY,
    mean_image::ENTRY,
    channel_mean::ENTRY,
    channel_standardize::ENTRY,
    whiten::ENTRY,
    zca::ENTRY,
    pca::ENTRY,
];

/// Fits one step to the training split.
pub(super) fn fit(view: &TrainingView, step: &PreprocessStep) -> Result<FittedStep, DataError> {
    match *step {
        PreprocessStep::Center => center::fit(view),
        PreprocessStep::Standardize => standardize::fit(view),
        PreprocessStep::MinMax => min_max::fit(view),
        PreprocessStep::RobustScale => robust_scale::fit(view),
        PreprocessStep::SoftClip { limit } => soft_clip::fit(limit),
        PreprocessStep::PiecewiseLinear { bins } => piecewise_linear::fit(view, bins),
        PreprocessStep::MeanImage => mean_image::fit(view),
        PreprocessStep::ChannelMean => channel_mean::fit(view),
        PreprocessStep::ChannelStandardize => channel_standardize::fit(view),
        PreprocessStep::Whiten { epsilon } => whiten::fit(view, epsilon),
        PreprocessStep::Zca { epsilon } => zca::fit(view, epsilon),
        PreprocessStep::Pca { components } => pca::fit(view, components),
    }
}

/// Subtracts each mean.
fn subtract_means(step: &str, moments: &[Moments]) -> FittedStep {
    FittedStep::Elementwise {
        step: step.to_string(),
        shift: moments.iter().map(|moments| moments.mean).collect(),
        scale: vec![1.0; moments.len()],
        constant: Vec::new(),
    }
}

/// Subtracts each mean and divides by each standard deviation; what is constant is not divided.
fn standardize_moments(step: &str, moments: &[Moments]) -> FittedStep {
    let scale = |moments: &Moments| if moments.is_constant() { 1.0 } else { 1.0 / moments.std() };
    FittedStep::Elementwise {
        step: step.to_string(),
        shift: moments.iter().map(|moments| moments.mean).collect(),
        scale: moments.iter().map(scale).collect(),
        constant: (0..moments.len()).filter(|&position| moments[position].is_constant()).collect(),
    }
}

/// That `epsilon` can be added to a variance.
fn check_epsilon(step: &str, epsilon: f64) -> Result<(), DataError> {
    if epsilon.is_finite() && epsilon >= 0.0 {
        return Ok(());
    }
    let what = format!("epsilon of {step} is {epsilon}");
    Err(DataError::setting("preprocess.steps", what, "Give a number of at least 0, such as 1e-5"))
}
