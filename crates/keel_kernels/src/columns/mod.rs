//! Loops over the columns of `[rows, channels]`, vectorised for any number of channels.
//!
//! With few channels, several rows are processed at a time: `lcm(channels, WIDTH)` neighbouring floats form one wide row in which
//! lane `i` belongs to channel `i % channels`. Except for `sums`, everything is `#[inline(always)]`, to be called inside
//! [`crate::SimdLevel::run`].

mod sums;

use std::ops::Range;

pub use sums::{MatrixColumns, column_sums};

/// Number of columns whose sums are kept in registers at the same time.
const WIDTH: usize = 32;

/// Two inputs of a loop over columns, both `[rows, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct RowPair<'a> {
    /// Input of the norm.
    pub x: &'a [f32],
    /// Second input: the gradient of the output or the other term of a sum; `x` itself if there is neither.
    pub other: &'a [f32],
}

impl<'a> RowPair<'a> {
    /// Pairs `x` with itself.
    #[inline(always)]
    pub(crate) fn alone(x: &'a [f32]) -> Self {
        RowPair { x, other: x }
    }

    /// Returns the part with these floats.
    #[inline(always)]
    pub(crate) fn part(self, range: Range<usize>) -> Self {
        RowPair { x: &self.x[range.clone()], other: &self.other[range] }
    }
}

/// Sums of two numbers over the rows, `[channels]` each.
#[derive(Debug)]
pub(crate) struct PairSums<'a> {
    /// Sums of the first number.
    pub first: &'a mut [f32],
    /// Sums of the second number.
    pub second: &'a mut [f32],
}

impl<'a> PairSums<'a> {
    /// Splits a record `[2, channels]` into its halves.
    #[inline(always)]
    pub(crate) fn of_record(record: &'a mut [f32]) -> Self {
        let (first, second) = record.split_at_mut(record.len() / 2);
        PairSums { first, second }
    }
}

/// A range of columns of complete rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// Index of the first column.
    pub(crate) first: usize,
    /// Number of floats of a row.
    pub(crate) row_length: usize,
}

/// Computes the sums over the rows of one chunk: `sums` are set to those of both numbers of `terms(other, x, [tables[0][c], ...])`
/// over all rows, in an order that depends only on the sizes. Each table is `[channels]`.
#[inline(always)]
pub(crate) fn paired_sums<const TABLES: usize>(
    rows: RowPair<'_>,
    tables: [&[f32]; TABLES],
    terms: impl Fn(f32, f32, [f32; TABLES]) -> [f32; 2] + Copy,
    mut sums: PairSums<'_>,
) {
    let (channels, length) = (sums.first.len(), rows.x.len());
    assert!(channels > 0 && tables.iter().all(|table| table.len() == channels), "tables");
    assert_eq!(rows.other.len(), length, "two inputs");
    assert_eq!((sums.second.len(), length % channels), (channels, 0), "channels");
    sums.first.fill(0.0);
    sums.second.fill(0.0);
    let row_length = wide_row(channels, length);
    let body = length / row_length * row_length;
    let wide = rows.part(0..body);
    let mut first = 0;
    while first + WIDTH <= row_length {
        sum_block::<WIDTH, TABLES>(wide, tables, Columns { first, row_length }, terms, &mut sums);
        first += WIDTH;
    }
    while first + 8 <= row_length {
        sum_block::<8, TABLES>(wide, tables, Columns { first, row_length }, terms, &mut sums);
        first += 8;
    }
    while first < row_length {
        sum_block::<1, TABLES>(wide, tables, Columns { first, row_length }, terms, &mut sums);
        first += 1;
    }
    for (other, x) in rows.other[body..].chunks_exact(channels).zip(rows.x[body..].chunks_exact(channels)) {
        for c in 0..channels {
            let [one, two] = terms(other[c], x[c], tables.map(|table| table[c]));
            sums.first[c] += one;
            sums.second[c] += two;
        }
    }
}

