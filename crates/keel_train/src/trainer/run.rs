//! One run from its folder to its summary.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keel_data::{Loader, Position, SplitDataset};

use super::best_epoch;
use super::deadline::{Deadline, Place};
use super::memory_run::{MemoryRecord, MemoryRun};
use super::new_folder::new_folder;
use super::position::BestWeights;
use super::record::Record;
use super::{EpochEvent, EvaluationEvent, Event, Session, Started, StepEvent, Trainer, TrainingObserver, load_data};
use crate::auto::{self, Choice, Pace, Resolved, Timing};
use crate::config::Config;
use crate::error::TrainError;
use crate::flight_recorder::{FlightRecorder, RecordedStep};
use crate::health::{EpochLosses, StepPlace, Watch};
use crate::metrics::{Detail, MetricName, Metrics};
use crate::runs::{
    EpochRecord, Machine, MetricStore, PartMetrics, RunFolder, Status, StepRecord, Summary, TrainingState,
};
use crate::schedules::{Horizon, Schedule};

/// Batches prepared ahead of the step.
pub(crate) const BATCHES_AHEAD: usize = 2;

/// Samples in `samples.png`.
const PICTURE_SAMPLES: usize = 64;

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct TrainedRun {
    /// Where it is.
    pub folder: RunFolder,
    /// Its results.
    pub summary: Summary,
}

/// Why the loop ended.
enum Ending {
    Finished,
    EarlyStopping,
    Stopped(String),
}

struct Run<'a> {
    config: Config,
    record: &'a mut dyn Record,
    session: Session,
    schedule: Schedule,
    watch: Option<Watch>,
    store: MetricStore,
    state: TrainingState,
    observer: &'a mut dyn TrainingObserver,
    began: Instant,
    seconds_before: f64,
    checkpointed: Instant,
    recorder: FlightRecorder,
    first_step_at: Option<f64>,
    steps_per_epoch: u64,
    /// When the training must be over; `None` without a time limit.
    deadline: Option<Deadline>,
    /// What was chosen for this run, as its summary keeps it.
    choices: Vec<Choice>,
    /// What the last epoch was judged by.
    judged: Option<Metrics>,
    data_fingerprint: String,
}

pub(super) fn run(trainer: Trainer, observer: &mut dyn TrainingObserver) -> Result<TrainedRun, TrainError> {
    let Trainer { config, data, continued, stop } = trainer;
    let mut prepared = prepare(&config, data)?;
    let timing = prepared.time(continued.is_none())?;
    let mut folder = match continued {
        Some(folder) => {
            check_data(&folder, &prepared.session)?;
            prepared.choices = folder.read_summary().map(|summary| summary.choices).unwrap_or_default();
            folder
        }
        None => new_folder(&prepared.config, &prepared.session)?,
    };
    let summary = Run::begin((prepared, timing), &mut folder, observer)?.complete(&stop)?;
    Ok(TrainedRun { folder, summary })
}

pub(super) fn run_in_memory(trainer: Trainer, observer: &mut dyn TrainingObserver) -> Result<MemoryRun, TrainError> {
    let Trainer { config, data, stop, .. } = trainer;
    let mut prepared = prepare(&config, data)?;
    let timing = prepared.time(true)?;
    let mut record = MemoryRecord::new(&prepared.config)?;
    let summary = Run::begin((prepared, timing), &mut record, observer)?.complete(&stop)?;
    Ok(MemoryRun::new(summary, record))
}

/// A training that is about to begin.
struct Prepared {
    /// The config as it was given.
    open: Config,
    /// The config with nothing left open.
    config: Config,
    session: Session,
    choices: Vec<Choice>,
}

impl Prepared {
    /// Measures a few steps; a training that begins anew is cut to its time limit.
    fn time(&mut self, begins: bool) -> Result<Option<Timing>, TrainError> {
        let Some(pace) = Pace::measure(&mut self.session, &self.config)? else { return Ok(None) };
        Ok(Some(match begins {
            true => pace.fit(&mut self.config, &self.open, &mut self.choices),
            // A resumed training keeps the length it was planned with.
            false => pace.of(self.config.train.epochs),
        }))
    }
}

fn prepare(config: &Config, data: Option<SplitDataset>) -> Result<Prepared, TrainError> {
    let data = match data {
        Some(data) => data,
        None => load_data(config)?,
    };
    let open = config.clone();
    let Resolved { config, data, choices } = auto::resolve(&open, data)?;
    let session = Session::new(&config, data)?;
    Ok(Prepared { open, config, session, choices })
}

