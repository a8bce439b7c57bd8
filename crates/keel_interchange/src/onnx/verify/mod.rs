//! Comparison of an exported graph with its model, on random and on real samples.

mod samples;

use std::collections::BTreeMap;

use keel_data::Dataset;
use keel_onnx::OnnxError;
use keel_train::{Prediction, Predictor};
use serde::Serialize;

use super::export::{ExportOptions, Exported};
use super::{Data, Evaluator, Tensor};
use crate::InterchangeError;
pub use samples::Samples;

/// Allowed difference relative to the scale of the outputs: 1 for probabilities, the largest magnitude of a target.
pub const ALLOWED: f64 = 1e-5;
/// Allowed difference for 16-bit weights, which keep three digits.
pub const ALLOWED_IN_16_BITS: f64 = 2e-2;
/// Maximum number of multiply-adds in a comparison, about one second of work.
const WORK: u64 = 1_500_000_000;
/// Minimum and maximum number of samples of each kind.
const SAMPLES: std::ops::RangeInclusive<usize> = 2..=32;
/// Difference of two probabilities below which either may be the predicted class.
const TIE: f32 = 1e-4;

/// Result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verification {
    /// Number of random samples compared.
    pub random_samples: usize,
    /// Number of samples of the run's own data compared.
    pub real_samples: usize,
    /// Largest difference of an output, relative to its scale.
    pub largest_difference: f64,
    /// Allowed difference.
    pub allowed_difference: f64,
}

/// Evaluates `exported` and compares its outputs with those of `predictor`; `real` is data of the kind it was trained on.
///
/// # Errors
/// Fails if an output differs by more than the allowed difference, the graph cannot be evaluated, or the model has no
/// finite output.
pub fn verify(
    predictor: &Predictor,
    exported: &Exported,
    options: &ExportOptions,
    real: Option<&Dataset>,
) -> Result<Verification, InterchangeError> {
    let work = predictor.network().graph.multiply_adds().max(1);
    let count = usize::try_from(WORK / work).unwrap_or(usize::MAX).clamp(*SAMPLES.start(), *SAMPLES.end());
    let evaluator = Evaluator::new(&exported.model, "the exported graph")?;
    let allowed = if options.float16 { ALLOWED_IN_16_BITS } else { ALLOWED };
    let random = Samples::random(predictor, options.pictures, count)?;
    let mut largest = 0.0f64;
    let random_samples = compare(predictor, exported, &evaluator, &random, &mut largest)?;
    let mut real_samples = 0;
    if let Some(dataset) = real
        && let Some(samples) = Samples::real(predictor, options.pictures, dataset, count)?
    {
        real_samples = compare(predictor, exported, &evaluator, &samples, &mut largest)?;
    }
    if random_samples + real_samples == 0 {
        return Err(InterchangeError::Export {
            part: "the model".to_owned(),
            reason: "it gives no finite output for any of the compared samples".to_owned(),
            next: "train it again".to_owned(),
        });
    }
    if !(largest <= allowed) {
        return Err(InterchangeError::Unequal { difference: largest, allowed });
    }
    Ok(Verification { random_samples, real_samples, largest_difference: largest, allowed_difference: allowed })
}

/// Raises `largest` to the largest difference; returns the number of samples with a prediction.
fn compare(
    predictor: &Predictor,
    exported: &Exported,
    evaluator: &Evaluator<'_>,
    samples: &Samples,
    largest: &mut f64,
) -> Result<usize, InterchangeError> {
    let predictions = predictor.predict_samples(&samples.dataset, &samples.indices)?;
    let outputs = evaluator.run(samples.inputs.clone())?;
    let numbers = numbers(&outputs, &exported.numbers, predictions.len())?;
    let width = numbers.len() / predictions.len().max(1);
    let labels = exported.label.as_ref().and_then(|label| match &outputs.get(label)?.data {
        Data::Text(labels) => Some(labels),
        _ => None,
    });
    let scales = scales(&predictions, width);
    let mut compared = 0;
    for (sample, (prediction, found)) in predictions.iter().zip(numbers.chunks_exact(width.max(1))).enumerate() {
        let expected: Vec<f64> = match prediction {
            Prediction::Class { probabilities, .. } => probabilities.iter().map(|&share| f64::from(share)).collect(),
            Prediction::Values(values) => values.clone(),
            Prediction::Undefined { .. } => continue,
        };
        compared += 1;
        for ((expected, found), scale) in expected.iter().zip(found).zip(&scales) {
            let difference = (expected - found).abs() / scale;
            *largest = if difference.is_nan() { f64::INFINITY } else { largest.max(difference) };
        }
        if let (Prediction::Class { name, probabilities, .. }, Some(labels)) = (prediction, labels) {
            let is_close = is_tie(probabilities);
            if labels.get(sample) != Some(name) && !is_close && *largest <= ALLOWED {
                *largest = f64::INFINITY;
            }
        }
    }
    Ok(compared)
}

/// Returns the values of an output, for as many samples as there are predictions.
fn numbers(outputs: &BTreeMap<String, Tensor>, name: &str, samples: usize) -> Result<Vec<f64>, InterchangeError> {
    let tensor = outputs.get(name).filter(|tensor| tensor.shape.first() == Some(&samples));
    tensor.and_then(|tensor| tensor.data.numbers()).ok_or_else(|| {
        let file = "the exported graph".to_owned();
        let reason = format!("output `{name}` does not have one row for each sample");
        OnnxError::Model { file, reason, next: "report this with the config of the run".to_owned() }.into()
    })
}

/// Returns the scale of each output: 1 for probabilities, the largest magnitude of a value.
fn scales(predictions: &[Prediction], width: usize) -> Vec<f64> {
    let mut scales = vec![0.0f64; width];
    for prediction in predictions {
        match prediction {
            Prediction::Values(values) => {
                scales.iter_mut().zip(values).for_each(|(scale, value)| *scale = scale.max(value.abs()));
            }
            Prediction::Class { .. } => scales.fill(1.0),
            Prediction::Undefined { .. } => {}
        }
    }
    scales.iter().map(|&scale| if scale > 0.0 { scale } else { 1.0 }).collect()
}

/// Returns true if the two largest probabilities are nearly equal.
fn is_tie(probabilities: &[f32]) -> bool {
    let mut sorted = probabilities.to_vec();
    sorted.sort_by(f32::total_cmp);
    matches!(sorted.as_slice(), [.., second, first] if first - second < TIE)
}
