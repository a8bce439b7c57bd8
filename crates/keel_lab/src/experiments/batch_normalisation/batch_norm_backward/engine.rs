//! Results of the engine: forward and backward pass of its layer, the same with fixed statistics, and slopes of its definition.

use keel_nn::layers::{BatchNormSpec, LayerSpec};
use keel_nn::reference::{Call, with_definition};
use keel_nn::{Backward, Forward, MemoryRequest, Mode, Op, RandomKey, Shape};

use super::{Batch, CHANNELS, SCALE, SHIFT};
use crate::error::LabError;

/// Step of the finite differences.
const STEP: f64 = 1e-5;

/// Results of a forward and a backward pass of the layer in training.
pub(super) struct Engine {
    /// `[batch, channels]`
    pub(super) y: Vec<f64>,
    /// `[batch, channels]`
    pub(super) dx: Vec<f64>,
    /// `[channels]`
    pub(super) d_scale: Vec<f64>,
    /// `[channels]`
    pub(super) d_shift: Vec<f64>,
}

impl Engine {
    /// Runs the layer.
    ///
    /// # Errors
    /// Fails if epsilon is out of range.
    pub(super) fn run(batch: &Batch) -> Result<Self, LabError> {
        let passes = passes(batch, BatchNormSpec { epsilon: batch.epsilon, ..BatchNormSpec::default() })?;
        let (d_scale, d_shift) = passes.grad_parameters.split_at(CHANNELS);
        Ok(Engine {
            y: widened(&passes.output),
            dx: widened(&passes.grad_input),
            d_scale: widened(d_scale),
            d_shift: widened(d_shift),
        })
    }
}

/// Returns dx of a frozen layer, whose mean and variance are those of the batch but constant.
///
/// # Errors
/// Fails if epsilon is out of range.
pub(super) fn frozen_dx(batch: &Batch) -> Result<Vec<f64>, LabError> {
    let spec = BatchNormSpec { epsilon: batch.epsilon, frozen: true, ..BatchNormSpec::default() };
    Ok(widened(&passes(batch, spec)?.grad_input))
}

/// Slopes of the loss, the sum of outputs times upstream gradient, by centred differences of the engine's f64 definition.
pub(super) struct Slopes {
    /// Slope with respect to the variance of each channel, with the mean held fixed: evaluation normalises with given
    /// statistics.
    pub(super) variance: Vec<f64>,
    /// Slope with respect to the mean of each channel, with the variance held fixed.
    pub(super) mean: Vec<f64>,
    /// Slope with respect to each input, through all paths.
    pub(super) input: Vec<f64>,
}

impl Slopes {
    /// Measures the slopes.
    ///
    /// # Errors
    /// Fails if epsilon is out of range.
    pub(super) fn measured(batch: &Batch) -> Result<Self, LabError> {
        let op = operation(BatchNormSpec { epsilon: batch.epsilon, ..BatchNormSpec::default() })?;
        let (x, upstream) = (widened(&batch.x), widened(&batch.upstream));
        let parameters = widened(&[SCALE, SHIFT].concat());
        let loss = |x: &[f64], statistics: &[f64], mode: Mode| {
            let mut state = statistics.to_vec();
            let mut call = Call {
                batch: batch.samples(),
                mode,
                inputs: vec![x],
                parameters: &parameters,
                state: &mut state,
                random: RandomKey::new(0),
            };
            let y = with_definition(&op, |definition| definition.forward(&mut call));
            y.iter().zip(&upstream).map(|(y, upstream)| y * upstream).sum::<f64>()
        };
        let statistics = statistics(batch);
        let by_statistic = |place: usize| {
            // Relative to the variance, so that the step has the magnitude of the value.
            let step = STEP * statistics[CHANNELS + place % CHANNELS].max(STEP);
            let moved = |step: f64| {
                let mut moved = statistics.clone();
                moved[place] += step;
                loss(&x, &moved, Mode::Evaluate)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        };
        let by_input = |place: usize| {
            let moved = |step: f64| {
                let mut moved = x.clone();
                moved[place] += step;
                loss(&moved, &statistics, Mode::Train)
            };
            (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
        };
        Ok(Slopes {
            mean: (0..CHANNELS).map(by_statistic).collect(),
            variance: (CHANNELS..2 * CHANNELS).map(by_statistic).collect(),
            input: (0..x.len()).map(by_input).collect(),
        })
    }
}

/// Results of both passes of a layer.
struct Passes {
    output: Vec<f32>,
    grad_input: Vec<f32>,
    grad_parameters: Vec<f32>,
}

fn operation(spec: BatchNormSpec) -> Result<Op, LabError> {
    LayerSpec::BatchNorm(spec).build(Shape::Features(CHANNELS)).map_err(LabError::from)
}

/// Runs forward and backward in training mode, starting from running statistics equal to those of the batch.
fn passes(batch: &Batch, spec: BatchNormSpec) -> Result<Passes, LabError> {
    let op = operation(spec)?;
    let (layer, samples, length) = (op.layer(), batch.samples(), batch.x.len());
    let request = MemoryRequest { batch: samples, mode: Mode::Train, workers: 1 };
    let memory = layer.memory(request, keel_kernels::simd::level());
    let parameters = [SCALE, SHIFT].concat();
    let mut state: Vec<f32> = statistics(batch).into_iter().map(|value| value as f32).collect();
    let mut saved = vec![0.0; memory.saved];
    let mut scratch = vec![0.0; memory.forward_scratch.max(memory.backward_scratch)];
    let mut passes =
        Passes { output: vec![0.0; length], grad_input: vec![0.0; length], grad_parameters: vec![0.0; 2 * CHANNELS] };
    let forward = Forward::new(samples, &batch.x, &mut passes.output).with_parameters(&parameters);
    layer.forward(forward.with_state(&mut state).with_saved(&mut saved).with_scratch(&mut scratch));
    let mut upstream = batch.upstream.clone();
    let backward = Backward::new(samples, &mut upstream).with_input(&batch.x).with_grad_input(&mut passes.grad_input);
    let backward = backward.with_parameters(&parameters).with_grad_parameters(&mut passes.grad_parameters);
    layer.backward(backward.with_state(&state).with_saved(&mut saved).with_scratch(&mut scratch));
    Ok(passes)
}

/// Returns mean and variance of the batch as the state of a layer: means, variances, number of updates.
fn statistics(batch: &Batch) -> Vec<f64> {
    let n = batch.samples() as f64;
    let values = |channel: usize| batch.x.iter().skip(channel).step_by(CHANNELS).map(|&value| f64::from(value));
    let means: Vec<f64> = (0..CHANNELS).map(|channel| values(channel).sum::<f64>() / n).collect();
    let variance = |channel: usize| values(channel).map(|value| (value - means[channel]).powi(2)).sum::<f64>() / n;
    let variances: Vec<f64> = (0..CHANNELS).map(variance).collect();
    [means, variances, vec![0.0]].concat()
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}
