//! Norms of each sample separately: layer norm (one group), group norm, instance norm (as many groups as channels).
//!
//! A sample is `[positions, channels]`; group `g` holds `channels / groups` neighbouring channels at all positions.

use super::batch::{
    BACKWARD_TABLE, FORWARD_TABLE, TableInput, apply_gradient_chunk, normalize_chunk, sum_gradient_chunk,
};
use super::moments::{self, Moments, RECORD};
use super::row::{RowStatistics, normalize_row, row_gradient};
use super::{Affine, AffineGradient};
use crate::columns::{MatrixColumns, RowPair, column_sums};
use crate::length;
use crate::parallel::{Pieces, WorkerScratch, for_each_task_with_scratch};
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Number of floats per group and sample of the statistics: mean, low part of the mean, 1 / sqrt(variance + epsilon).
pub const STATISTICS: usize = 3;

/// Sizes of a norm per sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleNorm {
    /// Number of positions of an image, 1 for a vector.
    pub positions: usize,
    /// Number of values at each position; a multiple of `groups`.
    pub channels: usize,
    /// Number of groups of neighbouring channels with separate statistics.
    pub groups: usize,
    /// Term added to variances.
    pub epsilon: f32,
}

/// Operands of [`SampleNorm::forward`].
#[derive(Clone, Copy, Debug)]
pub struct SampleInput<'a> {
    /// Input, `[batch, positions, channels]`.
    pub input: &'a [f32],
    /// Learned scale and shift.
    pub affine: Affine<'a>,
}

/// Results of [`SampleNorm::forward`].
#[derive(Debug)]
pub struct SampleOutput<'a> {
    /// Output, `[batch, positions, channels]`.
    pub output: &'a mut [f32],
    /// Statistics for backward, `[batch, STATISTICS, groups]`.
    pub statistics: &'a mut [f32],
}

/// Operands of [`SampleNorm::backward`].
#[derive(Clone, Copy, Debug)]
pub struct SampleGradient<'a> {
    /// Gradient with respect to the output, `[batch, positions, channels]`.
    pub grad_output: &'a [f32],
    /// Input of the forward pass, `[batch, positions, channels]`.
    pub input: &'a [f32],
    /// Scale, `[channels]`.
    pub scale: &'a [f32],
    /// Statistics of the forward pass, `[batch, STATISTICS, groups]`.
    pub statistics: &'a [f32],
}

/// Results of [`SampleNorm::backward`].
#[derive(Debug)]
pub struct SampleGradientOutput<'a> {
    /// Gradient with respect to the input, `[batch, positions, channels]`; not computed if empty.
    pub grad_input: &'a mut [f32],
    /// Gradients of scale and shift.
    pub affine: AffineGradient<'a>,
}

/// Length of the scratch buffer of [`SampleNorm::backward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackwardScratch {
    /// Number of floats per sample of a batch.
    pub per_sample: usize,
    /// Number of floats per thread.
    pub per_worker: usize,
}

impl SampleNorm {
    /// Checks the sizes.
    ///
    /// # Panics
    /// If a size is 0, the groups do not divide the channels, or a sample is too large for any machine.
    #[track_caller]
    fn check(&self) {
        length::product("sample", &[self.positions, self.channels]);
        assert!(self.positions > 0 && self.channels > 0 && self.groups > 0, "a size of 0 in {self:?}");
        assert!(self.channels.is_multiple_of(self.groups), "groups of channels in {self:?}");
    }

    /// Returns the number of floats of one sample.
    pub fn sample_length(&self) -> usize {
        self.positions * self.channels
    }

    /// Returns the number of floats of the statistics of one sample.
    pub fn statistics_length(&self) -> usize {
        STATISTICS * self.groups
    }

    /// Returns the length of the scratch buffer of [`SampleNorm::forward`] per thread, in floats.
    pub fn forward_scratch(&self) -> usize {
        (FORWARD_TABLE + RECORD) * self.channels
    }

