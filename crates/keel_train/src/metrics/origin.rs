//! Describes a sample: its origin, and for a table its most extreme value, which is the likely cause of an overflow.

use keel_data::{Dataset, SampleShape};

/// Magnitude from which a value is mentioned.
const EXTREME: f32 = 1e6;

/// Returns file, line or number of a sample; for a row of a table also its largest value, if that is extreme.
pub(crate) fn sample_words(dataset: &Dataset, sample: usize) -> String {
    let origin = dataset.provenance().describe(sample);
    let SampleShape::Features(features) = *dataset.sample_shape() else { return origin };
    let mut values = vec![0.0; features];
    if dataset.copy_sample(sample, &mut values).is_err() {
        return origin;
    }
    let sizes = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    match sizes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(&a.0))) {
        Some((feature, value)) if value.abs() >= EXTREME => {
            format!("{origin}: {} is {value:e}", dataset.feature_label(feature))
        }
        _ => origin,
    }
}

#[cfg(test)]
mod tests {
    use keel_data::{Inputs, Targets};

    use super::*;

    #[test]
    fn an_extreme_value_is_named_with_its_sample() {
        let inputs = Inputs::Floats(vec![1.0, 2.0, 3e38, -4.0]);
        let targets = Targets::Values { values: vec![0.0, 1.0], target_names: vec!["y".to_owned()] };
        let dataset = Dataset::from_memory("t", SampleShape::Features(2), inputs, targets).unwrap();
        let dataset = dataset.with_feature_names(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(sample_words(&dataset, 0), "sample 0");
        assert_eq!(sample_words(&dataset, 1), "sample 1: feature \"a\" is 3e38");
    }
}
