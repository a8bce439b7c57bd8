//! Ranking quality of scores, which should be higher for the samples of a class than for others: ROC AUC, average precision,
//! ROC curve.
//!
//! With two classes the second one is the positive class, as in scikit-learn. With more, each class that has samples is
//! compared with the rest, and the mean over these classes is taken (macro one-versus-rest).
//!
//! These metrics need all scores at once. Up to [`KEPT_SCORES`] numbers are kept (16 MB); of a larger part, as many evenly
//! spread samples as fit are kept, and their number is part of the result.

use super::confusion::mean;

/// Maximum number of scores kept of an evaluation.
pub const KEPT_SCORES: usize = 4 * 1024 * 1024;

/// Maximum number of points of a ROC curve.
const CURVE_POINTS: usize = 100;

/// Scores and labels of the samples that are ranked.
#[derive(Debug, Clone)]
pub(super) struct Ranking {
    classes: usize,
    /// Number of samples of the part, and how many of them are kept.
    expected: usize,
    kept: usize,
    /// Number of samples seen so far.
    met: usize,
    /// Scores, `[kept, classes]`; with two classes only the scores of the second.
    scores: Vec<f32>,
    labels: Vec<u32>,
}

/// Quality of a ranking; `None` if only one class is present.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RankingScores {
    pub(super) roc_auc: Option<f64>,
    pub(super) average_precision: Option<f64>,
    /// False and true positive rate at descending thresholds, for two classes only.
    pub(super) curve: Vec<(f64, f64)>,
}

impl Ranking {
    /// Creates a ranking of `expected` samples in `classes` classes.
    pub(super) fn new(classes: usize, expected: usize) -> Self {
        Self::bounded(classes, expected, KEPT_SCORES)
    }

    fn bounded(classes: usize, expected: usize, bound: usize) -> Self {
        let kept = expected.min(bound / width(classes));
        Ranking { classes, expected, kept, met: 0, scores: Vec::new(), labels: Vec::new() }
    }

    /// Adds a batch of `probabilities`, `[batch, classes]`.
    pub(super) fn add(&mut self, probabilities: &[f32], labels: &[u32]) {
        for (row, &label) in probabilities.chunks_exact(self.classes).zip(labels) {
            // Sample i is kept if i * kept / expected reaches the next whole number.
            let before = self.met * self.kept / self.expected.max(1);
            self.met += 1;
            if self.met * self.kept / self.expected.max(1) > before {
                self.scores.extend_from_slice(if self.classes == 2 { &row[1..] } else { row });
                self.labels.push(label);
            }
        }
    }

    /// Returns the number of samples kept, if not all.
    pub(super) fn part(&self) -> Option<u64> {
        (self.labels.len() < self.met).then_some(self.labels.len() as u64)
    }

    pub(super) fn scores(&self) -> RankingScores {
        if self.classes == 2 {
            let order = Order::of(&self.scores, |sample| self.labels[sample] == 1);
            let curve = order.curve();
            return RankingScores { roc_auc: order.roc_auc(), average_precision: order.average_precision(), curve };
        }
        let classes = (0..self.classes).map(|class| {
            let scores: Vec<f32> = self.scores.iter().skip(class).step_by(self.classes).copied().collect();
            let order = Order::of(&scores, |sample| self.labels[sample] as usize == class);
            (order.roc_auc(), order.average_precision())
        });
        let (areas, precisions): (Vec<_>, Vec<_>) = classes.unzip();
        RankingScores {
            roc_auc: mean(areas.into_iter().flatten()),
            average_precision: mean(precisions.into_iter().flatten()),
            curve: Vec::new(),
        }
    }
}

/// Returns the number of scores kept of one sample.
fn width(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes.max(1) }
}

/// Samples in descending order of scores; samples with equal scores form one step.
struct Order {
    /// Numbers of positives and negatives whose score is at least that of the step, one step per distinct score.
    steps: Vec<(u64, u64)>,
}