    /// Returns the length of the scratch buffer of [`SampleNorm::backward`].
    pub fn backward_scratch(&self) -> BackwardScratch {
        match self.is_row() {
            true => BackwardScratch { per_sample: self.channels, per_worker: 0 },
            false => BackwardScratch { per_sample: 2 * self.channels, per_worker: BACKWARD_TABLE * self.channels },
        }
    }

    /// Returns true if each sample is one row with one mean and one variance.
    fn is_row(&self) -> bool {
        self.positions == 1 && self.groups == 1
    }

    /// Computes `output = (input - mean) / std * scale + shift`. `scratch` has [`SampleNorm::forward_scratch`] floats for at least
    /// one thread.
    ///
    /// # Panics
    /// If lengths do not fit, the groups do not divide the channels, or samples are too large for any machine.
    pub fn forward(&self, simd: SimdLevel, read: SampleInput<'_>, write: SampleOutput<'_>, scratch: Scratch<'_>) {
        self.check();
        let SampleInput { input, affine } = read;
        let SampleOutput { output, statistics } = write;
        let (length, kept) = (self.sample_length(), self.statistics_length());
        let batch = input.len() / length;
        assert_eq!(input.len(), batch * length, "{} floats in samples of {length}", input.len());
        assert_eq!((output.len(), statistics.len()), (input.len(), batch * kept), "output and statistics");
        assert_eq!((affine.scale.len(), affine.shift.len()), (self.channels, self.channels), "scale and shift");
        let (statistics, output) = (Pieces::new(statistics), Pieces::new(output));
        let scratch = WorkerScratch { floats: scratch.0, per_worker: self.forward_scratch() };
        for_each_task_with_scratch(batch, 3 * input.len(), scratch, |sample, scratch| {
            // SAFETY: each task takes the parts of its own sample.
            let statistics = unsafe { statistics.piece(sample * kept..(sample + 1) * kept) };
            // SAFETY: as above.
            let output = unsafe { output.piece(sample * length..(sample + 1) * length) };
            let input = &input[sample * length..(sample + 1) * length];
            let (table, record) = scratch.split_at_mut(FORWARD_TABLE * self.channels);
            simd.run(
                #[inline(always)]
                || {
                    self.measure(input, Scratch(record), statistics);
                    if self.is_row() {
                        return normalize_row(input, row_statistics(statistics), affine, output);
                    }
                    self.forward_table(statistics, affine, table);
                    normalize_chunk(TableInput { x: input, table }, output);
                },
            );
        });
    }

    /// Computes the gradients with respect to input, scale and shift. `scratch` has [`SampleNorm::backward_scratch`] floats for
    /// every sample and then for at least one thread.
    ///
    /// # Panics
    /// As described at [`SampleNorm::forward`].
    pub fn backward(
        &self,
        simd: SimdLevel,
        given: SampleGradient<'_>,
        write: SampleGradientOutput<'_>,
        scratch: Scratch<'_>,
    ) {
        self.check();
        let SampleGradientOutput { grad_input, affine } = write;
        let (length, kept) = (self.sample_length(), self.statistics_length());
        let batch = given.input.len() / length;
        assert_eq!(given.input.len(), batch * length, "{} floats in samples of {length}", given.input.len());
        assert_eq!((given.grad_output.len(), given.statistics.len()), (given.input.len(), batch * kept), "gradient");
        let wanted = !grad_input.is_empty();
        assert!(!wanted || grad_input.len() == given.input.len(), "input gradient");
        let BackwardScratch { per_sample, per_worker } = self.backward_scratch();
        let (sums, scratch) = scratch.take(batch * per_sample);
        let scratch = WorkerScratch { floats: scratch.0, per_worker };
        let (sum_pieces, gradients) = (Pieces::new(&mut *sums), Pieces::new(grad_input));
        for_each_task_with_scratch(batch, 3 * given.input.len(), scratch, |sample, table| {
            let range = sample * length..(sample + 1) * length;
            let rows = RowPair { x: given.input, other: given.grad_output }.part(range.clone());
            let statistics = &given.statistics[sample * kept..(sample + 1) * kept];
            // SAFETY: each task takes the parts of its own sample.
            let sums = unsafe { sum_pieces.piece(sample * per_sample..(sample + 1) * per_sample) };
            // SAFETY: as above; nothing is taken where no gradient is wanted.
            let dx = unsafe { gradients.piece(if wanted { range } else { 0..0 }) };
            simd.run(
                #[inline(always)]
                || {
                    if self.is_row() {
                        return row_gradient(rows, row_statistics(statistics), given.scale, sums, dx);
                    }
                    let center = &mut table[..self.channels];
                    self.spread(&statistics[..self.groups], center);
                    sum_gradient_chunk(rows, center, sums);
                    self.normalize_sums(statistics, sums);
                    if wanted {
                        self.backward_table(SampleSums { statistics, scale: given.scale, sums }, table);
                        apply_gradient_chunk(rows, table, dx);
                    }
                },
            );
        });
        let columns = |first| MatrixColumns { values: sums, width: per_sample, first };
        if self.is_row() {
            let gradient = MatrixColumns { values: given.grad_output, width: self.channels, first: 0 };
            column_sums(simd, gradient, affine.shift);
            return column_sums(simd, columns(0), affine.scale);
        }
        column_sums(simd, columns(0), affine.shift);
        column_sums(simd, columns(self.channels), affine.scale);
    }

