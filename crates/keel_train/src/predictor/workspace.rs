//! Buffers of predictions in progress: as many as there are simultaneous calls, kept for later calls.

use std::sync::{Arc, Mutex, PoisonError};

use keel_data::PreprocessScratch;
use keel_nn::{Executor, MemoryPlan, MemoryRequest, Mode, Program};

use super::Views;
use crate::error::TrainError;
use crate::memory::{bytes_text, free_bytes};

/// Maximum number of samples predicted at once.
const MOST_SAMPLES: usize = 256;

/// Size of a workspace in bytes from which fewer samples are predicted at once.
const COMFORTABLE_BYTES: u64 = 256 << 20;

/// Buffers that one call uses for its predictions.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Runs up to [`Workspaces::samples`] samples.
    pub(super) executor: Executor,
    /// Views of each image, with their buffers.
    pub(super) views: Views,
    /// Preprocessed samples, `[samples, ...]`.
    pub(super) inputs: Vec<f32>,
    /// Buffers of the preprocessing.
    pub(super) scratch: PreprocessScratch,
}

/// Workspaces that no call is using.
#[derive(Debug)]
pub(super) struct Workspaces {
    free: Mutex<Vec<Workspace>>,
    program: Arc<Program>,
    views: Views,
    most: usize,
    samples: usize,
}

impl Workspaces {
    /// Creates an empty list of workspaces for `program`; at most `most` are kept.
    ///
    /// # Errors
    /// If there is not enough memory for a single sample.
    pub(super) fn new(program: Arc<Program>, views: Views, most: usize) -> Result<Self, TrainError> {
        let samples = samples_at_once(&program, most)?;
        Ok(Workspaces { free: Mutex::default(), program, views, most, samples })
    }

    /// Returns the number of samples predicted at once; results do not depend on it.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Calls `work` with a workspace that no other call is using. Must be called inside the pool that runs it, whose number of
    /// threads determines the scratch buffers of an executor.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        // The list is locked only while it changes, never while a prediction runs.
        let found = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = found.unwrap_or_else(|| self.workspace());
        let result = work(&mut workspace);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.most {
            free.push(workspace);
        }
        result
    }

    fn workspace(&self) -> Workspace {
        Workspace {
            executor: executor_for_evaluation(&self.program, self.samples),
            views: self.views.clone(),
            inputs: Vec::new(),
            scratch: PreprocessScratch::default(),
        }
    }
}

/// Returns the number of samples for which a workspace has a moderate size, at least one.
fn samples_at_once(program: &Program, workers: usize) -> Result<usize, TrainError> {
    let bytes = |batch| {
        let request = MemoryRequest { batch, mode: Mode::Evaluate, workers };
        let inputs = batch * program.graph().input_shape().len();
        ((MemoryPlan::new(program, request).arena_length() + inputs) as u64).saturating_mul(size_of::<f32>() as u64)
    };
    let mut samples = MOST_SAMPLES;
    while samples > 1 && bytes(samples) > COMFORTABLE_BYTES {
        samples /= 2;
    }
    match free_bytes() {
        Some(free) if bytes(samples) > free => {
            let (needed, free) = (bytes_text(bytes(samples)), bytes_text(free));
            let message =
                format!("a prediction takes {needed} of memory, {free} are free; use a smaller network or image");
            Err(TrainError::setting("model", message))
        }
        _ => Ok(samples),
    }
}

/// Creates an executor for evaluation batches of up to `batch` samples.
pub(crate) fn executor_for_evaluation(program: &Arc<Program>, batch: usize) -> Executor {
    let request = MemoryRequest { batch, mode: Mode::Evaluate, workers: rayon::current_num_threads() };
    Executor::new(Arc::clone(program), request)
}
