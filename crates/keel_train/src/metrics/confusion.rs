//! Confusion matrix and the metrics derived from it: accuracy, balanced accuracy, precision, recall, F1, Matthews correlation.

use serde::{Deserialize, Serialize};

/// Number of samples of class `row` that were predicted as class `column`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// `[true class][predicted class]`.
    pub counts: Vec<Vec<u64>>,
}

/// Metrics of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Name of the class.
    pub name: String,
    /// Number of samples of the class.
    pub samples: u64,
    /// Fraction of the predictions of this class that are correct; 0 if there are none.
    pub precision: f64,
    /// Fraction of the samples of this class that are predicted as it; 0 if there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 if both are 0.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// Creates a matrix of zeros.
    pub fn new(classes: usize) -> Self {
        ConfusionMatrix { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts a batch: `outputs` is `[batch, classes]`; the prediction is the maximum output, the first of equal ones.
    pub fn add(&mut self, outputs: &[f32], labels: &[u32]) {
        let classes = self.counts.len();
        for (row, &label) in outputs.chunks_exact(classes).zip(labels) {
            self.counts[label as usize][largest(row)] += 1;
        }
    }

    /// Returns the number of samples of each class.
    pub fn class_samples(&self) -> Vec<u64> {
        self.counts.iter().map(|row| row.iter().sum()).collect()
    }

    /// Returns the fraction of correct predictions; `None` without samples.
    pub fn accuracy(&self) -> Option<f64> {
        let samples: u64 = self.counts.iter().flatten().sum();
        (samples > 0).then(|| ratio(self.right(), samples))
    }

    /// Returns the mean recall of the classes that have samples; `None` without samples.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let rows = self.counts.iter().enumerate();
        let recalls = rows.filter_map(|(class, row)| {
            let samples: u64 = row.iter().sum();
            (samples > 0).then(|| ratio(row[class], samples))
        });
        mean(recalls)
    }

    /// Returns the mean F1 of the classes that have samples or were predicted; `None` if there are none.
    pub fn f1(&self) -> Option<f64> {
        let predicted = self.predicted();
        let classes = self.class_samples().into_iter().zip(predicted).enumerate();
        let scores = classes.filter_map(|(class, (samples, predicted))| {
            let all = samples + predicted;
            (all > 0).then(|| ratio(2 * self.counts[class][class], all))
        });
        mean(scores)
    }

    /// Returns the Matthews correlation of true and predicted classes (Gorodkin 2004 for several classes): 1 is perfect, 0 no
    /// better than chance, as for a model that predicts one class only. `None` unless two classes have samples.
    pub fn matthews(&self) -> Option<f64> {
        let actual = self.class_samples();
        if actual.iter().filter(|&&samples| samples > 0).count() < 2 {
            return None;
        }
        let predicted = self.predicted();
        let samples = actual.iter().sum::<u64>() as f64;
        let product = |a: &[u64], b: &[u64]| -> f64 { a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum() };
        let covariance = self.right() as f64 * samples - product(&actual, &predicted);
        let spread = |counts: &[u64]| samples * samples - product(counts, counts);
        let scale = (spread(&actual) * spread(&predicted)).sqrt();
        Some(if scale > 0.0 { covariance / scale } else { 0.0 })
    }

    /// Returns precision, recall and F1 of each class.
    pub fn classes(&self, names: &[String]) -> Vec<ClassMetrics> {
        let predicted = self.predicted();
        let class = |(class, name): (usize, &String)| {
            let right = self.counts[class][class];
            let samples = self.counts[class].iter().sum();
            ClassMetrics {
                name: name.clone(),
                samples,
                precision: ratio(right, predicted[class]),
                recall: ratio(right, samples),
                f1: ratio(2 * right, samples + predicted[class]),
            }
        };
        names.iter().enumerate().map(class).collect()
    }

    fn right(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// Returns the number of predictions of each class.
    fn predicted(&self) -> Vec<u64> {
        let mut predicted = vec![0; self.counts.len()];
        for row in &self.counts {
            predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        predicted
    }
}

/// Returns the index of the maximum, the first of equal ones; 0 for an empty row.
pub(crate) fn largest(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, index| if row[index] > row[best] { index } else { best })
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Returns the mean; `None` without values.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
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
        assert_eq!(matrix.accuracy(), Some(0.4));
        assert_eq!(matrix.balanced_accuracy(), Some((0.5 + 1.0 / 3.0) / 2.0));
        let classes = matrix.classes(&["a", "b", "c"].map(String::from));
        let rows: Vec<_> = classes.iter().map(|class| (class.precision, class.recall, class.f1)).collect();
        assert_eq!(rows, [(0.5, 0.5, 0.5), (0.5, 1.0 / 3.0, 0.4), (0.0, 0.0, 0.0)]);
    }

    #[test]
    fn nothing_counted_has_no_score() {
        let empty = ConfusionMatrix::new(2);
        assert_eq!(
            (empty.accuracy(), empty.balanced_accuracy(), empty.f1(), empty.matthews()),
            (None, None, None, None)
        );
        let one_class = ConfusionMatrix { counts: vec![vec![3, 1], vec![0, 0]] };
        assert_eq!((one_class.accuracy(), one_class.matthews()), (Some(0.75), None));
        let one_answer = ConfusionMatrix { counts: vec![vec![3, 0], vec![1, 0]] };
        assert_eq!(one_answer.matthews(), Some(0.0), "the limit of a constant prediction, as in scikit-learn");
    }
}
