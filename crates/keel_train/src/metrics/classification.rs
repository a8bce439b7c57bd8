//! Accuracy, precision, recall, F1 and the confusion matrix.

use serde::{Deserialize, Serialize};

/// How often class `row` was predicted as class `column`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// `[true class][predicted class]`.
    pub counts: Vec<Vec<u64>>,
}

/// Quality of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The class's name.
    pub name: String,
    /// Samples of the class.
    pub samples: u64,
    /// Right among those predicted as this class; 0 if none was.
    pub precision: f64,
    /// Found among those of this class; 0 if there is none.
    pub recall: f64,
    /// Harmonic mean of the two; 0 if both are.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// Nothing counted yet.
    pub fn new(classes: usize) -> Self {
        ConfusionMatrix { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts a batch: `outputs` is `[batch, classes]`, the largest output is the prediction, the first of equals wins.
    pub fn add(&mut self, outputs: &[f32], labels: &[u32]) {
        let classes = self.counts.len();
        for (row, &label) in outputs.chunks_exact(classes).zip(labels) {
            self.counts[label as usize][largest(row)] += 1;
        }
    }

    /// Share of right predictions; 0 without samples.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        ratio(right, self.counts.iter().flatten().sum())
    }

    /// Precision, recall and F1 of each class.
    pub fn classes(&self, names: &[String]) -> Vec<ClassMetrics> {
        let class = |(class, name): (usize, &String)| {
            let right = self.counts[class][class];
            let samples = self.counts[class].iter().sum();
            let predicted = self.counts.iter().map(|row| row[class]).sum();
            ClassMetrics {
                name: name.clone(),
                samples,
                precision: ratio(right, predicted),
                recall: ratio(right, samples),
                f1: ratio(2 * right, samples + predicted),
            }
        };
        names.iter().enumerate().map(class).collect()
    }
}

/// Index of the largest value, the first of equals; 0 for an empty row.
pub(crate) fn largest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, index| if row[index] > row[best] { index } else { best })
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ratios_are_those_computed_by_hand() {
        let mut matrix = ConfusionMatrix::new(3);
        let outputs = [[2.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 3.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 1.0]];
        matrix.add(outputs.as_flattened(), &[0, 1, 1, 0, 1]);
        assert_eq!(matrix.counts, [[1, 1, 0], [1, 1, 1], [0, 0, 0]]);
        assert_eq!(matrix.accuracy(), 0.4);
        let classes = matrix.classes(&["a", "b", "c"].map(String::from));
        let rows: Vec<_> = classes.iter().map(|class| (class.precision, class.recall, class.f1)).collect();
        assert_eq!(rows, [(0.5, 0.5, 0.5), (0.5, 1.0 / 3.0, 0.4), (0.0, 0.0, 0.0)]);
        assert_eq!(ConfusionMatrix::new(2).accuracy(), 0.0);
    }
}
