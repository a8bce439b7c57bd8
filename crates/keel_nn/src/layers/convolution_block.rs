//! A convolution with the batch norm after it and the operations that follow, as one layer.
//!
//! Training computes the norm's statistics from each output image while it is in the cache, and the gradient of the convolution's
//! output exists for one image at a time only. The convolution's output is kept for backward. Evaluation keeps nothing: each image
//! passes through norm, activation and pooling in the cache; after folding, the norm's running statistics are part of the weights.

use keel_kernels::convolution::{BatchGradient, BatchGradientOutput, BatchInput, Filter, Finish, NormalizedGradient};
use keel_kernels::normalization::batch;
use keel_kernels::normalization::evaluation::{self, FoldedFilter};
use keel_kernels::normalization::records::Recorded;
use keel_kernels::normalization::tail::{TailInput, TailOutput};
use keel_kernels::statistics::{ChannelMoments, Signal};
use keel_kernels::{Scratch, bytes, elementwise};

use super::Conv2d;
use super::normalization::{GradientSums, GradientTables, NormBlock};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest, Mode, ParameterSpec, Shape, SimdLevel, StateSpec};

/// `y = block(convolution(x))`, with the parameters of the convolution followed by those of the norm.
#[derive(Clone, Debug)]
pub struct ConvolutionBlock {
    convolution: Conv2d,
    block: NormBlock,
    folds: bool,
}

impl ConvolutionBlock {
    /// Creates the layer from both.
    pub fn new(convolution: Conv2d, block: NormBlock) -> Self {
        ConvolutionBlock { convolution, block, folds: false }
    }

    /// Folds the norm into the weights in evaluation: `w * factor`, `(b - mean) * factor + shift`, where
    /// `factor = scale / sqrt(variance + epsilon)`.
    pub fn folded(self) -> Self {
        ConvolutionBlock { folds: true, ..self }
    }

    fn channels(&self) -> usize {
        self.block.norm.channels()
    }

    fn output_length(&self) -> usize {
        self.convolution.output_shape().len()
    }

    fn forward_training(&self, context: Forward<'_>) {
        let (channels, length) = (self.channels(), context.batch * self.output_length());
        let (own, norm_parameters) = context.parameters.split_at(self.convolution.parameter_length());
        let (convolved, saved) = context.saved.split_at_mut(length);
        let (statistics, places) = saved.split_at_mut(batch::STATISTICS * channels);
        let (table, rest) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let (records, scratch) = rest.split_at_mut(self.block.records_length(context.batch));
        let [input, shortcut] = context.inputs;
        let (kernel, read) =
            (self.convolution.at(context.simd), BatchInput { input, filter: self.convolution.filter(own) });
        let layout = kernel.forward_batch_recorded(read, convolved, Scratch(scratch), records);
        let recorded = Recorded { layout, values: records };
        let rows = self.block.norm.finish_statistics(recorded, context.division, statistics, context.state);
        batch::forward_table(statistics, self.block.norm.affine(norm_parameters), table);
        let mut probe = context.probe;
        if let Some(layer) = probe.as_mut().and_then(|probe| probe.layers.first_mut()) {
            let (means, variances) = (&statistics[..channels], &statistics[3 * channels..]);
            layer.output = Some(Signal::of_channels(ChannelMoments { means, variances }, rows));
        }
        let input = TailInput { simd: context.simd, x: convolved, shortcut, table };
        let output = TailOutput { y: context.output, places: bytes::of_mut(places) };
        self.block.forward_tail(input, output, probe);
    }

    fn forward_evaluation(&self, context: Forward<'_>) {
        let channels = self.channels();
        let (own, norm_parameters) = context.parameters.split_at(self.convolution.parameter_length());
        let (table, scratch) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let norm = &self.block.norm;
        evaluation::running_table(
            norm.running(context.state),
            norm.spec().epsilon,
            norm.affine(norm_parameters),
            table,
        );
        let [input, shortcut] = context.inputs;
        let (kernel, tail) = (self.convolution.at(context.simd), self.block.tail);
        let filter = self.convolution.filter(own);
        if self.folds {
            let (weights, scratch) = Scratch(scratch).take(filter.weights.len());
            let (bias, scratch) = scratch.take(channels);
            evaluation::fold(filter, table, FoldedFilter { weights: &mut *weights, bias: &mut *bias });
            let read = BatchInput { input, filter: Filter { weights, bias: Some(bias) } };
            kernel.forward_batch_finished(read, Finish { tail, table, shortcut }, context.output, scratch);
        } else {
            let finish = Finish { tail, table, shortcut };
            let scratch = Scratch(scratch);
            kernel.forward_batch_finished(BatchInput { input, filter }, finish, context.output, scratch);
        }
    }
}

