//! Real images with labels: the embedded digits, or a folder or file the reader names.

use std::path::Path;
use std::sync::Arc;

use keel_data::{
    DataConfig, Dataset, PreprocessScratch, PreprocessStep, Preprocessor, SampleShape, Split, SplitDataset, Targets,
    load,
};
use keel_nn::{RandomKey, Shape};

use super::part::{Part, Parts};
use super::task::Task;
use crate::error::LabError;

/// Labelled images, divided into a part to train on and a part to test on.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    split: SplitDataset,
}

impl Images {
    /// The embedded digits.
    ///
    /// # Errors
    /// If the division leaves nothing to train on.
    pub(crate) fn digits(split: Split) -> Result<Self, LabError> {
        Ok(Images { split: split.divide(Arc::new(Dataset::digits()?))? })
    }

    /// `digits`, or what `source` names: a folder of class folders, CIFAR-10 binaries, an IDX pair. Of more than
    /// `samples` training or test images a random choice is taken.
    ///
    /// # Errors
    /// If the source cannot be read, or holds no labelled images.
    pub(crate) fn load(source: &str, samples: usize, seed: u64) -> Result<Self, LabError> {
        let config = DataConfig { validation: 0.0, ..DataConfig::of_source(source) };
        let dataset = load(&config, Path::new("."))?;
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
            part.sort_unstable();
        }
        Ok(Images { split })
    }

    /// The shape of an image and the number of classes.
    pub(crate) fn task(&self) -> Task {
        let input = match *self.split.dataset.sample_shape() {
            SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
            SampleShape::Features(features) => Shape::Features(features),
        };
        Task { input, classes: self.split.dataset.outputs() }
    }

    /// Both parts with `steps` fitted on the training part.
    ///
    /// # Errors
    /// If a step cannot be fitted.
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
