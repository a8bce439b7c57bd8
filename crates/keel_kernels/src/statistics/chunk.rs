//! Contribution of one chunk of a tensor to its statistics, in one pass.
//!
//! The loops assume that every value is finite: their sums show whether that was right, and only if it was not are the values read
//! again, one by one.

use super::UnitCounts;
use super::limits::Limits;
use crate::columns::{Columns, blocks, lane_of, lanes, wide_row};

/// Number of accumulators of a chunk without units; wide enough for two of the widest vectors.
const LANES: usize = 32;

/// Number of columns of a chunk with units whose accumulators are kept in registers at the same time.
const WIDTH: usize = 16;

/// Contribution of one chunk to a [`Signal`](super::Signal).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SignalPart {
    pub(super) finite: f64,
    pub(super) mean: f64,
    /// Sum of the squared deviations from the mean.
    pub(super) squares: f64,
    pub(super) min: f32,
    pub(super) max: f32,
    pub(super) zeros: u32,
    pub(super) saturated: u32,
    pub(super) non_finite: u32,
}

/// Computes the part of one chunk. For use inside [`crate::SimdLevel::run`].
#[inline(always)]
pub fn signal_chunk(values: &[f32], limits: Limits) -> SignalPart {
    let Some(&pivot) = values.first() else { return SignalPart::default() };
    let (body, rest) = values.split_at(values.len() / LANES * LANES);
    let mut totals = Totals::around(pivot);
    let map = |value: f32, []: [f32; 0]| value;
    let (wide, single) = (Columns { first: 0, row_length: LANES }, Columns { first: 0, row_length: 1 });
    let reference = Reference { pivot, limits };
    if limits == Limits::NONE {
        totals.add(&measured::<LANES, 0, false>(body, wide, [], map, reference));
        totals.add(&measured::<1, 0, false>(rest, single, [], map, reference));
    } else {
        totals.add(&measured::<LANES, 0, true>(body, wide, [], map, reference));
        totals.add(&measured::<1, 0, true>(rest, single, [], map, reference));
    }
    totals.part(values.iter().copied())
}

/// Counts of units, with the limits of saturation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountedUnits<'a> {
    pub(crate) counts: &'a UnitCounts,
    pub(crate) limits: Limits,
}

/// Computes the part of a chunk of `map(x, [tables[0][unit], ...])`, with `x` whole rows `[rows, units]` and each table `[units]`;
/// adds to the counts of `units`. For use inside [`crate::SimdLevel::run`].
#[inline(always)]
pub(crate) fn unit_signal_chunk<const TABLES: usize>(
    x: &[f32],
    tables: [&[f32]; TABLES],
    map: impl Fn(f32, [f32; TABLES]) -> f32 + Copy,
    units: CountedUnits<'_>,
) -> SignalPart {
    if units.limits == Limits::NONE {
        measure_units::<TABLES, false>(x, tables, map, units)
    } else {
        measure_units::<TABLES, true>(x, tables, map, units)
    }
}

#[inline(always)]
fn measure_units<const TABLES: usize, const SATURATES: bool>(
    x: &[f32],
    tables: [&[f32]; TABLES],
    map: impl Fn(f32, [f32; TABLES]) -> f32 + Copy,
    units: CountedUnits<'_>,
) -> SignalPart {
    let width = units.counts.units();
    assert!(width > 0 && x.len().is_multiple_of(width), "{} values of {width} units", x.len());
    assert!(tables.iter().all(|table| table.len() == width), "tables of {width} units");
    let Some(&first) = x.first() else { return SignalPart::default() };
    let pivot = map(first, tables.map(|table| table[0]));
    let reference = Reference { pivot, limits: units.limits };
    let mut pass = Pass { tables, map, reference, counts: units.counts, totals: Totals::around(pivot) };
    let row_length = wide_row(width, x.len());
    let (body, rest) = x.split_at(x.len() / row_length * row_length);
    let mut first = 0;
    while first + WIDTH <= row_length {
        pass.measure::<WIDTH, SATURATES>(body, Columns { first, row_length });
        first += WIDTH;
    }
    while first + 4 <= row_length {
        pass.measure::<4, SATURATES>(body, Columns { first, row_length });
        first += 4;
    }
    while first < row_length {
        pass.measure::<1, SATURATES>(body, Columns { first, row_length });
        first += 1;
    }
    for unit in 0..if rest.is_empty() { 0 } else { width } {
        pass.measure::<1, SATURATES>(rest, Columns { first: unit, row_length: width });
    }
    let value = |(index, &x): (usize, &f32)| map(x, tables.map(|table| table[index % width]));
    pass.totals.part(x.iter().enumerate().map(value))
}

/// Values that those of a chunk are compared with.
#[derive(Clone, Copy)]
struct Reference {
    /// A value of the chunk, from which deviations are measured.
    pivot: f32,
    limits: Limits,
}

/// State of a pass over a chunk with units.
struct Pass<'a, const TABLES: usize, M> {
    tables: [&'a [f32]; TABLES],
    map: M,
    reference: Reference,
    counts: &'a UnitCounts,
    totals: Totals,
}

