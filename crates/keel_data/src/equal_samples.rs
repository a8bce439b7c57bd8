//! Samples with equal inputs.

use crate::dataset::Dataset;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Index of the first sample with equal inputs, for every sample of a dataset.
#[derive(Debug)]
pub(crate) struct EqualSamples {
    first: Vec<usize>,
}

impl EqualSamples {
    /// Compares all samples of `dataset`.
    pub(crate) fn of(dataset: &Dataset) -> Self {
        let hashes: Vec<u64> =
            (0..dataset.samples()).into_par_iter().map(|sample| hash_of_inputs(dataset, sample)).collect();
        let mut known = HashMap::new();
        let first = hashes.into_iter().enumerate().map(|(sample, hash)| *known.entry(hash).or_insert(sample));
        Self { first: first.collect() }
    }

    /// Groups equal samples among `indices`, in the order of their first members.
    pub(crate) fn groups(&self, indices: &[usize]) -> BTreeMap<usize, Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &sample in indices {
            groups.entry(self.first[sample]).or_default().push(sample);
        }
        groups
    }

    /// Removes from `indices` the samples that equal one of `others`.
    pub(crate) fn leave_out(&self, indices: &mut Vec<usize>, others: &[usize]) {
        let taken: HashSet<usize> = others.iter().map(|&sample| self.first[sample]).collect();
        indices.retain(|&sample| !taken.contains(&self.first[sample]));
    }
}

/// Returns a hash that equal inputs share.
pub(crate) fn hash_of_inputs(dataset: &Dataset, sample: usize) -> u64 {
    if let Some(holding) = dataset.holding() {
        return holding.hash(sample);
    }
    // Only a process that holds a part of the samples can fail to return a row.
    dataset.rows(&[sample]).map_or(0, |rows| rows.row(0).hash())
}
