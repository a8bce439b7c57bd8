//! Images that nearly equal a training image, compared by the means of 8x8 blocks after normalising brightness and contrast.

use super::spread;
use crate::dataset::{Dataset, Row, SampleShape, Work};
use crate::error::DataError;
use rayon::prelude::*;

/// Number of blocks per side.
const BLOCKS: usize = 8;
/// Maximum number of training images compared.
const KNOWN: usize = 60_000;
/// Minimum standard deviation of the block means, relative to the value range, of an image with visible content.
const CONTRAST: f32 = 0.02;
/// Limits on the difference of two images in standard deviations of the block means: per block, and root mean square.
const EACH: f32 = 0.12;
const RMS: f32 = 0.04;

/// Block means, normalised to mean 0 and standard deviation 1.
type Signature = Vec<f32>;

/// Counts the `samples` that nearly equal an image of `training`.
///
/// # Errors
/// Fails if a process that holds a part of the images cannot answer.
pub(super) fn count(dataset: &Dataset, training: &[usize], samples: &[usize]) -> Result<usize, DataError> {
    if samples.is_empty() {
        return Ok(0);
    }
    let sign = |samples: &[usize]| -> Result<Vec<Signature>, DataError> {
        let signatures = dataset.map_chunks(Work::Alone, samples, |samples| {
            let rows = dataset.rows(samples)?;
            Ok(rows.iter().filter_map(|row| signature(dataset, row)).collect::<Vec<_>>())
        })?;
        Ok(signatures.concat())
    };
    let mut known = sign(&spread(training, KNOWN))?;
    let pivot = most_varied(&known);
    known.sort_unstable_by(|a, b| a[pivot].total_cmp(&b[pivot]));
    let is_near = |signature: &Signature| {
        let first = known.partition_point(|known| known[pivot] < signature[pivot] - EACH);
        let candidates = known[first..].iter().take_while(|known| known[pivot] <= signature[pivot] + EACH);
        candidates.into_iter().any(|known| are_near(known, signature))
    };
    Ok(sign(samples)?.par_iter().filter(|signature| is_near(signature)).count())
}

/// Returns the block whose mean varies most between images; images are sorted by it.
fn most_varied(known: &[Signature]) -> usize {
    let blocks = known.first().map_or(0, Vec::len);
    let variance = |block: usize| {
        let mut moments = crate::moments::Moments::default();
        known.iter().for_each(|signature| moments.add(f64::from(signature[block])));
        moments.variance()
    };
    (0..blocks).max_by(|&a, &b| variance(a).total_cmp(&variance(b))).unwrap_or(0)
}

fn are_near(one: &Signature, other: &Signature) -> bool {
    let mut squares = 0.0;
    for (a, b) in one.iter().zip(other) {
        let difference = (a - b).abs();
        if !(difference <= EACH) {
            return false;
        }
        squares += difference * difference;
    }
    squares <= RMS * RMS * one.len() as f32
}

/// Returns the signature of an image, or `None` for an image of uniform tone.
fn signature(dataset: &Dataset, row: Row) -> Option<Signature> {
    let shape = *dataset.sample_shape();
    let mut means = match row {
        Row::Bytes(values) => block_means(values, shape),
        Row::Floats(values) => block_means(values, shape),
    };
    let count = means.len() as f32;
    let mean = means.iter().sum::<f32>() / count;
    let std = (means.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt();
    let (low, high) = dataset.value_range();
    if !(std > CONTRAST * (high - low)) {
        return None;
    }
    means.iter_mut().for_each(|value| *value = (*value - mean) / std);
    Some(means)
}

/// Returns the means over blocks of pixels and all channels, at most 8x8 blocks.
fn block_means<T: Copy + Into<f32>>(values: &[T], shape: SampleShape) -> Vec<f32> {
    let SampleShape::Image { height, width, channels } = shape else { return Vec::new() };
    let (rows, columns) = (height.min(BLOCKS), width.min(BLOCKS));
    let (mut sums, mut counts) = (vec![0.0; rows * columns], vec![0.0; rows * columns]);
    for (place, pixel) in values.chunks_exact(channels).enumerate() {
        let block = (place / width * rows / height) * columns + place % width * columns / width;
        sums[block] += pixel.iter().map(|&value| value.into()).sum::<f32>();
        counts[block] += channels as f32;
    }
    sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect()
}
