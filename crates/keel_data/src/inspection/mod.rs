//! Searches the samples of a dataset for anything that makes training or its result misleading.

mod copies;
mod duplicates;
mod near_images;
mod near_rows;
mod telling_columns;
mod training_ranges;

pub use duplicates::SplitDuplicates;
pub use telling_columns::{ColumnSurvey, ScoredColumn};
pub use training_ranges::{TrainingRange, TrainingRanges, Unlike};

use crate::dataset::{Dataset, TableColumn};
use std::ops::Range;

/// The features of each column of a table; each feature by itself where there are no columns.
fn features_of_columns(dataset: &Dataset) -> Vec<Range<usize>> {
    if dataset.columns().is_empty() {
        return (0..dataset.sample_shape().len()).map(|feature| feature..feature + 1).collect();
    }
    let mut start = 0;
    let widths = dataset.columns().iter().map(TableColumn::features);
    widths
        .map(|width| {
            start += width;
            start - width..start
        })
        .collect()
}

/// At most `limit` of `samples`, evenly spread.
fn spread(samples: &[usize], limit: usize) -> Vec<usize> {
    let count = samples.len().min(limit);
    (0..count).map(|index| samples[index * samples.len() / count]).collect()
}