    /// Computes the statistics `[STATISTICS, groups]` of one sample.
    #[inline(always)]
    fn measure(&self, input: &[f32], scratch: Scratch<'_>, statistics: &mut [f32]) {
        let record = scratch.0;
        let mut store = |group: usize, moments: Moments| {
            let (mean, low) = moments.split_mean();
            statistics[group] = mean;
            statistics[self.groups + group] = low;
            statistics[2 * self.groups + group] = moments.inverse_std(self.epsilon);
        };
        if self.groups == 1 {
            moments::record_chunk(input, 1, &mut record[..RECORD]);
            return store(0, moments::chunk_moments(&record[..RECORD], 0, input.len()));
        }
        moments::record_chunk(input, self.channels, record);
        let size = self.channels / self.groups;
        for group in 0..self.groups {
            let channels = group * size..(group + 1) * size;
            let part = |channel| (self.positions, moments::chunk_moments(record, channel, self.positions));
            store(group, moments::combine(channels.map(part)));
        }
    }

    /// Repeats the value of each group for each channel of the group.
    #[inline(always)]
    fn spread(&self, groups: &[f32], channels: &mut [f32]) {
        for (value, channels) in groups.iter().zip(channels.chunks_exact_mut(self.channels / self.groups)) {
            channels.fill(*value);
        }
    }

    #[inline(always)]
    fn forward_table(&self, statistics: &[f32], affine: Affine<'_>, table: &mut [f32]) {
        let (channels, size) = (self.channels, self.channels / self.groups);
        let Affine { scale, shift } = affine;
        self.spread(&statistics[..self.groups], &mut table[..channels]);
        for group in 0..self.groups {
            let (low, inverse_std) = (statistics[self.groups + group], statistics[2 * self.groups + group]);
            for c in group * size..(group + 1) * size {
                let factor = inverse_std * scale[c];
                table[channels + c] = factor;
                table[2 * channels + c] = shift[c] - low * factor;
            }
        }
    }

    /// Converts the sums of `dy * (x - mean)` to sums of `dy * x^`, with x^ the normalised input.
    #[inline(always)]
    fn normalize_sums(&self, statistics: &[f32], sums: &mut [f32]) {
        let size = self.channels / self.groups;
        let (gradient, deviation) = sums.split_at_mut(self.channels);
        for group in 0..self.groups {
            let (low, inverse_std) = (statistics[self.groups + group], statistics[2 * self.groups + group]);
            for c in group * size..(group + 1) * size {
                deviation[c] = inverse_std * (deviation[c] - low * gradient[c]);
            }
        }
    }

