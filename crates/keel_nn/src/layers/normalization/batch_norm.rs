//! Batch normalisation: each channel or feature is normalised over the batch (Ioffe & Szegedy 2015).

use std::ops::Range;

use keel_kernels::Scratch;
use keel_kernels::normalization::RowPair;
use keel_kernels::normalization::batch::{self, BackwardSums, TableInput};
use keel_kernels::normalization::evaluation::{self, RunningStatistics as Running};
use keel_kernels::normalization::records::Recorded;
use keel_kernels::normalization::{Affine, AffineGradient};
use keel_kernels::statistics::{ChannelMoments, Signal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::divided_batch;
use super::sample_norm::{check_epsilon, scale_and_shift};
use crate::graph::Op;
use crate::layers::BuildError;
use crate::layers::catalog::{EPSILON, LayerDefinition, LayerEntry};
use crate::probe::Measures;
use crate::{
    Backward, Division, Forward, Layer, Memory, MemoryRequest, Mode, ParameterRole, ParameterSpec, Shape, SimdLevel,
    StateSpec, Trained,
};

/// Keys of a `batch_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNormSpec {
    /// Weight of the current batch in the running statistics, as in PyTorch: running = (1 - momentum) * running + momentum * batch.
    /// A small value averages over many batches. Unused with running = "cumulative".
    #[serde(default = "tenth")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub momentum: f32,
    /// Added to the variance before the square root.
    #[serde(default = "hundred_thousandth")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
    /// Applies a learned scale and shift.
    #[serde(default = "yes")]
    pub affine: bool,
    /// Trains the scale; false keeps it at 1 and learns only the shift. Unused without `affine`.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub scale: bool,
    /// Method of averaging the statistics used in evaluation.
    #[serde(default)]
    pub running: RunningStatistics,
    /// Shares the statistics of a batch that is divided among ranks: true normalises by the whole batch, false by the part of each
    /// rank.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub synchronised: bool,
    /// Keeps scale, shift and running statistics at their initial values, and normalises by the running statistics in training too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub frozen: bool,
}

impl BatchNormSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "batch_norm",
        summary: "each channel or feature normalised over the batch",
        keys: &[
            ("momentum", "weight of the current batch in the running statistics, 0 to 1; 0.1"),
            EPSILON,
            ("affine", "learned scale and shift, true or false; true"),
            ("scale", "true trains the scale, false keeps it at 1; true"),
            ("running", "\"ema\" or \"cumulative\"; \"ema\""),
            ("synchronised", "true shares the statistics of a batch among ranks; true"),
            ("frozen", "true normalises by the running statistics and trains nothing; false"),
        ],
    };
}

impl LayerDefinition for BatchNormSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::BatchNorm(self.build(input)?))
    }
}

/// Method of averaging the statistics that batch norm uses in evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunningStatistics {
    /// Exponential moving average with `momentum`.
    #[default]
    Ema,
    /// Plain average over all batches so far.
    Cumulative,
}

fn tenth() -> f32 {
    0.1
}

fn hundred_thousandth() -> f32 {
    1e-5
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Default for BatchNormSpec {
    fn default() -> Self {
        BatchNormSpec {
            momentum: tenth(),
            epsilon: hundred_thousandth(),
            affine: yes(),
            scale: yes(),
            running: RunningStatistics::Ema,
            synchronised: yes(),
            frozen: false,
        }
    }
}

impl BatchNormSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is empty, momentum is outside `(0, 1]` or epsilon is not positive.
    pub fn build(&self, input: Shape) -> Result<BatchNorm, BuildError> {
        let kind = Self::ENTRY.name;
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        check_epsilon(kind, self.epsilon)?;
        if !(self.momentum > 0.0 && self.momentum <= 1.0) {
            let (key, value, allowed) = ("momentum", self.momentum, "above 0 and at most 1");
            return Err(BuildError::OutOfRange { kind, key, value, allowed });
        }
        Ok(BatchNorm { shape: input, spec: self.clone() })
    }
}