impl Layer for ConvolutionBlock {
    fn kind(&self) -> &'static str {
        "convolution_block"
    }

    fn output_shape(&self) -> Shape {
        self.block.output_shape()
    }

    fn parameters(&self) -> Vec<ParameterSpec> {
        let mut parameters = self.convolution.parameters();
        parameters.extend(self.block.parameters());
        parameters
    }

    fn state(&self) -> Vec<StateSpec> {
        self.block.state()
    }

    fn memory(&self, request: MemoryRequest, simd: SimdLevel) -> Memory {
        let (channels, kernel) = (self.channels(), self.convolution.at(simd));
        let records = self.block.records_length(request.batch);
        let forward = batch::FORWARD_TABLE * channels;
        match request.mode {
            Mode::Train => Memory {
                saved: request.batch * self.output_length() + self.block.saved_length(request.batch),
                forward_scratch: forward + records + kernel.forward_scratch(request.workers),
                backward_scratch: forward
                    + batch::BACKWARD_TABLE * channels
                    + records
                    + kernel.backward_scratch(request.batch, request.workers),
                backward_reads_input: true,
                backward_reads_output: self.block.tail.adds(),
                passes_gradient: self.block.tail.adds(),
                accumulates: true,
            },
            Mode::Evaluate => {
                let folded = if self.folds { kernel.shape().weight_length() + channels } else { 0 };
                let forward_scratch = forward + folded + kernel.forward_images_scratch(request.workers);
                Memory { forward_scratch, ..Memory::default() }
            }
        }
    }

    fn forward(&self, context: Forward<'_>) {
        match context.mode {
            Mode::Train => self.forward_training(context),
            Mode::Evaluate => self.forward_evaluation(context),
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let (channels, own) = (self.channels(), self.convolution.parameter_length());
        let (convolved, saved) = context.saved.split_at(context.batch * self.output_length());
        let (forward, rest) = context.scratch.split_at_mut(batch::FORWARD_TABLE * channels);
        let (backward, rest) = rest.split_at_mut(batch::BACKWARD_TABLE * channels);
        let (records, scratch) = rest.split_at_mut(self.block.records_length(context.batch));
        let (grad_own, grad_norm) = context.grad_parameters.split_at_mut(own);
        let sums = GradientSums {
            simd: context.simd,
            grad_output: context.grad_output,
            x: convolved,
            output: context.output,
            saved,
            parameters: &context.parameters[own..],
            grad_parameters: grad_norm,
            division: context.division,
        };
        let gradient = self.block.sum_gradient(sums, GradientTables { forward, backward }, records);
        let [grad_input, grad_shortcut] = context.grad_inputs;
        if !grad_shortcut.is_empty() {
            elementwise::copy(gradient.dy, grad_shortcut);
        }
        let weights = &context.parameters[..self.convolution.shape().weight_length()];
        let (grad_weights, grad_bias) = grad_own.split_at_mut(weights.len());
        let (batch, input) = (context.batch, context.inputs[0]);
        let read = BatchGradient { batch, input, grad_output: gradient.dy, weights };
        let write = BatchGradientOutput { grad_input, grad_weights, grad_bias, accumulate: context.accumulate };
        // The sums are in the table now, so their records can be reused.
        let measures = if context.probe.is_some() { records } else { &mut [] };
        let (tail, backward) = (self.block.tail, gradient.backward);
        let norm = NormalizedGradient { tail, read: gradient.read, backward, measures };
        let kernel = self.convolution.at(context.simd);
        let measured = kernel.backward_batch_normalized(read, norm, write, Scratch(scratch));
        if let Some(layer) = context.probe.and_then(|probe| probe.layers.first_mut()) {
            layer.gradient = measured;
        }
    }

    fn describe(&self) -> String {
        let folded = if self.folds { ", folded in evaluation" } else { "" };
        format!("{}, batch norm{}{folded}", self.convolution.describe(), self.block.describe_tail())
    }

    fn multiply_adds(&self) -> u64 {
        self.convolution.multiply_adds()
    }
}
