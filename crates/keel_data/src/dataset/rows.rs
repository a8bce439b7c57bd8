//! Rows of inputs: the stored values of single samples, wherever they are.

use super::Inputs;

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
