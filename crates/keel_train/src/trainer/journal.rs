//! Everything a training leaves behind while it runs: rows of the database, files of the run, events for its observer.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keel_data::Batch;

use super::record::Record;
use super::{EpochEvent, EvaluationEvent, Event, Started, StepEvent, TrainingObserver};
use crate::auto::Choice;
use crate::config::Config;
use crate::error::TrainError;
use crate::flight_recorder::{FlightRecorder, RecordedStep};
use crate::health::Watch;
use crate::metrics::{Detail, Metrics};
use crate::planning::Timing;
use crate::runs::{
    EpochRecord, Machine, MetricStore, PartMetrics, Rows, SUMMARY_FORMAT, Status, StepRecord, Summary, TrainingState,
    VERSION,
};
use crate::session::checkpoint::BestWeights;
use crate::session::{Session, StepPlace, StepResult};

/// Samples in `samples.png`.
const PICTURE_SAMPLES: usize = 64;

/// The written side of a run.
pub(super) struct Journal<'a> {
    pub(super) record: &'a mut dyn Record,
    observer: &'a mut dyn TrainingObserver,
    store: MetricStore,
    flight: FlightRecorder,
    /// Automatic choices of this run, as its summary keeps them.
    choices: Vec<Choice>,
    notes: Vec<String>,
    /// The targets are classes.
    classification: bool,
    began: Instant,
    /// Seconds trained before this start.
    seconds_before: f64,
    checkpointed: Instant,
    first_step_at: Option<f64>,
}

impl<'a> Journal<'a> {
    /// Opens the store of `record`, without what lies after `state`.
    pub(super) fn open(
        record: &'a mut dyn Record,
        observer: &'a mut dyn TrainingObserver,
        session: &Session,
        state: &TrainingState,
        told: Told,
    ) -> Result<Self, TrainError> {
        let position = Rows { step: state.step, epoch: state.epoch, findings: state.finding_rows };
        let store = record.open_store(position)?;
        let began = Instant::now();
        Ok(Journal {
            record,
            observer,
            store,
            flight: FlightRecorder::new(session.training_batches().largest_batch()),
            choices: told.choices,
            notes: told.notes,
            classification: !session.objective().class_names().is_empty(),
            began,
            seconds_before: state.seconds,
            checkpointed: began,
            first_step_at: None,
        })
    }

