//! One run from its first step to its summary.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use keel_data::{Batch, Loader, Position};

use super::best_epoch;
use super::deadline::{Deadline, Place};
use super::journal::{Journal, RunView, StepDone};
use super::prepared::Prepared;
use super::record::Record;
use super::stopping::{Ending, Request, Stopping};
use super::{EpochEvent, TrainingObserver};
use crate::config::Config;
use crate::error::TrainError;
use crate::health::{EpochLosses, Watch};
use crate::memory::BATCHES_AHEAD;
use crate::metrics::{Detail, Metrics};
use crate::runs::{Measurements, MetricReader, PartMetrics, RunFolder, Status, Summary, TrainingState};
use crate::schedules::{Horizon, Schedule};
use crate::session::{Session, StepObserver, StepPlace};

/// A finished run.
#[derive(Debug, Clone)]
pub struct TrainedRun {
    /// Folder of the run.
    pub folder: RunFolder,
    /// Summary of the results.
    pub summary: Summary,
    measurements: Measurements,
}

impl TrainedRun {
    pub(super) fn new(folder: RunFolder, summary: Summary, measurements: Measurements) -> Self {
        TrainedRun { folder, summary, measurements }
    }

    /// Reads the results of the run in `folder`.
    ///
    /// # Errors
    /// [`TrainError::Run`] if there is no summary or it cannot be read.
    pub fn read(folder: RunFolder) -> Result<Self, TrainError> {
        let (summary, measurements) = (folder.read_summary()?, Measurements::of_ended(&folder));
        Ok(TrainedRun { folder, summary, measurements })
    }

    /// Returns a reader of everything that was measured. Without the feature `sqlite`, a run keeps its measurements in memory as
    /// long as this value or one of its clones exists, from its last start if it was resumed.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database of the run cannot be read.
    pub fn measurements(&self) -> Result<MetricReader, TrainError> {
        self.measurements.reader()
    }
}

/// A run in progress: the session executes the steps, the schedule sets the learning rate, the watch applies the health rules,
/// the journal records everything, and `stopping` may end the run.
pub(super) struct Run<'a> {
    config: Config,
    session: Session,
    schedule: Schedule,
    watch: Option<Watch>,
    stopping: Stopping,
    /// Stop or checkpoint requests of this rank that the other ranks have not seen yet.
    pending: Request,
    journal: Journal<'a>,
    state: TrainingState,
    /// Metrics that decided whether the last epoch was the best.
    judged: Option<Metrics>,
}

impl<'a> Run<'a> {
    /// Resumes from the last checkpoint of `record`, or starts a new run.
    pub(super) fn begin(
        prepared: Prepared,
        record: &'a mut dyn Record,
        observer: &'a mut dyn TrainingObserver,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, TrainError> {
        let Prepared { config, mut session, notes, timing, .. } = prepared;
        best_epoch::check_split(&config.train, &session.data().validation)?;
        let fingerprint = config.fingerprint();
        // A run killed before its first checkpoint starts over.
        let mut state = match record.read_last(&mut session, &fingerprint)? {
            Some(state) => state,
            None => TrainingState { fingerprint, ..TrainingState::default() },
        };
        state.data_fingerprint = session.data().fingerprint();
        let steps_per_epoch = session.training_batches().steps_per_epoch() as u64;
        let horizon = Horizon { total_steps: config.train.epochs * steps_per_epoch, steps_per_epoch };
        let mut schedule = Schedule::new(&config.schedule, config.optimizer.learning_rate(), horizon);
        schedule.restore(state.plateau.clone(), state.shortened);
        session.set_total_steps(schedule.total_steps());
        let watch = Watch::begin(&config, &mut session, horizon.total_steps, state.health.take())?;
        let journal = Journal::open(record, observer, &session, &state, notes)?;
        let overhead = timing.as_ref().map_or(0.0, |timing| timing.pace.overhead(steps_per_epoch));
        let deadline = (config.train.time_limit > 0.0)
            .then(|| Deadline::new(config.train.time_limit, journal.began(), overhead))
            .map(|deadline| if state.step > 0 { deadline.of_resumed() } else { deadline });
        let stopping = Stopping::new(&config.train, stop, deadline);
        let pending = Request::default();
        let mut run = Run { config, session, schedule, watch, stopping, pending, journal, state, judged: None };
        let running = run.summary(Status::Running);
        run.journal.record.write_summary(&running)?;
        let Run { config, session, schedule, state, watch, journal, .. } = &mut run;
        let planned_steps = schedule.total_steps();
        journal.started(RunView { config, session, state, watch: watch.as_ref(), planned_steps }, timing);
        run.report_news();
        Ok(run)
    }

    /// Trains and records the results; an error that ends the run is recorded as its reason.
    pub(super) fn complete(mut self) -> Result<Summary, TrainError> {
        match self.train().and_then(|ending| self.finish(&ending)) {
            Ok(summary) => {
                self.journal.close()?;
                Ok(summary)
            }
            Err(error) => {
                // The error that ended the run matters more than an error while recording it.
                let failed = Summary { reason: Some(error.to_string()), ..self.summary(Status::Failed) };
                let _ = self.journal.record.write_summary(&failed);
                let _ = self.journal.close();
                Err(error)
            }
        }
    }

