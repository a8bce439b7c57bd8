//! Statistics of the training split after preprocessing.

use serde::{Deserialize, Serialize};

use super::{AugmentationMeasurement, ColumnScore, FeatureOutliers, SplitDuplicates, null_is_nan};

/// Statistics of the training split as presented to the network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataMeasurement {
    /// Number of samples in the training split.
    pub samples: u64,
    /// Number of samples measured for `features`, if not all.
    pub measured_samples: Option<u64>,
    /// One entry per channel for images, one per column for tables.
    pub features: Vec<FeatureStatistics>,
    /// Names of the features, if they have names.
    pub feature_names: Vec<String>,
    /// Names of the classes, if they have names.
    pub class_names: Vec<String>,
    /// Share of the training samples in each class; empty for regression.
    pub class_shares: Vec<f32>,
    /// True if the classes are weighted in the loss.
    pub weighted_classes: bool,
    /// Loss of the best prediction that ignores the inputs: class shares as probabilities, or the mean of the targets.
    pub guessing_loss: Option<f32>,
    /// Names of the targets with the same value in every training sample.
    pub constant_targets: Vec<String>,
    /// Largest class label found, to be compared with the number of classes.
    pub largest_label: Option<u64>,
    /// Smallest and largest target of a regression, in the scale of the network's outputs.
    pub target_range: Option<(f32, f32)>,
    /// Number of input elements that are NaN or infinite.
    pub non_finite: u64,
    /// Index of the first sample with such an element.
    pub first_non_finite_sample: Option<u64>,
    /// Number of targets that are NaN or infinite.
    pub non_finite_targets: u64,
    /// Names of the preprocessing steps in use, in order.
    pub preprocessing: Vec<String>,
    /// True if the samples are images.
    pub images: bool,
    /// Samples of the other splits that also occur in the training split.
    pub duplicates: Vec<SplitDuplicates>,
    /// Score of each column of a table as the only predictor of the target; empty if not measured.
    pub column_scores: Vec<ColumnScore>,
    /// Columns of a table with a different whole number in every row.
    pub identifiers: Vec<String>,
    /// Features whose variance comes mostly from a few samples.
    pub outliers: Vec<FeatureOutliers>,
    /// Magnitude of the inputs with and without augmentation; `None` without augmentation.
    pub augmentation: Option<AugmentationMeasurement>,
}

impl DataMeasurement {
    /// Describes a feature: `feature \`age\``, or its number if it has no name.
    pub fn feature_words(&self, feature: usize) -> String {
        let kind = if self.images { "channel" } else { "feature" };
        match self.feature_names.get(feature).filter(|_| self.feature_names.len() == self.features.len()) {
            Some(name) => format!("{kind} `{name}`"),
            None => format!("{kind} {feature}"),
        }
    }

    /// Describes a class: class `setosa`, or its number if it has no name.
    pub fn class_words(&self, class: usize) -> String {
        match self.class_names.get(class) {
            Some(name) => format!("class `{name}`"),
            None => format!("class {class}"),
        }
    }
}

/// Mean and standard deviation of one channel or column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureStatistics {
    /// Mean over the training split.
    #[serde(deserialize_with = "null_is_nan")]
    pub mean: f32,
    /// Standard deviation over the training split.
    #[serde(deserialize_with = "null_is_nan")]
    pub std: f32,
    /// Smallest and largest value over the training split, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f32, f32)>,
}
