//! Rules about the samples themselves: splits, columns, labels and inputs.

pub mod augmentation;
pub mod duplicates;
pub mod outliers;
pub mod suspect_labels;
pub mod telling_columns;
pub mod unlike_inputs;