    fn train(&mut self) -> Result<Ending, TrainError> {
        let source = self.session.training_batches().clone().with_share(self.session.ranks().share());
        let steps_per_epoch = source.steps_per_epoch() as u64;
        let start = Position { epoch: self.state.epoch, step: self.state.step_in_epoch as usize };
        let mut loader = Loader::start(source, start, self.config.train.epochs, BATCHES_AHEAD)?;
        if self.stopping.has_given_up(&self.state) {
            return Ok(Ending::EarlyStopping);
        }
        if self.state.step >= self.schedule.total_steps() {
            return Ok(Ending::Finished);
        }
        loop {
            let asked = Instant::now();
            let Some(batch) = loader.next() else { break };
            let waited = asked.elapsed();
            self.step(&*batch?, waited)?;
            let over = self.state.step >= self.schedule.total_steps();
            if self.state.step_in_epoch == steps_per_epoch || over {
                self.end_epoch()?;
                if over {
                    return Ok(Ending::Finished);
                }
                if self.stopping.has_given_up(&self.state) {
                    return Ok(Ending::EarlyStopping);
                }
            }
            let request = self.request();
            self.pending.add(request);
            let request = self.pending.take_agreed(self.session.ranks())?;
            if let Some(reason) = request.stop {
                self.checkpoint()?;
                return Ok(Ending::Stopped(reason));
            }
            if let Some(total_steps) = request.total_steps {
                self.shorten(total_steps)?;
            }
            if request.checkpoint {
                self.checkpoint()?;
            }
        }
        Ok(Ending::Finished)
    }

