//! Training runs monitored by the health rules: every step is measured layer by layer and passed to the monitor.

mod model;
mod probe;
mod rows;
mod start;
mod words;

use keel_health::measurement::{EpochMeasurement, StepMeasurement};
use keel_health::{Finding, Monitor};
use keel_nn::{Network, RandomKey};
use serde::Serialize;

use crate::error::LabError;
use crate::recipe::{Recipe, Samples};
use crate::samples::{Order, Part};
use crate::training::{Classifier, Schedule, Score};
use model::{class_counts, describe_model, measure_data};
use probe::StepProbe;

pub(crate) use rows::{LayerRow, layer_rows};
pub(crate) use words::{FindingRow, finding_rows, findings_table, layer_table, rule_title};

/// Number of training samples evaluated at the end of an epoch.
const EVALUATED: usize = 256;
/// Minimum number of steps between two evaluations.
const EVALUATION_STEPS: usize = 10;

/// A network in training, monitored from its start.
pub(crate) struct WatchedRun {
    samples: Samples,
    /// Fixed subset of the training samples.
    evaluated: Part,
    classifier: Classifier,
    schedule: Schedule,
    order: Order,
    steps_of_epoch: usize,
    probe: StepProbe,
    monitor: Monitor,
    /// State before the first update.
    start: StepMeasurement,
    losses: Vec<f64>,
    evaluations: Vec<Evaluation>,
    /// Number of classes per batch, summed over all batches.
    classes_seen: usize,
    stopped: bool,
}

/// Losses at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Evaluation {
    /// Number of steps so far.
    pub(crate) step: usize,
    /// Loss on a fixed subset of the training samples; `None` if it is not finite.
    pub(crate) train_loss: Option<f64>,
    /// Loss on the validation samples; `None` if it is not finite.
    pub(crate) validation_loss: Option<f64>,
    /// Share of correct predictions on the validation samples.
    pub(crate) validation_accuracy: f64,
}

impl WatchedRun {
    /// Creates the network of `recipe` before its first step; the rules evaluate model, data and start.
    ///
    /// # Errors
    /// Fails if the layers do not fit together, or if the data cannot be created.
    pub(crate) fn begin(recipe: &Recipe, seed: u64) -> Result<Self, LabError> {
        let samples = recipe.samples(seed)?;
        let key = RandomKey::new(seed);
        let (layers, schedule) = (recipe.layers(), recipe.schedule());
        let train = &samples.parts.train;
        let schedule = Schedule { batch: schedule.batch.min(train.len()), ..schedule };
        let classifier = Classifier::for_task(samples.task, &layers, schedule.batch, key)?;
        let model = describe_model(&classifier.network.graph, &samples, schedule);
        let probe = StepProbe::new(&model, &classifier);
        let mut monitor = Monitor::new(model);
        monitor.data(&measure_data(&samples));
        let first = start::measure(monitor.model(), samples.task, &layers, train, key)?;
        monitor.start(&first.measurement);
        let spread = |index: usize| index * train.len() / EVALUATED.min(train.len());
        let evaluated = train.take(&(0..EVALUATED.min(train.len())).map(spread).collect::<Vec<_>>());
        let order = match recipe.shuffled {
            true => Order::new(train.len(), key.named("order")),
            false => Order::unshuffled(train.len()),
        };
        Ok(WatchedRun {
            evaluated,
            steps_of_epoch: (train.len() / schedule.batch).max(1),
            samples,
            classifier,
            schedule,
            order,
            probe,
            monitor,
            start: first.step,
            losses: Vec::new(),
            evaluations: Vec::new(),
            classes_seen: 0,
            stopped: false,
        })
    }

    /// Trains until `steps` steps are completed or a number is no longer finite.
    pub(crate) fn train_to(&mut self, steps: usize) {
        while self.losses.len() < steps && !self.stopped {
            self.step();
        }
    }

