//! Samples of the validation and test splits that also occur in the training split.

use super::{copies, features_of_columns, near_images, near_rows, spread};
use crate::dataset::Dataset;
use crate::equal_samples::hash_of_inputs;
use crate::error::DataError;
use crate::split::SplitDataset;
use rayon::prelude::*;
use std::collections::HashSet;

/// Minimum ratio of possible distinct rows to samples for equal rows to count as duplicates.
const POSSIBLE_FOR_EACH: f64 = 10.0;
/// Maximum number of distinct values counted per feature.
const COUNTED: usize = 64;
/// Maximum number of samples of a split compared for near duplicates, evenly spaced.
const COMPARED: usize = 1_000;

/// Duplicates between one split and the training split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitDuplicates {
    /// `test` or `validation`.
    pub split: &'static str,
    /// Number of samples of the split.
    pub samples: usize,
    /// Number of samples whose inputs equal those of a training sample value by value; table rows only if they contain
    /// a number found in no other row.
    pub exact: usize,
    /// Number of samples compared for `near`, evenly spaced over the split.
    pub compared: usize,
    /// Number of compared samples that nearly, but not exactly, equal a training sample.
    pub near: usize,
}

impl SplitDataset {
    /// Finds the duplicates of each non-empty split. Near duplicates are searched for among up to 1,000 samples of a
    /// split and up to 60,000 images or 20,000 rows of the training split, all evenly spaced.
    ///
    /// Rows of few categories repeat by chance. They are counted only if at least ten times as many distinct rows are
    /// possible as there are samples, and if one of their numbers occurs in no other row, as would be expected of a new
    /// row.
    ///
    /// # Errors
    /// Fails if a process that holds a part of the samples cannot answer.
    pub fn duplicates(&self) -> Result<Vec<SplitDuplicates>, DataError> {
        self.compare(COMPARED)
    }

    /// Returns one sentence for each split with samples whose inputs equal those of a training sample.
    ///
    /// # Errors
    /// Fails under the same conditions as [`SplitDataset::duplicates`].
    pub fn duplicate_notes(&self) -> Result<Vec<String>, DataError> {
        let what = if self.dataset.sample_shape().is_image() { "images" } else { "rows" };
        let found = self.compare(0)?.into_iter().filter(|found| found.exact > 0);
        let sentences = found.map(|SplitDuplicates { split, samples, exact, .. }| {
            format!(
                "{exact} of {samples} {split} {what} are also in training, value by value: with such duplicates the \
                 {split} result is better than that on new data"
            )
        });
        Ok(sentences.collect())
    }

    fn compare(&self, compared: usize) -> Result<Vec<SplitDuplicates>, DataError> {
        let parts = [("test", &self.test), ("validation", &self.validation)];
        let present: Vec<_> = parts.into_iter().filter(|(_, samples)| !samples.is_empty()).collect();
        if self.train.is_empty() || present.is_empty() || repeats_by_itself(&self.dataset)? {
            return Ok(Vec::new());
        }
        let dataset = &self.dataset;
        let known: HashSet<u64> = self.train.par_iter().map(|&sample| hash_of_inputs(dataset, sample)).collect();
        let is_known = |sample: usize| known.contains(&hash_of_inputs(dataset, sample));
        let found = present.into_iter().map(|(split, samples)| {
            let equal: Vec<usize> = samples.par_iter().copied().filter(|&sample| is_known(sample)).collect();
            let exact = match dataset.sample_shape().is_image() {
                true => equal.len(),
                false => copies::count(dataset, &equal)?,
            };
            let candidates = spread(samples, compared);
            let new: Vec<usize> = candidates.iter().copied().filter(|&sample| !is_known(sample)).collect();
            let near = match dataset.sample_shape().is_image() {
                true => near_images::count(dataset, &self.train, &new)?,
                false => near_rows::count(dataset, &self.train, &new)?,
            };
            Ok(SplitDuplicates { split, samples: samples.len(), exact, compared: candidates.len(), near })
        });
        found.collect()
    }
}

/// Number of rows processed at a time.
const CHUNK: usize = 1_024;