impl<const TABLES: usize, M: Fn(f32, [f32; TABLES]) -> f32 + Copy> Pass<'_, TABLES, M> {
    /// Adds `N` columns of whole rows; they belong to units in turn.
    #[inline(always)]
    fn measure<const N: usize, const SATURATES: bool>(&mut self, x: &[f32], columns: Columns) {
        let tables = blocks::<N, TABLES>(self.tables, columns.first);
        let lanes = measured::<N, TABLES, SATURATES>(x, columns, tables, self.map, self.reference);
        self.totals.add(&lanes);
        for lane in 0..N {
            let unit = (columns.first + lane) % self.counts.units();
            self.counts.add(unit, lanes.fired[lane], lanes.saturated[lane]);
        }
    }
}

/// Sums of some columns.
struct Lanes<const N: usize> {
    sum: [f32; N],
    squares: [f32; N],
    min: [f32; N],
    max: [f32; N],
    zeros: [u32; N],
    fired: [u32; N],
    saturated: [u32; N],
}

/// Computes the sums of `N` columns of whole rows.
#[inline(always)]
fn measured<const N: usize, const TABLES: usize, const SATURATES: bool>(
    x: &[f32],
    columns: Columns,
    tables: [[f32; N]; TABLES],
    map: impl Fn(f32, [f32; TABLES]) -> f32 + Copy,
    reference: Reference,
) -> Lanes<N> {
    let Reference { pivot, limits } = reference;
    let (mut sum, mut squares) = ([0.0f32; N], [0.0f32; N]);
    let (mut min, mut max) = ([pivot; N], [pivot; N]);
    let (mut zeros, mut fired, mut saturated) = ([0u32; N], [0u32; N], [0u32; N]);
    for row in x.chunks_exact(columns.row_length) {
        let x = lanes::<N>(row, columns.first);
        for lane in 0..N {
            let value = map(x[lane], lane_of(&tables, lane));
            let deviation = value - pivot;
            sum[lane] += deviation;
            squares[lane] += deviation * deviation;
            min[lane] = if value < min[lane] { value } else { min[lane] };
            max[lane] = if value > max[lane] { value } else { max[lane] };
            zeros[lane] += u32::from(value == 0.0);
            fired[lane] += u32::from(value > 0.0);
            if SATURATES {
                saturated[lane] += u32::from((value < limits.low) | (value > limits.high));
            }
        }
    }
    Lanes { sum, squares, min, max, zeros, fired, saturated }
}

/// Sums of a chunk, of deviations from `pivot`.
struct Totals {
    pivot: f32,
    sum: f64,
    squares: f64,
    min: f32,
    max: f32,
    zeros: u32,
    saturated: u32,
}

impl Totals {
    #[inline(always)]
    fn around(pivot: f32) -> Self {
        Totals { pivot, sum: 0.0, squares: 0.0, min: pivot, max: pivot, zeros: 0, saturated: 0 }
    }

    #[inline(always)]
    fn add<const N: usize>(&mut self, lanes: &Lanes<N>) {
        for lane in 0..N {
            self.sum += f64::from(lanes.sum[lane]);
            self.squares += f64::from(lanes.squares[lane]);
            self.min = self.min.min(lanes.min[lane]);
            self.max = self.max.max(lanes.max[lane]);
            self.zeros += lanes.zeros[lane];
            self.saturated += lanes.saturated[lane];
        }
    }

    /// Returns the part of the chunk with these `values`.
    #[inline(always)]
    fn part(&self, values: impl ExactSizeIterator<Item = f32> + Clone) -> SignalPart {
        let (zeros, saturated) = (self.zeros, self.saturated);
        // A non-finite value makes the sum of squares non-finite; so do squares beyond single precision.
        if !self.squares.is_finite() {
            return SignalPart { zeros, saturated, ..wide_part(values) };
        }
        let finite = values.len() as f64;
        let deviation = self.sum / finite;
        SignalPart {
            finite,
            mean: f64::from(self.pivot) + deviation,
            squares: (self.squares - self.sum * deviation).max(0.0),
            min: self.min,
            max: self.max,
            zeros,
            saturated,
            non_finite: 0,
        }
    }
}

/// Computes moments and range of the finite values in double precision, and the number of the others.
#[cold]
fn wide_part(values: impl Iterator<Item = f32> + Clone) -> SignalPart {
    let finite = values.clone().filter(|value| value.is_finite());
    let pivot = finite.clone().next().map_or(0.0, f64::from);
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
    for value in finite {
        let deviation = f64::from(value) - pivot;
        count += 1.0;
        sum += deviation;
        squares += deviation * deviation;
        (min, max) = (min.min(value), max.max(value));
    }
    let deviation = if count > 0.0 { sum / count } else { 0.0 };
    SignalPart {
        finite: count,
        mean: pivot + deviation,
        squares: (squares - sum * deviation).max(0.0),
        min,
        max,
        non_finite: values.filter(|value| !value.is_finite()).count() as u32,
        ..SignalPart::default()
    }
}
