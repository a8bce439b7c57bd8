//! Metrics summed up batch by batch.

use keel_data::BatchTargets;
use keel_nn::losses::LossValue;

use super::{ConfusionMatrix, Metrics, RegressionMetrics};
use crate::objective::Objective;

/// Sums over the batches of an evaluation.
pub(crate) struct Tally {
    loss: LossValue,
    samples: u64,
    confusion: ConfusionMatrix,
    predicted: Vec<f32>,
    actual: Vec<f32>,
}

impl Tally {
    pub(crate) fn new(objective: &Objective) -> Self {
        Tally {
            loss: LossValue::default(),
            samples: 0,
            confusion: ConfusionMatrix::new(objective.class_names().len()),
            predicted: Vec::new(),
            actual: Vec::new(),
        }
    }

    /// Adds raw `outputs`, `[batch, outputs]`.
    pub(crate) fn add(&mut self, objective: &mut Objective, outputs: &[f32], targets: &BatchTargets) {
        self.loss.add(objective.loss(outputs, targets));
        self.samples += (outputs.len() / objective.outputs()) as u64;
        match targets {
            BatchTargets::Classes(labels) => self.confusion.add(outputs, labels),
            BatchTargets::Values(values) => {
                self.predicted.extend(objective.predictions(outputs));
                self.actual.extend_from_slice(values);
            }
            BatchTargets::Unlabelled => {}
        }
    }

    pub(crate) fn metrics(self, objective: &Objective) -> Metrics {
        let classes = objective.class_names();
        let (predicted, actual) = (&self.predicted, &self.actual);
        Metrics {
            loss: self.loss.mean(),
            samples: self.samples,
            accuracy: (!classes.is_empty()).then(|| self.confusion.accuracy()),
            regression: classes.is_empty().then(|| RegressionMetrics::new(predicted, actual, objective.outputs())),
            classes: self.confusion.classes(classes),
            confusion: (!classes.is_empty()).then_some(self.confusion),
        }
    }
}
