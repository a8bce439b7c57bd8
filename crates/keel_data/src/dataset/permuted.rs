//! Subsets of a dataset, and copies in which some features are exchanged between samples.

use std::ops::Range;
use std::sync::Arc;

use super::{Dataset, Inputs, Provenance, Targets};
use crate::error::DataError;

impl Dataset {
    /// Returns a dataset of the samples `indices`, in that order and renumbered.
    ///
    /// # Errors
    /// Fails with [`DataError::Peers`] if another process holds some of them and cannot answer.
    ///
    /// # Panics
    /// Panics if an index is outside the dataset.
    pub fn selected(&self, indices: &[usize]) -> Result<Dataset, DataError> {
        let inputs = Arc::new(self.inputs_of(indices)?);
        let targets = match &self.targets {
            Targets::Classes { labels, class_names } => {
                Targets::Classes { labels: rows(labels, 1, indices), class_names: class_names.clone() }
            }
            Targets::Values { values, target_names } => Targets::Values {
                values: rows(values, target_names.len(), indices),
                target_names: target_names.clone(),
            },
            Targets::Unlabelled => Targets::Unlabelled,
        };
        let weights = if self.weights.is_empty() { Vec::new() } else { rows(&self.weights, 1, indices) };
        let samples = indices.len();
        Ok(Dataset {
            inputs,
            holding: None,
            targets,
            weights,
            samples,
            division: None,
            provenance: Provenance::Numbered,
            ..self.clone()
        })
    }

    /// Returns a copy in which the values `features` of sample `i` are those of sample `order[i]`.
    ///
    /// # Panics
    /// Panics if an index is outside the dataset or the sample, or if other processes hold a part of the samples.
    pub fn with_features_of(&self, features: Range<usize>, order: &[usize]) -> Dataset {
        let length = self.sample_shape.len();
        let mut inputs = self.inputs.as_ref().clone();
        match (self.inputs.as_ref(), &mut inputs) {
            (Inputs::Bytes(from), Inputs::Bytes(to)) => exchange(from, to, length, &features, order),
            (Inputs::Floats(from), Inputs::Floats(to)) => exchange(from, to, length, &features, order),
            _ => {}
        }
        Dataset { inputs: Arc::new(inputs), ..self.clone() }
    }
}

fn rows<T: Copy>(values: &[T], length: usize, indices: &[usize]) -> Vec<T> {
    indices.iter().flat_map(|&row| &values[row * length..(row + 1) * length]).copied().collect()
}

fn exchange<T: Copy>(from: &[T], to: &mut [T], length: usize, features: &Range<usize>, order: &[usize]) {
    for (row, &source) in to.chunks_exact_mut(length).zip(order) {
        row[features.clone()].copy_from_slice(&from[source * length..][features.clone()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleShape;

    #[test]
    fn features_are_exchanged_and_all_else_stays() {
        let inputs = Inputs::Floats((0..12).map(|value| value as f32).collect());
        let targets = Targets::Values { values: vec![0.0, 1.0, 2.0, 3.0], target_names: vec!["y".to_owned()] };
        let dataset = Dataset::from_memory("t", SampleShape::Features(3), inputs, targets).unwrap();
        let part = dataset.selected(&[3, 1]).unwrap();
        assert_eq!(part.inputs(), &Inputs::Floats(vec![9.0, 10.0, 11.0, 3.0, 4.0, 5.0]));
        let Targets::Values { values, .. } = part.targets() else { panic!("values") };
        assert_eq!((values.as_slice(), part.samples()), (&[3.0, 1.0][..], 2));
        let exchanged = part.with_features_of(1..3, &[1, 0]);
        assert_eq!(exchanged.inputs(), &Inputs::Floats(vec![9.0, 4.0, 5.0, 3.0, 10.0, 11.0]));
        assert_eq!(exchanged.targets(), part.targets());
    }
}
