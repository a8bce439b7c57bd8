//! Datasets distributed over processes: each process holds the inputs of some samples and fetches the others on demand.
//!
//! Everything else is on all processes: targets, names, weights, and one hash of each sample's inputs.

use super::fingerprint::{DigestPart, InputDigest};
use super::peers::{Peers, RowRequest, check_same, floats, part};
use super::rows::{LentRows, Rows};
use super::{Dataset, Inputs, SampleShape, Targets};
use crate::error::DataError;
use rayon::prelude::*;
use std::sync::Arc;

/// The part of a dataset's inputs that this process holds, and the connection to the other processes.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    peers: Arc<dyn Peers>,
    /// First sample of each process, followed by the number of samples, `[processes + 1]`.
    borders: Arc<[usize]>,
    /// Hash of each sample's inputs, `[samples]`.
    hashes: Arc<[u64]>,
    /// State of the fingerprint after the inputs of all samples.
    digest: InputDigest,
}

impl Holding {
    pub(crate) fn peers(&self) -> &Arc<dyn Peers> {
        &self.peers
    }

    /// Returns the number of samples over all processes.
    pub(crate) fn samples(&self) -> usize {
        self.borders[self.peers.size()]
    }

    /// Returns the hash of the inputs of `sample`.
    pub(crate) fn hash(&self, sample: usize) -> u64 {
        self.hashes[sample]
    }

    pub(super) fn digest(&self) -> InputDigest {
        self.digest
    }

    /// Returns the rank of the process that holds `sample`.
    fn owner(&self, sample: usize) -> usize {
        self.borders.partition_point(|border| *border <= sample) - 1
    }
}

/// Inputs of the samples held by one of several processes.
pub(crate) struct OwnInputs {
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) bytes: Vec<u8>,
    /// Number of samples per process, `[processes]`.
    pub(crate) counts: Vec<usize>,
}

impl Dataset {
    /// Creates a dataset for which this process has read only the inputs of its own samples; `targets` covers all
    /// samples. All processes call this at the same time.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Dataset::from_memory`], and with [`DataError::Peers`] if a process cannot answer.
    pub(crate) fn of_own_inputs(
        name: impl Into<String>,
        sample_shape: SampleShape,
        own: OwnInputs,
        targets: Targets,
    ) -> Result<Self, DataError> {
        let OwnInputs { peers, bytes, counts } = own;
        let inputs = Inputs::Bytes(bytes);
        let borders = borders_of(&counts);
        let length = sample_shape.len();
        let rows =
            (0..counts[peers.rank()]).into_par_iter().map(|row| inputs.row(row, length).map_or(0, |row| row.hash()));
        let hashes: Vec<u64> = rows.collect();
        let hashes: Vec<u8> = hashes.into_iter().flat_map(u64::to_le_bytes).collect();
        let hashes: Vec<u64> = peers.gather(&hashes)?.iter().flat_map(|part| words(part)).collect();
        let total = hashes.len().saturating_mul(length);
        let digest = InputDigest::shared(peers.as_ref(), &sample_shape, DigestPart { inputs: &inputs, total })?;
        let holding = Holding { peers, borders: borders.into(), hashes: hashes.into(), digest };
        let mut dataset = Self::held(name, sample_shape, inputs, targets, Some(&holding))?;
        dataset.lend(holding)?;
        Ok(dataset)
    }

    /// Keeps only the inputs of this process's part of the samples. All processes hold the same dataset and call this
    /// at the same time.
    ///
    /// # Errors
    /// [`DataError::Peers`] if the datasets differ or a process cannot answer.
    pub(crate) fn shared_by(self, peers: Arc<dyn Peers>) -> Result<Self, DataError> {
        let counts: Vec<usize> = (0..peers.size()).map(|rank| part(rank, peers.size(), self.samples).len()).collect();
        let digest = self.input_digest();
        check_same(&peers, "data has the fingerprint", self.fingerprint_after(digest))?;
        let length = self.sample_shape.len();
        let hashes = (0..self.samples)
            .into_par_iter()
            .map(|sample| self.inputs.row(sample, length).map_or(0, |row| row.hash()))
            .collect();
        let borders = borders_of(&counts);
        let own = borders[peers.rank()] * length..borders[peers.rank() + 1] * length;
        let inputs = match self.inputs.as_ref() {
            Inputs::Bytes(values) => Inputs::Bytes(values[own].to_vec()),
            Inputs::Floats(values) => Inputs::Floats(values[own].to_vec()),
        };
        let holding = Holding { peers, borders: borders.into(), hashes, digest };
        let mut shared = Dataset { inputs: Arc::new(inputs), ..self };
        shared.lend(holding)?;
        Ok(shared)
    }

