//! The interface of a rank to the other ranks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::error::RankError;
use crate::requests::{Question, Shelf};

/// One rank of a group that trains one network. All ranks call the same operations in the same order; within a rank, calls come
/// from one thread, or the caller orders them.
///
/// Every operation returns [`RankError::Lost`] if a rank it needs has ended, [`RankError::Mismatch`] if ranks started different
/// operations, [`RankError::Silent`] if a rank sends nothing for too long. The first error ends all incomplete operations, on every
/// rank, and all later ones.
pub trait Communicator: fmt::Debug + Send + Sync {
    /// Returns the number of this rank, from 0.
    fn rank(&self) -> usize;

    /// Returns the number of ranks.
    fn size(&self) -> usize;

    /// Gathers every rank's bytes, in rank order; lengths may differ.
    ///
    /// # Errors
    /// Those of all operations.
    fn all_gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, RankError> {
        self.start_all_gather(own)?.wait()
    }

    /// Starts the exchange of every rank's bytes; goes on in the background.
    ///
    /// # Errors
    /// Those of all operations; most come from [`Pending::wait`].
    fn start_all_gather(&self, own: &[u8]) -> Result<Pending<Vec<Vec<u8>>>, RankError>;

    /// Starts the sum of `values` over ranks (same length on all of them), which continues in the background.
    ///
    /// # Errors
    /// Those of all operations; most come from [`Pending::wait`].
    fn start_all_reduce(&self, values: Vec<f32>) -> Result<Pending<Vec<f32>>, RankError>;

    /// Replaces `values` by their sum over ranks.
    ///
    /// # Errors
    /// Those of all operations; `values` are unchanged then.
    fn all_reduce(&self, values: &mut [f32]) -> Result<(), RankError> {
        let sums = self.start_all_reduce(values.to_vec())?.wait()?;
        values.copy_from_slice(&sums);
        Ok(())
    }

    /// Returns the bytes of rank `root`; those of other ranks are ignored.
    ///
    /// # Errors
    /// Those of all operations.
    fn broadcast(&self, bytes: Vec<u8>, root: usize) -> Result<Vec<u8>, RankError>;

    /// Waits until every rank has called it.
    ///
    /// # Errors
    /// Those of all operations.
    fn barrier(&self) -> Result<(), RankError>;

    /// Answers the questions of other ranks from `shelf`, in the background, until the communicator is dropped and, between
    /// processes, until all ranks have dropped theirs. A later shelf takes the place of an earlier one.
    ///
    /// # Errors
    /// [`RankError::Lost`] with the number of this rank if its background thread has ended.
    fn serve(&self, shelf: Arc<dyn Shelf>) -> Result<(), RankError>;

    /// Asks other ranks and returns their answers, in the order of `questions`. Not one of the operations whose order all ranks
    /// share: any thread asks at any time, while the ranks asked do something else. Questions wait for the rank's
    /// [`Communicator::serve`].
    ///
    /// # Errors
    /// Those of all operations; a rank asked that has ended does not end the operations of others.
    fn ask(&self, questions: Vec<Question>) -> Result<Vec<Vec<u8>>, RankError>;

    /// Time callers have waited for other ranks so far, in `all_gather`, [`Pending::wait`], `broadcast` and `barrier`.
    fn waited(&self) -> Duration;

    /// Returns the number of bytes sent so far, including message headers.
    fn sent_bytes(&self) -> u64;

    /// Ends the processes of all ranks immediately with `status`, without printing anything: for a rank that cannot continue and
    /// has printed the reason. Does not return.
    fn abort(&self, status: i32);
}

/// Totals of a rank so far, shared with its operations.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    waited_nanoseconds: AtomicU64,
    sent_bytes: AtomicU64,
}

impl Counters {
    /// Runs `wait` and adds its time.
    pub(crate) fn timed<T>(&self, wait: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = wait();
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }

    pub(crate) fn add_sent(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_nanoseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

/// An operation that is under way.
#[derive(Debug)]
#[must_use = "a result that nobody waits for is lost"]
pub struct Pending<T>(Progress<T>);

#[derive(Debug)]
enum Progress<T> {
    Ready(T),
    Running(Running<T>),
}

/// Place at which the result of a running operation will arrive.
#[derive(Debug)]
struct Running<T> {
    reply: Receiver<Result<T, RankError>>,
    counters: Arc<Counters>,
    rank: usize,
}

impl<T> Pending<T> {
    /// A result that is known at once.
    pub(crate) fn ready(result: T) -> Self {
        Pending(Progress::Ready(result))
    }

    /// A result that arrives at `reply` for `rank`.
    pub(crate) fn running(reply: Receiver<Result<T, RankError>>, counters: Arc<Counters>, rank: usize) -> Self {
        Pending(Progress::Running(Running { reply, counters, rank }))
    }

    /// Returns the result as soon as it is complete: sums, `[values]`, or the bytes of every rank, in rank order. Dropping the
    /// communicator first gives it up.
    ///
    /// # Errors
    /// Those of all operations of a [`Communicator`].
    pub fn wait(self) -> Result<T, RankError> {
        match self.0 {
            Progress::Ready(result) => Ok(result),
            Progress::Running(running) => {
                running.counters.timed(|| running.reply.recv()).unwrap_or(Err(RankError::Lost { rank: running.rank }))
            }
        }
    }
}