/// `y = (x - mean) / sqrt(variance + epsilon) * scale + shift` for each channel of an image (over batch, rows and columns)
/// or feature of a vector (over the batch).
///
/// Training normalises by the batch's mean and biased variance and updates the running statistics, with the unbiased variance
/// `n / (n - 1) * variance`; evaluation uses the running statistics, as does training of a frozen layer, whose gradient is that of
/// a scale and a shift per channel.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    shape: Shape,
    spec: BatchNormSpec,
}

/// Ranges of the running statistics of a layer in a network's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningPlaces {
    /// Means, one per channel.
    pub mean: Range<usize>,
    /// Variances, one per channel.
    pub variance: Range<usize>,
    /// Number of updates.
    pub updates: usize,
}

impl BatchNorm {
    /// Returns the number of channels or features.
    pub fn channels(&self) -> usize {
        self.shape.channels()
    }

    /// Returns scale and shift, both empty without `affine`.
    pub(in crate::layers) fn affine<'a>(&self, parameters: &'a [f32]) -> Affine<'a> {
        let (scale, shift) = parameters.split_at(self.affine_length());
        Affine { scale, shift }
    }

    /// Returns the gradients of scale and shift, both empty without `affine`.
    pub(in crate::layers) fn affine_gradient<'a>(&self, grad_parameters: &'a mut [f32]) -> AffineGradient<'a> {
        let (scale, shift) = grad_parameters.split_at_mut(self.affine_length());
        AffineGradient { scale, shift }
    }

    fn affine_length(&self) -> usize {
        if self.spec.affine { self.channels() } else { 0 }
    }

    /// Returns the running statistics within the layer's state.
    pub(in crate::layers) fn running<'a>(&self, state: &'a [f32]) -> Running<'a> {
        let (mean, variance) = state[..2 * self.channels()].split_at(self.channels());
        Running { mean, variance }
    }

    /// Returns the ranges of the running statistics of a layer whose state begins at `start`.
    pub fn running_places(&self, start: usize) -> RunningPlaces {
        let channels = self.channels();
        let (variance, updates) = (start + channels, start + 2 * channels);
        RunningPlaces { mean: start..variance, variance: variance..updates, updates }
    }

    /// Returns its settings.
    pub fn spec(&self) -> &BatchNormSpec {
        &self.spec
    }

    /// Returns true if training normalises by the running statistics and does not change them, scale or shift.
    pub fn is_frozen(&self) -> bool {
        self.spec.frozen
    }

    pub(in crate::layers) fn freeze(&mut self) {
        self.spec.frozen = true;
    }

    /// Fills the normalisation table, `[FORWARD_TABLE, channels]`, from the batch or the running statistics; in training it stores
    /// the statistics of the batch in `saved` and updates the running ones. `records` is a scratch buffer.
    pub(in crate::layers) fn prepare(&self, context: &mut Forward<'_>, table: &mut [f32], records: Scratch<'_>) {
        let channels = self.channels();
        let affine = self.affine(context.parameters);
        match context.mode {
            Mode::Train if !self.is_frozen() => {
                let statistics = &mut context.saved[..batch::STATISTICS * channels];
                let recorded = batch::record_rows(context.simd, context.inputs[0], channels, records);
                let division = context.division.as_mut().map(Division::reborrow);
                let rows = self.finish_statistics(recorded, division, statistics, context.state);
                if let Some(probe) = context.probe.as_deref_mut() {
                    let (means, variances) = (&statistics[..channels], &statistics[3 * channels..]);
                    let moments = ChannelMoments { means, variances };
                    probe.input = Some(Signal::of_channels(moments, rows));
                }
                batch::forward_table(statistics, affine, table);
            }
            Mode::Train | Mode::Evaluate => {
                evaluation::running_table(self.running(context.state), self.spec.epsilon, affine, table);
            }
        }
    }

    /// Writes the statistics of the batch that the records cover completely or in part, and updates the running ones; returns the
    /// number of rows that they are computed over.
    pub(in crate::layers) fn finish_statistics(
        &self,
        recorded: Recorded<'_>,
        division: Option<Division<'_>>,
        statistics: &mut [f32],
        state: &mut [f32],
    ) -> usize {
        let rows = recorded.layout.total_rows();
        match division {
            Some(division) if self.spec.synchronised => {
                let rows = divided_batch::statistics(recorded, self.spec.epsilon, division, statistics);
                self.update_running(statistics, rows, state);
                rows
            }
            division => {
                batch::finish_statistics(recorded, self.spec.epsilon, statistics);
                // The placeholder of an empty part is not a sample of the batch.
                if !division.is_some_and(|division| division.part.stands_in) {
                    self.update_running(statistics, rows, state);
                }
                rows
            }
        }
    }

    /// Fills the table of the backward pass and the gradients of scale and shift from the records of a part or the whole of a
    /// batch, `sums`, whose own `whole` is left empty.
    pub(in crate::layers) fn finish_gradient(
        &self,
        sums: BackwardSums<'_>,
        division: Option<Division<'_>>,
        grad_parameters: &mut [f32],
        table: &mut [f32],
    ) {
        let gradient = self.affine_gradient(grad_parameters);
        match division {
            Some(division) if self.spec.synchronised => {
                let stands_in = division.part.stands_in;
                let (whole, rows) = divided_batch::gradient_sums(sums, division, self.channels());
                batch::backward_table(BackwardSums { rows, whole: &whole, ..sums }, gradient, table);
                if stands_in {
                    // The loss does not depend on a placeholder sample, not even through the statistics of the other samples.
                    table.fill(0.0);
                }
            }
            _ => batch::backward_table(sums, gradient, table),
        }
    }

    /// Computes the gradient with respect to the input of a frozen layer: that of the output times the factor of its channel.
    fn frozen_backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        context.grad_parameters.fill(0.0);
        if grad_input.is_empty() {
            return;
        }
        let (table, _) = context.scratch.split_at_mut(batch::FORWARD_TABLE * self.channels());
        let scale = self.affine(context.parameters).scale;
        evaluation::running_table(self.running(context.state), self.spec.epsilon, Affine { scale, shift: &[] }, table);
        table[..self.channels()].fill(0.0);
        batch::normalize(context.simd, TableInput { x: context.grad_output, table }, grad_input);
    }

    /// Updates the running statistics with those of a batch of `rows` values per channel.
    pub(in crate::layers) fn update_running(&self, statistics: &[f32], rows: usize, state: &mut [f32]) {
        let channels = self.channels();
        let (running, updates) = state.split_at_mut(2 * channels);
        let (running_mean, running_variance) = running.split_at_mut(channels);
        updates[0] += 1.0;
        let momentum = match self.spec.running {
            RunningStatistics::Ema => self.spec.momentum,
            RunningStatistics::Cumulative => 1.0 / updates[0],
        };
        let unbiased = if rows > 1 { rows as f32 / (rows - 1) as f32 } else { 1.0 };
        let (mean, variance) = (&statistics[..channels], &statistics[3 * channels..]);
        for c in 0..channels {
            running_mean[c] = (1.0 - momentum) * running_mean[c] + momentum * mean[c];
            running_variance[c] = (1.0 - momentum) * running_variance[c] + momentum * unbiased * variance[c];
        }
    }
}