    /// Runs one step on `batch`, which took `waited` to arrive.
    fn step(&mut self, batch: &Batch, waited: Duration) -> Result<(), TrainError> {
        let Run { session, schedule, watch, journal, state, .. } = self;
        if state.step == 0 {
            journal.picture(session, &batch.inputs);
        }
        let learning_rate = schedule.learning_rate(state.step);
        let place = StepPlace { step: state.step, epoch: state.epoch, learning_rate };
        let observer: &mut dyn StepObserver = match watch {
            Some(watch) => watch,
            None => &mut (),
        };
        let result = session.step_observed(batch, place, observer);
        session.check_ranks()?;
        state.step += 1;
        state.step_in_epoch += 1;
        state.epoch_samples += batch.step_samples() as u64;
        state.epoch_right += result.right;
        state.epoch_loss_sum += result.loss * batch.step_samples() as f64;
        journal.step(batch, place, StepDone { result, waited }, state);
        journal.news(watch.as_mut(), state.step);
        match result.is_finite() {
            true => Ok(()),
            false => Err(journal.broken_step(session, batch, result)),
        }
    }

    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let began = Instant::now();
        self.session.level_state()?;
        let validation_part = self.session.data().validation.clone();
        let metric = self.config.train.metric;
        let detail = if metric.needs_probabilities() { Detail::Full } else { Detail::Brief };
        let validation = self.journal.evaluate(&mut self.session, "validation", &validation_part, detail)?;
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
        let epoch = state.epoch;
        self.journal.metrics(&train, "train", epoch);
        if let Some(validation) = &validation {
            self.journal.metrics(validation, "val", epoch);
        }
        self.check_epoch(validation.as_ref())?;
        if best {
            self.journal.best(&mut self.session, &self.state)?;
        }
        self.checkpoint()?;
        if let Some(deadline) = &mut self.stopping.deadline {
            deadline.epoch_ended(began.elapsed().as_secs_f64());
        }
        self.journal.epoch(EpochEvent {
            epoch,
            train: &train,
            validation: validation.as_ref(),
            best,
            network: self.session.network(),
            seconds: self.journal.seconds(),
        });
        Ok(())
    }

    /// Applies the health rules to the epoch that just ended.
    fn check_epoch(&mut self, validation: Option<&Metrics>) -> Result<(), TrainError> {
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
        self.report_news();
        Ok(())
    }

    /// Returns the request of this rank after a step. A run that would exceed its time limit is shortened, so that the learning
    /// rate schedule is still completed.
    fn request(&mut self) -> Request {
        let place = Place {
            step: self.state.step,
            step_in_epoch: self.state.step_in_epoch,
            steps_per_epoch: self.session.training_batches().steps_per_epoch() as u64,
            total_steps: self.schedule.total_steps(),
        };
        Request {
            stop: self.stopping.reason(self.watch.as_ref()),
            total_steps: self.stopping.deadline.as_mut().and_then(|deadline| deadline.shorter(place)),
            checkpoint: self.journal.checkpoint_is_due(self.config.run.checkpoint_seconds),
        }
    }

    /// Shortens the run to `total_steps`.
    fn shorten(&mut self, total_steps: u64) -> Result<(), TrainError> {
        self.schedule.shorten(self.state.step, total_steps);
        self.session.set_total_steps(total_steps);
        let steps_per_epoch = self.session.training_batches().steps_per_epoch() as f64;
        self.journal.shortened(total_steps, total_steps as f64 / steps_per_epoch, self.config.train.epochs);
        let running = self.summary(Status::Running);
        self.journal.record.write_summary(&running)
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        self.session.level_state()?;
        self.state.plateau = self.schedule.state().clone();
        self.state.shortened = self.schedule.shortened();
        self.state.seconds = self.journal.seconds();
        self.state.health = self.watch.as_ref().map(Watch::state);
        self.state.finding_rows = self.journal.findings();
        self.journal.checkpoint(&self.session, &self.state)
    }

    fn finish(&mut self, ending: &Ending) -> Result<Summary, TrainError> {
        let (status, reason) = match ending {
            Ending::Finished => (Status::Finished, None),
            Ending::EarlyStopping => {
                let text = self.stopping.patience_text(self.config.train.metric, self.judged_split());
                (Status::Finished, Some(text))
            }
            Ending::Stopped(reason) => (Status::Stopped, Some(reason.clone())),
        };
        if status == Status::Finished && self.state.best_epoch == 0 && self.state.epoch > 0 {
            return Err(best_epoch::none_found(self.judged.as_ref(), self.judged_split()));
        }
        if let Some(watch) = self.watch.as_mut().filter(|_| status == Status::Finished) {
            watch.residuals(&mut self.session)?;
            watch.end();
            self.report_news();
        }
        let mut summary = Summary { reason, ..self.summary(status) };
        self.session.end_averaging();
        if self.state.best_epoch > 0 {
            self.journal.record.read_best(&mut self.session)?;
        }
        if self.config.train.exact_batch_norm_batches > 0 {
            self.session.recompute_batch_norm(self.config.train.exact_batch_norm_batches)?;
        }
        if status == Status::Finished {
            summary.metrics = self.final_metrics()?;
            if let Some(test) = &summary.metrics.test {
                self.journal.metrics(test, "test", self.state.epoch);
            }
            summary.findings = self.watch.as_ref().map(Watch::finding_documents).unwrap_or_default();
        }
        if let Some(trace) = self.session.ranks().trace()? {
            self.journal.record.write_timeline(&trace)?;
        }
        self.journal.flush()?;
        self.journal.record.write_model(&self.session, &self.config)?;
        self.journal.record.write_summary(&summary)?;
        // No rank ends while another may still fetch samples from it. A rank lost at this point does not affect the run.
        let _ = self.session.ranks().gather(&[]);
        Ok(summary)
    }

    fn final_metrics(&mut self) -> Result<PartMetrics, TrainError> {
        let data = self.session.data().clone();
        let Run { config, session, journal, .. } = self;
        let train = spread_evenly(&data.train, config.train.evaluated_training_samples);
        let mut metrics = PartMetrics {
            train: journal.evaluate(session, "train", &train, Detail::Full)?.map(Metrics::without_charts),
            validation: journal.evaluate(session, "validation", &data.validation, Detail::Full)?,
            test: journal.evaluate(session, "test", &data.test, Detail::Full)?,
        };
        if let Some(watch) = &mut self.watch {
            watch.evaluation(&metrics);
            self.report_news();
        }
        // Only the health rules need the suspects; the summary does not store them.
        let parts = [&mut metrics.train, &mut metrics.validation, &mut metrics.test];
        parts.into_iter().flatten().for_each(|metrics| metrics.suspects = None);
        Ok(metrics)
    }

    /// Passes on new findings and measurements of the watch.
    fn report_news(&mut self) {
        self.journal.news(self.watch.as_mut(), self.state.step);
    }

    /// Name of the split that decides which epoch is the best.
    fn judged_split(&self) -> &'static str {
        if self.session.data().validation.is_empty() { "training" } else { "validation" }
    }

    fn summary(&self, status: Status) -> Summary {
        let Run { config, session, schedule, state, watch, .. } = self;
        let planned_steps = schedule.total_steps();
        self.journal.summary(RunView { config, session, state, watch: watch.as_ref(), planned_steps }, status)
    }
}

/// Returns `count` evenly spaced elements of `samples`, or all if `count` is 0 or there are no more.
fn spread_evenly(samples: &[usize], count: usize) -> Vec<usize> {
    if count == 0 || count >= samples.len() {
        return samples.to_vec();
    }
    (0..count).map(|place| samples[place * samples.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::spread_evenly;

    #[test]
    fn a_part_of_the_samples_is_spread_over_all_of_them() {
        let samples: Vec<usize> = (100..110).collect();
        let cases: [(usize, &[usize]); 4] = [(1, &[100]), (3, &[100, 103, 106]), (10, &samples), (11, &samples)];
        for (count, expected) in cases {
            assert_eq!(spread_evenly(&samples, count), expected, "{count}");
        }
        assert_eq!(spread_evenly(&samples, 0), samples);
    }
}
