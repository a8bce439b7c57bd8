//! Datasets from data in a program's memory.

use super::{Dataset, Imputation, Inputs, SampleShape, Targets};
use crate::error::DataError;

impl Dataset {
    /// Creates a dataset from images in memory, each `[height, width, channels]` bytes, according to `shape`.
    ///
    /// # Errors
    /// Fails if an image has another length, and under the same conditions as [`Dataset::from_memory`].
    pub fn from_images<Image: AsRef<[u8]>>(
        name: impl Into<String>,
        shape: [usize; 3],
        images: impl IntoIterator<Item = Image>,
        targets: Targets,
    ) -> Result<Self, DataError> {
        let [height, width, channels] = shape;
        let sample_shape = SampleShape::Image { height, width, channels };
        let mut bytes = Vec::new();
        for (index, image) in images.into_iter().enumerate() {
            let image = image.as_ref();
            if image.len() != sample_shape.len() {
                return Err(DataError::shape(&format!("bytes of image {index}"), sample_shape.len(), image.len()));
            }
            bytes.extend_from_slice(image);
        }
        Self::from_memory(name, sample_shape, Inputs::Bytes(bytes), targets)
    }

    /// Creates a dataset from rows of `features` numbers, `[samples, features]`, in which NaN marks a missing value.
    /// `imputation` selects its replacement, which is fitted on the training split.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Dataset::from_memory`], including for infinite values, and for NaN if
    /// `imputation` is `error`.
    pub fn from_memory_with_missing(
        name: impl Into<String>,
        features: usize,
        values: Vec<f32>,
        targets: Targets,
        imputation: Imputation,
    ) -> Result<Self, DataError> {
        Self::unchecked(name, SampleShape::Features(features), Inputs::Floats(values), targets)?
            .with_imputation(imputation)
            .checked()
    }
}

impl Targets {
    /// Creates class targets from names or numbers, one per sample. The classes are the distinct values, sorted by
    /// name; names that are all whole numbers are sorted as numbers.
    pub fn classes<Label: ToString>(labels: impl IntoIterator<Item = Label>) -> Self {
        let labels: Vec<String> = labels.into_iter().map(|label| label.to_string()).collect();
        let mut class_names = labels.clone();
        let numbers: Option<Vec<i64>> = labels.iter().map(|label| label.parse().ok()).collect();
        match numbers {
            Some(_) => class_names.sort_by_key(|name| (name.parse::<i64>().unwrap_or_default(), name.clone())),
            None => class_names.sort(),
        }
        class_names.dedup();
        let numbers: std::collections::BTreeMap<&str, u32> =
            class_names.iter().zip(0..).map(|(name, number)| (name.as_str(), number)).collect();
        let labels = labels.iter().map(|label| numbers[label.as_str()]).collect();
        Targets::Classes { labels, class_names }
    }

    /// Creates numeric targets, one per sample, called `name`.
    pub fn values(name: impl Into<String>, values: impl IntoIterator<Item = f32>) -> Self {
        Targets::Values { values: values.into_iter().collect(), target_names: vec![name.into()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbered_by_name_or_as_numbers() {
        let cases: [(&[&str], &[u32], &[&str]); 3] = [
            (&["dog", "cat", "dog"], &[1, 0, 1], &["cat", "dog"]),
            (&["10", "9", "10"], &[1, 0, 1], &["9", "10"]),
            (&["10", "9", "x"], &[0, 1, 2], &["10", "9", "x"]),
        ];
        for (given, expected, names) in cases {
            let Targets::Classes { labels, class_names } = Targets::classes(given) else { panic!("{given:?}") };
            assert_eq!((labels.as_slice(), class_names.as_slice()), (expected, &names.map_to_strings()[..]));
        }
        let Targets::Classes { class_names, .. } = Targets::classes([3_u8, 1, 3]) else {
            panic!("numbers are classes")
        };
        assert_eq!(class_names, ["1", "3"]);
    }

    trait MapToStrings {
        fn map_to_strings(&self) -> Vec<String>;
    }

    impl MapToStrings for &[&str] {
        fn map_to_strings(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_string()).collect()
        }
    }

    #[test]
    fn images_keep_their_shape_and_wrong_ones_are_named() {
        let images = [[1_u8; 12], [2; 12]];
        let data = Dataset::from_images("tiles", [2, 2, 3], images, Targets::classes(["a", "b"])).unwrap();
        assert_eq!((data.samples(), data.sample_shape().len()), (2, 12));
        let wrong = [vec![1_u8; 12], vec![1; 11]];
        let message = Dataset::from_images("tiles", [2, 2, 3], wrong, Targets::classes(["a", "b"])).unwrap_err();
        assert_eq!(message.to_string(), "bytes of image 1: expected 12, found 11");
    }

    #[test]
    fn missing_numbers_are_allowed_where_something_stands_in_for_them() {
        let of = |values: &[f32], imputation| {
            let targets = Targets::values("y", [1.0, 2.0]);
            Dataset::from_memory_with_missing("numbers", 2, values.to_vec(), targets, imputation)
        };
        assert!(of(&[1.0, f32::NAN, 2.0, 3.0], Imputation::Mean).is_ok());
        assert!(of(&[1.0, f32::NAN, 2.0, 3.0], Imputation::Error).is_err());
        assert!(of(&[1.0, f32::INFINITY, 2.0, 3.0], Imputation::Mean).is_err());
    }
}
