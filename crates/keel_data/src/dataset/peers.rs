//! Processes that hold a dataset together, and the distribution of work among them.

use super::Dataset;
use super::rows::LentRows;
use crate::error::DataError;
use rayon::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Number of samples processed at once. Fixed, so that sums are formed in the same order for any number of threads and
/// processes.
const CHUNK: usize = 256;

/// Processes that hold a dataset together. All processes call [`Peers::gather`] the same number of times and in the
/// same order; [`Peers::fetch`] may be called at any time from any thread.
pub trait Peers: fmt::Debug + Send + Sync {
    /// Returns the rank of this process, counted from 0.
    fn rank(&self) -> usize;

    /// Returns the number of processes.
    fn size(&self) -> usize;

    /// Returns the bytes of every process, in rank order.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, DataError>;

    /// Starts answering the requests of other processes with `rows`.
    ///
    /// # Errors
    /// Fails with [`DataError::Peers`] if this process is no longer connected.
    fn lend(&self, rows: LentRows) -> Result<(), DataError>;

    /// Returns the answers of other processes' [`LentRows`], in the order of `requests`.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    fn fetch(&self, requests: Vec<RowRequest>) -> Result<Vec<Vec<u8>>, DataError>;
}

/// A request for rows that another process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRequest {
    /// Rank of the process that holds the rows.
    pub rank: usize,
    /// Request in the format of [`LentRows::answer`].
    pub bytes: Vec<u8>,
}

/// Distribution of work on a dataset that several processes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Shared by all processes; all call the function in the same order.
    Shared,
    /// Done by this process alone, independently of the others.
    Alone,
}

/// Returns part `rank` of `0..length`, divided into `size` parts of nearly equal length.
pub(crate) fn part(rank: usize, size: usize, length: usize) -> Range<usize> {
    let border = |rank: usize| (rank as u128 * length as u128 / size.max(1) as u128) as usize;
    border(rank)..border(rank + 1)
}

/// Failure of one process on its part: a file that cannot be decoded and may be left out, or any other error.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Failure {
    Image { path: std::path::PathBuf, what: String, next: String },
    Other(String),
}

impl Failure {
    fn of(error: DataError) -> Self {
        match error {
            DataError::Image { path, what, next } => Failure::Image { path, what, next },
            error => Failure::Other(error.to_string()),
        }
    }

    fn on(self, rank: usize) -> DataError {
        match self {
            Failure::Image { path, what, next } => DataError::Image { path, what, next },
            Failure::Other(what) => DataError::Peers { what: format!("on rank {rank}: {what}") },
        }
    }
}

/// Applies `map` to all `items` in parallel and returns the results in order. With `peers`, each process maps its part.
///
/// # Errors
/// [`DataError::Peers`] if a process cannot answer.
pub(crate) fn map_shared<T: Sync, R: Send + Serialize + DeserializeOwned>(
    peers: Option<&Arc<dyn Peers>>,
    items: &[T],
    map: impl Fn(&T) -> Result<R, DataError> + Sync,
) -> Result<Vec<Result<R, DataError>>, DataError> {
    let own = peers.map_or(0..items.len(), |peers| part(peers.rank(), peers.size(), items.len()));
    join_results(peers, items[own].par_iter().map(&map).collect())
}

/// Returns the results of all processes in rank order, or `own` if there is only one process.
///
/// # Errors
/// [`DataError::Peers`] if a process cannot answer.
pub(crate) fn join_results<R: Serialize + DeserializeOwned>(
    peers: Option<&Arc<dyn Peers>>,
    own: Vec<Result<R, DataError>>,
) -> Result<Vec<Result<R, DataError>>, DataError> {
    let Some(peers) = peers.filter(|peers| peers.size() > 1) else { return Ok(own) };
    let unreadable = |error: postcard::Error| DataError::Peers { what: format!("results of other ranks: {error}") };
    let own: Vec<Result<R, Failure>> = own.into_iter().map(|result| result.map_err(Failure::of)).collect();
    let own = postcard::to_stdvec(&own).map_err(unreadable)?;
    let mut all = Vec::new();
    for (rank, bytes) in peers.gather(&own)?.iter().enumerate() {
        let part: Vec<Result<R, Failure>> = postcard::from_bytes(bytes).map_err(unreadable)?;
        all.extend(part.into_iter().map(|result| result.map_err(|failure| failure.on(rank))));
    }
    Ok(all)
}