impl<'a> Run<'a> {
    fn begin(
        (prepared, timing): (Prepared, Option<Timing>),
        record: &'a mut dyn Record,
        observer: &'a mut dyn TrainingObserver,
    ) -> Result<Self, TrainError> {
        let Prepared { config, mut session, choices, .. } = prepared;
        best_epoch::check_split(&config.train, &session.data().validation)?;
        let fingerprint = config.fingerprint();
        // A run killed before its first checkpoint starts over.
        let mut state = match record.read_last(&mut session, &fingerprint)? {
            Some(state) => state,
            None => TrainingState { fingerprint, ..TrainingState::default() },
        };
        let steps_per_epoch = session.training_batches().steps_per_epoch() as u64;
        let horizon = Horizon { total_steps: config.train.epochs * steps_per_epoch, steps_per_epoch };
        let mut schedule = Schedule::new(&config.schedule, config.optimizer.learning_rate(), horizon);
        schedule.restore(state.plateau.clone(), state.shortened);
        let watch = Watch::begin(&config, &mut session, horizon.total_steps, state.health.take())?;
        let store = record.open_store(state.step, state.epoch)?;
        let (began, seconds_before) = (Instant::now(), state.seconds);
        let overhead = timing.as_ref().map_or(0.0, |timing| timing.pace.overhead(steps_per_epoch));
        let deadline = (config.train.time_limit > 0.0)
            .then(|| Deadline::new(config.train.time_limit, began, overhead))
            .map(|deadline| if state.step > 0 { deadline.of_resumed() } else { deadline });
        let data_fingerprint = session.data().fingerprint();
        let recorder = FlightRecorder::new(session.training_batches().largest_batch());
        let mut run = Run {
            config,
            record,
            session,
            schedule,
            watch,
            store,
            state,
            observer,
            began,
            seconds_before,
            checkpointed: began,
            recorder,
            first_step_at: None,
            judged: None,
            steps_per_epoch,
            deadline,
            choices,
            data_fingerprint,
        };
        run.record.write_summary(&run.summary(Status::Running, None))?;
        let started = Started { timing, ..run.started() };
        run.observer.event(Event::Started(&started));
        run.tell_news();
        Ok(run)
    }

    /// Trains and keeps the results; an error that ends the training is noted as its reason.
    fn complete(mut self, stop: &std::sync::atomic::AtomicBool) -> Result<Summary, TrainError> {
        match self.train(stop).and_then(|ending| self.finish(&ending)) {
            Ok(summary) => {
                self.store.close()?;
                Ok(summary)
            }
            Err(error) => {
                // The error that ended the training matters more than one while noting it down.
                let failed = self.summary(Status::Failed, Some(error.to_string()));
                let _ = self.record.write_summary(&failed);
                let _ = self.store.close();
                Err(error)
            }
        }
    }

    fn train(&mut self, stop: &std::sync::atomic::AtomicBool) -> Result<Ending, TrainError> {
        let source = self.session.training_batches().clone();
        let steps_per_epoch = source.steps_per_epoch() as u64;
        let start = Position { epoch: self.state.epoch, step: self.state.step_in_epoch as usize };
        let mut loader = Loader::start(source, start, self.config.train.epochs, BATCHES_AHEAD)?;
        if self.gave_up() {
            return Ok(Ending::EarlyStopping);
        }
        if self.state.step >= self.schedule.total_steps() {
            return Ok(Ending::Finished);
        }
        while let Some(batch) = loader.next() {
            let batch = batch?;
            if self.state.step == 0 {
                self.write_picture(&batch.inputs);
            }
            self.step(&batch)?;
            drop(batch);
            let over = self.state.step >= self.schedule.total_steps();
            if self.state.step_in_epoch == steps_per_epoch || over {
                self.end_epoch()?;
                if over {
                    return Ok(Ending::Finished);
                }
                if self.gave_up() {
                    return Ok(Ending::EarlyStopping);
                }
            }
            if let Some(reason) = self.watch.as_ref().and_then(Watch::reason_to_stop) {
                self.checkpoint()?;
                return Ok(Ending::Stopped(reason));
            }
            if stop.load(Ordering::Relaxed) {
                self.checkpoint()?;
                return Ok(Ending::Stopped("stopped on request".to_owned()));
            }
            if self.deadline.as_ref().is_some_and(Deadline::has_passed) {
                self.checkpoint()?;
                return Ok(Ending::Stopped("the time limit was reached".to_owned()));
            }
            self.keep_deadline();
            if self.checkpointed.elapsed() >= Duration::from_secs_f64(self.config.run.checkpoint_seconds) {
                self.checkpoint()?;
            }
        }
        Ok(Ending::Finished)
    }

