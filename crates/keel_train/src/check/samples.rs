//! Samples that a check uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_data::{Batch, BatchOptions, BatchSource, Batches, Dataset, Position, Targets};

use crate::error::TrainError;
use crate::session::Session;

/// Number of candidates for each sample that is chosen for its distance from the others.
const CANDIDATES: usize = 5;

/// Maximum distance of two neighbours, relative to the median distance.
const NEIGHBOURS: f64 = 0.4;

/// Returns up to `count` training samples with different inputs, as evenly spread over the classes as possible, in the order of
/// the first epoch.
pub(super) fn distinct_samples(session: &Session, count: usize) -> Vec<usize> {
    let dataset = &session.data().dataset;
    let mut seen = Inputs::new(dataset);
    chosen(session, count, |sample| seen.insert(sample))
}

/// Returns samples like [`distinct_samples`], avoiding neighbours of chosen samples as long as others are left: neighbours with
/// different targets are noise in the data, and memorising them takes long.
///
/// # Errors
/// If samples cannot be read.
pub(super) fn samples_apart(session: &Session, count: usize) -> Result<Vec<usize>, TrainError> {
    let candidates = distinct_samples(session, CANDIDATES * count);
    let batch = batch_of(session, &candidates)?;
    let length = batch.inputs.len() / candidates.len().max(1);
    let input = |candidate: usize| &batch.inputs[candidate * length..][..length];
    let limit = NEIGHBOURS * median_distance(candidates.len(), &|a, b| distance(input(a), input(b)));
    let place: BTreeMap<usize, usize> = candidates.iter().enumerate().map(|(place, &sample)| (sample, place)).collect();
    let mut taken: Vec<usize> = Vec::new();
    let apart = chosen(session, count, |sample| {
        let Some(&candidate) = place.get(&sample) else { return false };
        let apart = taken.iter().all(|&other| distance(input(candidate), input(other)) > limit);
        if apart {
            taken.push(candidate);
        }
        apart
    });
    let left = candidates.iter().copied().filter(|sample| !apart.contains(sample));
    let filled: Vec<usize> = apart.iter().copied().chain(left).take(count).collect();
    Ok(filled)
}

/// Returns up to `count` training samples that `accept` accepts, as evenly spread over the classes as possible, in the order of
/// the first epoch.
fn chosen(session: &Session, count: usize, mut accept: impl FnMut(usize) -> bool) -> Vec<usize> {
    let dataset = &session.data().dataset;
    let order = session.training_batches().epoch_order(0);
    let classes = match dataset.targets() {
        Targets::Classes { .. } => dataset.class_names().len().max(1),
        _ => 1,
    };
    let mut chosen = Vec::new();
    // First an equal number of each class, then any that are left.
    for share in [count.div_ceil(classes), count] {
        let mut of_class = BTreeMap::new();
        for &sample in &order {
            if chosen.len() == count {
                return chosen;
            }
            let taken = of_class.entry(label(dataset, sample)).or_insert(0);
            if *taken < share && accept(sample) {
                chosen.push(sample);
                *taken += 1;
            }
        }
    }
    chosen
}

/// Returns the median distance of pairs of `count` candidates; 0 without a pair.
fn median_distance(count: usize, distance: &dyn Fn(usize, usize) -> f64) -> f64 {
    let pairs = (0..count).flat_map(|a| (0..a).map(move |b| distance(a, b)));
    let mut distances: Vec<f64> = pairs.collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(0.0)
}

fn distance(left: &[f32], right: &[f32]) -> f64 {
    let squares = left.iter().zip(right).map(|(left, right)| f64::from(left - right).powi(2));
    squares.sum::<f64>().sqrt()
}

/// Returns the samples `indices` as one batch, preprocessed and not augmented.
pub(super) fn batch_of(session: &Session, indices: &[usize]) -> Result<Batch, TrainError> {
    let (dataset, preprocessor) = (Arc::clone(&session.data().dataset), Arc::clone(session.preprocessor()));
    let source = BatchSource::new(dataset, indices, preprocessor, BatchOptions::in_order(indices.len()))?;
    let mut batches = Batches::new(source, Position::default());
    match batches.next() {
        Some(batch) => Ok(batch?.clone()),
        None => Ok(Batch::default()),
    }
}

fn label(dataset: &Dataset, sample: usize) -> u32 {
    match dataset.targets() {
        Targets::Classes { labels, .. } => labels[sample],
        _ => 0,
    }
}

/// Inputs seen so far, to skip a second sample with the same inputs.
struct Inputs<'a> {
    dataset: &'a Dataset,
    taken: Vec<Vec<f32>>,
    row: Vec<f32>,
}

impl<'a> Inputs<'a> {
    fn new(dataset: &'a Dataset) -> Self {
        Inputs { dataset, taken: Vec::new(), row: vec![0.0; dataset.sample_shape().len()] }
    }

    /// Returns true if the inputs of `sample` are new, and adds them.
    fn insert(&mut self, sample: usize) -> bool {
        let new = self.dataset.copy_sample(sample, &mut self.row).is_ok() && !self.taken.contains(&self.row);
        if new {
            self.taken.push(self.row.clone());
        }
        new
    }
}
