//! Measurement of the training split as the network sees it.

use keel_data::{BatchTargets, FittedStep, SplitDataset, Targets};
use keel_health::measurement::{DataMeasurement, FeatureStatistics};
use keel_nn::losses::LossSpec;

use super::inspection::inspect;
use crate::error::TrainError;
use crate::objective::{Objective, Probabilities, constant_targets};
use crate::session::Session;

/// Number of samples whose values are measured, evenly spread over the split; class fractions are those of all samples.
const SAMPLES: usize = 4096;

/// Fraction of a class that counts as zero.
const LEAST_SHARE: f32 = 1e-6;

/// Maximum number of values that are read, so that large images take no longer.
const VALUES: usize = 16 * 1024 * 1024;

/// Returns the loss of the best constant output over the measured samples; `None` if it is not a number, or if the network gives
/// several predictions.
pub fn guessing_loss(session: &Session) -> Option<f32> {
    let (mut objective, data) = (session.objective().clone(), session.data());
    let limit = SAMPLES.min(data.train.len());
    let chosen: Vec<usize> = (0..limit).map(|index| data.train[index * data.train.len() / limit]).collect();
    let (answer, targets) = constant_answer(&objective, data, &chosen)?;
    let outputs: Vec<f32> = chosen.iter().flat_map(|_| answer.iter().copied()).collect();
    let loss = objective.loss(&outputs, &targets).mean() as f32;
    loss.is_finite().then_some(loss)
}

/// Returns the best constant outputs, and the targets of the `chosen` samples: the log of the class fractions as weighted by the
/// loss, the log odds of binary targets, or the mean of values.
fn constant_answer(objective: &Objective, data: &SplitDataset, chosen: &[usize]) -> Option<(Vec<f32>, BatchTargets)> {
    let count = chosen.len() as f32;
    match data.dataset.targets() {
        Targets::Classes { labels, class_names } => {
            let mut shares = vec![0.0; class_names.len()];
            chosen.iter().for_each(|&sample| shares[labels[sample] as usize] += 1.0 / count);
            weigh_classes(&mut shares, objective);
            let targets = BatchTargets::Classes(chosen.iter().map(|&sample| labels[sample]).collect());
            let outputs: Vec<f32> = match objective.probabilities() {
                Probabilities::OneClass => shares.iter().map(|&share| share.max(LEAST_SHARE).ln()).collect(),
                Probabilities::Independent => shares.iter().copied().map(log_odds).collect(),
                Probabilities::None => vec![0.0; shares.len()],
            };
            Some((outputs, targets))
        }
        Targets::Values { values, target_names } => {
            let width = target_names.len();
            let rows = chosen.iter().flat_map(|&sample| values[sample * width..(sample + 1) * width].iter().copied());
            let values: Vec<f32> = rows.collect();
            let mean = |target: usize| values.iter().skip(target).step_by(width).sum::<f32>() / count;
            let outputs = (0..width).map(|target| match (objective.scaling().get(target), objective.probabilities()) {
                (Some(scale), _) => (mean(target) - scale.mean) / scale.std,
                (None, Probabilities::Independent) => log_odds(mean(target)),
                (None, _) => mean(target),
            });
            Some((outputs.collect(), BatchTargets::Values(values)))
        }
        Targets::Unlabelled => None,
    }
}

/// Turns the fractions of the classes into the fractions of their terms in the loss: label smoothing spreads a part of each label
/// over all classes, and class weights multiply the terms.
fn weigh_classes(shares: &mut [f32], objective: &Objective) {
    let smoothing = match objective.loss_spec() {
        LossSpec::CrossEntropy { label_smoothing } => *label_smoothing,
        _ => 0.0,
    };
    let (weights, spread) = (objective.class_weights(), smoothing / shares.len() as f32);
    for (class, share) in shares.iter_mut().enumerate() {
        *share = weights.get(class).unwrap_or(&1.0) * ((1.0 - smoothing) * *share + spread);
    }
    let total = shares.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    shares.iter_mut().for_each(|share| *share /= total);
}

/// Returns the output whose sigmoid is `share`.
fn log_odds(share: f32) -> f32 {
    let share = share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
    (share / (1.0 - share)).ln()
}

/// Returns the names of the preprocessed features of a table; empty if a projection has mixed them.
fn feature_names(session: &Session) -> Vec<String> {
    let preprocessor = session.preprocessor();
    let mixed = preprocessor.steps().iter().any(|step| matches!(step, FittedStep::Projection { .. }));
    let names = session.data().dataset.feature_names();
    match mixed || preprocessor.output_shape().is_image() || preprocessor.output_shape().len() != names.len() {
        true => Vec::new(),
        false => names.to_vec(),
    }
}

/// Measures the training split of `session` after preprocessing, without augmentation.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub fn measure_data(session: &Session) -> Result<DataMeasurement, TrainError> {
    let data = session.data();
    let shape = session.preprocessor().output_shape();
    let limit = SAMPLES.min((VALUES / shape.len().max(1)).max(1)).min(data.train.len());
    let spread = (0..limit).map(|index| data.train[index * data.train.len() / limit]);
    let measured: Vec<usize> = spread.collect();
    let statistics = session.preprocessor().statistics(&data.dataset, &measured)?;
    let features = statistics.after.iter().map(|moments| FeatureStatistics {
        mean: moments.mean as f32,
        std: (moments.squared_deviations / moments.count.max(1) as f64).sqrt() as f32,
        range: Some((moments.min as f32, moments.max as f32)),
    });
    let mut measurement = DataMeasurement {
        samples: data.train.len() as u64,
        measured_samples: (limit < data.train.len()).then_some(limit as u64),
        features: features.collect(),
        feature_names: feature_names(session),
        preprocessing: session.preprocessor().steps().iter().map(|step| step.name().to_owned()).collect(),
        images: shape.is_image(),
        weighted_classes: !session.objective().class_weights().is_empty(),
        guessing_loss: guessing_loss(session),
        ..DataMeasurement::default()
    };
    match data.dataset.targets() {
        Targets::Classes { labels, class_names } => {
            measurement.class_names.clone_from(class_names);
            let counts = data.dataset.class_counts(&data.train);
            measurement.class_shares = counts.iter().map(|&count| count as f32 / data.train.len() as f32).collect();
            measurement.largest_label = data.train.iter().map(|&sample| u64::from(labels[sample])).max();
        }
        Targets::Values { values, target_names } => {
            let width = target_names.len();
            let mut range = (f32::INFINITY, f32::NEG_INFINITY);
            let scaling = session.objective().scaling();
            for row in data.train.iter().map(|&sample| &values[sample * width..(sample + 1) * width]) {
                for (target, value) in row.iter().enumerate() {
                    let scaled = scaling.get(target).map_or(*value, |scale| (value - scale.mean) / scale.std);
                    range = (range.0.min(scaled), range.1.max(scaled));
                    measurement.non_finite_targets += u64::from(!value.is_finite());
                }
            }
            measurement.target_range = Some(range);
            measurement.constant_targets = constant_targets(data);
        }
        Targets::Unlabelled => {}
    }
    inspect(session, &mut measurement)?;
    Ok(measurement)
}
