//! Preprocessing: zero mean, unit scale, no correlation; fitted on the training split only.

mod config;
pub(crate) mod elementwise;
mod fitted;
mod matrix;
mod moments;
pub(crate) mod plan;
mod preprocessor;
mod principal_axes;
mod recipe;
mod steps;
mod training_view;

pub use config::{PreprocessConfig, PreprocessStep};
pub use fitted::FittedStep;
pub use matrix::Matrix;
pub use moments::Moments;
pub use plan::PreprocessScratch;
pub use preprocessor::{PreprocessStatistics, Preprocessor};
pub(crate) use principal_axes::PrincipalAxes;
pub use recipe::Recipe;
pub use steps::PREPROCESSING;
pub(crate) use training_view::TrainingView;
