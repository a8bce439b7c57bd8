//! Measurements that a training loop passes to the rules.
//!
//! Five records, in the order in which a run produces them: the model ([`ModelDescription`]), the data
//! ([`DataMeasurement`]), the state before the first update ([`StartMeasurement`]), every step ([`StepMeasurement`])
//! and every epoch ([`EpochMeasurement`]). Anything a framework cannot measure is `None` or empty, and the rules that
//! need it report nothing. NaN is written as `null` in JSON.

mod activation_function;
mod augmentation;
mod columns;
mod data;
mod duplicates;
mod epoch;
mod evaluation;
mod inputs;
mod layer_statistic;
mod model;
mod outliers;
mod predictions;
mod record;
mod residuals;
mod start;
mod step;
mod suspects;
mod units;

pub use activation_function::ActivationFunction;
pub use augmentation::AugmentationMeasurement;
pub use columns::ColumnScore;
pub use data::{DataMeasurement, FeatureStatistics};
pub use duplicates::SplitDuplicates;
pub use epoch::{EpochMeasurement, NormStatistics, RankMeasurement};
pub use evaluation::EvaluationMeasurement;
pub use inputs::{InputsMeasurement, UnlikeColumn};
pub use layer_statistic::LayerStatistic;
pub use model::{LayerDescription, LayerKind, LossKind, ModelDescription};
pub use outliers::FeatureOutliers;
pub use predictions::PredictionMeasurement;
pub use record::Record;
pub use residuals::ResidualMeasurement;
pub use start::{GradientCheck, StartLayer, StartMeasurement, TinyBatch};
pub use step::{
    GradientMeasurement, LayerMeasurement, ParameterMeasurement, ParameterRole, SignalMeasurement, StepMeasurement,
};
pub use suspects::{SuspectLabel, SuspectLabels};
pub use units::UnitMeasurement;

use serde::{Deserialize, Deserializer};

/// Reads a number, or `null` as NaN: JSON has no NaN, and a NaN must not be lost.
fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

/// Works like [`null_is_nan`], for a list.
fn nulls_are_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let values = Vec::<Option<f32>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect())
}