    /// Computes the backward table. With n values in a group, x^ the normalised input and sums over the group, the input gradient
    /// is `(scale * dy - sum(scale * dy) / n - x^ * sum(scale * dy * x^) / n) / std`.
    #[inline(always)]
    fn backward_table(&self, given: SampleSums<'_>, table: &mut [f32]) {
        let SampleSums { statistics, scale, sums } = given;
        let (channels, size) = (self.channels, self.channels / self.groups);
        let count = (self.positions * size) as f64;
        for group in 0..self.groups {
            let statistic = |index: usize| f64::from(statistics[index * self.groups + group]);
            let (low, inverse_std) = (statistic(1), statistic(2));
            let members = group * size..(group + 1) * size;
            let total =
                |sums: &[f32]| members.clone().map(|c| f64::from(scale[c]) * f64::from(sums[c])).sum::<f64>() / count;
            let slope = -inverse_std * inverse_std * total(&sums[channels..]);
            let constant = -inverse_std * total(sums) - slope * low;
            for c in members.clone() {
                table[channels + c] = statistics[2 * self.groups + group] * scale[c];
                table[2 * channels + c] = slope as f32;
                table[3 * channels + c] = constant as f32;
            }
        }
    }
}

/// Returns the statistics `[STATISTICS, 1]` of a sample that is one row.
#[inline(always)]
fn row_statistics(statistics: &[f32]) -> RowStatistics {
    RowStatistics { mean: statistics[0], low: statistics[1], inverse_std: statistics[2] }
}

/// Operands of [`SampleNorm::backward_table`].
#[derive(Clone, Copy)]
struct SampleSums<'a> {
    /// Statistics of the sample.
    statistics: &'a [f32],
    /// Scale, `[channels]`.
    scale: &'a [f32],
    /// Sums over the gradient, `[2, channels]`.
    sums: &'a [f32],
}

#[cfg(test)]
mod tests {
    use keel_testkit::deterministic_values;

    use super::*;

    /// Runs both directions on one sample with the given sizes.
    fn run(norm: SampleNorm, simd: SimdLevel) -> [Vec<f32>; 4] {
        let length = norm.sample_length();
        let [input, grad_output] = [1, 2].map(|seed| deterministic_values(seed, 2 * length, -1.0, 2.0));
        let [scale, shift] = [3, 4].map(|seed| deterministic_values(seed, norm.channels, 0.5, 1.5));
        let (mut output, mut grad_input) = (vec![f32::NAN; 2 * length], vec![f32::NAN; 2 * length]);
        let mut statistics = vec![f32::NAN; 2 * norm.statistics_length()];
        let BackwardScratch { per_sample, per_worker } = norm.backward_scratch();
        let mut scratch = vec![f32::NAN; norm.forward_scratch().max(2 * per_sample + per_worker)];
        let read = SampleInput { input: &input, affine: Affine { scale: &scale, shift: &shift } };
        let write = SampleOutput { output: &mut output, statistics: &mut statistics };
        norm.forward(simd, read, write, Scratch(&mut scratch));
        let [mut grad_scale, mut grad_shift] = [0, 1].map(|_| vec![f32::NAN; norm.channels]);
        let given = SampleGradient { grad_output: &grad_output, input: &input, scale: &scale, statistics: &statistics };
        let affine = AffineGradient { scale: &mut grad_scale, shift: &mut grad_shift };
        norm.backward(simd, given, SampleGradientOutput { grad_input: &mut grad_input, affine }, Scratch(&mut scratch));
        [output, grad_input, grad_scale, grad_shift]
    }

    /// Computes both directions of one normalised set from the formula, in double precision: output and input gradient.
    fn plain(x: &[f64], scaled_gradient: &[f64], epsilon: f64) -> [Vec<f64>; 2] {
        let count = x.len() as f64;
        let mean = x.iter().sum::<f64>() / count;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let inverse = 1.0 / (variance + epsilon).sqrt();
        let normalized: Vec<f64> = x.iter().map(|x| (x - mean) * inverse).collect();
        let average = scaled_gradient.iter().sum::<f64>() / count;
        let product = scaled_gradient.iter().zip(&normalized).map(|(g, n)| g * n).sum::<f64>() / count;
        let gradient = scaled_gradient.iter().zip(&normalized).map(|(g, n)| inverse * (g - average - n * product));
        let gradient = gradient.collect();
        [normalized, gradient]
    }

