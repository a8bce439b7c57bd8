//! Communication of one rank with the others during data-parallel training.
//!
//! Each rank runs the forward and backward pass on its share of a batch. The gradient it computes is its part of the gradient
//! of the mean over the whole batch; the parts are then added in rank order. Losses are exchanged during the backward pass,
//! which depends on them only if samples have different weights; gradients are sent in buckets while the backward pass is still
//! running.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keel_data::Share;
use keel_health::measurement::RankMeasurement;
use keel_nn::BatchShares;
use keel_nn::losses::LossValue;
use keel_ranks::{Alone, Communicator, Pending, RankError};

use super::timeline::{self, Timeline};
use crate::error::TrainError;
use crate::runs::RankSummary;

/// Number of gradient floats per message: 4 MiB, large enough that the transfer time of a message is dominated by its size.
pub(crate) const BUCKET: usize = 1 << 20;

/// Connection of this rank to the others, shared by clones.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    communicator: Arc<dyn Communicator>,
    began: Instant,
    exchange: Arc<Mutex<Exchange>>,
}

/// State of the exchange between the ranks.
#[derive(Debug, Default)]
struct Exchange {
    /// Ranges of gradients that the backward pass has finished and that are not yet sent: start by end.
    ready: BTreeMap<usize, usize>,
    /// Start of the gradients sent so far; `None` if nothing has been sent yet.
    sent_from: Option<usize>,
    sums: Vec<(Range<usize>, Pending<Vec<f32>>)>,
    steps: u64,
    /// True if the current pass belongs to a training step; other passes only measure.
    in_step: bool,
    /// This rank has a request, which is announced with the losses of the next step.
    own_request: bool,
    /// A rank announced a request in the last step.
    any_request: bool,
    /// Recorded parts of the first steps, if recording is on.
    timeline: Option<Timeline>,
    /// Seconds of computation in the steps since the last [`Ranks::measure`], and the number of these steps.
    computed: (f64, u64),
    /// The first error; everything after it is void.
    failure: Option<RankError>,
}

impl Default for Ranks {
    /// Creates a single rank.
    fn default() -> Self {
        Ranks::new(Arc::new(Alone))
    }
}

impl Ranks {
    pub(crate) fn new(communicator: Arc<dyn Communicator>) -> Self {
        Ranks { communicator, began: Instant::now(), exchange: Arc::default() }
    }

    /// Returns the number of ranks, their waiting time and traffic so far; `None` for a single rank.
    pub(crate) fn summary(&self) -> Option<RankSummary> {
        let count = self.communicator.size();
        let steps = self.lock().steps.max(1) as f64;
        (count > 1).then(|| RankSummary {
            count,
            waited: (self.communicator.waited().as_secs_f64() / self.began.elapsed().as_secs_f64()).clamp(0.0, 1.0),
            sent_bytes_per_step: self.communicator.sent_bytes() as f64 / steps,
        })
    }

    /// Share of every batch that this rank processes.
    pub(crate) fn share(&self) -> Share {
        Share { rank: self.communicator.rank(), size: self.communicator.size() }
    }

    /// The communicator.
    pub(crate) fn communicator(&self) -> &Arc<dyn Communicator> {
        &self.communicator
    }