/// Writes `map(other, x, [tables[0][c], tables[1][c], ...])` for every element to `y`, `[rows, channels]`; each table is
/// `[channels]`.
#[inline(always)]
pub(crate) fn map_columns<const TABLES: usize>(
    rows: RowPair<'_>,
    tables: [&[f32]; TABLES],
    map: impl Fn(f32, f32, [f32; TABLES]) -> f32 + Copy,
    y: &mut [f32],
) {
    let (channels, length) = (tables[0].len(), rows.x.len());
    assert!(channels > 0 && tables.iter().all(|table| table.len() == channels), "tables");
    assert_eq!((rows.other.len(), length, length % channels), (y.len(), y.len(), 0), "rows");
    let row_length = wide_row(channels, length);
    let body = length / row_length * row_length;
    let wide = rows.part(0..body);
    let mut first = 0;
    while first + 16 <= row_length {
        map_block::<16, TABLES>(wide, tables, Columns { first, row_length }, map, &mut y[..body]);
        first += 16;
    }
    while first + 4 <= row_length {
        map_block::<4, TABLES>(wide, tables, Columns { first, row_length }, map, &mut y[..body]);
        first += 4;
    }
    while first < row_length {
        map_block::<1, TABLES>(wide, tables, Columns { first, row_length }, map, &mut y[..body]);
        first += 1;
    }
    let rest = rows.other[body..].chunks_exact(channels).zip(rows.x[body..].chunks_exact(channels));
    for ((other, x), y) in rest.zip(y[body..].chunks_exact_mut(channels)) {
        for c in 0..channels {
            y[c] = map(other[c], x[c], tables.map(|table| table[c]));
        }
    }
}

/// Returns the number of floats of a wide row: complete vectors for few channels, one row for many channels or little data.
#[inline(always)]
pub(crate) fn wide_row(channels: usize, length: usize) -> usize {
    if channels >= WIDTH {
        return channels;
    }
    let wide = (channels * WIDTH) >> channels.trailing_zeros();
    if wide <= length { wide } else { channels }
}

#[inline(always)]
fn sum_block<const LANES: usize, const TABLES: usize>(
    rows: RowPair<'_>,
    tables: [&[f32]; TABLES],
    columns: Columns,
    terms: impl Fn(f32, f32, [f32; TABLES]) -> [f32; 2] + Copy,
    sums: &mut PairSums<'_>,
) {
    let Columns { first, row_length } = columns;
    let tables = blocks::<LANES, TABLES>(tables, first);
    let (mut one, mut two) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (other, x) in rows.other.chunks_exact(row_length).zip(rows.x.chunks_exact(row_length)) {
        let (other, x) = (lanes::<LANES>(other, first), lanes::<LANES>(x, first));
        for lane in 0..LANES {
            let [p, q] = terms(other[lane], x[lane], lane_of(&tables, lane));
            one[lane] += p;
            two[lane] += q;
        }
    }
    let channels = sums.first.len();
    for lane in 0..LANES {
        sums.first[(first + lane) % channels] += one[lane];
        sums.second[(first + lane) % channels] += two[lane];
    }
}

#[inline(always)]
fn map_block<const LANES: usize, const TABLES: usize>(
    rows: RowPair<'_>,
    tables: [&[f32]; TABLES],
    columns: Columns,
    map: impl Fn(f32, f32, [f32; TABLES]) -> f32 + Copy,
    y: &mut [f32],
) {
    let Columns { first, row_length } = columns;
    let tables = blocks::<LANES, TABLES>(tables, first);
    let each = rows.other.chunks_exact(row_length).zip(rows.x.chunks_exact(row_length));
    for ((other, x), y) in each.zip(y.chunks_exact_mut(row_length)) {
        let (other, x) = (lanes::<LANES>(other, first), lanes::<LANES>(x, first));
        let mut result = [0.0f32; LANES];
        for lane in 0..LANES {
            result[lane] = map(other[lane], x[lane], lane_of(&tables, lane));
        }
        y[first..first + LANES].copy_from_slice(&result);
    }
}

#[inline(always)]
pub(crate) fn lanes<const LANES: usize>(row: &[f32], column: usize) -> &[f32; LANES] {
    row[column..].first_chunk().expect("a block is within its row")
}

/// Returns `table[column..]` of each table, wrapping around at its end. Written without closures, like [`lane_of`]: a closure
/// passed to `map` or `from_fn` is compiled without the wide vectors of its caller.
#[inline(always)]
pub(crate) fn blocks<const LANES: usize, const TABLES: usize>(
    tables: [&[f32]; TABLES],
    column: usize,
) -> [[f32; LANES]; TABLES] {
    let mut blocks = [[0.0; LANES]; TABLES];
    for (block, table) in blocks.iter_mut().zip(tables) {
        if let Some(whole) = table.get(column..column + LANES) {
            block.copy_from_slice(whole);
            continue;
        }
        for (lane, value) in block.iter_mut().enumerate() {
            *value = table[(column + lane) % table.len()];
        }
    }
    blocks
}

/// Returns one lane of every block.
#[inline(always)]
pub(crate) fn lane_of<const LANES: usize, const TABLES: usize>(
    blocks: &[[f32; LANES]; TABLES],
    lane: usize,
) -> [f32; TABLES] {
    let mut values = [0.0; TABLES];
    for (value, block) in values.iter_mut().zip(blocks) {
        *value = block[lane];
    }
    values
}
