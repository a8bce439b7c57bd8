//! Rows that are copies and not equal by chance: they hold a number that only rows equal to them hold.

use super::features_of_columns;
use crate::dataset::{ColumnEncoding, Dataset, Inputs};
use crate::equal_samples::hash_of_inputs;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// Counts those of `rows`, each of which equals another row, that hold a number no different row of `dataset` holds.
pub(super) fn count(dataset: &Dataset, rows: &[usize]) -> usize {
    let Inputs::Floats(values) = dataset.inputs() else { return 0 };
    let length = dataset.sample_shape().len();
    if rows.is_empty() {
        return 0;
    }
    let own_numbers = |feature: &usize| -> Vec<usize> {
        let number = |row: usize| values[row * length + feature].to_bits();
        // The one kind of row that holds each number; `None` for a number of several.
        let mut holders: HashMap<u32, Option<u64>> =
            rows.iter().map(|&row| (number(row), Some(hash_of_inputs(dataset, row)))).collect();
        for row in 0..dataset.samples() {
            if let Some(holder) = holders.get_mut(&number(row))
                && holder.is_some_and(|hash| hash != hash_of_inputs(dataset, row))
            {
                *holder = None;
            }
        }
        rows.iter().copied().filter(|&row| holders[&number(row)].is_some()).collect()
    };
    let copies: Vec<Vec<usize>> = numbers(dataset).par_iter().map(own_numbers).collect();
    copies.into_iter().flatten().collect::<HashSet<usize>>().len()
}

/// The features that are numbers.
fn numbers(dataset: &Dataset) -> Vec<usize> {
    let features = features_of_columns(dataset).into_iter().enumerate();
    let is_number = |column: usize| {
        let columns = dataset.columns();
        columns.is_empty() || matches!(columns[column].encoding, ColumnEncoding::Number(_))
    };
    features.filter(|(column, features)| is_number(*column) && !features.is_empty()).map(|(_, f)| f.start).collect()
}