    /// Shortens a training that would not end in time, so that the learning rate falls to its end.
    fn keep_deadline(&mut self) {
        let Some(deadline) = &mut self.deadline else { return };
        let place = Place {
            step: self.state.step,
            step_in_epoch: self.state.step_in_epoch,
            steps_per_epoch: self.steps_per_epoch,
            total_steps: self.schedule.total_steps(),
        };
        let Some(total_steps) = deadline.shorter(place) else { return };
        self.schedule.shorten(self.state.step, total_steps);
        let epochs = total_steps as f64 / self.steps_per_epoch as f64;
        self.choices.retain(|choice| choice.key != "train.epochs");
        self.choices.push(Choice {
            key: "train.epochs".to_owned(),
            value: format!("{}", (epochs * 100.0).round() / 100.0),
            reason: format!(
                "shortened from {} while training, which is slower than it was measured to be: the learning rate still \
                 falls to its end within the time limit",
                self.config.train.epochs
            ),
        });
        self.observer.event(Event::Shortened { total_steps, epochs });
    }

    fn step(&mut self, batch: &keel_data::Batch) -> Result<(), TrainError> {
        let learning_rate = self.schedule.learning_rate(self.state.step);
        let place = StepPlace { step: self.state.step, epoch: self.state.epoch, learning_rate };
        let result = match &mut self.watch {
            Some(watch) => watch.step(&mut self.session, batch, place),
            None => self.session.step(batch, place.step, learning_rate),
        };
        self.first_step_at.get_or_insert_with(seconds_since_1970);
        let state = &mut self.state;
        state.step += 1;
        state.step_in_epoch += 1;
        state.epoch_samples += batch.samples() as u64;
        state.epoch_right += result.right;
        state.epoch_loss_sum += result.loss * batch.samples() as f64;
        let (step, epoch) = (state.step, state.epoch + 1);
        let (loss, gradient_norm) = (result.loss, result.gradient_norm);
        self.store.step(StepRecord { step, epoch, loss, learning_rate, gradient_norm });
        self.recorder.record(RecordedStep::new(step, epoch, learning_rate, (loss, gradient_norm)), &batch.indices);
        let seen = state.epoch_samples as f64;
        let classification = !self.session.objective().class_names().is_empty();
        self.observer.event(Event::Step(StepEvent {
            step,
            epoch,
            step_in_epoch: state.step_in_epoch,
            samples: batch.samples(),
            loss,
            epoch_loss: state.epoch_loss_sum / seen,
            epoch_accuracy: classification.then(|| state.epoch_right as f64 / seen),
            learning_rate,
            gradient_norm,
        }));
        self.tell_news();
        if loss.is_finite() && gradient_norm.is_finite() {
            return Ok(());
        }
        let record = self.recorder.examine(&self.session, batch);
        self.record.write_flight_record(&record)?;
        let account = record.account();
        let loss = if loss.is_finite() { gradient_norm } else { loss };
        Err(TrainError::NonFinite { loss, step, epoch, account })
    }

    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let began = Instant::now();
        let validation_part = self.session.data().validation.clone();
        let metric = self.config.train.metric;
        let detail = if metric.needs_probabilities() { Detail::Full } else { Detail::Brief };
        let validation = self.evaluate("validation", &validation_part, detail)?;
        let state = &mut self.state;
        let seen = state.epoch_samples.max(1) as f64;
        let classification = !self.session.objective().class_names().is_empty();
        let train = Metrics {
            loss: state.epoch_loss_sum / seen,
            samples: state.epoch_samples,
            accuracy: classification.then(|| state.epoch_right as f64 / seen),
            ..Metrics::default()
        };
        let judged = validation.as_ref().unwrap_or(&train);
        best_epoch::check_defined(metric, judged)?;
        state.epoch += 1;
        (state.step_in_epoch, state.epoch_samples, state.epoch_right, state.epoch_loss_sum) = (0, 0, 0, 0.0);
        let best = best_epoch::note(metric, judged, state);
        self.schedule.epoch_ended(judged.loss);
        self.judged = Some(judged.clone());
        self.note_epoch(&train, validation.as_ref());
        self.judge_epoch(validation.as_ref())?;
        if best {
            let weights = BestWeights { fingerprint: self.state.fingerprint.clone(), epoch: self.state.epoch };
            self.session.swap_average();
            let written = self.record.write_best(&self.session, weights);
            self.session.swap_average();
            written?;
        }
        self.checkpoint()?;
        if let Some(deadline) = &mut self.deadline {
            deadline.epoch_ended(began.elapsed().as_secs_f64());
        }
        let (epoch, seconds) = (self.state.epoch, self.seconds());
        let event = EpochEvent { epoch, train: &train, validation: validation.as_ref(), best, seconds };
        self.observer.event(Event::Epoch(event));
        Ok(())
    }

    /// Has the health rules judge the epoch that is over.
    fn judge_epoch(&mut self, validation: Option<&Metrics>) -> Result<(), TrainError> {
        let Some(watch) = &mut self.watch else { return Ok(()) };
        if let Some(metrics) = validation {
            watch.validation(metrics);
        }
        let losses = EpochLosses {
            epoch: self.state.epoch.saturating_sub(1),
            step: self.state.step,
            validation_loss: validation.map(|metrics| metrics.loss),
            validation_accuracy: validation.and_then(|metrics| metrics.accuracy),
        };
        watch.epoch(&mut self.session, losses)?;
        self.tell_news();
        Ok(())
    }

    /// Passes on what the health rules found and what they measured.
    fn tell_news(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        let news = watch.take_news();
        for record in news.finding_records(self.state.step) {
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

    fn findings(&self) -> Vec<serde_json::Value> {
        let findings = self.watch.as_ref().map(Watch::findings).unwrap_or_default();
        findings.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect()
    }

    fn note_epoch(&mut self, train: &Metrics, validation: Option<&Metrics>) {
        let (epoch, seconds) = (self.state.epoch, self.seconds());
        for (part, metrics) in [("train", Some(train)), ("val", validation)] {
            let Some(metrics) = metrics else { continue };
            self.store.epoch(EpochRecord::new(metrics, part, epoch, seconds));
        }
    }

    /// Whether early stopping has run out of patience.
    fn gave_up(&self) -> bool {
        let patience = self.config.train.early_stopping;
        patience > 0 && self.state.epoch >= self.state.best_epoch + patience && self.state.best_epoch > 0
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        self.state.plateau = self.schedule.state().clone();
        self.state.shortened = self.schedule.shortened();
        self.state.seconds = self.seconds();
        self.state.health = self.watch.as_ref().map(Watch::state);
        self.store.flush();
        self.record.write_last(&self.session, &self.state)?;
        self.checkpointed = Instant::now();
        self.observer.event(Event::Checkpoint { step: self.state.step });
        Ok(())
    }

    fn finish(&mut self, ending: &Ending) -> Result<Summary, TrainError> {
        let (status, reason) = match ending {
            Ending::Finished => (Status::Finished, None),
            Ending::EarlyStopping => (Status::Finished, Some(self.patience_text())),
            Ending::Stopped(reason) => (Status::Stopped, Some(reason.clone())),
        };
        if status == Status::Finished && self.state.best_epoch == 0 && self.state.epoch > 0 {
            return Err(best_epoch::none_found(self.judged.as_ref(), self.judged_split()));
        }
        if let Some(watch) = self.watch.as_mut().filter(|_| status == Status::Finished) {
            watch.end();
            self.tell_news();
        }
        let mut summary = self.summary(status, reason);
        self.session.end_averaging();
        if self.state.best_epoch > 0 {
            self.record.read_best(&mut self.session)?;
        }
        if self.config.train.exact_batch_norm_batches > 0 {
            self.session.recompute_batch_norm(self.config.train.exact_batch_norm_batches)?;
        }
        if status == Status::Finished {
            summary.metrics = self.final_metrics()?;
            if let Some(test) = &summary.metrics.test {
                self.store.epoch(EpochRecord::new(test, "test", self.state.epoch, self.seconds()));
            }
            summary.findings = self.findings();
        }
        self.record.write_model(&self.session, &self.config)?;
        self.record.write_summary(&summary)?;
        Ok(summary)
    }

    fn final_metrics(&mut self) -> Result<PartMetrics, TrainError> {
        let data = self.session.data().clone();
        let metrics = PartMetrics {
            train: self.evaluate("train", &data.train, Detail::Full)?.map(Metrics::without_charts),
            validation: self.evaluate("validation", &data.validation, Detail::Full)?,
            test: self.evaluate("test", &data.test, Detail::Full)?,
        };
        if let Some(watch) = &mut self.watch {
            watch.evaluation(&metrics);
            self.tell_news();
        }
        Ok(metrics)
    }

    /// What an epoch is judged by.
    fn judged_split(&self) -> &'static str {
        if self.session.data().validation.is_empty() { "training" } else { "validation" }
    }

    /// Why early stopping ended the training.
    fn patience_text(&self) -> String {
        let (split, patience) = (self.judged_split(), self.config.train.early_stopping);
        let what = match self.config.train.metric {
            MetricName::Auto => "result",
            metric => metric.title(),
        };
        let epochs = if patience == 1 { "1 epoch".to_owned() } else { format!("{patience} epochs") };
        format!("no better {split} {what} for {epochs}")
    }

    /// Metrics of a split, telling how far it is.
    fn evaluate(
        &mut self,
        part: &'static str,
        indices: &[usize],
        detail: Detail,
    ) -> Result<Option<Metrics>, TrainError> {
        let samples = indices.len();
        let observer = &mut *self.observer;
        let watch = |done| observer.event(Event::Evaluation(EvaluationEvent { part, done, samples }));
        self.session.evaluate_watched(indices, detail, watch)
    }

    /// A picture of the first batch; data that is no image has none.
    fn write_picture(&mut self, inputs: &[f32]) {
        let range = self.session.data().dataset.value_range();
        if let Ok(bytes) = keel_data::batch_picture(inputs, self.session.preprocessor(), range, PICTURE_SAMPLES) {
            self.record.write_picture(&bytes);
        }
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.began.elapsed().as_secs_f64()
    }

    fn started(&self) -> Started {
        let data = self.session.data();
        let graph = &self.session.network().graph;
        Started {
            folder: self.record.folder().cloned(),
            data: data.dataset.name().to_owned(),
            samples: [data.train.len(), data.validation.len(), data.test.len()],
            classes: data.dataset.class_names().to_vec(),
            columns: data.dataset.column_reports().to_vec(),
            preprocessing: self.session.preprocessor().describe(),
            layers: self.session.layers(),
            inferred: self.session.inferred(),
            parameters: graph.parameter_length(),
            threads: rayon::current_num_threads(),
            epochs: self.config.train.epochs,
            steps_per_epoch: self.steps_per_epoch,
            choices: self.choices.clone(),
            timing: None,
            resumed_steps: self.state.step,
        }
    }

    fn summary(&self, status: Status, reason: Option<String>) -> Summary {
        let seconds = self.seconds();
        let train_samples = self.session.data().train.len() as f64;
        let epochs = self.state.epoch as f64 + self.state.epoch_samples as f64 / train_samples;
        Summary {
            status,
            reason,
            data: self.session.data().dataset.name().to_owned(),
            data_fingerprint: Some(self.data_fingerprint.clone()),
            metrics: PartMetrics::default(),
            epochs: self.state.epoch,
            best_epoch: self.state.best_epoch,
            steps: self.state.step,
            seconds,
            first_step_at: self.first_step_at,
            samples_per_second: if seconds > 0.0 { epochs * train_samples / seconds } else { 0.0 },
            seed: self.config.train.seed,
            findings: self.findings(),
            layers: self.session.layers(),
            columns: self.session.data().dataset.column_reports().to_vec(),
            inferred: self.session.inferred(),
            choices: self.choices.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine {
                architecture: std::env::consts::ARCH.to_owned(),
                system: std::env::consts::OS.to_owned(),
                simd: keel_kernels::simd::level().name().to_owned(),
                threads: rayon::current_num_threads(),
            },
        }
    }
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A run goes on with the samples it began with, divided in the same way.
fn check_data(folder: &RunFolder, session: &Session) -> Result<(), TrainError> {
    let began = folder.read_summary().ok().and_then(|summary| summary.data_fingerprint);
    let given = session.data().fingerprint();
    let Some(began) = began.filter(|began| *began != given) else { return Ok(()) };
    let samples = |fingerprint: &str| fingerprint.split('-').next().map(str::to_owned);
    let what = match samples(&began) == samples(&given) {
        true => "the same samples, but another division into training, validation and test",
        false => "other samples",
    };
    let message = format!(
        "the run in {} was trained on {what} (fingerprint {began}, the data given has {given}); give the data it was \
         trained on, or train a new run",
        folder.path().display()
    );
    Err(TrainError::setting("data", message))
}