    fn step(&mut self) {
        let step = self.losses.len();
        let batch = self.samples.parts.train.take(&self.order.next(self.schedule.batch));
        self.probe.begin(step);
        let value = self.classifier.differentiate_watched(&batch, step, &mut self.probe.statistics);
        let gradient_norm = self.probe.finish(&self.classifier);
        self.stopped = value.non_finite || !gradient_norm.is_finite();
        if !self.stopped {
            self.classifier.update(self.schedule);
            self.probe.updated(&self.classifier, self.schedule.learning_rate);
        }
        let class_counts = class_counts(&batch, self.samples.task.classes);
        self.classes_seen += class_counts.iter().filter(|&&count| count > 0).count();
        let epoch = (step / self.steps_of_epoch) as u64;
        let measurement = &mut self.probe.measurement;
        // Steps are counted from 1; 0 is before the first.
        measurement.step = step as u64 + 1;
        measurement.epoch = epoch;
        measurement.samples = batch.len() as u64;
        measurement.loss = value.mean() as f32;
        measurement.accuracy = Some(value.correct as f32 / batch.len() as f32);
        measurement.learning_rate = Some(self.schedule.learning_rate);
        measurement.gradient_norm = Some(gradient_norm as f32);
        measurement.class_counts = class_counts;
        self.monitor.step(measurement);
        self.losses.push(value.mean());
        let since = step + 1 - self.evaluations.last().map_or(0, |last| last.step);
        if (step + 1).is_multiple_of(self.steps_of_epoch) && since >= EVALUATION_STEPS && !self.stopped {
            self.end_epoch(epoch);
        }
    }

    fn end_epoch(&mut self, epoch: u64) {
        let train = self.classifier.evaluate(&self.evaluated);
        let validation = self.validate();
        let step = self.losses.len();
        let finite = |loss: f64| loss.is_finite().then_some(loss);
        self.monitor.epoch(&EpochMeasurement {
            epoch,
            step: step as u64,
            train_loss: finite(train.loss).map(|loss| loss as f32),
            validation_loss: finite(validation.loss).map(|loss| loss as f32),
            train_accuracy: Some(train.accuracy as f32),
            validation_accuracy: Some(validation.accuracy as f32),
            ..EpochMeasurement::default()
        });
        self.evaluations.push(Evaluation {
            step,
            train_loss: finite(train.loss),
            validation_loss: finite(validation.loss),
            validation_accuracy: validation.accuracy,
        });
    }

    /// Returns the mean loss and the share of correct predictions on the validation samples.
    pub(crate) fn validate(&mut self) -> Score {
        self.classifier.evaluate(&self.samples.parts.test)
    }

    /// Returns the number of steps; if the run has stopped, the last one is not applied.
    pub(crate) fn steps(&self) -> usize {
        self.losses.len()
    }

    /// Returns the step with a non-finite number, which ended the run.
    pub(crate) fn stopped_at(&self) -> Option<usize> {
        self.stopped.then_some(self.losses.len())
    }

    /// Returns the loss of every step.
    pub(crate) fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Returns the losses at the ends of epochs.
    pub(crate) fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Returns the average number of classes per batch, or `None` before the first step.
    pub(crate) fn classes_of_a_batch(&self) -> Option<f64> {
        (!self.losses.is_empty()).then(|| self.classes_seen as f64 / self.losses.len() as f64)
    }

    /// Returns the samples, as given to the network.
    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Returns the network with everything needed to train it.
    pub(crate) fn classifier(&mut self) -> &mut Classifier {
        &mut self.classifier
    }

    /// Returns the network.
    pub(crate) fn network(&self) -> &Network {
        &self.classifier.network
    }

    /// Returns the loss before the first update.
    pub(crate) fn first_loss(&self) -> f64 {
        f64::from(self.start.loss)
    }

    /// Returns the state before the first update.
    pub(crate) fn start(&self) -> &StepMeasurement {
        &self.start
    }

    /// Returns the last step, or the state before the first update if there was none.
    pub(crate) fn latest(&self) -> &StepMeasurement {
        if self.losses.is_empty() { &self.start } else { &self.probe.measurement }
    }

