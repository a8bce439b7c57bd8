//! Scores of predicted probabilities, added up sample by sample: log loss, Brier score, top-k accuracy.

/// Minimum distance of a probability from 0 and 1 in the log loss, as in scikit-learn for double precision.
const CLIP: f64 = f64::EPSILON;

/// Sums over the samples.
#[derive(Debug, Clone)]
pub(super) struct ProbabilityScores {
    classes: usize,
    /// True if rows are independent probabilities, which are divided by their sum.
    normalised: bool,
    samples: u64,
    log_loss: f64,
    brier: f64,
    within_top: u64,
}

impl ProbabilityScores {
    /// Creates empty sums. With `independent`, the probabilities of the classes do not add up to 1.
    pub(super) fn new(classes: usize, independent: bool) -> Self {
        ProbabilityScores { classes, normalised: independent, samples: 0, log_loss: 0.0, brier: 0.0, within_top: 0 }
    }

    /// Adds a batch of `probabilities`, `[batch, classes]`.
    pub(super) fn add(&mut self, probabilities: &[f32], labels: &[u32]) {
        let top = top_k(self.classes).unwrap_or(0);
        for (row, &label) in probabilities.chunks_exact(self.classes).zip(labels) {
            let label = label as usize;
            let total: f64 = if self.normalised { row.iter().map(|&p| f64::from(p)).sum() } else { 1.0 };
            let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
            self.samples += 1;
            self.log_loss -= (f64::from(row[label]) * scale).clamp(CLIP, 1.0 - CLIP).ln();
            let squares = row.iter().enumerate().map(|(class, &p)| {
                let truth = if class == label { 1.0 } else { 0.0 };
                (f64::from(p) * scale - truth).powi(2)
            });
            self.brier += match self.classes {
                2 => squares.skip(1).sum::<f64>(),
                _ => squares.sum(),
            };
            let before =
                row.iter().enumerate().filter(|&(class, &p)| p > row[label] || p == row[label] && class < label);
            self.within_top += u64::from(top > 0 && before.count() < top);
        }
    }

    /// Returns the mean negative log-probability of the true class.
    pub(super) fn log_loss(&self) -> Option<f64> {
        self.mean(self.log_loss)
    }

    /// Returns the mean squared error of the probabilities: with two classes, of the second one; with more, summed over the
    /// classes (Brier 1950).
    pub(super) fn brier(&self) -> Option<f64> {
        self.mean(self.brier)
    }

    /// Returns the fraction of samples whose true class is among the k most probable; of equal classes the first comes first.
    pub(super) fn top(&self) -> Option<f64> {
        top_k(self.classes).and_then(|_| self.mean(self.within_top as f64))
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.samples > 0).then(|| sum / self.samples as f64)
    }
}

/// Returns the k of top-k accuracy: 5 above ten classes, 2 from five classes on; fewer have none.
pub fn top_k(classes: usize) -> Option<usize> {
    match classes {
        0..5 => None,
        5..=10 => Some(2),
        _ => Some(5),
    }
}

/// Returns log loss, Brier score and top-k accuracy of the constant probabilities `shares`, where each class has `samples`.
/// `None` without samples.
pub(super) fn constant_scores(shares: &[f64], samples: &[u64]) -> Option<[f64; 3]> {
    let total = samples.iter().sum::<u64>() as f64;
    let weighted = |value: &dyn Fn(usize) -> f64| -> f64 {
        samples.iter().enumerate().map(|(class, &count)| count as f64 / total * value(class)).sum()
    };
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    let halved = if shares.len() == 2 { 0.5 } else { 1.0 };
    let rank = |class: usize| {
        let larger =
            |other: &usize| shares[*other] > shares[class] || shares[*other] == shares[class] && *other < class;
        (0..shares.len()).filter(larger).count()
    };
    let top = top_k(shares.len()).unwrap_or(0);
    (total > 0.0).then(|| {
        [
            weighted(&|class| -shares[class].clamp(CLIP, 1.0 - CLIP).ln()),
            weighted(&|class| halved * (squares - 2.0 * shares[class] + 1.0)),
            weighted(&|class| f64::from(u8::from(rank(class) < top))),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_and_wrong_is_large_and_never_infinite() {
        let mut scores = ProbabilityScores::new(2, false);
        scores.add(&[1.0, 0.0, 0.25, 0.75], &[1, 1]);
        assert!((scores.log_loss().unwrap() - (-CLIP.ln() - 0.75f64.ln()) / 2.0).abs() < 1e-12);
        assert_eq!(scores.brier(), Some((1.0 + 0.0625) / 2.0));
        assert_eq!(scores.top(), None, "two classes");
        assert_eq!(ProbabilityScores::new(2, false).log_loss(), None);
    }

    #[test]
    fn the_true_class_is_among_the_most_probable_ones_or_not() {
        let mut scores = ProbabilityScores::new(5, true);
        scores.add(&[0.5, 0.4, 0.4, 0.2, 0.5], &[4]);
        scores.add(&[0.5, 0.4, 0.4, 0.2, 0.5], &[1]);
        assert_eq!(scores.top(), Some(0.5));
        assert!((scores.log_loss().unwrap() + (0.25f64.ln() + 0.2f64.ln()) / 2.0).abs() < 1e-6, "divided by their sum");
        assert_eq!([2, 4, 5, 10, 11].map(top_k), [None, None, Some(2), Some(2), Some(5)]);
    }

    #[test]
    fn constant_probabilities_score_as_if_they_were_predicted() {
        for shares in [vec![0.25, 0.75], vec![0.5, 0.125, 0.25, 0.0625, 0.0625]] {
            let labels = [0, 1, 1, 0, 1];
            let mut scores = ProbabilityScores::new(shares.len(), false);
            let mut samples = vec![0; shares.len()];
            for label in labels {
                scores.add(&shares.iter().map(|&share| share as f32).collect::<Vec<_>>(), &[label]);
                samples[label as usize] += 1;
            }
            let [log_loss, brier, top] = constant_scores(&shares, &samples).unwrap();
            assert!((log_loss - scores.log_loss().unwrap()).abs() < 1e-12);
            assert!((brier - scores.brier().unwrap()).abs() < 1e-12);
            assert_eq!(top, scores.top().unwrap_or(0.0));
        }
        assert_eq!(constant_scores(&[0.5, 0.5], &[0, 0]), None);
    }
}
