//! Rows of inputs: the stored values of single samples, wherever they are.

use super::Inputs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Bytes of a sample number in a request.
const NUMBER: usize = 8;

/// Stored values of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Row<'a> {
    /// Bytes of images and byte arrays.
    Bytes(&'a [u8]),
    /// Numbers of tables and float arrays.
    Floats(&'a [f32]),
}

impl Row<'_> {
    /// Value `place` of the sample.
    pub(crate) fn value(&self, place: usize) -> f32 {
        match self {
            Row::Bytes(values) => f32::from(values[place]),
            Row::Floats(values) => values[place],
        }
    }

    /// Returns a number that equal rows share; 64 bits, so that different ones do not by any likely chance.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Row::Bytes(values) => values.hash(&mut hasher),
            Row::Floats(values) => values.iter().for_each(|value| value.to_bits().hash(&mut hasher)),
        }
        hasher.finish()
    }

    /// Writes the values as numbers.
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
    /// Row `row` of `length` values; `None` if there is none.
    pub(super) fn row(&self, row: usize, length: usize) -> Option<Row<'_>> {
        let range = row.checked_mul(length)?..row.checked_add(1)?.checked_mul(length)?;
        match self {
            Self::Bytes(values) => values.get(range).map(Row::Bytes),
            Self::Floats(values) => values.get(range).map(Row::Floats),
        }
    }

    /// Replaces row `to` by row `from` of `source`, which holds values of the same kind.
    pub(super) fn copy_row(&mut self, to: usize, source: &Inputs, from: usize, length: usize) {
        let (to, from) = (to * length..(to + 1) * length, from * length..(from + 1) * length);
        match (self, source) {
            (Self::Bytes(values), Self::Bytes(source)) => values[to].copy_from_slice(&source[from]),
            (Self::Floats(values), Self::Floats(source)) => values[to].copy_from_slice(&source[from]),
            _ => {}
        }
    }
}

/// Rows of some samples.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    source: Source<'a>,
    /// Values of a row.
    length: usize,
}

#[derive(Debug)]
enum Source<'a> {
    /// The samples with these numbers among those stored.
    Stored(&'a Inputs, &'a [usize]),
    /// The samples in their order.
    Fetched(Inputs),
}

impl<'a> Rows<'a> {
    pub(super) fn stored(inputs: &'a Inputs, samples: &'a [usize], length: usize) -> Self {
        Rows { source: Source::Stored(inputs, samples), length }
    }

    pub(super) fn fetched(inputs: Inputs, length: usize) -> Self {
        Rows { source: Source::Fetched(inputs), length }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            Source::Stored(_, samples) => samples.len(),
            Source::Fetched(inputs) => inputs.len() / self.length,
        }
    }

    /// The row of the sample at `place` among those asked for.
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

    /// All rows, in the order of the samples asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|place| self.row(place))
    }
}

/// The rows of one process, which others may ask for.
#[derive(Debug, Clone)]
pub struct LentRows {
    inputs: Arc<Inputs>,
    /// Values of a row.
    length: usize,
}

impl LentRows {
    pub(super) fn new(inputs: Arc<Inputs>, length: usize) -> Self {
        LentRows { inputs, length }
    }

    /// Returns the rows that a request names, one after the other as little-endian values; nothing for a request that names a
    /// row which is not here.
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