    /// Returns the error that ended the communication, if any.
    ///
    /// # Errors
    /// [`TrainError::Ranks`], the same in every call.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        match &self.lock().failure {
            Some(error) => Err(TrainError::Ranks(error.clone())),
            None => Ok(()),
        }
    }

    /// Gathers the bytes of every rank, in rank order.
    ///
    /// # Errors
    /// [`TrainError::Ranks`] if a rank does not answer.
    pub(crate) fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, TrainError> {
        self.check()?;
        self.communicator.all_gather(own).map_err(|error| {
            self.lock().failure = Some(error.clone());
            TrainError::Ranks(error)
        })
    }

    /// Gathers the numbers of every rank, in rank order.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(crate) fn gather_numbers(&self, own: &[f64]) -> Result<Vec<Vec<f64>>, TrainError> {
        Ok(self.gather(&bytes_of(own))?.iter().map(|bytes| numbers(bytes)).collect())
    }

    /// Replaces `values` by the concatenated values of all ranks.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(super) fn join_values(&self, values: &mut Vec<f32>) -> Result<(), TrainError> {
        if self.share() == Share::WHOLE {
            return Ok(());
        }
        let parts = self.gather(bytemuck::cast_slice(values))?;
        values.clear();
        parts.iter().for_each(|part| values.extend(bytemuck::pod_collect_to_vec::<u8, f32>(part)));
        Ok(())
    }

    /// Replaces `values` by their means over all ranks.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(super) fn average(&self, values: &mut [f32]) -> Result<(), TrainError> {
        let parts = self.gather(bytemuck::cast_slice(values))?;
        let parts: Vec<Vec<f32>> = parts.iter().map(|part| bytemuck::pod_collect_to_vec(part)).collect();
        for (at, value) in values.iter_mut().enumerate() {
            let sum: f64 = parts.iter().filter_map(|part| part.get(at)).map(|value| f64::from(*value)).sum();
            *value = (sum / parts.len() as f64) as f32;
        }
        Ok(())
    }

    /// Sends the loss of this rank's samples, together with the flag that announces a request.
    pub(super) fn start_loss(&self, own: LossValue) -> PendingLoss {
        let flag = |set: bool| f64::from(u8::from(set));
        let mut exchange = self.lock();
        let own = [own.sum, own.weight, own.correct as f64, flag(own.non_finite), flag(exchange.own_request)];
        if exchange.failure.is_some() {
            return PendingLoss(None);
        }
        match self.communicator.start_all_gather(&bytes_of(&own)) {
            Ok(losses) => PendingLoss(Some(losses)),
            Err(error) => {
                exchange.failure = Some(error);
                PendingLoss(None)
            }
        }
    }

    /// Returns the loss over the samples of all ranks; the default loss after a failure.
    pub(super) fn whole_loss(&self, losses: PendingLoss) -> LossValue {
        let mut whole = LossValue::default();
        let PendingLoss(Some(losses)) = losses else { return whole };
        let parts = losses.wait();
        let mut exchange = self.lock();
        exchange.any_request = false;
        match parts {
            Ok(parts) => {
                for part in parts {
                    if let [sum, weight, correct, non_finite, request] = numbers(&part)[..] {
                        whole.add(LossValue { sum, weight, correct: correct as usize, non_finite: non_finite > 0.0 });
                        exchange.any_request |= request > 0.0;
                    }
                }
            }
            Err(error) => exchange.failure = Some(error),
        }
        whole
    }

    /// Sets whether this rank announces a request in the next step.
    pub(crate) fn announce_request(&self, has_one: bool) {
        self.lock().own_request = has_one;
    }

    /// Returns true if a rank announced a request in the last step; the same on all ranks.
    pub(crate) fn any_request(&self) -> bool {
        self.lock().any_request
    }

    /// Starts recording the parts of the following steps, on all ranks at the same time.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(crate) fn record_timeline(&self) -> Result<(), TrainError> {
        self.gather(&[])?;
        self.lock().timeline = Some(Timeline::new());
        Ok(())
    }

    /// Runs `work` and records its time as the part `name` of a step.
    pub(super) fn timed<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.note_part(name, began);
        done
    }

    /// Records the part `name` of a step, from `began` until now.
    pub(super) fn note_part(&self, name: &str, began: Instant) {
        let mut exchange = self.lock();
        if exchange.in_step
            && exchange.steps < timeline::STEPS
            && let Some(timeline) = &mut exchange.timeline
        {
            timeline.add(name, began);
        }
    }

    /// Returns the recorded parts of all ranks in the trace event format; `None` if none were recorded.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(crate) fn trace(&self) -> Result<Option<serde_json::Value>, TrainError> {
        let Some(own) = self.lock().timeline.take() else { return Ok(None) };
        let parts = self.gather(&serde_json::to_vec(own.spans()).unwrap_or_default())?;
        let parts: Vec<_> = parts.iter().map(|bytes| serde_json::from_slice(bytes).unwrap_or_default()).collect();
        Ok(Some(timeline::document(&parts)))
    }

    /// Begins a pass: over this rank's share of a step, or over a whole batch only to measure if `in_step` is false.
    pub(super) fn begin_pass(&self, in_step: bool) {
        self.lock().in_step = in_step;
    }

    /// Records the end of a step that began at `began`; `waited` is the time spent waiting for other ranks until then.
    pub(super) fn note_step(&self, began: Instant, waited: Duration) {
        let seconds = began.elapsed().saturating_sub(self.communicator.waited().saturating_sub(waited)).as_secs_f64();
        let mut exchange = self.lock();
        if !exchange.in_step {
            return;
        }
        exchange.steps += 1;
        exchange.computed = (exchange.computed.0 + seconds, exchange.computed.1 + 1);
    }

    /// Returns checksum and step time of every rank since the last call; empty for a single rank. `tensors` must be equal on
    /// all ranks.
    ///
    /// # Errors
    /// See [`Ranks::gather`].
    pub(crate) fn measure(&self, tensors: [&[f32]; 2]) -> Result<Vec<RankMeasurement>, TrainError> {
        if self.share().size == 1 {
            return Ok(Vec::new());
        }
        let mut checksum = crc32fast::Hasher::new();
        tensors.iter().for_each(|tensor| checksum.update(bytemuck::cast_slice(tensor)));
        let (seconds, steps) = std::mem::take(&mut self.lock().computed);
        let own = [f64::from(checksum.finalize()), seconds / steps.max(1) as f64];
        let measurement =
            |numbers: Vec<f64>| RankMeasurement { checksum: numbers[0] as u32, step_seconds: numbers[1] as f32 };
        Ok(self.gather_numbers(&own)?.into_iter().filter(|numbers| numbers.len() == 2).map(measurement).collect())
    }

    /// Prepares for the gradients of a backward pass.
    pub(super) fn begin_gradients(&self) {
        let mut exchange = self.lock();
        exchange.ready.clear();
        exchange.sums.clear();
        exchange.sent_from = None;
    }

    /// Replaces this rank's part of the gradient by the sum over all ranks.
    pub(super) fn finish_gradients(&self, gradients: &mut [f32]) {
        let mut exchange = self.lock();
        let rest = 0..exchange.sent_from.unwrap_or(gradients.len());
        if !rest.is_empty() {
            self.send(&mut exchange, gradients, rest);
        }
        for (range, sum) in std::mem::take(&mut exchange.sums) {
            match sum.wait() {
                Ok(sum) => gradients[range].copy_from_slice(&sum),
                Err(error) => exchange.failure = Some(exchange.failure.take().unwrap_or(error)),
            }
        }
    }

    fn send(&self, exchange: &mut Exchange, gradients: &[f32], range: Range<usize>) {
        if exchange.failure.is_some() {
            return;
        }
        match self.communicator.start_all_reduce(gradients[range.clone()].to_vec()) {
            Ok(sum) => exchange.sums.push((range.clone(), sum)),
            Err(error) => exchange.failure = Some(error),
        }
        exchange.sent_from = Some(range.start);
    }

    /// Ignores poisoning: a panic of another holder leaves no half-updated state that later calls rely on.
    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchShares for Ranks {
    /// After a failure, only the numbers of this rank are returned: the step completes, and [`Ranks::check`] returns the error.
    fn gather(&mut self, own: &[f64]) -> Vec<Vec<f64>> {
        let all = self.timed("wait for batch norm", || self.gather_numbers(own));
        all.unwrap_or_else(|_| vec![own.to_vec()])
    }

    fn gradients_ready(&mut self, gradients: &[f32], ready: Range<usize>) {
        let mut exchange = self.lock();
        exchange.ready.insert(ready.end, ready.start);
        let end = exchange.sent_from.unwrap_or(gradients.len());
        let mut start = end;
        while let Some(before) = exchange.ready.get(&start) {
            start = *before;
        }
        if end - start >= BUCKET {
            self.send(&mut exchange, gradients, start..end);
        }
    }
}

