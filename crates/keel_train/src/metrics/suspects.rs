//! Samples whose label a model confidently contradicts (Northcutt, Jiang and Chuang 2021, confident learning).

use keel_health::measurement::{SuspectLabel, SuspectLabels};

use super::largest;

/// Maximum probability of the label of a suspect; our own choice.
const LABEL: f32 = 0.1;
/// Maximum number of samples that are named.
const NAMED: usize = 20;

/// Probabilities kept of each sample until the mean confidence of every class is known.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    answers: Vec<Answer>,
    classes: usize,
}

/// Probabilities of one sample, as far as they are needed.
#[derive(Debug, Clone, Copy)]
struct Answer {
    /// Index in the evaluation.
    place: u32,
    label: u32,
    /// Most probable class.
    class: u32,
    of_label: f32,
    of_class: f32,
}

impl Suspects {
    /// Creates the collection for `samples` samples of `classes` classes.
    pub(super) fn new(classes: usize, samples: usize) -> Self {
        Suspects { answers: Vec::with_capacity(samples), classes }
    }

    /// Adds a batch: `probabilities`, `[batch, classes]`, of the samples from index `place`.
    pub(super) fn add(&mut self, probabilities: &[f32], labels: &[u32], place: usize) {
        let rows = probabilities.chunks_exact(self.classes).zip(labels).enumerate();
        self.answers.extend(rows.map(|(row, (probabilities, &label))| {
            let class = largest(probabilities);
            Answer {
                place: (place + row) as u32,
                label,
                class: class as u32,
                of_label: probabilities[label as usize],
                of_class: probabilities[class],
            }
        }));
    }

    /// Returns the samples whose most probable class differs from the label and has at least its mean probability among the
    /// samples with that label, while the label has at most 0.1; the clearest first. `describe` names the sample at an index.
    pub(super) fn found(mut self, names: &[String], describe: impl Fn(usize) -> String) -> Option<SuspectLabels> {
        let total = self.answers.len();
        if total == 0 {
            return None;
        }
        let agreed = self.answers.iter().filter(|answer| answer.class == answer.label).count();
        let confidence = self.mean_confidence();
        let is_suspect = |answer: &Answer| {
            answer.class != answer.label
                && answer.of_label <= LABEL
                && answer.of_class >= confidence[answer.class as usize]
        };
        self.answers.retain(is_suspect);
        let margin = |answer: &Answer| answer.of_class - answer.of_label;
        self.answers.sort_by(|a, b| margin(b).total_cmp(&margin(a)).then(a.place.cmp(&b.place)));
        let named = self.answers.iter().take(NAMED).map(|answer| SuspectLabel {
            sample: describe(answer.place as usize),
            given: names[answer.label as usize].clone(),
            suggested: names[answer.class as usize].clone(),
            probability: answer.of_class,
        });
        Some(SuspectLabels {
            accuracy: agreed as f32 / total as f32,
            count: self.answers.len() as u64,
            first: named.collect(),
        })
    }

    /// Returns the mean probability of each class among the samples with that label; above every probability for a class
    /// without samples.
    fn mean_confidence(&self) -> Vec<f32> {
        let (mut sums, mut counts) = (vec![0.0; self.classes], vec![0u64; self.classes]);
        for answer in &self.answers {
            sums[answer.label as usize] += f64::from(answer.of_label);
            counts[answer.label as usize] += 1;
        }
        let mean = |(sum, count): (&f64, &u64)| if *count == 0 { f32::INFINITY } else { (sum / *count as f64) as f32 };
        sums.iter().zip(&counts).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[([f32; 2], u32)]) -> SuspectLabels {
        let mut suspects = Suspects::new(2, rows.len());
        for (place, (probabilities, label)) in rows.iter().enumerate() {
            suspects.add(probabilities, &[*label], place);
        }
        suspects.found(&["cat".to_owned(), "dog".to_owned()], |place| format!("row {place}")).unwrap()
    }

    #[test]
    fn a_sample_is_suspect_where_the_network_is_as_sure_as_it_is_of_the_other_class() {
        let sure = [([0.95, 0.05], 0), ([0.05, 0.95], 1), ([0.9, 0.1], 0), ([0.1, 0.9], 1)];
        let with = |probabilities, label| found(&[&sure[..], &[(probabilities, label)]].concat());
        assert_eq!(found(&sure), SuspectLabels { accuracy: 1.0, count: 0, first: Vec::new() });
        let suspects = with([0.03, 0.97], 0);
        assert_eq!((suspects.count, suspects.accuracy), (1, 0.8));
        let first = SuspectLabel {
            sample: "row 4".to_owned(),
            given: "cat".to_owned(),
            suggested: "dog".to_owned(),
            probability: 0.97,
        };
        assert_eq!(suspects.first, [first]);
        // At the mean confidence of the class, 0.925, and the maximum probability of the label, and on the other sides.
        assert_eq!(with([0.075, 0.925], 0).count, 1);
        assert_eq!(with([0.076, 0.924], 0).count, 0);
        assert_eq!(with([0.03, 0.97], 1).count, 0);
        let unsure = [([0.6, 0.4], 0), ([0.4, 0.6], 1)];
        assert_eq!(found(&[&unsure[..], &[([0.1, 0.9], 0)]].concat()).count, 1);
        assert_eq!(found(&[&unsure[..], &[([0.11, 0.89], 0)]].concat()).count, 0);
    }

    #[test]
    fn the_clearest_are_named_first_and_at_most_twenty() {
        let sure = ([0.0, 1.0], 1);
        let rows: Vec<([f32; 2], u32)> =
            (0..60).map(|row| if row % 2 == 0 { sure } else { ([0.0, 1.0], 0) }).chain([([0.9, 0.1], 0)]).collect();
        let suspects = found(&rows);
        assert_eq!((suspects.count, suspects.first.len()), (30, 20));
        assert_eq!(suspects.first[0].sample, "row 1");
    }

    #[test]
    fn the_mean_probability_of_a_class_without_samples_is_never_reached() {
        let mut suspects = Suspects::new(3, 2);
        suspects.add(&[0.0, 0.0, 1.0, 0.9, 0.1, 0.0], &[0, 0], 0);
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(suspects.found(&names, |place| place.to_string()).unwrap().count, 0);
    }
}
