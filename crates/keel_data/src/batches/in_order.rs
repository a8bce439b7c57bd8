//! Batches prepared on the calling thread, one after another, in a single reused buffer.

use super::source::Workspace;
use super::{Batch, BatchSource, Position};
use crate::error::DataError;

/// The batches of one epoch, filled on the calling thread.
#[derive(Debug)]
pub struct Batches {
    source: BatchSource,
    position: Position,
    epoch: u64,
    workspace: Workspace,
    batch: Batch,
}

impl Batches {
    /// Iterates from `start` to the end of its epoch.
    pub fn new(source: BatchSource, start: Position) -> Self {
        Self { source, position: start, epoch: start.epoch, workspace: Workspace::default(), batch: Batch::default() }
    }

    /// Returns the next batch, or `None` after the last one; the next call reuses its memory.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Option<Result<&Batch, DataError>> {
        if self.position.epoch != self.epoch || self.position.step >= self.source.steps_per_epoch() {
            return None;
        }
        let result = self.source.fill(self.position, &mut self.workspace, &mut self.batch);
        self.position = self.source.next(self.position);
        Some(result.map(|()| &self.batch))
    }
}
