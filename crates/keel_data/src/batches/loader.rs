//! Batches prepared ahead of time on a separate thread, in recycled buffers.

use super::source::Workspace;
use super::{Batch, BatchSource, Position};
use crate::error::DataError;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Prepares batches ahead of the steps that use them. Dropping it stops its thread.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A batch of a [`Loader`]; its buffers return to the loader when it is dropped.
#[derive(Debug)]
pub struct LoadedBatch {
    batch: Option<Batch>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Batch>,
    free: Vec<Batch>,
    error: Option<DataError>,
    finished: bool,
    stopped: bool,
}

impl Shared {
    /// Locks the state. A panic elsewhere leaves it usable, since every change is a single step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loader {
    /// Starts preparing batches from `start` to the end of epoch `epochs - 1`, up to `ahead` (at least 1) of them in advance.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn start(source: BatchSource, start: Position, epochs: u64, ahead: usize) -> Result<Self, DataError> {
        let buffers = ahead.max(1) + 1;
        let state = State {
            ready: VecDeque::with_capacity(buffers),
            free: (0..buffers).map(|_| source.empty_batch()).collect(),
            ..State::default()
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("batches".to_string())
            .spawn(move || {
                let _finish = Finish(Arc::clone(&worker));
                prepare(&source, start, epochs, &worker);
            })
            .map_err(|error| {
                DataError::setting("train", format!("no thread for batches: {error}"), "Free some memory")
            })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Returns the next batch, waiting for it if necessary, or `None` after the last. An error is returned once and
    /// ends the batches.
    #[expect(clippy::should_implement_trait, reason = "an iterator would hide that this waits")]
    pub fn next(&mut self) -> Option<Result<LoadedBatch, DataError>> {
        let mut state = self.shared.lock();
        loop {
            if let Some(batch) = state.ready.pop_front() {
                drop(state);
                return Some(Ok(LoadedBatch { batch: Some(batch), shared: Arc::clone(&self.shared) }));
            }
            if let Some(error) = state.error.take() {
                return Some(Err(error));
            }
            if state.finished {
                return None;
            }
            state = self.shared.wait(state);
        }
    }
}

/// Marks the end of the batches, even if preparing one panics.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.lock().finished = true;
        self.0.changed.notify_all();
    }
}

fn prepare(source: &BatchSource, start: Position, epochs: u64, shared: &Shared) {
    let mut workspace = Workspace::default();
    let mut position = start;
    while position.epoch < epochs && position.step < source.steps_per_epoch() {
        let Some(mut batch) = take_free(shared) else { return };
        match source.fill(position, &mut workspace, &mut batch) {
            Ok(()) => shared.lock().ready.push_back(batch),
            Err(error) => {
                shared.lock().error = Some(error);
                return;
            }
        }
        shared.changed.notify_all();
        position = source.next(position);
    }
}

/// Waits for a free buffer; returns `None` once the loader is dropped.
fn take_free(shared: &Shared) -> Option<Batch> {
    let mut state = shared.lock();
    loop {
        if state.stopped {
            return None;
        }
        if let Some(batch) = state.free.pop() {
            return Some(batch);
        }
        state = shared.wait(state);
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already ended the batches; there is no one left to report it to.
            let _ = thread.join();
        }
    }
}

impl Deref for LoadedBatch {
    type Target = Batch;

    #[allow(clippy::expect_used, reason = "the batch is taken in drop alone")]
    fn deref(&self) -> &Batch {
        self.batch.as_ref().expect("the batch is taken only in drop")
    }
}

impl Drop for LoadedBatch {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.shared.lock().free.push(batch);
            self.shared.changed.notify_all();
        }
    }
}
