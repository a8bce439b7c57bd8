//! Rows of inputs: stored values of individual samples, held here or by other processes.

use super::Inputs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Size of a sample index in a request, in bytes.
const NUMBER: usize = 8;

/// Stored values of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Row<'a> {
    /// Bytes of images and byte arrays.
    Bytes(&'a [u8]),
    /// Numbers from tables and float arrays.
    Floats(&'a [f32]),
}

impl Row<'_> {
    /// Returns the value at `place` in the sample.
    pub(crate) fn value(&self, place: usize) -> f32 {
        match self {
            Row::Bytes(values) => f32::from(values[place]),
            Row::Floats(values) => values[place],
        }
    }

    /// Returns a hash that equal rows share; with 64 bits, different rows are very unlikely to collide.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Row::Bytes(values) => values.hash(&mut hasher),
            Row::Floats(values) => values.iter().for_each(|value| value.to_bits().hash(&mut hasher)),
        }
        hasher.finish()
    }

    /// Writes the values as floats.
    pub(crate) fn write(&self, output: &mut [f32]) {
        match self {
            Row::Bytes(values) => {
                output.iter_mut().zip(*values).for_each(|(output, &value)| *output = f32::from(value));
            }
            Row::Floats(values) => output.copy_from_slice(values),
        }
    }
}

impl Inputs {
    /// Returns row `row` of `length` values, or `None` if it does not exist.
    pub(super) fn row(&self, row: usize, length: usize) -> Option<Row<'_>> {
        let range = row.checked_mul(length)?..row.checked_add(1)?.checked_mul(length)?;
        match self {
            Self::Bytes(values) => values.get(range).map(Row::Bytes),
            Self::Floats(values) => values.get(range).map(Row::Floats),
        }
    }

    /// Replaces row `to` with row `from` of `source`, which holds values of the same type.
    pub(super) fn copy_row(&mut self, to: usize, source: &Inputs, from: usize, length: usize) {
        let (to, from) = (to * length..(to + 1) * length, from * length..(from + 1) * length);
        match (self, source) {
            (Self::Bytes(values), Self::Bytes(source)) => values[to].copy_from_slice(&source[from]),
            (Self::Floats(values), Self::Floats(source)) => values[to].copy_from_slice(&source[from]),
            _ => {}
        }
    }
}

/// Rows of a selection of samples.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    source: Source<'a>,
    /// Number of values per row.
    length: usize,
}

#[derive(Debug)]
enum Source<'a> {
    /// Stored inputs and the indices of the selected samples in them.
    Stored(&'a Inputs, &'a [usize]),
    /// Fetched inputs of the selected samples, in order.
    Fetched(Inputs),
}

impl<'a> Rows<'a> {
    pub(super) fn stored(inputs: &'a Inputs, samples: &'a [usize], length: usize) -> Self {
        Rows { source: Source::Stored(inputs, samples), length }
    }

    pub(super) fn fetched(inputs: Inputs, length: usize) -> Self {
        Rows { source: Source::Fetched(inputs), length }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            Source::Stored(_, samples) => samples.len(),
            Source::Fetched(inputs) => inputs.len() / self.length,
        }
    }

    /// Returns the row of the sample at `place` in the selection.
    pub(crate) fn row(&self, place: usize) -> Row<'_> {
        let (inputs, row) = match &self.source {
            Source::Stored(inputs, samples) => (*inputs, samples[place]),
            Source::Fetched(inputs) => (inputs, place),
        };
        let range = row * self.length..(row + 1) * self.length;
        match inputs {
            Inputs::Bytes(values) => Row::Bytes(&values[range]),
            Inputs::Floats(values) => Row::Floats(&values[range]),
        }
    }

    /// Iterates over all rows, in the order of the selection.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.row(place))
    }
}

/// Rows of one process that other processes may request.
#[derive(Debug, Clone)]
pub struct LentRows {
    inputs: Arc<Inputs>,
    /// Number of values per row.
    length: usize,
}

impl LentRows {
    pub(super) fn new(inputs: Arc<Inputs>, length: usize) -> Self {
        LentRows { inputs, length }
    }

    /// Returns the requested rows, one after another as little-endian values, or nothing if a requested row is not held here.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let rows = request.as_chunks::<NUMBER>().0.iter().map(|number| u64::from_le_bytes(*number) as usize);
        let mut answer = Vec::new();
        for row in rows {
            match self.inputs.row(row, self.length) {
                Some(Row::Bytes(values)) => answer.extend_from_slice(values),
                Some(Row::Floats(values)) => answer.extend(values.iter().flat_map(|value| value.to_le_bytes())),
                None => return Vec::new(),
            }
        }
        answer
    }
}
