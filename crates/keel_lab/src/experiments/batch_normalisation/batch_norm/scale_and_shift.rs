//! γ and β on three channels: the batch after normalisation, and after γ and β.

use keel_nn::layers::{BatchNormSpec, LayerSpec};
use keel_nn::{Forward, MemoryRequest, Mode, RandomKey, Shape};
use keel_page::{Histogram, Interval};
use serde::Serialize;

use crate::error::LabError;
use crate::signal::normal_values;
use crate::statistics::Moments;

/// Number of samples in the batch.
const SAMPLES: usize = 1000;
const CHANNELS: usize = 3;
const BINS: usize = 40;
/// γ and β from the course's second assignment.
const SCALE: [f32; CHANNELS] = [1.0, 2.0, 3.0];
const SHIFT: [f32; CHANNELS] = [11.0, 12.0, 13.0];

/// Numbers of the batch.
#[derive(Debug, Serialize)]
pub(super) struct ScaleAndShift {
    pub(super) samples: usize,
    pub(super) channels: Vec<ScaledChannel>,
    /// Largest difference between input and output with γ = √(σ² + ε) and β = μ, relative to the largest input.
    pub(super) identity_difference: f64,
}

/// One channel on its way through batch norm.
#[derive(Debug, Serialize)]
pub(super) struct ScaledChannel {
    pub(super) shape: Distribution,
    pub(super) gamma: f64,
    pub(super) beta: f64,
    pub(super) before: Moments,
    /// Moments with γ = 1 and β = 0.
    pub(super) normalised: Moments,
    pub(super) after: Moments,
    pub(super) histogram_before: Histogram,
    pub(super) histogram_normalised: Histogram,
}

/// Distribution of the inputs of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Distribution {
    Normal,
    /// Squares of normal numbers: a long tail on one side.
    Skewed,
    /// Two groups on either side of a gap.
    TwoHeaps,
}

const SHAPES: [Distribution; CHANNELS] = [Distribution::Normal, Distribution::Skewed, Distribution::TwoHeaps];

/// Runs one batch through the engine's layer with three choices of γ and β.
///
/// # Errors
/// Fails if the layer cannot be built.
pub(super) fn figures(key: RandomKey) -> Result<ScaleAndShift, LabError> {
    let x = inputs(key.named("scale and shift"));
    let (normalised, after) = (normed(&x, [1.0; CHANNELS], [0.0; CHANNELS])?, normed(&x, SCALE, SHIFT)?);
    let moments = |values: &[f32], channel: usize| Moments::of(column(values, channel).map(f64::from));
    let deviation = |channel: usize| {
        let variance = moments(&x, channel).std.powi(2);
        (variance + f64::from(BatchNormSpec::default().epsilon)).sqrt() as f32
    };
    let own_scale = std::array::from_fn(deviation);
    let own_shift = std::array::from_fn(|channel| moments(&x, channel).mean as f32);
    let again = normed(&x, own_scale, own_shift)?;
    let largest =
        |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let difference = largest(&mut x.iter().zip(&again).map(|(a, b)| a - b)) / largest(&mut x.iter().copied());
    let channel = |channel: usize| ScaledChannel {
        shape: SHAPES[channel],
        gamma: f64::from(SCALE[channel]),
        beta: f64::from(SHIFT[channel]),
        before: moments(&x, channel),
        normalised: moments(&normalised, channel),
        after: moments(&after, channel),
        histogram_before: histogram(&x, channel),
        histogram_normalised: histogram(&normalised, channel),
    };
    Ok(ScaleAndShift {
        samples: SAMPLES,
        channels: (0..CHANNELS).map(channel).collect(),
        identity_difference: f64::from(difference),
    })
}

/// Draws `[samples, channels]`, each channel with its own distribution, location and scale.
fn inputs(key: RandomKey) -> Vec<f32> {
    let draws = normal_values(SAMPLES * CHANNELS, key);
    let value = |(index, draw): (usize, f32)| match SHAPES[index % CHANNELS] {
        Distribution::Normal => 4.0 + 2.0 * draw,
        Distribution::Skewed => -1.0 + 3.0 * draw * draw,
        Distribution::TwoHeaps => 0.3 * draw + if draw > 0.0 { 1.5 } else { -1.0 },
    };
    draws.into_iter().enumerate().map(value).collect()
}

/// Returns the outputs of the engine's layer in training mode.
fn normed(x: &[f32], scale: [f32; CHANNELS], shift: [f32; CHANNELS]) -> Result<Vec<f32>, LabError> {
    let op = LayerSpec::BatchNorm(BatchNormSpec::default()).build(Shape::Features(CHANNELS))?;
    let layer = op.layer();
    let request = MemoryRequest { batch: SAMPLES, mode: Mode::Train, workers: 1 };
    let memory = layer.memory(request, keel_kernels::simd::level());
    let (mut saved, mut scratch) = (vec![0.0; memory.saved], vec![0.0; memory.forward_scratch]);
    let (mut state, mut output) = ([0.0; 2 * CHANNELS + 1], vec![0.0; x.len()]);
    let parameters = [scale, shift].concat();
    let call = Forward::new(SAMPLES, x, &mut output).with_parameters(&parameters).with_state(&mut state);
    layer.forward(call.with_saved(&mut saved).with_scratch(&mut scratch));
    Ok(output)
}

fn column(values: &[f32], channel: usize) -> impl Iterator<Item = f32> {
    values.iter().skip(channel).step_by(CHANNELS).copied()
}

fn histogram(values: &[f32], channel: usize) -> Histogram {
    let values: Vec<f32> = column(values, channel).collect();
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    Histogram::of(&values, Interval { low: f64::from(low), high: f64::from(high) }, BINS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_and_shift_set_mean_and_deviation_and_can_undo_the_normalisation() {
        for seed in 0..3 {
            let figures = figures(RandomKey::new(seed)).unwrap();
            for channel in &figures.channels {
                assert!(channel.normalised.mean.abs() < 1e-5, "{channel:?}");
                assert!((channel.normalised.std - 1.0).abs() < 1e-4, "{channel:?}");
                assert!((channel.after.mean - channel.beta).abs() < 1e-4, "{channel:?}");
                assert!((channel.after.std - channel.gamma).abs() < 1e-3, "{channel:?}");
                // The same bins contain the same samples, except for those on an edge.
                let pairs = channel.histogram_before.counts.iter().zip(&channel.histogram_normalised.counts);
                let moved: usize = pairs.map(|(&before, &after)| before.abs_diff(after)).sum();
                assert!(moved <= 6, "the shape is the same: {channel:?}");
            }
            assert!(figures.identity_difference < 1e-5, "{}", figures.identity_difference);
        }
    }
}
