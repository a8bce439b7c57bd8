//! One image in different batches: its prediction with batch statistics and with fixed ones.

use std::collections::BTreeSet;

use keel_nn::RandomKey;
use keel_nn::layers::BatchNormSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::networks::{Networks, classifier};
use crate::error::LabError;
use crate::samples::{CLASSES, Order, Part};
use crate::training::answer;

/// Number of batches in which the image is evaluated.
pub(crate) const NEIGHBOURHOODS: u64 = 5;
/// Number of images in a batch, the image itself first.
const BATCH: usize = 8;
/// Number of images among which the displayed one is chosen.
const CANDIDATES: usize = 100;

/// One image in several batches.
#[derive(Serialize)]
pub(crate) struct OneImage {
    /// Number of the image in the test set.
    pub(crate) image: usize,
    pub(crate) label: u32,
    pub(crate) batch: usize,
    /// Share of the candidates whose prediction is not the same in all neighbourhoods.
    pub(crate) changing_fraction: f64,
    /// Probabilities of the classes with the running statistics, which do not depend on neighbours.
    pub(crate) fixed: Answer,
    pub(crate) neighbourhoods: Vec<Neighbourhood>,
}

/// The image in one batch.
#[derive(Serialize)]
pub(crate) struct Neighbourhood {
    /// Indices of the images, the image itself first.
    pub(crate) images: Vec<usize>,
    /// Classes of the images.
    pub(crate) labels: Vec<u32>,
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

/// Prediction of a network for the image.
#[derive(Clone, Serialize)]
pub(crate) struct Answer {
    pub(crate) answer: usize,
    pub(crate) probabilities: Vec<f64>,
}

impl OneImage {
    /// Finds the image with the largest number of different predictions.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(super) fn found(config: &Config, networks: &mut Networks, test: &Part, seed: u64) -> Result<Self, LabError> {
        let batch = BATCH.min(test.len());
        let mut own = classifier(config.width, BatchNormSpec::default(), batch, seed)?;
        own.network.parameters.copy_from_slice(&networks.moving_average.network.parameters);
        let company = Company { test, key: RandomKey::new(seed), batch, neighbours: Neighbours::Random };
        let mut look = |image: usize| company.look(image, 0, |samples| own.scores_with_own_statistics(&samples.inputs));
        let candidates = CANDIDATES.min(test.len());
        let (mut changing, mut best, mut shown) = (0, 0, None);
        for image in 0..candidates {
            let neighbourhoods = look(image);
            let answers = distinct_answers(&neighbourhoods);
            changing += usize::from(answers > 1);
            if answers > best {
                (best, shown) = (answers, Some((image, neighbourhoods)));
            }
        }
        let (image, neighbourhoods) = shown.unwrap_or_default();
        let fixed = networks.moving_average.scores(&test.take(&[image]).inputs);
        Ok(OneImage {
            image,
            label: test.labels[image],
            batch,
            changing_fraction: changing as f64 / candidates as f64,
            fixed: Answer::of(&fixed[..CLASSES]),
            neighbourhoods,
        })
    }
}

impl Answer {
    /// Returns the predicted class, and all scores as probabilities.
    pub(crate) fn of(scores: &[f32]) -> Self {
        let largest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f64> = scores.iter().map(|score| f64::from(score - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        Answer { answer: answer(scores), probabilities: powers.into_iter().map(|power| power / sum).collect() }
    }
}

/// Returns the number of different predictions.
pub(crate) fn distinct_answers(neighbourhoods: &[Neighbourhood]) -> usize {
    neighbourhoods.iter().map(|one| one.answer.answer).collect::<BTreeSet<usize>>().len()
}

/// Choice of the images that share a batch with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Neighbours {
    Random,
    SameClass,
}

/// Batches that contain an image.
pub(crate) struct Company<'a> {
    /// Images to choose from.
    pub(crate) test: &'a Part,
    /// Random key of the choice.
    pub(crate) key: RandomKey,
    /// Number of images in a batch, the image itself first.
    pub(crate) batch: usize,
    /// Choice of the other images.
    pub(crate) neighbours: Neighbours,
}

impl Company<'_> {
    /// Evaluates the image in the neighbourhoods of one `shuffle`; `scores` returns those of a whole batch.
    pub(crate) fn look(
        &self,
        image: usize,
        shuffle: u64,
        mut scores: impl FnMut(&Part) -> Vec<f32>,
    ) -> Vec<Neighbourhood> {
        let neighbourhood = |number: u64| {
            let images = self.images(image, shuffle * NEIGHBOURHOODS + number);
            let samples = self.test.take(&images);
            let answer = Answer::of(&scores(&samples)[..CLASSES]);
            Neighbourhood { images, labels: samples.labels, answer }
        };
        (0..NEIGHBOURHOODS).map(neighbourhood).collect()
    }

    /// Returns the number of images available as neighbours of `image`.
    pub(crate) fn choice(&self, image: usize) -> usize {
        (0..self.test.len()).filter(|&other| self.fits(image, other)).count()
    }

    /// Returns `image` and others in random order; they repeat if there are too few.
    fn images(&self, image: usize, number: u64) -> Vec<usize> {
        let (samples, key) = (self.test.len(), self.key.named("neighbourhoods").child(image as u64).child(number));
        let others: Vec<usize> =
            Order::new(samples, key).next(samples).into_iter().filter(|&other| self.fits(image, other)).collect();
        std::iter::once(image).chain(others.iter().copied().cycle()).take(self.batch).collect()
    }

    fn fits(&self, image: usize, other: usize) -> bool {
        let labels = &self.test.labels;
        other != image && (self.neighbours == Neighbours::Random || labels[other] == labels[image])
    }
}