    /// Start of this part of the training.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Seconds trained, those before a resumption included.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.began.elapsed().as_secs_f64()
    }

    /// Tells what is about to be trained.
    pub(super) fn started(&mut self, standing: Standing<'_>, timing: Option<Timing>) {
        let Standing { config, session, state, .. } = standing;
        let data = session.data();
        let started = Started {
            folder: self.record.folder().cloned(),
            data: data.dataset.name().to_owned(),
            samples: [data.train.len(), data.validation.len(), data.test.len()],
            classes: data.dataset.class_names().to_vec(),
            columns: data.dataset.column_reports().to_vec(),
            preprocessing: session.preprocessor().describe(),
            layers: session.layers(),
            inferred: session.inferred(),
            parameters: session.network().graph.parameter_length(),
            threads: rayon::current_num_threads(),
            epochs: config.train.epochs,
            steps_per_epoch: session.training_batches().steps_per_epoch() as u64,
            choices: self.choices.clone(),
            notes: self.notes.clone(),
            timing,
            resumed_steps: state.step,
        };
        self.observer.event(Event::Started(&started));
    }

    /// A picture of the first batch; data that is no image has none.
    pub(super) fn picture(&mut self, session: &Session, inputs: &[f32]) {
        let range = session.data().dataset.value_range();
        if let Ok(bytes) = keel_data::batch_picture(inputs, session.preprocessor(), range, PICTURE_SAMPLES) {
            self.record.write_picture(&bytes);
        }
    }

    /// Notes a step that is done; `state` counts it already.
    pub(super) fn step(&mut self, batch: &Batch, place: StepPlace, done: StepDone, state: &TrainingState) {
        let StepDone { result, waited } = done;
        self.first_step_at.get_or_insert_with(seconds_since_1970);
        let (step, epoch) = (state.step, state.epoch + 1);
        let StepResult { loss, gradient_norm, .. } = result;
        let learning_rate = place.learning_rate;
        self.store.step(StepRecord { step, epoch, loss, learning_rate, gradient_norm });
        self.flight.record(RecordedStep::new(step, epoch, learning_rate, result), &batch.indices);
        let seen = state.epoch_samples as f64;
        self.observer.event(Event::Step(StepEvent {
            step,
            epoch,
            step_in_epoch: state.step_in_epoch,
            samples: batch.step_samples(),
            loss,
            epoch_loss: state.epoch_loss_sum / seen,
            epoch_accuracy: self.classification.then(|| state.epoch_right as f64 / seen),
            learning_rate,
            gradient_norm,
            waited: waited.as_secs_f64(),
        }));
    }

    /// Replays a step that gave no finite loss or gradient, and writes down what broke it.
    ///
    /// # Errors
    /// Always: the error that ends the training.
    pub(super) fn broken_step(&mut self, session: &Session, batch: &Batch, result: StepResult) -> TrainError {
        let record = self.flight.examine(session, batch);
        if let Err(error) = self.record.write_flight_record(&record) {
            return error;
        }
        let loss = if result.loss.is_finite() { result.gradient_norm } else { result.loss };
        TrainError::NonFinite { loss, step: record.step, epoch: record.epoch, account: record.account() }
    }

    /// Passes on what the health rules found and what they measured, noted after `step` steps.
    pub(super) fn news(&mut self, watch: Option<&mut Watch>, step: u64) {
        let Some(watch) = watch else { return };
        let news = watch.take_news();
        for record in news.finding_records(step) {
            self.store.finding(record);
        }
        for finding in &news.findings {
            self.observer.event(Event::Finding(finding));
        }
        if !news.layers.is_empty() {
            self.store.layers(news.layers);
        }
        if !news.histograms.is_empty() {
            self.store.histograms(news.histograms);
        }
    }

    /// Notes the metrics of one split after `epoch` epochs: `train`, `val` or `test`.
    pub(super) fn metrics(&mut self, metrics: &Metrics, part: &'static str, epoch: u64) {
        let seconds = self.seconds();
        self.store.epoch(EpochRecord::new(metrics, part, epoch, seconds));
    }

    /// Tells that an epoch is over.
    pub(super) fn epoch(&mut self, event: EpochEvent<'_>) {
        self.observer.event(Event::Epoch(event));
    }

    /// Metrics of a split, telling how far it is.
    pub(super) fn evaluate(
        &mut self,
        session: &mut Session,
        part: &'static str,
        indices: &[usize],
        detail: Detail,
    ) -> Result<Option<Metrics>, TrainError> {
        let samples = indices.len();
        let observer = &mut *self.observer;
        let watch = |done| observer.event(Event::Evaluation(EvaluationEvent { part, done, samples }));
        session.evaluate_watched(indices, detail, watch)
    }

    /// Notes that the training was shortened to `total_steps`, which is `epochs` of the `planned` ones.
    pub(super) fn shortened(&mut self, total_steps: u64, epochs: f64, planned: u64) {
        self.choices.retain(|choice| choice.key != "train.epochs");
        self.choices.push(Choice {
            key: "train.epochs".to_owned(),
            value: format!("{}", (epochs * 100.0).round() / 100.0),
            reason: format!(
                "shortened from {planned} while training, which is slower than it was measured to be: the learning rate \
                 still falls to its end within the time limit"
            ),
        });
        self.observer.event(Event::Shortened { total_steps, epochs });
    }

    /// Returns true if the last checkpoint is `seconds` old.
    pub(super) fn checkpoint_is_due(&self, seconds: f64) -> bool {
        self.checkpointed.elapsed().as_secs_f64() >= seconds
    }

    /// Number of findings noted so far.
    pub(super) fn findings(&self) -> u64 {
        self.store.findings()
    }

    /// Waits until all rows are on the disk.
    pub(super) fn flush(&mut self) -> Result<(), TrainError> {
        self.store.flush()
    }

    /// Writes everything a continuation needs, behind the rows that belong to it.
    pub(super) fn checkpoint(&mut self, session: &Session, state: &TrainingState) -> Result<(), TrainError> {
        self.flush()?;
        self.record.write_last(session, state)?;
        self.checkpointed = Instant::now();
        self.observer.event(Event::Checkpoint { step: state.step });
        Ok(())
    }

    /// Keeps the weights as the best so far, their average where there is one.
    pub(super) fn best(&mut self, session: &mut Session, state: &TrainingState) -> Result<(), TrainError> {
        let weights = BestWeights { fingerprint: state.fingerprint.clone(), epoch: state.epoch };
        session.with_average(|session| self.record.write_best(session, weights))
    }

    /// The run in brief, as it stands.
    pub(super) fn summary(&self, standing: Standing<'_>, status: Status) -> Summary {
        let Standing { config, session, state, watch, planned_steps } = standing;
        let seconds = self.seconds();
        let train_samples = session.data().train.len() as f64;
        let epochs = state.epoch as f64 + state.epoch_samples as f64 / train_samples;
        Summary {
            format: SUMMARY_FORMAT,
            status,
            reason: None,
            data: session.data().dataset.name().to_owned(),
            data_fingerprint: Some(state.data_fingerprint.clone()),
            metrics: PartMetrics::default(),
            epochs: state.epoch,
            best_epoch: state.best_epoch,
            steps: state.step,
            planned_steps: Some(planned_steps),
            seconds,
            first_step_at: self.first_step_at,
            samples_per_second: if seconds > 0.0 { epochs * train_samples / seconds } else { 0.0 },
            seed: config.train.seed,
            findings: watch.map(Watch::finding_documents).unwrap_or_default(),
            layers: session.layers(),
            columns: session.data().dataset.column_reports().to_vec(),
            inferred: session.inferred(),
            choices: self.choices.clone(),
            notes: self.notes.clone(),
            version: VERSION.to_owned(),
            machine: Machine::this(),
            ranks: session.ranks().summary(),
        }
    }

    /// Waits until all rows are written.
    pub(super) fn close(self) -> Result<(), TrainError> {
        self.store.close()
    }
}

/// A step that is done, and how long it waited for its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepDone {
    pub(super) result: StepResult,
    pub(super) waited: Duration,
}

/// What a person is told of a training beside its results.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) choices: Vec<Choice>,
    /// What may make the results differ from those of a run that never stopped.
    pub(super) notes: Vec<String>,
}

/// How a training stands.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) config: &'a Config,
    pub(super) session: &'a Session,
    pub(super) state: &'a TrainingState,
    pub(super) watch: Option<&'a Watch>,
    /// Steps of the whole training.
    pub(super) planned_steps: u64,
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
