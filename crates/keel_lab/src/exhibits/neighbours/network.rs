//! Network of the exhibit, trained once per seed.

use keel_data::PreprocessStep;
use keel_nn::layers::BatchNormSpec;

use crate::error::LabError;
use crate::experiments::batch_normalisation::batch_norm_inference::networks::classifier;
use crate::experiments::batch_normalisation::batch_norm_inference::test_batches::OwnStatistics;
use crate::samples::{Digits, Part};
use crate::training::{Classifier, Schedule};

/// Number of units of each of the three hidden layers.
pub(super) const WIDTH: usize = 32;
/// Number of training steps.
pub(super) const STEPS: usize = 150;
/// Number of samples per training step.
const TRAINING_BATCH: usize = 64;
/// Sizes of the test batches compared; the last is the maximum batch size of the network.
const BATCHES: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, LARGEST];
const LARGEST: usize = 256;
/// Number of images drawn per neighbourhood.
const DRAWN: usize = 8;

/// A trained network with the images it is evaluated on.
pub(crate) struct Network {
    seed: u64,
    pub(super) classifier: Classifier,
    pub(super) test: Part,
    /// The same images before preprocessing.
    pixels: Part,
    pub(super) running_accuracy: f64,
    /// For each size of test batches.
    pub(super) own_statistics: Vec<OwnStatistics>,
}

impl Network {
    /// Returns the network of `seed`, reusing the one in memory if possible.
    ///
    /// # Errors
    /// Fails if the digits or the network cannot be created.
    pub(super) fn kept(memory: &mut Option<Self>, seed: u64) -> Result<&mut Self, LabError> {
        let network = match memory.take().filter(|network| network.seed == seed) {
            Some(network) => network,
            None => Self::train(seed)?,
        };
        Ok(memory.insert(network))
    }

    fn train(seed: u64) -> Result<Self, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let pixels = Digits::preprocessed(&[], seed)?.test;
        let mut classifier = classifier(WIDTH, BatchNormSpec::default(), LARGEST, seed)?;
        let schedule = Schedule { learning_rate: 0.05, momentum: 0.9, batch: TRAINING_BATCH, steps: STEPS };
        classifier.train(&digits.train, schedule);
        let test = digits.test;
        let running_accuracy = classifier.evaluate(&test).accuracy;
        let own_statistics =
            BATCHES.iter().map(|&batch| OwnStatistics::of(&mut classifier, &test, batch, seed)).collect();
        Ok(Network { seed, classifier, test, pixels, running_accuracy, own_statistics })
    }

    /// Returns the first of `images` before preprocessing.
    pub(super) fn pixels_of(&self, images: &[usize]) -> Vec<f32> {
        self.pixels.take(&images[..images.len().min(DRAWN)]).inputs
    }
}
