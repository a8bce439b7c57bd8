//! The samples a check runs on.

use std::collections::BTreeMap;
use std::sync::Arc;

use keel_data::{Batch, BatchOptions, BatchSource, Batches, Dataset, Position, Targets};

use crate::error::TrainError;
use crate::session::Session;

/// Up to `count` training samples with different inputs, as evenly spread over the classes as the data allow, in the
/// order of the first epoch.
pub(super) fn distinct_samples(session: &Session, count: usize) -> Vec<usize> {
    let dataset = &session.data().dataset;
    let order = session.training_batches().epoch_order(0);
    let classes = match dataset.targets() {
        Targets::Classes { .. } => dataset.class_names().len().max(1),
        _ => 1,
    };
    let (mut chosen, mut seen) = (Vec::new(), Inputs::new(dataset));
    // First a fair share of each class, then whatever there is.
    for share in [count.div_ceil(classes), count] {
        let mut of_class = BTreeMap::new();
        for &sample in &order {
            if chosen.len() == count {
                return chosen;
            }
            let class = label(dataset, sample);
            let taken = of_class.entry(class).or_insert(0);
            if *taken < share && seen.insert(sample) {
                chosen.push(sample);
                *taken += 1;
            }
        }
    }
    chosen
}

/// Samples `indices` as one batch, preprocessed and not augmented.
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

/// Inputs met so far, to leave out a second sample with the same ones.
struct Inputs<'a> {
    dataset: &'a Dataset,
    taken: Vec<Vec<f32>>,
    row: Vec<f32>,
}

impl<'a> Inputs<'a> {
    fn new(dataset: &'a Dataset) -> Self {
        Inputs { dataset, taken: Vec::new(), row: vec![0.0; dataset.sample_shape().len()] }
    }

    /// Whether the inputs of `sample` are new; they are not any more.
    fn insert(&mut self, sample: usize) -> bool {
        self.dataset.copy_sample(sample, &mut self.row);
        let new = !self.taken.contains(&self.row);
        if new {
            self.taken.push(self.row.clone());
        }
        new
    }
}
