//! A single rank, for which every operation is the identity.

use std::sync::Arc;
use std::time::Duration;

use crate::communicator::{Communicator, Pending};
use crate::error::RankError;
use crate::requests::{Question, Shelf};

/// The only rank of a group of one: nothing is sent, nothing waits, no thread runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn start_all_gather(&self, own: &[u8]) -> Result<Pending<Vec<Vec<u8>>>, RankError> {
        Ok(Pending::ready(vec![own.to_vec()]))
    }

    fn start_all_reduce(&self, values: Vec<f32>) -> Result<Pending<Vec<f32>>, RankError> {
        Ok(Pending::ready(values))
    }

    fn all_reduce(&self, _values: &mut [f32]) -> Result<(), RankError> {
        Ok(())
    }

    fn broadcast(&self, bytes: Vec<u8>, root: usize) -> Result<Vec<u8>, RankError> {
        match root {
            0 => Ok(bytes),
            _ => Err(RankError::Mismatch { what: format!("the root of a broadcast is rank {root} of 1") }),
        }
    }

    fn barrier(&self) -> Result<(), RankError> {
        Ok(())
    }

    fn serve(&self, _shelf: Arc<dyn Shelf>) -> Result<(), RankError> {
        Ok(())
    }

    fn ask(&self, questions: Vec<Question>) -> Result<Vec<Vec<u8>>, RankError> {
        match questions.first() {
            None => Ok(Vec::new()),
            Some(Question { rank, .. }) => Err(RankError::Mismatch { what: format!("rank 0 asks rank {rank} of 1") }),
        }
    }

    fn waited(&self) -> Duration {
        Duration::ZERO
    }

    fn sent_bytes(&self) -> u64 {
        0
    }

    fn abort(&self, status: i32) {
        std::process::exit(status);
    }
}
