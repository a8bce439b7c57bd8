//! Accumulates metrics batch by batch.

use std::collections::BTreeMap;

use keel_data::BatchTargets;
use keel_nn::losses::LossValue;

use super::calibration::Calibration;
use super::probabilities::ProbabilityScores;
use super::ranking::Ranking;
use super::suspects::Suspects;
use super::{ConfusionMatrix, LeftOut, MetricName, Metrics, RegressionMetrics, TopAccuracy, top_k};
use crate::objective::{Objective, Probabilities};

/// Maximum number of excluded samples that are named.
const NAMED: usize = 3;

/// Extent of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Loss, counts and errors: as needed in every epoch.
    Brief,
    /// All metrics.
    Full,
}

/// Network outputs and targets of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers<'a> {
    /// Raw outputs, `[batch, outputs]`; NaN for a sample whose inputs are not finite ([`void_outputs`]).
    pub(crate) outputs: &'a [f32],
    /// Targets of the samples.
    pub(crate) targets: &'a BatchTargets,
}

/// Replaces the outputs of samples whose `inputs` are not finite by NaN: `samples` rows of each.
pub(crate) fn void_outputs(samples: usize, inputs: &[f32], outputs: &mut [f32]) {
    let (length, width) = (inputs.len() / samples.max(1), outputs.len() / samples.max(1));
    for row in 0..samples {
        if !all_finite(&inputs[row * length..(row + 1) * length]) {
            outputs[row * width..(row + 1) * width].fill(f32::NAN);
        }
    }
}

/// Has no early exit, so that the compiler can vectorise it.
fn all_finite(values: &[f32]) -> bool {
    values.iter().fold(true, |all, value| all & value.is_finite())
}

/// Sums over the batches of an evaluation.
pub(crate) struct Tally {
    loss: LossValue,
    samples: u64,
    left_out: u64,
    /// Indices of the first excluded samples, in the order of the evaluation.
    first_left_out: Vec<usize>,
    confusion: ConfusionMatrix,
    chances: Option<Chances>,
    predicted: Vec<f32>,
    actual: Vec<f32>,
}

/// Sums over probabilities of classes.
struct Chances {
    scores: ProbabilityScores,
    calibration: Calibration,
    ranking: Ranking,
    /// Suspect labels; `None` if outputs are not probabilities.
    suspects: Option<Suspects>,
}

impl Tally {
    /// Creates the sums for an evaluation of `samples` samples.
    pub(crate) fn new(objective: &Objective, samples: usize, detail: Detail) -> Self {
        let classes = objective.class_names().len();
        let independent = objective.probabilities() == Probabilities::Independent;
        let chances = (classes > 0 && detail == Detail::Full).then(|| Chances {
            scores: ProbabilityScores::new(classes, independent),
            calibration: Calibration::default(),
            ranking: Ranking::new(classes, samples),
            suspects: (objective.probabilities() != Probabilities::None).then(|| Suspects::new(classes, samples)),
        });
        Tally {
            loss: LossValue::default(),
            samples: 0,
            left_out: 0,
            first_left_out: Vec::new(),
            confusion: ConfusionMatrix::new(classes),
            chances,
            predicted: Vec::new(),
            actual: Vec::new(),
        }
    }

    /// Adds a batch. A sample whose outputs or loss are not finite is left out of every sum, and counted.
    pub(crate) fn add(&mut self, objective: &mut Objective, answers: Answers<'_>) {
        let Answers { outputs, targets } = answers;
        let width = objective.outputs();
        let batch = outputs.len() / width;
        let finite = |row: usize| all_finite(&outputs[row * width..(row + 1) * width]);
        if (0..batch).all(finite) {
            let value = objective.loss(outputs, targets);
            if !value.non_finite {
                return self.count(objective, outputs, targets, value);
            }
        }
        let start = (self.samples + self.left_out) as usize;
        for row in 0..batch {
            let (outputs, targets) = (&outputs[row * width..(row + 1) * width], target_row(targets, row, width));
            let value = if finite(row) { objective.loss(outputs, &targets) } else { NOT_FINITE };
            if !value.non_finite {
                self.count(objective, outputs, &targets, value);
                continue;
            }
            self.left_out += 1;
            if self.first_left_out.len() < NAMED {
                self.first_left_out.push(start + row);
            }
        }
    }