    #[test]
    fn norms_of_samples_equal_the_formula_at_every_level() {
        for (positions, channels, groups) in
            [(1, 9, 1), (1, 16, 1), (1, 130, 1), (5, 3, 3), (7, 8, 2), (4, 33, 11), (9, 20, 4), (3, 17, 17)]
        {
            let norm = SampleNorm { positions, channels, groups, epsilon: 1e-3 };
            let length = norm.sample_length();
            let [input, grad_output] = [1, 2].map(|seed| deterministic_values(seed, 2 * length, -1.0, 2.0));
            let [scale, shift] = [3, 4].map(|seed| deterministic_values(seed, channels, 0.5, 1.5));
            let [mut output, mut grad_input] = [0, 1].map(|_| vec![0.0; 2 * length]);
            let [mut grad_scale, mut grad_shift] = [0, 1].map(|_| vec![0.0; channels]);
            for set in 0..2 * groups {
                let (sample, group) = (set / groups, set % groups);
                let own = |i: &usize| i % channels / (channels / groups) == group;
                let places: Vec<usize> = (sample * length..(sample + 1) * length).filter(own).collect();
                let x: Vec<f64> = places.iter().map(|&i| f64::from(input[i])).collect();
                let scaled = places.iter().map(|&i| f64::from(grad_output[i]) * f64::from(scale[i % channels]));
                let [normalized, gradient] = plain(&x, &scaled.collect::<Vec<f64>>(), f64::from(norm.epsilon));
                for (index, &i) in places.iter().enumerate() {
                    let c = i % channels;
                    output[i] = normalized[index] * f64::from(scale[c]) + f64::from(shift[c]);
                    grad_input[i] = gradient[index];
                    grad_scale[c] += f64::from(grad_output[i]) * normalized[index];
                    grad_shift[c] += f64::from(grad_output[i]);
                }
            }
            for simd in SimdLevel::available() {
                let expected = [&output, &grad_input, &grad_scale, &grad_shift];
                for (part, (actual, expected)) in run(norm, simd).iter().zip(expected).enumerate() {
                    for (actual, expected) in actual.iter().zip(expected) {
                        let near = (f64::from(*actual) - expected).abs() <= 2e-5 * (1.0 + expected.abs());
                        assert!(near, "{} {norm:?} {part}: {actual} not {expected}", simd.name());
                    }
                }
            }
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let norm = SampleNorm { positions: 4, channels: 6, groups: 2, epsilon: 1e-5 };
        let wrapping = 1 << (usize::BITS - 1);
        let cases = [
            (SampleNorm { positions: wrapping, ..norm }, "sample of [9223372036854775808, 6]"),
            (SampleNorm { channels: wrapping, ..norm }, "sample of [4, 9223372036854775808]"),
            (SampleNorm { positions: 0, ..norm }, "a size of 0"),
            (SampleNorm { groups: 0, ..norm }, "a size of 0"),
            (SampleNorm { groups: 4, ..norm }, "groups of channels"),
        ];
        for (norm, expected) in cases {
            let forward = || {
                let read = SampleInput { input: &[], affine: Affine::default() };
                let write = SampleOutput { output: &mut [], statistics: &mut [] };
                norm.forward(SimdLevel::Scalar, read, write, Scratch::none());
            };
            let backward = || {
                let given = SampleGradient { grad_output: &[], input: &[], scale: &[], statistics: &[] };
                let affine = AffineGradient { scale: &mut [], shift: &mut [] };
                let write = SampleGradientOutput { grad_input: &mut [], affine };
                norm.backward(SimdLevel::Scalar, given, write, Scratch::none());
            };
            for panic in [std::panic::catch_unwind(forward), std::panic::catch_unwind(backward)] {
                let message =
                    panic.unwrap_err().downcast::<String>().map_or_else(|_| String::new(), |message| *message);
                assert!(message.contains(expected), "{norm:?}: {message}");
            }
        }
    }
}
