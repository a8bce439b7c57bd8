//! Samples of the test and validation split that are in the training split, too.

use crate::dataset::{Dataset, Inputs};
use crate::split::SplitDataset;
use rayon::prelude::*;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Samples for each of which this many different ones have to be possible before equal ones are called duplicates.
const POSSIBLE_FOR_EACH: f64 = 10.0;
/// Different values of a feature that are counted.
const COUNTED: usize = 64;

impl SplitDataset {
    /// What the reader decided or left out, and what the division shows: sentences for a person.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.dataset.notes().to_vec();
        notes.extend(self.duplicates());
        notes
    }

    /// One sentence for each split with samples whose inputs are those of a training sample.
    ///
    /// Rows of few categories repeat by themselves: they are counted only where ten times as many different rows are
    /// possible as there are.
    fn duplicates(&self) -> Vec<String> {
        if self.train.is_empty()
            || self.test.is_empty() && self.validation.is_empty()
            || repeats_by_itself(&self.dataset)
        {
            return Vec::new();
        }
        let known: HashSet<u64> = self.train.par_iter().map(|&sample| hash(&self.dataset, sample)).collect();
        let what = if self.dataset.sample_shape().is_image() { "images" } else { "rows" };
        let parts = [("test", &self.test), ("validation", &self.validation)];
        let told = parts.into_iter().filter_map(|(name, samples)| {
            let count = samples.par_iter().filter(|&&sample| known.contains(&hash(&self.dataset, sample))).count();
            (count > 0).then(|| {
                format!(
                    "{count} of {} {name} {what} are also in training, value by value: with such duplicates the {name} \
                     result is better than that on new data",
                    samples.len()
                )
            })
        });
        told.collect()
    }
}

/// A number that equal inputs share; 64 bits, so that different ones do not by any likely chance.
fn hash(dataset: &Dataset, sample: usize) -> u64 {
    let length = dataset.sample_shape().len();
    let range = sample * length..(sample + 1) * length;
    let mut hasher = DefaultHasher::new();
    match dataset.inputs() {
        Inputs::Bytes(values) => values[range].hash(&mut hasher),
        Inputs::Floats(values) => values[range].iter().for_each(|value| value.to_bits().hash(&mut hasher)),
    }
    hasher.finish()
}

fn repeats_by_itself(dataset: &Dataset) -> bool {
    let Inputs::Floats(values) = dataset.inputs() else { return false };
    if dataset.sample_shape().is_image() {
        return false;
    }
    let length = dataset.sample_shape().len();
    let needed = POSSIBLE_FOR_EACH * dataset.samples() as f64;
    let mut possible = 1.0;
    for column in features_of_columns(dataset, length) {
        let mut different = HashSet::new();
        for row in values.chunks_exact(length) {
            different.insert(row[column.clone()].iter().map(|value| value.to_bits()).collect::<Vec<_>>());
            if different.len() == COUNTED {
                break;
            }
        }
        possible *= different.len() as f64;
        if possible >= needed {
            return false;
        }
    }
    true
}

/// The features of each column of a table; each feature by itself where there are no columns.
fn features_of_columns(dataset: &Dataset, length: usize) -> Vec<std::ops::Range<usize>> {
    if dataset.columns().is_empty() {
        return (0..length).map(|feature| feature..feature + 1).collect();
    }
    let mut start = 0;
    let widths = dataset.columns().iter().map(crate::dataset::TableColumn::features);
    widths
        .map(|width| {
            start += width;
            start - width..start
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{SampleShape, Targets};
    use crate::split::Split;

    fn notes(rows: Vec<f32>, features: usize) -> Vec<String> {
        let samples = rows.len() / features;
        let targets = Targets::Classes {
            labels: (0..samples).map(|sample| (sample % 2) as u32).collect(),
            class_names: vec!["a".into(), "b".into()],
        };
        let data = Dataset::from_memory("t", SampleShape::Features(features), Inputs::Floats(rows), targets).unwrap();
        data.split(Split { validation: 0.0, test: 0.25, seed: 1 }).unwrap().notes()
    }

    #[test]
    fn copies_across_the_splits_are_counted() {
        let row = |index: usize| [(index as f32).sin(), (index as f32).cos()];
        let different: Vec<f32> = (0..80).flat_map(row).collect();
        assert!(notes(different.clone(), 2).is_empty());
        let told = notes([different.clone(), different].concat(), 2);
        assert!(
            told.len() == 1 && told[0].contains("test rows are also in training") && told[0].contains("duplicates"),
            "{told:?}"
        );
    }

    #[test]
    fn rows_of_few_categories_repeat_by_themselves() {
        let rows = (0..200).flat_map(|index| [(index % 3) as f32, (index % 2) as f32]).collect();
        assert!(notes(rows, 2).is_empty());
    }
}