impl Layer for BatchNorm {
    fn kind(&self) -> &'static str {
        BatchNormSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        if self.spec.affine { scale_and_shift(self.channels()) } else { Vec::new() }
    }

    fn state(&self) -> Vec<StateSpec> {
        let channels = self.channels();
        vec![
            StateSpec { name: "running_mean", len: channels, initial: 0.0 },
            StateSpec { name: "running_variance", len: channels, initial: 1.0 },
            StateSpec { name: "updates", len: 1, initial: 0.0 },
        ]
    }

    fn memory(&self, request: MemoryRequest, _simd: SimdLevel) -> Memory {
        let channels = self.channels();
        let records = batch::records(request.batch * self.shape.positions(), channels).length();
        Memory {
            saved: if request.mode == Mode::Train { batch::STATISTICS * channels } else { 0 },
            forward_scratch: records + batch::FORWARD_TABLE * channels,
            backward_scratch: records + batch::BACKWARD_TABLE * channels,
            backward_reads_input: true,
            ..Memory::default()
        }
    }

    fn forward(&self, mut context: Forward<'_>) {
        let scratch = std::mem::take(&mut context.scratch);
        let (table, records) = scratch.split_at_mut(batch::FORWARD_TABLE * self.channels());
        self.prepare(&mut context, table, Scratch(records));
        batch::normalize(context.simd, TableInput { x: context.inputs[0], table }, context.output);
    }

    fn backward(&self, context: Backward<'_>) {
        if self.is_frozen() {
            return self.frozen_backward(context);
        }
        let (channels, input) = (self.channels(), context.inputs[0]);
        let statistics = &context.saved[..batch::STATISTICS * channels];
        let (table, records) = context.scratch.split_at_mut(batch::BACKWARD_TABLE * channels);
        let rows = RowPair { x: input, other: context.grad_output };
        let length = batch::gradient_sums(context.simd, rows, &statistics[..channels], records);
        let sums = BackwardSums {
            records: &records[..length],
            rows: context.batch * self.shape.positions(),
            whole: &[],
            statistics,
            scale: self.affine(context.parameters).scale,
        };
        self.finish_gradient(sums, context.division, context.grad_parameters, table);
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            batch::apply_gradient(context.simd, rows, table, grad_input);
        }
    }

    fn describe(&self) -> String {
        let BatchNormSpec { momentum, epsilon, affine, scale, running, synchronised, frozen } = &self.spec;
        let running = match running {
            _ if *frozen => "frozen".to_owned(),
            RunningStatistics::Ema => format!("momentum {momentum}"),
            RunningStatistics::Cumulative => "cumulative".to_owned(),
        };
        let fixed = match (affine, scale) {
            (true, true) => "",
            (true, false) => ", scale 1",
            (false, _) => ", no scale",
        };
        let own = if *synchronised { "" } else { ", each rank by itself" };
        format!("{} channels, {running}, epsilon {epsilon}{fixed}{own}", self.channels())
    }

    fn trained(&self, role: ParameterRole) -> Trained {
        let is_fixed = self.is_frozen() || role == ParameterRole::Scale && !self.spec.scale;
        if is_fixed { Trained::Never } else { Trained::Always }
    }

    fn measures(&self) -> Measures {
        Measures { input: !self.is_frozen(), ..Measures::default() }
    }
}