    fn count(&mut self, objective: &Objective, outputs: &[f32], targets: &BatchTargets, value: LossValue) {
        let place = (self.samples + self.left_out) as usize;
        self.loss.add(value);
        self.samples += (outputs.len() / objective.outputs()) as u64;
        match targets {
            BatchTargets::Classes(labels) => {
                self.confusion.add(outputs, labels);
                if let Some(Chances { scores, calibration, ranking, suspects }) = &mut self.chances {
                    let probabilities = objective.predictions(outputs);
                    scores.add(&probabilities, labels);
                    calibration.add(&probabilities, objective.outputs(), labels);
                    ranking.add(&probabilities, labels);
                    if let Some(suspects) = suspects {
                        suspects.add(&probabilities, labels, place);
                    }
                }
            }
            BatchTargets::Values(values) => {
                self.predicted.extend(objective.predictions(outputs));
                self.actual.extend_from_slice(values);
            }
            BatchTargets::Unlabelled => {}
        }
    }

    /// Returns the metrics; `describe` names the sample at an index of the evaluation.
    pub(crate) fn metrics(self, objective: &Objective, describe: impl Fn(usize) -> String) -> Metrics {
        let first = self.first_left_out.iter().map(|&place| describe(place)).collect();
        let left_out = (self.left_out > 0).then_some(LeftOut { samples: self.left_out, first });
        let loss = if self.samples > 0 { self.loss.mean() } else { f64::NAN };
        let mut metrics = Metrics { loss, samples: self.samples, left_out, ..Metrics::default() };
        match objective.class_names() {
            [] => self.add_values(objective, &mut metrics),
            _ => self.add_classes(objective, describe, &mut metrics),
        }
        metrics
    }

    fn add_values(self, objective: &Objective, metrics: &mut Metrics) {
        let names = objective.target_names();
        metrics.regression = RegressionMetrics::new(&self.predicted, &self.actual, names);
        metrics.baseline = objective.training_targets().of_values(&self.actual, names);
        let reason = match (self.samples, names.len()) {
            (0, _) => "no samples",
            (1, _) => "only one sample",
            (_, 1) => "the target is constant",
            _ => "every target is constant",
        };
        note_undefined(metrics, &[MetricName::R2], reason);
    }

    fn add_classes(self, objective: &Objective, describe: impl Fn(usize) -> String, metrics: &mut Metrics) {
        let names = objective.class_names();
        metrics.accuracy = self.confusion.accuracy();
        metrics.balanced_accuracy = self.confusion.balanced_accuracy();
        metrics.f1 = self.confusion.f1();
        metrics.mcc = self.confusion.matthews();
        metrics.classes = self.confusion.classes(names);
        metrics.baseline = objective.training_targets().of_classes(&self.confusion, names);
        metrics.confusion = Some(self.confusion);
        let one_class = if self.samples > 0 { "only one class present" } else { "no samples" };
        note_undefined(metrics, &[MetricName::Mcc], one_class);
        let Some(Chances { scores, calibration, ranking, suspects }) = self.chances else { return };
        metrics.suspects = suspects.and_then(|suspects| suspects.found(names, describe));
        let ranked = ranking.scores();
        (metrics.roc_auc, metrics.pr_auc) = (ranked.roc_auc, ranked.average_precision);
        (metrics.roc_curve, metrics.ranked_samples) = (ranked.curve, ranking.part());
        let top = top_k(names.len()).zip(scores.top());
        metrics.top_accuracy = top.map(|(k, accuracy)| TopAccuracy { k: k as u64, accuracy });
        note_undefined(metrics, &[MetricName::RocAuc, MetricName::PrAuc], one_class);
        let of_probabilities = [MetricName::LogLoss, MetricName::Brier, MetricName::CalibrationError];
        if objective.probabilities() == Probabilities::None {
            return note_undefined(metrics, &of_probabilities, "hinge scores are not probabilities");
        }
        (metrics.log_loss, metrics.brier) = (scores.log_loss(), scores.brier());
        (metrics.calibration_error, metrics.calibration) = (calibration.error(), calibration.bins());
        note_undefined(metrics, &of_probabilities, "no samples");
    }
}

const NOT_FINITE: LossValue = LossValue { sum: f64::NAN, weight: 0.0, correct: 0, non_finite: true };

/// Records the reason for those of `names` that are undefined.
fn note_undefined(metrics: &mut Metrics, names: &[MetricName], reason: &str) {
    let undefined = names.iter().filter(|metric| metric.value(metrics).is_none());
    let notes: BTreeMap<String, String> =
        undefined.map(|metric| (metric.name().to_owned(), reason.to_owned())).collect();
    metrics.undefined.extend(notes);
}

/// Returns the targets of one row of a batch.
fn target_row(targets: &BatchTargets, row: usize, width: usize) -> BatchTargets {
    match targets {
        BatchTargets::Classes(labels) => BatchTargets::Classes(vec![labels[row]]),
        BatchTargets::Values(values) => BatchTargets::Values(values[row * width..(row + 1) * width].to_vec()),
        BatchTargets::Unlabelled => BatchTargets::Unlabelled,
    }
}
