//! Inputs of a model compared with its training inputs, with the findings of the health rules.

use std::collections::HashMap;

use keel_data::{Dataset, TrainingRanges};
use keel_health::measurement::{InputsMeasurement, ModelDescription, UnlikeColumn};
use keel_health::{Finding, Monitor};

/// Counts the samples given to a model that differ from its training data.
#[derive(Debug)]
pub struct UnlikeInputs<'a> {
    ranges: &'a TrainingRanges,
    measurement: InputsMeasurement,
    /// Index of each column in the measurement.
    places: HashMap<String, usize>,
}

impl<'a> UnlikeInputs<'a> {
    /// Creates a comparison with `ranges`, the training ranges of the model.
    pub fn new(ranges: &'a TrainingRanges) -> Self {
        UnlikeInputs { ranges, measurement: InputsMeasurement::default(), places: HashMap::new() }
    }

    /// Adds the samples `indices` of `dataset`.
    pub fn add(&mut self, dataset: &Dataset, indices: impl IntoIterator<Item = usize>) {
        let UnlikeInputs { ranges, measurement, places } = self;
        measurement.images = dataset.sample_shape().is_image();
        for sample in indices {
            measurement.samples += 1;
            let unlike = ranges.unlike(dataset, sample);
            measurement.unlike += u64::from(!unlike.is_empty());
            for value in unlike {
                let columns = &mut measurement.columns;
                let place = *places.entry(value.name.clone()).or_insert_with(|| {
                    columns.push(UnlikeColumn {
                        name: value.name.clone(),
                        samples: 0,
                        first: dataset.provenance().describe(sample),
                        value: value.value,
                        training: (value.training.min, value.training.max),
                    });
                    columns.len() - 1
                });
                columns[place].samples += 1;
            }
        }
    }

    /// Returns the findings of the health rules about all samples added.
    pub fn findings(mut self) -> Vec<Finding> {
        self.measurement.columns.sort_by_key(|column| std::cmp::Reverse(column.samples));
        Monitor::new(ModelDescription::default()).inputs(self.measurement)
    }
}

#[cfg(test)]
mod tests {
    use keel_data::{Inputs, SampleShape, Targets};

    use super::*;

    #[test]
    fn the_worst_column_is_named_first() {
        let table = |values: Vec<f32>| {
            let shape = SampleShape::Features(2);
            let data = Dataset::from_memory("t", shape, Inputs::Floats(values), Targets::Unlabelled).unwrap();
            data.with_feature_names(vec!["a".to_owned(), "b".to_owned()]).unwrap()
        };
        let training = table((0..40).map(|value| (value / 2) as f32).collect());
        let ranges = TrainingRanges::of(&training, &(0..20).collect::<Vec<_>>()).unwrap();
        let new = table(vec![1.0, 900.0, 900.0, 900.0, 3.0, 3.0]);
        let mut inputs = UnlikeInputs::new(&ranges);
        inputs.add(&new, 0..3);
        inputs.add(&training, 0..20);
        let findings = inputs.findings();
        let expected = "2 of 23 rows (8.7 %, limit 5 %) have values unlike the training data: b (sample 0: 900, training 0 \
                        to 19), a (sample 1: 900, training 0 to 19)";
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, expected);
        let mut like = UnlikeInputs::new(&ranges);
        like.add(&training, 0..20);
        assert!(like.findings().is_empty());
    }
}