    /// Returns the monitor of the run.
    pub(crate) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// Returns the findings of the run in progress, causes first, at levels adjusted to its outcome so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.monitor.tempered_findings()
    }

    /// Returns the findings as if the run ended here, causes first. The run itself may continue.
    pub(crate) fn findings_at_the_end(&self) -> Vec<Finding> {
        let mut monitor = self.monitor.clone();
        monitor.end();
        monitor.findings()
    }
}

/// Returns the finding that explains most: the first cause of the highest level.
pub(crate) fn leading(findings: &[Finding]) -> Option<&Finding> {
    let causes = || findings.iter().filter(|finding| finding.is_root());
    let highest = causes().map(|finding| finding.level).max()?;
    causes().find(|finding| finding.level == highest)
}

#[cfg(test)]
pub(crate) mod tests {
    use keel_nn::activations::Activation;

    use super::*;
    use crate::recipe::{Block, Data, Norm, Preprocessing, Start};

    /// Returns a small network on the spiral with three arms.
    pub(crate) fn recipe() -> Recipe {
        Recipe {
            data: Data::ThreeArms,
            noise: 0.1,
            preprocessing: Preprocessing::Standardised,
            block: Block::Linear,
            depth: 2,
            width: 16,
            activation: Activation::Relu,
            norm: Norm::None,
            start: Start::Auto,
            bias: 0.0,
            learning_rate: 0.05,
            momentum: 0.9,
            batch: 32,
            shuffled: true,
        }
    }

    #[test]
    fn a_run_that_is_continued_has_the_bits_of_one_in_one_go_and_watching_changes_nothing() {
        let mut whole = WatchedRun::begin(&recipe(), 3).unwrap();
        whole.train_to(60);
        let mut parts = WatchedRun::begin(&recipe(), 3).unwrap();
        [7, 20, 60].into_iter().for_each(|steps| parts.train_to(steps));
        assert_eq!(whole.losses(), parts.losses());
        assert_eq!(whole.evaluations(), parts.evaluations());
        assert_eq!(whole.findings(), parts.findings());
        let samples = recipe().samples(3).unwrap();
        let mut plain = Classifier::for_task(samples.task, &recipe().layers(), 32, RandomKey::new(3)).unwrap();
        let schedule = Schedule { steps: 60, ..recipe().schedule() };
        assert_eq!(plain.train(&samples.parts.train, schedule), whole.losses());
        assert_eq!(plain.network.parameters.to_vec(), whole.classifier().network.parameters.to_vec());
    }

    #[test]
    fn measurements_agree_with_the_tensors() {
        let mut run = WatchedRun::begin(&Recipe { depth: 1, ..recipe() }, 0).unwrap();
        // With He's weights, the variance of z is twice the mean square of standardised inputs, here over 16 units.
        let rows = layer_rows(&run, &[]);
        assert_eq!(rows.len(), 2);
        let std = rows[0].z_std.unwrap();
        assert!((std / 2.0_f64.sqrt() - 1.0).abs() < 0.5, "{std}");
        let zeros = rows[0].zeros.unwrap();
        assert!((0.3..0.7).contains(&zeros), "{zeros}");
        assert_eq!(rows[0].update_ratio, None, "no step yet");
        run.train_to(1);
        let gradient = crate::statistics::Moments::of_slice(run.classifier().gradient(0)).second_moment.sqrt();
        let row = &layer_rows(&run, &[])[0];
        assert!((row.gradient_rms.unwrap() / gradient - 1.0).abs() < 1e-5);
        assert!(row.update_ratio.unwrap() > 0.0);
    }

    #[test]
    fn a_run_that_overflows_stops_and_says_where() {
        let wild = Recipe { learning_rate: 1e12, ..recipe() };
        let mut run = WatchedRun::begin(&wild, 0).unwrap();
        run.train_to(100);
        let step = run.stopped_at().unwrap();
        assert!(step < 100 && run.steps() == step);
        let findings = run.findings_at_the_end();
        assert!(findings.iter().any(|finding| finding.code == "K001"), "{findings:?}");
        assert!(leading(&findings).is_some());
    }
}