/// Checks that all processes have the same `value`. `property` is a clause completed by `value`.
///
/// # Errors
/// Fails with [`DataError::Peers`] for the first process that differs or cannot answer.
pub(crate) fn check_same(peers: &Arc<dyn Peers>, property: &str, value: String) -> Result<(), DataError> {
    let values = peers.gather(value.as_bytes())?;
    let text = |rank: usize| String::from_utf8_lossy(&values[rank]).into_owned();
    match (1..values.len()).find(|rank| values[*rank] != values[0]) {
        None => Ok(()),
        Some(rank) => {
            let what = format!(
                "rank {rank} differs from rank 0: its {property} {}, that of rank 0 {}; give all ranks the same files",
                text(rank),
                text(0)
            );
            Err(DataError::Peers { what })
        }
    }
}

impl Dataset {
    /// Returns the processes that share `work` on this dataset, or `None` if this one works alone.
    fn workers(&self, work: Work) -> Option<&Arc<dyn Peers>> {
        self.holding().map(|holding| holding.peers()).filter(|_| work == Work::Shared)
    }

    /// Applies `map` to chunks of up to 256 `samples` and returns the results in order.
    ///
    /// # Errors
    /// The first error of `map`, or [`DataError::Peers`].
    pub(crate) fn map_chunks<R: Send + Serialize + DeserializeOwned>(
        &self,
        work: Work,
        samples: &[usize],
        map: impl Fn(&[usize]) -> Result<R, DataError> + Sync,
    ) -> Result<Vec<R>, DataError> {
        let chunks: Vec<&[usize]> = samples.chunks(CHUNK).collect();
        map_shared(self.workers(work), &chunks, |chunk| map(chunk))?.into_iter().collect()
    }

    /// Applies `map` to every column of the rows that `read` writes for `samples`, `[samples, length]`; a column holds
    /// its values in the order of the samples. Processes that share the work each read a part of the rows.
    ///
    /// # Errors
    /// The first error of `read`, or [`DataError::Peers`].
    pub(crate) fn map_columns<R: Send>(
        &self,
        work: Work,
        samples: &[usize],
        rows: RowReader,
        map: impl Fn(usize, Vec<f32>) -> R + Sync,
    ) -> Result<Vec<R>, DataError> {
        let workers = self.workers(work);
        let own = workers.map_or(0..samples.len(), |peers| part(peers.rank(), peers.size(), samples.len()));
        let read = |chunk: &[usize]| {
            let mut values = vec![0.0; chunk.len() * rows.length];
            (rows.read)(chunk, &mut values).map(|()| values)
        };
        let chunks = samples[own].par_chunks(CHUNK).map(read).collect::<Result<Vec<_>, _>>();
        let column = |chunks: &[Vec<f32>], column: usize| -> Vec<f32> {
            chunks.iter().flat_map(|chunk| chunk.iter().skip(column).step_by(rows.length).copied()).collect()
        };
        let Some(peers) = workers else {
            let chunks = chunks?;
            return Ok((0..rows.length).into_par_iter().map(|place| map(place, column(&chunks, place))).collect());
        };
        // All processes must learn of a failure in one of them, or they would wait for it.
        let (chunks, outcome) = match chunks {
            Ok(chunks) => (chunks, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        join_results(workers, vec![outcome])?.into_iter().collect::<Result<Vec<()>, _>>()?;
        let whole = |place: usize| {
            let own: Vec<u8> = column(&chunks, place).iter().flat_map(|value| value.to_le_bytes()).collect();
            let parts = peers.gather(&own)?;
            Ok(map(place, parts.iter().flat_map(|part| floats(part)).collect()))
        };
        (0..rows.length).map(whole).collect()
    }
}

/// Reads rows for [`Dataset::map_columns`].
pub(crate) struct RowReader<'a> {
    /// Number of values per row.
    pub(crate) length: usize,
    /// Writes the rows of the samples with these indices, `[samples, length]`.
    pub(crate) read: &'a (dyn Fn(&[usize], &mut [f32]) -> Result<(), DataError> + Sync),
}

/// Decodes little-endian numbers.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}