    /// Lets the other processes fetch the inputs held here, and waits until all processes do the same. Otherwise a
    /// request that no one answers yet could block a thread of a pool that the other processes, if they are threads,
    /// need to get this far.
    fn lend(&mut self, holding: Holding) -> Result<(), DataError> {
        holding.peers.lend(LentRows::new(Arc::clone(&self.inputs), self.sample_shape.len()))?;
        holding.peers.gather(&[])?;
        self.holding = Some(holding);
        Ok(())
    }

    /// Returns true if other processes hold a part of the inputs, which is then missing from [`Dataset::inputs`].
    pub fn is_shared(&self) -> bool {
        self.holding.is_some()
    }

    /// Returns true if this process alone holds the dataset, or if it is rank 0, which reports on the dataset.
    pub fn is_reported_here(&self) -> bool {
        self.holding.as_ref().is_none_or(|holding| holding.peers.rank() == 0)
    }

    /// Returns the part of the inputs held here, if other processes hold the rest.
    pub(crate) fn holding(&self) -> Option<&Holding> {
        self.holding.as_ref()
    }

    /// Returns the stored inputs of `samples`, fetched from the processes that hold them.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    pub(crate) fn rows<'a>(&'a self, samples: &'a [usize]) -> Result<Rows<'a>, DataError> {
        let length = self.sample_shape.len();
        match &self.holding {
            None => Ok(Rows::stored(&self.inputs, samples, length)),
            Some(holding) => Ok(Rows::fetched(self.fetched(holding, samples)?, length)),
        }
    }

    /// Writes the raw values of one sample into `output` (`[sample_shape]`).
    ///
    /// # Errors
    /// [`DataError::Peers`] if another process holds the sample and cannot answer.
    pub fn copy_sample(&self, sample: usize, output: &mut [f32]) -> Result<(), DataError> {
        self.rows(&[sample])?.row(0).write(output);
        Ok(())
    }

    /// Returns the inputs of `samples`, in that order.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Dataset::rows`].
    pub(super) fn inputs_of(&self, samples: &[usize]) -> Result<Inputs, DataError> {
        if let Some(holding) = &self.holding {
            return self.fetched(holding, samples);
        }
        let length = self.sample_shape.len();
        let range = |sample: &usize| sample * length..(sample + 1) * length;
        Ok(match self.inputs.as_ref() {
            Inputs::Bytes(values) => {
                Inputs::Bytes(samples.iter().flat_map(|sample| &values[range(sample)]).copied().collect())
            }
            Inputs::Floats(values) => {
                Inputs::Floats(samples.iter().flat_map(|sample| &values[range(sample)]).copied().collect())
            }
        })
    }

    fn fetched(&self, holding: &Holding, samples: &[usize]) -> Result<Inputs, DataError> {
        let length = self.sample_shape.len();
        let own = holding.peers.rank();
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); holding.peers.size()];
        samples.iter().enumerate().for_each(|(place, &sample)| places[holding.owner(sample)].push(place));
        let request = |rank: usize| RowRequest {
            rank,
            bytes: places[rank]
                .iter()
                .flat_map(|place| ((samples[*place] - holding.borders[rank]) as u64).to_le_bytes())
                .collect(),
        };
        let asked: Vec<usize> = (0..places.len()).filter(|rank| *rank != own && !places[*rank].is_empty()).collect();
        let mut rows = match self.inputs.as_ref() {
            Inputs::Bytes(_) => Inputs::Bytes(vec![0; samples.len() * length]),
            Inputs::Floats(_) => Inputs::Floats(vec![0.0; samples.len() * length]),
        };
        let answers = match asked.is_empty() {
            true => Vec::new(),
            false => holding.peers.fetch(asked.iter().map(|rank| request(*rank)).collect())?,
        };
        for &place in &places[own] {
            rows.copy_row(place, &self.inputs, samples[place] - holding.borders[own], length);
        }
        for (rank, answer) in asked.into_iter().zip(answers) {
            let answer = match self.inputs.as_ref() {
                Inputs::Bytes(_) => Inputs::Bytes(answer),
                Inputs::Floats(_) => Inputs::Floats(floats(&answer).collect()),
            };
            if answer.len() != places[rank].len() * length {
                let what = format!("rank {rank} does not hold the samples of its share of the data");
                return Err(DataError::Peers { what });
            }
            places[rank].iter().enumerate().for_each(|(row, place)| rows.copy_row(*place, &answer, row, length));
        }
        Ok(rows)
    }
}

/// Returns the first sample of each part, followed by the end of the last.
fn borders_of(counts: &[usize]) -> Vec<usize> {
    let ends = counts.iter().scan(0, |end, count| {
        *end += count;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}
