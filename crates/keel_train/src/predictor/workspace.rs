//! Buffers of predictions under way: as many as there are calls at the same time, kept for the calls that follow.

use std::sync::{Arc, Mutex, PoisonError};

use keel_data::PreprocessScratch;
use keel_nn::{Executor, MemoryRequest, Mode, Program};

use super::Views;

/// Samples predicted at once.
pub(super) const MOST_SAMPLES: usize = 256;

/// What one call writes to while it predicts.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Runs up to [`MOST_SAMPLES`] samples.
    pub(super) executor: Executor,
    /// The views of each image, with their buffers.
    pub(super) views: Views,
    /// Preprocessed samples, `[samples, ...]`.
    pub(super) inputs: Vec<f32>,
    /// Buffers of the preprocessing.
    pub(super) scratch: PreprocessScratch,
}

/// The workspaces no call is using.
#[derive(Debug)]
pub(super) struct Workspaces {
    free: Mutex<Vec<Workspace>>,
    program: Arc<Program>,
    views: Views,
    most: usize,
}

impl Workspaces {
    /// No workspace for `program` yet; at most `most` are kept.
    pub(super) fn new(program: Arc<Program>, views: Views, most: usize) -> Self {
        Workspaces { free: Mutex::default(), program, views, most }
    }

    /// Calls `work` with a workspace that nobody else is using. To be called inside the pool that runs it, whose
    /// number of threads decides how much scratch an executor has.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        // The list is locked while it changes and never while a prediction runs.
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
            executor: executor_for_evaluation(&self.program, MOST_SAMPLES),
            views: self.views.clone(),
            inputs: Vec::new(),
            scratch: PreprocessScratch::default(),
        }
    }
}

/// An executor for evaluation batches of up to `batch` samples.
pub(crate) fn executor_for_evaluation(program: &Arc<Program>, batch: usize) -> Executor {
    let request = MemoryRequest { batch, mode: Mode::Evaluate, workers: rayon::current_num_threads() };
    Executor::new(Arc::clone(program), request)
}
