//! Facts about the targets of the training split.

use keel_data::{SplitDataset, Targets};
use serde::{Deserialize, Serialize};

/// Facts about the targets of the training split; stored with the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingTargets {
    /// Number of samples of each class; empty for values.
    #[serde(default)]
    pub class_samples: Vec<u64>,
    /// Mean of each target; empty for classes.
    #[serde(default)]
    pub means: Vec<f64>,
}

impl TrainingTargets {
    /// Collects the facts about the training split of `data`.
    pub fn of(data: &SplitDataset) -> Self {
        match data.dataset.targets() {
            Targets::Classes { .. } => {
                let counts = data.dataset.class_counts(&data.train);
                let class_samples = counts.iter().map(|&count| count as u64).collect();
                TrainingTargets { class_samples, means: Vec::new() }
            }
            Targets::Values { values, target_names } => {
                let width = target_names.len();
                let column = |target: usize| data.train.iter().map(move |&row| f64::from(values[row * width + target]));
                let rows = data.train.len();
                let means = match rows {
                    0 => Vec::new(),
                    _ => (0..width).map(|target| column(target).sum::<f64>() / rows as f64).collect(),
                };
                TrainingTargets { class_samples: Vec::new(), means }
            }
            Targets::Unlabelled => TrainingTargets::default(),
        }
    }

    /// Returns the class weights with which all classes have the same total weight: samples / (classes * samples of the class),
    /// with 1 for a class without samples. Empty if the numbers of samples are not known.
    pub fn balanced_weights(&self) -> Vec<f32> {
        let present = self.class_samples.iter().filter(|&&count| count > 0).count() as f64;
        let samples = self.class_samples.iter().sum::<u64>() as f64;
        let weight = |&count: &u64| if count == 0 { 1.0 } else { samples / (present * count as f64) };
        self.class_samples.iter().map(|count| weight(count) as f32).collect()
    }
}