fn repeats_by_itself(dataset: &Dataset) -> Result<bool, DataError> {
    if dataset.sample_shape().is_image() {
        return Ok(false);
    }
    let all: Vec<usize> = (0..dataset.samples()).collect();
    let columns = features_of_columns(dataset);
    let mut different = vec![HashSet::new(); columns.len()];
    for chunk in all.chunks(CHUNK) {
        let rows = dataset.rows(chunk)?;
        for (different, column) in different.iter_mut().zip(&columns) {
            for row in rows.iter() {
                if different.len() == COUNTED {
                    break;
                }
                let values = column.clone().map(|feature| row.value(feature).to_bits());
                different.insert(values.collect::<Vec<_>>());
            }
        }
        let possible: f64 = different.iter().map(|different| different.len() as f64).product();
        if possible >= POSSIBLE_FOR_EACH * dataset.samples() as f64 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Inputs, SampleShape, Targets};
    use crate::random::{Purpose, normal, stream};
    use crate::split::Split;

    const SPLIT: Split = Split { validation: 0.0, test: 0.25, seed: 1 };

    fn divided(rows: Vec<f32>, shape: SampleShape) -> SplitDataset {
        let samples = rows.len() / shape.len();
        let targets = Targets::Classes {
            labels: (0..samples).map(|sample| (sample % 2) as u32).collect(),
            class_names: vec!["a".into(), "b".into()],
        };
        Dataset::from_memory("t", shape, Inputs::Floats(rows), targets).unwrap().split(SPLIT).unwrap()
    }

    fn of_rows(rows: Vec<f32>, features: usize) -> SplitDataset {
        divided(rows, SampleShape::Features(features))
    }

    fn noise(count: usize) -> Vec<f32> {
        let mut stream = stream(3, Purpose::Synthetic, 0, 0);
        (0..count).map(|_| normal(&mut stream) as f32).collect()
    }

    #[test]
    fn copies_across_the_splits_are_counted() {
        let row = |index: usize| [(index as f32).sin(), (index as f32).cos()];
        let different: Vec<f32> = (0..80).flat_map(row).collect();
        let split = of_rows(different.clone(), 2);
        assert_eq!((split.duplicates().unwrap()[0].exact, split.duplicate_notes().unwrap().len()), (0, 0));
        let split = of_rows([different.clone(), different].concat(), 2);
        let found = split.duplicates().unwrap();
        assert!(found.len() == 1 && found[0].exact > 20 && found[0].samples == 40, "{found:?}");
        let told = split.duplicate_notes().unwrap();
        assert!(told.len() == 1 && told[0].contains("test rows are also in training"), "{told:?}");
    }

    #[test]
    fn rows_of_few_categories_repeat_by_themselves() {
        let rows = (0..200).flat_map(|index| [(index % 3) as f32, (index % 2) as f32]).collect();
        assert!(of_rows(rows, 2).duplicates().unwrap().is_empty());
    }

    #[test]
    fn rows_of_common_numbers_repeat_by_themselves() {
        // Ages, years and hours: every number occurs in many rows, and some rows are equal.
        let rows = |tell: f32| -> Vec<f32> {
            let row =
                |index: usize| [(index % 70) as f32, (index % 50) as f32, (index % 31) as f32, tell * index as f32];
            (0..300).chain(0..300).flat_map(row).collect()
        };
        assert_eq!(of_rows(rows(0.0), 4).duplicates().unwrap()[0].exact, 0);
        assert!(of_rows(rows(0.37), 4).duplicates().unwrap()[0].exact > 50);
    }

    #[test]
    fn rows_with_one_other_value_or_fewer_digits_are_near() {
        let rows = noise(200 * 8);
        let near = |rows: &[f32]| of_rows(rows.to_vec(), 8).duplicates().unwrap()[0].near;
        assert_eq!(near(&rows), 0);
        let changed = |change: &dyn Fn(usize, f32) -> f32| -> Vec<f32> {
            let copies = rows.iter().enumerate().map(|(index, &value)| change(index % 8, value));
            rows.iter().copied().chain(copies).collect()
        };
        assert!(near(&changed(&|column, value| if column == 3 { value + 1.0 } else { value })) > 50);
        assert!(near(&changed(&|_, value| value + 2e-4)) > 50);
        // With two changed values, or every value slightly changed, it is another row.
        assert_eq!(near(&changed(&|column, value| if column < 2 { value + 1.0 } else { value })), 0);
        assert_eq!(near(&changed(&|_, value| value + 5e-3)), 0);
    }

    #[test]
    fn rows_of_zeros_and_categories_are_not_near() {
        // Columns with the same value in nearly all rows agree by chance.
        let mut rows = noise(400 * 8);
        for (index, value) in rows.iter_mut().enumerate() {
            if index % 8 > 2 {
                *value = if (index / 8) % 40 == 0 { *value } else { 0.0 };
            }
        }
        assert_eq!(of_rows(rows, 8).duplicates().unwrap()[0].near, 0);
    }

    #[test]
    fn images_brighter_or_with_noise_are_near_and_others_are_not() {
        let shape = SampleShape::Image { height: 16, width: 16, channels: 1 };
        let images = noise(60 * 256);
        let near = |images: Vec<f32>| divided(images, shape).duplicates().unwrap()[0].near;
        assert_eq!(near(images.clone()), 0);
        let with = |change: &dyn Fn(f32) -> f32| [images.clone(), images.iter().map(|&v| change(v)).collect()].concat();
        assert!(near(with(&|value| 1.2 * value + 0.1)) > 10);
        assert!(near(with(&|value| value + 0.01 * (100.0 * value).sin())) > 10);
        assert_eq!(near(with(&|value| value + 0.5 * (100.0 * value).sin())), 0);
    }

    #[test]
    fn different_digits_are_not_near() {
        let found = Dataset::digits().unwrap().split(SPLIT).unwrap().duplicates().unwrap();
        assert_eq!((found[0].exact, found[0].near, found[0].compared), (0, 0, 449));
    }
}