/// Losses of all ranks in transit; `None` after a failure.
#[derive(Debug)]
pub(super) struct PendingLoss(Option<Pending<Vec<Vec<u8>>>>);

fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_ranks::Threads;

    #[test]
    fn gradients_leave_in_buckets_and_come_back_as_sums() {
        let length = 2 * BUCKET + 1000;
        let run = |communicator: Threads| {
            let rank = communicator.rank() as f32;
            let mut ranks = Ranks::new(Arc::new(communicator));
            let mut gradients: Vec<f32> = (0..length).map(|at| rank + (at % 7) as f32).collect();
            ranks.begin_gradients();
            let (mut end, mut started) = (length, Vec::new());
            // Several parts make up a bucket; the first parameters never become ready by themselves.
            while end > 300 {
                let start = end.saturating_sub(BUCKET / 3).max(300);
                ranks.gradients_ready(&gradients, start..end);
                started.push(ranks.lock().sums.len());
                end = start;
            }
            ranks.finish_gradients(&mut gradients);
            ranks.check().unwrap();
            (gradients, started)
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = Threads::group(3).into_iter().map(|rank| scope.spawn(move || run(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (gradients, started) in results {
            assert!(gradients.iter().enumerate().all(|(at, sum)| *sum == 3.0 + 3.0 * (at % 7) as f32));
            assert_eq!(started, [0, 0, 0, 1, 1, 1, 1], "a bucket leaves as soon as it is full");
        }
    }

    #[test]
    fn a_rank_that_is_gone_is_named_once_and_for_all() {
        let mut group = Threads::group(2);
        drop(group.pop());
        let ranks = Ranks::new(Arc::new(group.pop().unwrap()));
        let losses = ranks.start_loss(LossValue { sum: 3.0, weight: 2.0, ..LossValue::default() });
        assert_eq!(ranks.whole_loss(losses), LossValue::default());
        for _ in 0..2 {
            let message = ranks.check().unwrap_err().to_string();
            assert!(message.contains("rank 1"), "{message}");
        }
    }
}
