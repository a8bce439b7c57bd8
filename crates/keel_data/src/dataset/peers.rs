//! The other processes that hold a dataset together with this one, and work that they share.

use super::Dataset;
use super::rows::LentRows;
use crate::error::DataError;
use rayon::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Samples handled at once. Fixed, so that sums are formed in the same order for any number of threads and processes.
const CHUNK: usize = 256;

/// Processes that hold a dataset together. Each calls [`Peers::gather`] as often as the others and in the same order;
/// [`Peers::fetch`] at any time, from any thread.
pub trait Peers: fmt::Debug + Send + Sync {
    /// Number of this process, from 0.
    fn rank(&self) -> usize;

    /// Number of processes.
    fn size(&self) -> usize;

    /// Returns the bytes of every process, in the order of their numbers.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    fn gather(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, DataError>;

    /// Answers the requests of other processes with `rows` from now on.
    ///
    /// # Errors
    /// [`DataError::Peers`] if this process has no connection any more.
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
    /// Number of that process.
    pub rank: usize,
    /// Request as [`LentRows::answer`] understands it.
    pub bytes: Vec<u8>,
}

/// Who does a piece of work on a dataset that several processes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// All of them, each a part; all call it in the same order.
    Shared,
    /// This process, whatever the others do.
    Alone,
}

/// Part `rank` of `0..length`, cut into `size` of nearly the same length.
pub(crate) fn part(rank: usize, size: usize, length: usize) -> Range<usize> {
    let border = |rank: usize| (rank as u128 * length as u128 / size.max(1) as u128) as usize;
    border(rank)..border(rank + 1)
}

/// Failure of one process on its part: a file that cannot be decoded, which may be left out, or anything else.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
enum Failure {
    Image { path: std::path::PathBuf, what: String },
    Other(String),
}

impl Failure {
    fn of(error: DataError) -> Self {
        match error {
            DataError::Image { path, what } => Failure::Image { path, what },
            error => Failure::Other(error.to_string()),
        }
    }

    fn on(self, rank: usize) -> DataError {
        match self {
            Failure::Image { path, what } => DataError::Image { path, what },
            Failure::Other(what) => DataError::Peers { what: format!("on rank {rank}: {what}") },
        }
    }
}

/// Results of `map` for all `items`, in their order: in parallel, and where there are `peers`, each process for its part.
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

/// The results of all processes, in the order of their numbers; `own` where there are no others.
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

/// Refuses processes that have something else than the first. `property` is a clause that `value` ends.
///
/// # Errors
/// [`DataError::Peers`] with the first process that differs, or one that cannot answer.
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
    /// The processes that do `work` on this dataset together; `None` if this one does it by itself.
    fn workers(&self, work: Work) -> Option<&Arc<dyn Peers>> {
        self.holding().map(|holding| holding.peers()).filter(|_| work == Work::Shared)
    }

    /// Results of `map` for chunks of `samples`, of up to 256, in their order.
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

    /// Results of `map` for every column of the rows that `read` writes for `samples`, `[samples, length]`: the values of one
    /// column in the order of the samples. Where processes share the work, each reads its part of the rows.
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
        // All processes have to know of a failure of one, or they would wait for it.
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
    /// Values of a row.
    pub(crate) length: usize,
    /// Writes the rows of the samples with these numbers, `[samples, length]`.
    pub(crate) read: &'a (dyn Fn(&[usize], &mut [f32]) -> Result<(), DataError> + Sync),
}

/// Little-endian numbers.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}
