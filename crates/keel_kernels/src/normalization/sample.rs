//! Norms of each sample by itself: layer norm (one group), group norm, instance norm (as many groups as channels).
//!
//! A sample is `[positions, channels]`; group `g` holds `channels / groups` neighbouring channels at all positions.

use super::batch::{BACKWARD_TABLE, FORWARD_TABLE, apply_gradient_chunk, normalize_chunk, sum_gradient_chunk};
use super::moments::{self, Moments, RECORD};
use crate::parallel::{Pieces, for_each_task_with_scratch};
use crate::simd;

/// Floats per group and sample of the statistics: mean, low part of the mean, 1 / sqrt(variance + epsilon).
pub const STATISTICS: usize = 3;

/// Sizes of a norm per sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleNorm {
    /// Positions of an image, 1 for a vector.
    pub positions: usize,
    /// Values at each position; a multiple of `groups`.
    pub channels: usize,
    /// Sets of neighbouring channels with statistics of their own.
    pub groups: usize,
    /// Added to variances.
    pub epsilon: f32,
}

/// What [`SampleNorm::backward`] reads.
#[derive(Clone, Copy, Debug)]
pub struct SampleGradient<'a> {
    /// Gradient of the output, `[batch, positions, channels]`.
    pub grad_output: &'a [f32],
    /// Input of the forward pass, `[batch, positions, channels]`.
    pub input: &'a [f32],
    /// `[channels]`.
    pub scale: &'a [f32],
    /// What forward left, `[batch, STATISTICS, groups]`.
    pub statistics: &'a [f32],
}

impl SampleNorm {
    /// Floats of one sample.
    pub fn sample_length(&self) -> usize {
        self.positions * self.channels
    }

    /// Floats of statistics of one sample.
    pub fn statistics_length(&self) -> usize {
        STATISTICS * self.groups
    }

    /// Floats of scratch [`SampleNorm::forward`] needs for each thread.
    pub fn forward_scratch(&self) -> usize {
        (FORWARD_TABLE + RECORD) * self.channels
    }

    /// Floats of scratch [`SampleNorm::backward`] needs: for each sample, and for each thread.
    pub fn backward_scratch(&self) -> (usize, usize) {
        (2 * self.channels, BACKWARD_TABLE * self.channels)
    }

    /// `output = (input - mean) / std * scale + shift`, both `[batch, positions, channels]`; keeps the statistics
    /// `[batch, STATISTICS, groups]`.
    pub fn forward(
        &self,
        input: &[f32],
        (scale, shift): (&[f32], &[f32]),
        (statistics, output): (&mut [f32], &mut [f32]),
        scratch: &mut [f32],
    ) {
        let (length, kept) = (self.sample_length(), self.statistics_length());
        let batch = input.len() / length;
        assert_eq!((output.len(), statistics.len()), (input.len(), batch * kept), "output and statistics");
        assert_eq!((scale.len(), shift.len()), (self.channels, self.channels), "scale and shift");
        let (statistics, output) = (Pieces::new(statistics), Pieces::new(output));
        let per_worker = self.forward_scratch();
        for_each_task_with_scratch(batch, 3 * input.len(), (scratch, per_worker), |sample, scratch| {
            // SAFETY: each task takes the parts of its own sample.
            let statistics = unsafe { statistics.piece(sample * kept..(sample + 1) * kept) };
            // SAFETY: as above.
            let output = unsafe { output.piece(sample * length..(sample + 1) * length) };
            let input = &input[sample * length..(sample + 1) * length];
            let (table, record) = scratch.split_at_mut(FORWARD_TABLE * self.channels);
            simd::level().run(
                #[inline(always)]
                || {
                    self.measure(input, record, statistics);
                    self.forward_table(statistics, (scale, shift), table);
                    normalize_chunk(input, table, output);
                },
            );
        });
    }

    /// Gradients of input (unless `grad_input` is empty), scale and shift. `scratch` holds
    /// [`SampleNorm::backward_scratch`] floats for every sample and then for at least one thread.
    pub fn backward(
        &self,
        given: SampleGradient<'_>,
        grad_input: &mut [f32],
        (grad_scale, grad_shift): (&mut [f32], &mut [f32]),
        scratch: &mut [f32],
    ) {
        let (length, kept) = (self.sample_length(), self.statistics_length());
        let batch = given.input.len() / length;
        assert_eq!((given.grad_output.len(), given.statistics.len()), (given.input.len(), batch * kept), "gradient");
        let wanted = !grad_input.is_empty();
        assert!(!wanted || grad_input.len() == given.input.len(), "input gradient");
        let (per_sample, per_worker) = self.backward_scratch();
        let (sums, scratch) = scratch.split_at_mut(batch * per_sample);
        let (sum_pieces, gradients) = (Pieces::new(&mut *sums), Pieces::new(grad_input));
        for_each_task_with_scratch(batch, 3 * given.input.len(), (scratch, per_worker), |sample, table| {
            let range = sample * length..(sample + 1) * length;
            let (dy, x) = (&given.grad_output[range.clone()], &given.input[range.clone()]);
            let statistics = &given.statistics[sample * kept..(sample + 1) * kept];
            // SAFETY: each task takes the parts of its own sample.
            let sums = unsafe { sum_pieces.piece(sample * per_sample..(sample + 1) * per_sample) };
            // SAFETY: as above; nothing is taken where no gradient is wanted.
            let dx = unsafe { gradients.piece(if wanted { range } else { 0..0 }) };
            simd::level().run(
                #[inline(always)]
                || {
                    let center = &mut table[..self.channels];
                    self.spread(&statistics[..self.groups], center);
                    sum_gradient_chunk(dy, x, center, sums);
                    self.normalize_sums(statistics, sums);
                    if wanted {
                        self.backward_table(statistics, given.scale, sums, table);
                        apply_gradient_chunk(dy, x, table, dx);
                    }
                },
            );
        });
        for c in 0..self.channels {
            let total = |first: usize| sums[first..].iter().step_by(per_sample).map(|&sum| f64::from(sum)).sum::<f64>();
            (grad_shift[c], grad_scale[c]) = (total(c) as f32, total(self.channels + c) as f32);
        }
    }

    /// Statistics `[STATISTICS, groups]` of one sample.
    #[inline(always)]
    fn measure(&self, input: &[f32], record: &mut [f32], statistics: &mut [f32]) {
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

    /// Repeats one value per group for each channel of the group.
    #[inline(always)]
    fn spread(&self, groups: &[f32], channels: &mut [f32]) {
        for (value, channels) in groups.iter().zip(channels.chunks_exact_mut(self.channels / self.groups)) {
            channels.fill(*value);
        }
    }

    #[inline(always)]
    fn forward_table(&self, statistics: &[f32], (scale, shift): (&[f32], &[f32]), table: &mut [f32]) {
        let (channels, size) = (self.channels, self.channels / self.groups);
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

    /// Turns the sums of `dy * (x - mean)` into sums of `dy * x^`, x^ the normalised input.
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

    /// With n values in a group, x^ the normalised input and sums over the group, the input gradient is
    /// `(scale * dy - sum(scale * dy) / n - x^ * sum(scale * dy * x^) / n) / std`.
    #[inline(always)]
    fn backward_table(&self, statistics: &[f32], scale: &[f32], sums: &[f32], table: &mut [f32]) {
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