impl Order {
    fn of(scores: &[f32], positive: impl Fn(usize) -> bool) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let mut steps: Vec<(u64, u64)> = Vec::new();
        let (mut positives, mut negatives) = (0, 0);
        for (place, &sample) in order.iter().enumerate() {
            if positive(sample) {
                positives += 1
            } else {
                negatives += 1
            }
            // Equal numbers, including 0 and -0, are one step.
            if order.get(place + 1).is_none_or(|&next| scores[next] != scores[sample]) {
                steps.push((positives, negatives));
            }
        }
        Order { steps }
    }

    fn totals(&self) -> Option<(f64, f64)> {
        let &(positives, negatives) = self.steps.last()?;
        (positives > 0 && negatives > 0).then_some((positives as f64, negatives as f64))
    }

    /// Returns the probability that a positive has a larger score than a negative; equal ones count half (Hanley & McNeil
    /// 1982).
    fn roc_auc(&self) -> Option<f64> {
        let (positives, negatives) = self.totals()?;
        let (mut area, mut before) = (0.0, (0, 0));
        for &step in &self.steps {
            area += (step.1 - before.1) as f64 * (step.0 + before.0) as f64 / 2.0;
            before = step;
        }
        Some(area / (positives * negatives))
    }

    /// Returns the sum over the thresholds of precision times the increase of recall.
    fn average_precision(&self) -> Option<f64> {
        let (positives, _) = self.totals()?;
        let (mut sum, mut before) = (0.0, 0);
        for &(found, wrong) in &self.steps {
            sum += (found - before) as f64 / positives * (found as f64 / (found + wrong) as f64);
            before = found;
        }
        Some(sum)
    }

    /// Returns at most [`CURVE_POINTS`] points from (0, 0) to (1, 1).
    fn curve(&self) -> Vec<(f64, f64)> {
        let Some((positives, negatives)) = self.totals() else { return Vec::new() };
        let steps = self.steps.len();
        let count = steps.min(CURVE_POINTS - 1);
        let point = |index: usize| {
            let (found, wrong) = self.steps[(index + 1) * steps / count - 1];
            (wrong as f64 / negatives, found as f64 / positives)
        };
        std::iter::once((0.0, 0.0)).chain((0..count).map(point)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(scores: &[f32], labels: &[u32]) -> RankingScores {
        let mut ranking = Ranking::new(2, labels.len());
        let rows: Vec<f32> = scores.iter().flat_map(|&score| [1.0 - score, score]).collect();
        ranking.add(&rows, labels);
        ranking.scores()
    }

    #[test]
    fn areas_are_those_counted_by_hand() {
        // Positives 0.8 and 0.4 against negatives 0.6 and 0.2: three of four pairs are in order.
        let scores = binary(&[0.8, 0.6, 0.4, 0.2], &[1, 0, 1, 0]);
        assert_eq!(scores.roc_auc, Some(0.75));
        assert_eq!(scores.average_precision, Some(0.5 * 1.0 + 0.5 * (2.0 / 3.0)));
        assert_eq!(scores.curve, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(binary(&[0.5; 4], &[1, 0, 1, 0]).roc_auc, Some(0.5), "all equal");
        for labels in [[1, 1], [0, 0]] {
            assert_eq!(binary(&[0.1, 0.9], &labels), RankingScores::default(), "one class");
        }
        assert_eq!(binary(&[], &[]), RankingScores::default());
    }

    #[test]
    fn a_large_part_is_ranked_by_samples_spread_over_it() {
        let mut ranking = Ranking::bounded(2, 1_000, 100);
        for sample in 0..1_000_u32 {
            let score = sample as f32 / 1_000.0;
            ranking.add(&[1.0 - score, score], &[u32::from(sample >= 500)]);
        }
        assert_eq!((ranking.part(), ranking.labels.iter().filter(|&&label| label == 1).count()), (Some(100), 50));
        assert_eq!(ranking.scores().roc_auc, Some(1.0));
        assert!(ranking.scores().curve.len() <= CURVE_POINTS);
        let mut all = Ranking::bounded(3, 2, 100);
        all.add(&[0.2, 0.3, 0.5, 0.1, 0.1, 0.8], &[0, 2]);
        assert_eq!((all.part(), all.labels.len()), (None, 2));
    }
}
