//! Magnitude of a gradient.

use rayon::prelude::*;

use super::CHUNK;
use crate::parallel::{MINIMUM_WORK, workers};
use crate::simd::SimdLevel;

const LANES: usize = 32;

/// Sum of squares below which single precision is lost and the sum is repeated in double precision.
const TINY: f64 = 1e-30;

/// Statistics of a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientSignal {
    /// Number of elements, finite or not.
    pub count: u64,
    /// Sum of the squares of the finite elements.
    pub squares: f64,
    /// Maximum magnitude of the finite elements, if it was measured.
    pub max_abs: Option<f32>,
    /// Number of elements that are NaN or infinite; if they were not counted, at least one if there are any.
    pub non_finite: u64,
}

/// Contribution of one chunk to a [`GradientSignal`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GradientPart {
    count: u32,
    squares: f64,
    max_abs: f32,
    non_finite: u32,
}

impl GradientSignal {
    /// Returns the root mean square of the finite elements.
    pub fn rms(&self) -> f64 {
        let finite = self.count - self.non_finite.min(self.count);
        if finite > 0 { (self.squares / finite as f64).sqrt() } else { 0.0 }
    }

    /// Returns the statistics of both tensors together; the maximum is known if both are.
    #[must_use]
    pub fn with(self, other: GradientSignal) -> GradientSignal {
        GradientSignal {
            count: self.count + other.count,
            squares: self.squares + other.squares,
            max_abs: self.max_abs.zip(other.max_abs).map(|(one, two)| one.max(two)),
            non_finite: self.non_finite + other.non_finite,
        }
    }

    /// Combines the parts of a tensor, in their order.
    pub fn combine(parts: &[GradientPart]) -> GradientSignal {
        let start = GradientSignal { max_abs: Some(0.0), ..GradientSignal::default() };
        parts.iter().fold(start, |total, part| GradientSignal {
            count: total.count + u64::from(part.count),
            squares: total.squares + part.squares,
            max_abs: total.max_abs.map(|max| max.max(part.max_abs)),
            non_finite: total.non_finite + u64::from(part.non_finite),
        })
    }
}

/// Computes the statistics of the gradient `values`; `parts` has one part per chunk; the first call of a size allocates it.
pub fn gradient(simd: SimdLevel, values: &[f32], parts: &mut Vec<GradientPart>) -> GradientSignal {
    parts.resize(values.len().div_ceil(CHUNK), GradientPart::default());
    let work = |(part, values): (&mut GradientPart, &[f32])| {
        *part = simd.run(
            #[inline(always)]
            || gradient_chunk(values),
        );
    };
    if values.len() < MINIMUM_WORK || workers() < 2 {
        parts.iter_mut().zip(values.chunks(CHUNK)).for_each(work);
    } else {
        parts.par_iter_mut().zip(values.par_chunks(CHUNK)).for_each(work);
    }
    GradientSignal::combine(parts)
}

/// Computes the part of one chunk. For use inside [`crate::SimdLevel::run`].
#[inline(always)]
pub fn gradient_chunk(values: &[f32]) -> GradientPart {
    let (mut squares, mut max) = ([0.0f32; LANES], [0.0f32; LANES]);
    let (rows, rest) = values.as_chunks::<LANES>();
    for row in rows {
        for lane in 0..LANES {
            add(row[lane], &mut squares[lane], &mut max[lane]);
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        add(*value, &mut squares[lane], &mut max[lane]);
    }
    let total: f64 = squares.iter().map(|&value| f64::from(value)).sum();
    let max_abs = max.iter().copied().fold(0.0, f32::max);
    // A non-finite value makes the sum non-finite; so do squares beyond single precision.
    if !total.is_finite() || (total < TINY && max_abs > 0.0) {
        return wide_part(values);
    }
    GradientPart { count: values.len() as u32, squares: total, max_abs, non_finite: 0 }
}

#[inline(always)]
fn add(value: f32, squares: &mut f32, max: &mut f32) {
    let size = value.abs();
    *squares += size * size;
    *max = if size > *max { size } else { *max };
}

/// Computes the part of the finite values in double precision.
#[cold]
fn wide_part(values: &[f32]) -> GradientPart {
    let finite = || values.iter().filter(|value| value.is_finite());
    GradientPart {
        count: values.len() as u32,
        squares: finite().map(|&value| f64::from(value).powi(2)).sum(),
        max_abs: finite().fold(0.0, |max, value| max.max(value.abs())),
        non_finite: (values.len() - finite().count()) as u32,
    }
}