/// Exact statistics for evaluation, computed with constant weights over several training batches (Ioffe & Szegedy 2015, algorithm
/// 2): the average of the batches' means, and `m / (m - 1)` times the average of their biased variances.
///
/// For each batch, call [`PopulationStatistics::prepare`] on the layer's state, run a forward pass in training mode, and call
/// [`PopulationStatistics::collect`]; after the last batch, call [`PopulationStatistics::finish`].
#[derive(Clone, Debug)]
pub struct PopulationStatistics {
    batches: usize,
    sums: Vec<f64>,
    weight: f64,
}

impl PopulationStatistics {
    /// Creates the statistics of one layer.
    pub fn new(layer: &BatchNorm) -> Self {
        let weight = match layer.spec.running {
            RunningStatistics::Ema => f64::from(layer.spec.momentum),
            RunningStatistics::Cumulative => 1.0,
        };
        PopulationStatistics { batches: 0, sums: vec![0.0; 2 * layer.channels()], weight }
    }

    /// Clears the state, so that the next training pass leaves only its own batch there.
    pub fn prepare(&self, state: &mut [f32]) {
        state.fill(0.0);
    }

    /// Adds the batch that a training pass has left in the state.
    pub fn collect(&mut self, state: &[f32]) {
        self.batches += 1;
        for (sum, value) in self.sums.iter_mut().zip(state) {
            *sum += f64::from(*value) / self.weight;
        }
    }

    /// Writes the averages over all collected batches; without any batch the state is unchanged.
    pub fn finish(&self, state: &mut [f32]) {
        if self.batches == 0 {
            return;
        }
        for (value, sum) in state.iter_mut().zip(&self.sums) {
            *value = (sum / self.batches as f64) as f32;
        }
        if let Some(updates) = state.last_mut() {
            *updates = self.batches as f32;
        }
    }
}
