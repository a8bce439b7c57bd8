//! One image among different neighbours: its answer with the statistics of the batch it is in, and with fixed ones.

use keel_nn::RandomKey;
use keel_nn::layers::BatchNormSpec;
use serde::Serialize;

use super::Config;
use super::networks::{Networks, classifier};
use crate::error::LabError;
use crate::samples::{CLASSES, Order, Part};
use crate::training::answer;

/// Batches in which the image is looked at.
const NEIGHBOURHOODS: u64 = 5;
/// Images of a batch, the one in question first.
const BATCH: usize = 8;
/// Images among which the one that is shown is chosen.
const CANDIDATES: usize = 100;

/// One image in several batches.
#[derive(Serialize)]
pub(super) struct OneImage {
    /// Number of the image in the test set.
    pub(super) image: usize,
    pub(super) label: u32,
    pub(super) batch: usize,
    /// Share of the candidates whose answer is not the same in all neighbourhoods.
    pub(super) changing_fraction: f64,
    /// Probabilities of the classes with the running statistics, which no neighbour changes.
    pub(super) fixed: Answer,
    pub(super) neighbourhoods: Vec<Neighbourhood>,
}

/// The image in one batch.
#[derive(Serialize)]
pub(super) struct Neighbourhood {
    /// Numbers of the images, the one in question first.
    pub(super) images: Vec<usize>,
    /// Their classes.
    pub(super) labels: Vec<u32>,
    #[serde(flatten)]
    pub(super) answer: Answer,
}

/// Answer of a network for the image.
#[derive(Clone, Serialize)]
pub(super) struct Answer {
    pub(super) answer: usize,
    pub(super) probabilities: Vec<f64>,
}

impl OneImage {
    /// Finds the image with the largest number of different answers, and shows them.
    ///
    /// # Errors
    /// If the layers do not fit together.
    pub(super) fn found(config: &Config, networks: &mut Networks, test: &Part, seed: u64) -> Result<Self, LabError> {
        let batch = BATCH.min(test.len());
        let mut own = classifier(config, BatchNormSpec::default(), batch, seed)?;
        own.network.parameters.copy_from_slice(&networks.moving_average.network.parameters);
        let mut look = |image: usize| -> Vec<Neighbourhood> {
            (0..NEIGHBOURHOODS)
                .map(|number| {
                    let images = company(image, number, test.len(), RandomKey::new(seed), batch);
                    let Part { inputs, labels } = test.take(&images);
                    let scores = own.scores_with_own_statistics(&inputs);
                    Neighbourhood { images, labels, answer: Answer::of(&scores[..CLASSES]) }
                })
                .collect()
        };
        let candidates = CANDIDATES.min(test.len());
        let (mut changing, mut best, mut shown) = (0, 0, None);
        for image in 0..candidates {
            let neighbourhoods = look(image);
            let mut answers: Vec<usize> = neighbourhoods.iter().map(|one| one.answer.answer).collect();
            answers.sort_unstable();
            answers.dedup();
            changing += usize::from(answers.len() > 1);
            if answers.len() > best {
                (best, shown) = (answers.len(), Some((image, neighbourhoods)));
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
    /// The largest score, and all of them as probabilities.
    fn of(scores: &[f32]) -> Self {
        let largest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f64> = scores.iter().map(|score| f64::from(score - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        Answer { answer: answer(scores), probabilities: powers.into_iter().map(|power| power / sum).collect() }
    }
}

/// `image` and others drawn at random.
fn company(image: usize, number: u64, samples: usize, key: RandomKey, batch: usize) -> Vec<usize> {
    let key = key.named("neighbourhoods").child(image as u64).child(number);
    let others = Order::new(samples, key).next(samples).into_iter().filter(|&other| other != image);
    std::iter::once(image).chain(others).take(batch).collect()
}
