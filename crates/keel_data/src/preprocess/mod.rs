//! Preprocessing: zero mean, unit scale, no correlation; fitted on the training split only.

mod config;
pub(crate) mod elementwise;
mod extremes;
mod fit;
mod fitted;
mod matrix;
pub(crate) mod plan;
mod preprocessor;
mod principal_axes;
mod recipe;
mod steps;
mod training_view;

pub use config::PreprocessConfig;
pub use extremes::FeatureExtremes;
pub use fit::PreprocessStatistics;
pub use fitted::FittedStep;
pub use matrix::Matrix;
pub use plan::PreprocessScratch;
pub use preprocessor::Preprocessor;
pub(crate) use principal_axes::PrincipalAxes;
pub use recipe::Recipe;
pub use steps::{
    ClipSpec, PREPROCESSING, PcaSpec, PiecewiseLinearSpec, PreprocessStep, SoftClipSpec, WhitenSpec, ZcaSpec,
};
pub(crate) use training_view::TrainingView;
