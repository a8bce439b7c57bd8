//! Moments, extremes and fractions of a tensor.

use rayon::prelude::*;

use super::chunk::{CountedUnits, SignalPart, signal_chunk, unit_signal_chunk};
use super::limits::Limits;
use super::{CHUNK, UnitCounts};
use crate::parallel::{MINIMUM_WORK, workers};
use crate::simd::SimdLevel;

/// Statistics of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signal {
    /// Number of elements, finite or not.
    pub count: u64,
    /// Mean of the finite elements.
    pub mean: f64,
    /// Average squared deviation of the finite elements from their mean.
    pub variance: f64,
    /// Minimum and maximum finite element, if they were measured.
    pub range: Option<(f32, f32)>,
    /// Number of elements that are exactly zero, if they were counted.
    pub zeros: Option<u64>,
    /// Number of elements outside the limits, if they were counted.
    pub saturated: Option<u64>,
    /// Number of elements that are NaN or infinite; if they were not counted, at least one if there are any.
    pub non_finite: u64,
}

/// Moments of each channel of a tensor, `[channels]` each.
#[derive(Clone, Copy, Debug)]
pub struct ChannelMoments<'a> {
    /// Means.
    pub means: &'a [f32],
    /// Biased variances.
    pub variances: &'a [f32],
}

impl Signal {
    /// Returns the standard deviation of the finite elements.
    pub fn std(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Combines the parts of a tensor, in their order (Chan, Golub & LeVeque 1983).
    pub fn combine(parts: &[SignalPart]) -> Signal {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut zeros, mut saturated, mut non_finite) = (0, 0, 0);
        for part in parts.iter() {
            non_finite += u64::from(part.non_finite);
            if part.finite == 0.0 {
                continue;
            }
            let total = count + part.finite;
            let difference = part.mean - mean;
            mean += difference * part.finite / total;
            squares += part.squares + difference * difference * count * part.finite / total;
            count = total;
            (min, max) = (min.min(part.min), max.max(part.max));
            zeros += u64::from(part.zeros);
            saturated += u64::from(part.saturated);
        }
        let variance = if count > 0.0 { squares / count } else { 0.0 };
        Signal {
            count: count as u64 + non_finite,
            mean,
            variance,
            range: (count > 0.0).then_some((min, max)),
            zeros: Some(zeros),
            saturated: Some(saturated),
            non_finite,
        }
    }

    /// Returns the statistics of a whole tensor from those of its channels, each of `rows` values, which batch normalisation
    /// computes anyway.
    pub fn of_channels(channels: ChannelMoments<'_>, rows: usize) -> Signal {
        let ChannelMoments { means, variances } = channels;
        let mut non_finite = 0;
        let (mut count, mut sum, mut squares) = (0.0f64, 0.0, 0.0);
        for (&mean, &variance) in means.iter().zip(variances) {
            let (mean, variance) = (f64::from(mean), f64::from(variance));
            if !(mean.is_finite() && variance.is_finite()) {
                non_finite += 1;
                continue;
            }
            count += 1.0;
            sum += mean;
            squares += mean * mean + variance;
        }
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        let variance = if count > 0.0 { (squares / count - mean * mean).max(0.0) } else { 0.0 };
        Signal { count: (means.len() * rows) as u64, mean, variance, non_finite, ..Signal::default() }
    }
}

/// Computes the statistics of `values`; `parts` has one part per chunk; the first call of a size allocates it.
pub fn signal(simd: SimdLevel, values: &[f32], limits: Limits, parts: &mut Vec<SignalPart>) -> Signal {
    let chunks = values.len().div_ceil(CHUNK);
    parts.resize(chunks, SignalPart::default());
    let work = |(part, values): (&mut SignalPart, &[f32])| {
        *part = simd.run(
            #[inline(always)]
            || signal_chunk(values, limits),
        );
    };
    if values.len() < MINIMUM_WORK || workers() < 2 {
        parts.iter_mut().zip(values.chunks(CHUNK)).for_each(work);
    } else {
        parts.par_iter_mut().zip(values.par_chunks(CHUNK)).for_each(work);
    }
    Signal::combine(parts)
}

/// Computes the statistics of an activation's output `[rows, units]` and, in `units`, how often each unit was above zero and
/// outside `limits`: in one pass over memory.
///
/// # Panics
/// If `units` has no unit or `values` is not a whole number of rows.
pub fn activation_signal(
    simd: SimdLevel,
    values: &[f32],
    limits: Limits,
    units: &mut UnitCounts,
    parts: &mut Vec<SignalPart>,
) -> Signal {
    let width = units.units();
    assert!(width > 0 && values.len().is_multiple_of(width), "{} values of {width} units", values.len());
    let chunk = (CHUNK / width).max(1).next_multiple_of(32) * width;
    parts.resize(values.len().div_ceil(chunk), SignalPart::default());
    units.begin((values.len() / width) as u64);
    let units = CountedUnits { counts: units, limits };
    let work = |(part, values): (&mut SignalPart, &[f32])| {
        *part = simd.run(
            #[inline(always)]
            || unit_signal_chunk(values, [], |value, []| value, units),
        );
    };
    if values.len() < MINIMUM_WORK || workers() < 2 {
        parts.iter_mut().zip(values.chunks(chunk)).for_each(work);
    } else {
        parts.par_iter_mut().zip(values.par_chunks(chunk)).for_each(work);
    }
    Signal::combine(parts)
}
