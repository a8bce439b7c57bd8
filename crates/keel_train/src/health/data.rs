//! What the training split looks like to the network.

use keel_data::{FittedStep, Targets};
use keel_health::measurement::{DataMeasurement, FeatureStatistics};

use super::inspection::inspect;
use crate::error::TrainError;
use crate::session::Session;

/// Samples whose values are looked at, evenly spread over the split; class shares are those of all samples.
const SAMPLES: usize = 4096;

/// Numbers read at most, so that large images take no longer.
const VALUES: usize = 16 * 1024 * 1024;

/// Names of the preprocessed features of a table; none where a projection has mixed them.
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
/// A sample that cannot be preprocessed.
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
        ..DataMeasurement::default()
    };
    match data.dataset.targets() {
        Targets::Classes { labels, .. } => {
            let counts = data.dataset.class_counts(&data.train);
            measurement.class_shares = counts.iter().map(|&count| count as f32 / data.train.len() as f32).collect();
            measurement.largest_label = data.train.iter().map(|&sample| u64::from(labels[sample])).max();
        }
        Targets::Values { values, target_names } => {
            let width = target_names.len();
            let mut range = (f32::INFINITY, f32::NEG_INFINITY);
            for value in data.train.iter().flat_map(|&sample| &values[sample * width..(sample + 1) * width]) {
                range = (range.0.min(*value), range.1.max(*value));
                measurement.non_finite_targets += u64::from(!value.is_finite());
            }
            measurement.target_range = Some(range);
        }
        Targets::Unlabelled => {}
    }
    inspect(session, &mut measurement)?;
    Ok(measurement)
}
