//! Rows that equal a training row, up to rounding, in all columns but at most one.

use super::{features_of_columns, spread};
use crate::dataset::{Dataset, Inputs};
use crate::error::DataError;
use crate::moments::Moments;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// Maximum number of training rows compared.
const KNOWN: usize = 20_000;
/// Number of rows used to assess a column.
const JUDGED: usize = 4_096;
/// Maximum difference of values that count as equal, in standard deviations of their column.
const ROUNDING: f64 = 1e-3;
/// Maximum probability that two rows agree in a column of many values, and minimum number of such columns in a table.
const CHANCE: f64 = 0.05;
const VARIED: usize = 5;
/// Maximum number of near duplicates expected by chance if the columns were independent.
const EXPECTED: f64 = 0.01;

/// A column and the tolerance for comparing its values.
struct Column {
    features: Range<usize>,
    /// Maximum difference of values that count as equal.
    tolerance: f32,
    /// Probability that two rows agree in this column.
    chance: f64,
}

/// Counts the `samples` that nearly equal a row of `training`; 0 for tables whose rows agree by chance.
///
/// # Errors
/// Fails if a process that holds a part of the rows cannot answer.
pub(super) fn count(dataset: &Dataset, training: &[usize], samples: &[usize]) -> Result<usize, DataError> {
    let compared =
        Compared { judged: spread(training, JUDGED), known: spread(training, KNOWN), samples: samples.to_vec() };
    if !dataset.is_shared() {
        return Ok(compared.count(dataset));
    }
    let mut needed = [&compared.judged[..], &compared.known, samples].concat();
    needed.sort_unstable();
    needed.dedup();
    let place = |sample: &usize| needed.partition_point(|needed| needed < sample);
    let here = |samples: &[usize]| samples.iter().map(place).collect();
    let Compared { judged, known, .. } = &compared;
    let compared = Compared { judged: here(judged), known: here(known), samples: here(samples) };
    Ok(compared.count(&dataset.selected(&needed)?))
}

/// Rows that are compared.
struct Compared {
    /// Training rows used to assess columns.
    judged: Vec<usize>,
    /// Training rows.
    known: Vec<usize>,
    /// Other rows.
    samples: Vec<usize>,
}

impl Compared {
    /// Counts the samples that nearly equal a known row of `dataset`.
    fn count(&self, dataset: &Dataset) -> usize {
        let Compared { judged, known, samples } = self;
        let Inputs::Floats(values) = dataset.inputs() else { return 0 };
        let rows = Rows { values, length: dataset.sample_shape().len() };
        let columns: Vec<Column> =
            features_of_columns(dataset).into_par_iter().map(|features| Column::of(&rows, features, judged)).collect();
        let mut varied: Vec<&Column> = columns.iter().filter(|column| column.chance <= CHANCE).collect();
        varied.sort_by(|a, b| a.chance.total_cmp(&b.chance));
        if samples.is_empty() || varied.len() < VARIED {
            return 0;
        }
        // Any one column may differ: in the worst case the most distinctive one.
        let chance: f64 = varied[1..].iter().map(|column| column.chance).product();
        if !(chance * known.len() as f64 * samples.len() as f64 <= EXPECTED) {
            return 0;
        }
        // At most one column differs, so at least one of any two columns agrees.
        let orders = [varied[0], varied[1]].map(|column| Order::of(&rows, column, known));
        let is_near = |sample: &&usize| orders.iter().any(|order| order.finds(&rows, &columns, **sample));
        samples.par_iter().filter(is_near).count()
    }
}

/// All rows of a table.
struct Rows<'a> {
    /// `[samples, length]`.
    values: &'a [f32],
    length: usize,
}

impl Rows<'_> {
    fn row(&self, sample: usize) -> &[f32] {
        &self.values[sample * self.length..(sample + 1) * self.length]
    }
}

impl Column {
    fn of(rows: &Rows, features: Range<usize>, judged: &[usize]) -> Self {
        let mut moments = Moments::default();
        let present = judged.iter().map(|&sample| f64::from(rows.row(sample)[features.start]));
        present.filter(|value| value.is_finite()).for_each(|value| moments.add(value));
        let single = features.len() == 1;
        let tolerance = if single { ROUNDING * moments.std() } else { 0.0 };
        let mut counts: HashMap<Vec<i64>, u64> = HashMap::new();
        for &sample in judged {
            let key = rows.row(sample)[features.clone()].iter().map(|&value| match tolerance > 0.0 {
                true => (f64::from(value) / tolerance).round() as i64,
                false => i64::from(value.to_bits()),
            });
            *counts.entry(key.collect()).or_default() += 1;
        }
        let squares: f64 = counts.values().map(|&count| (count as f64).powi(2)).sum();
        let chance = squares / (judged.len().max(1) as f64).powi(2);
        Column { features, tolerance: tolerance as f32, chance }
    }

    fn agrees(&self, one: &[f32], other: &[f32]) -> bool {
        let mut pairs = one[self.features.clone()].iter().zip(&other[self.features.clone()]);
        pairs.all(|(a, b)| a == b || (a - b).abs() <= self.tolerance || a.is_nan() && b.is_nan())
    }
}

/// Training rows sorted by one column.
struct Order {
    feature: usize,
    tolerance: f32,
    samples: Vec<usize>,
}

impl Order {
    fn of(rows: &Rows, column: &Column, known: &[usize]) -> Self {
        let feature = column.features.start;
        let mut samples: Vec<usize> =
            known.iter().copied().filter(|&sample| !rows.row(sample)[feature].is_nan()).collect();
        samples.sort_by(|&a, &b| rows.row(a)[feature].total_cmp(&rows.row(b)[feature]));
        Order { feature, tolerance: column.tolerance, samples }
    }

    /// Returns true if a row close to `sample` in this column agrees with it in all columns but at most one.
    fn finds(&self, rows: &Rows, columns: &[Column], sample: usize) -> bool {
        let row = rows.row(sample);
        let value = row[self.feature];
        let of = |known: &usize| rows.row(*known)[self.feature];
        let first = self.samples.partition_point(|known| of(known) < value - self.tolerance);
        let candidates = self.samples[first..].iter().take_while(|known| of(known) <= value + self.tolerance);
        candidates.into_iter().any(|&known| {
            let known = rows.row(known);
            columns.iter().filter(|column| !column.agrees(row, known)).take(2).count() < 2
        })
    }
}
