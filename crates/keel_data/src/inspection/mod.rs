//! Inspection of a dataset's samples for anything that makes training or its results misleading.

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

/// Returns the features of each column of a table, or each feature by itself if there are no columns.
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

/// Returns at most `limit` of `samples`, evenly spaced.
fn spread(samples: &[usize], limit: usize) -> Vec<usize> {
    let count = samples.len().min(limit);
    (0..count).map(|index| samples[index * samples.len() / count]).collect()
}
