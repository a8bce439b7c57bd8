//! Real labelled images: the embedded digits and photographs, or a folder or file given by the reader.

use std::path::Path;
use std::sync::Arc;

use keel_data::{
    DataConfig, Dataset, PreprocessScratch, PreprocessStep, Preprocessor, SampleShape, Split, SplitDataset, Targets,
    load,
};
use keel_nn::{RandomKey, Shape};

use super::PHOTOGRAPHS;
use super::part::{Part, Parts};
use super::photographs::photographs;
use super::task::Task;
use crate::error::LabError;

/// Labelled images, divided into a training and a test part.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    split: SplitDataset,
}

impl Images {
    /// Returns the embedded digits.
    ///
    /// # Errors
    /// Fails if the split leaves nothing for training.
    pub(crate) fn digits(split: Split) -> Result<Self, LabError> {
        Ok(Images { split: split.divide(Arc::new(Dataset::digits()?))? })
    }

    /// Returns tiles of the embedded photographs.
    ///
    /// # Errors
    /// Fails if the split leaves nothing for training.
    pub(crate) fn photographs(split: Split) -> Result<Self, LabError> {
        Ok(Images { split: split.divide(Arc::new(photographs()?))? })
    }

    /// Loads `photographs`, `digits`, or the path `source`: a folder of class folders, CIFAR-10 binaries, or an IDX
    /// pair. If there are more than `samples` training or test images, a random selection is used. Both parts are
    /// shuffled, so that their first images cover all classes.
    ///
    /// # Errors
    /// Fails if the source cannot be read or contains no labelled images.
    pub(crate) fn load(source: &str, samples: usize, seed: u64) -> Result<Self, LabError> {
        let config = DataConfig { validation: 0.0, ..DataConfig::of_source(source) };
        let dataset = if source == PHOTOGRAPHS { photographs()? } else { load(&config, Path::new("."))? };
        let labelled = matches!(dataset.targets(), Targets::Classes { .. });
        if !dataset.sample_shape().is_image() || !labelled {
            return Err(LabError::NoImages { source_name: source.to_owned() });
        }
        let division = Split { seed, validation: config.validation, test: config.test };
        let mut split = division.divide(Arc::new(dataset))?;
        let key = RandomKey::new(seed).named("images");
        for (part, name) in [(&mut split.train, "train"), (&mut split.test, "test")] {
            let key = key.named(name);
            part.sort_by_key(|&sample| key.bits(sample as u64));
            part.truncate(samples);
        }
        Ok(Images { split })
    }

    /// Returns the name of each class.
    pub(crate) fn class_names(&self) -> &[String] {
        match self.split.dataset.targets() {
            Targets::Classes { class_names, .. } => class_names,
            Targets::Values { .. } | Targets::Unlabelled => &[],
        }
    }

    /// Returns the shape of an image and the number of classes.
    pub(crate) fn task(&self) -> Task {
        let input = match *self.split.dataset.sample_shape() {
            SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
            SampleShape::Features(features) => Shape::Features(features),
        };
        Task { input, classes: self.split.dataset.outputs() }
    }

    /// Returns both parts with `steps` fitted on the training part.
    ///
    /// # Errors
    /// Fails if a step cannot be fitted.
    pub(crate) fn preprocessed(&self, steps: &[PreprocessStep]) -> Result<Parts, LabError> {
        let preprocessor = Preprocessor::fit(&self.split.dataset, &self.split.train, steps)?;
        let part = |indices: &[usize]| self.part(&preprocessor, indices);
        Ok(Parts { train: part(&self.split.train)?, test: part(&self.split.test)? })
    }

    fn part(&self, preprocessor: &Preprocessor, indices: &[usize]) -> Result<Part, LabError> {
        let Targets::Classes { labels, .. } = self.split.dataset.targets() else {
            unreachable!("only labelled images are taken")
        };
        let mut inputs = vec![0.0; indices.len() * preprocessor.output_shape().len()];
        preprocessor.gather(&self.split.dataset, indices, &mut inputs, &mut PreprocessScratch::default())?;
        Ok(Part { inputs, labels: indices.iter().map(|&index| labels[index]).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_sorted_by_class_is_sampled_over_all_classes() {
        let parts = Images::load(PHOTOGRAPHS, 400, 3).unwrap().preprocessed(&[]).unwrap();
        assert_eq!((parts.train.len(), parts.test.len()), (400, 400));
        let first: std::collections::BTreeSet<u32> = parts.train.labels[..50].iter().copied().collect();
        assert!(first.len() >= 7, "{first:?}");
        assert_eq!(parts.train.one_of_each(8).labels, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
