//! Rows that are copies rather than equal by chance: they contain a number found only in rows equal to them.

use super::features_of_columns;
use crate::dataset::{ColumnEncoding, Dataset};
use crate::equal_samples::hash_of_inputs;
use crate::error::DataError;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// Number of rows processed at a time.
const CHUNK: usize = 4_096;

/// Counts the `rows` that contain a number found in no different row of `dataset`. Each of `rows` equals another row.
///
/// # Errors
/// Fails if a process that holds a part of the rows cannot answer.
pub(super) fn count(dataset: &Dataset, rows: &[usize]) -> Result<usize, DataError> {
    if rows.is_empty() || dataset.sample_shape().is_image() {
        return Ok(0);
    }
    let features = numbers(dataset);
    let candidates = dataset.rows(rows)?;
    // For each feature, maps each number to the only distinct row that contains it, or to `None` if several rows do.
    let kinds = |feature: &usize| -> HashMap<u32, Option<u64>> {
        let number = |place: usize| candidates.row(place).value(*feature).to_bits();
        rows.iter().enumerate().map(|(place, &row)| (number(place), Some(hash_of_inputs(dataset, row)))).collect()
    };
    let mut holders: Vec<HashMap<u32, Option<u64>>> = features.par_iter().map(kinds).collect();
    let all: Vec<usize> = (0..dataset.samples()).collect();
    for chunk in all.chunks(CHUNK) {
        let read = dataset.rows(chunk)?;
        holders.par_iter_mut().zip(&features).for_each(|(holders, feature)| {
            for (place, &row) in chunk.iter().enumerate() {
                if let Some(holder) = holders.get_mut(&read.row(place).value(*feature).to_bits())
                    && holder.is_some_and(|hash| hash != hash_of_inputs(dataset, row))
                {
                    *holder = None;
                }
            }
        });
    }
    let holds_own_number = |place: &usize| {
        let own = |(holders, feature): (&HashMap<u32, Option<u64>>, &usize)| {
            holders[&candidates.row(*place).value(*feature).to_bits()].is_some()
        };
        holders.iter().zip(&features).any(own)
    };
    let copies = (0..rows.len()).filter(holds_own_number).map(|place| rows[place]);
    Ok(copies.collect::<HashSet<usize>>().len())
}

/// Returns the numeric features.
fn numbers(dataset: &Dataset) -> Vec<usize> {
    let features = features_of_columns(dataset).into_iter().enumerate();
    let is_number = |column: usize| {
        let columns = dataset.columns();
        columns.is_empty() || matches!(columns[column].encoding, ColumnEncoding::Number(_))
    };
    features.filter(|(column, features)| is_number(*column) && !features.is_empty()).map(|(_, f)| f.start).collect()
}
