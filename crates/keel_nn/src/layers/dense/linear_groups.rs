//! Parallel linear maps: each group of inputs is connected to its own group of outputs only.

use std::ops::Range;

use keel_kernels::matmul::{self, Factors, Sizes};
use keel_kernels::parallel::for_each_chunk_mut;
use keel_kernels::{MatrixColumns, Scratch, SimdLevel, column_sums};

use super::backward_scratch;
use crate::{Backward, Forward};

/// `Y_g = X_g W_g + b_g` for every group g: X `[batch, groups * in_features]`, W `[groups, in_features, out_features]`, b and Y
/// `[groups * out_features]` and `[batch, groups * out_features]`, with sizes per group. Each group is gathered into a block of the
/// scratch buffer, so that its products read and write contiguous rows; groups are computed in parallel.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearGroups {
    pub(super) groups: usize,
    pub(super) in_features: usize,
    pub(super) out_features: usize,
    pub(super) bias: bool,
}

impl LinearGroups {
    fn weights(self) -> usize {
        self.in_features * self.out_features
    }

    fn packing(self, simd: SimdLevel, batch: usize) -> usize {
        let sizes = Sizes { rows: batch, depth: self.in_features, columns: self.out_features };
        matmul::scratch_length(simd, sizes).max(backward_scratch(simd, sizes))
    }

    fn forward_block(self, simd: SimdLevel, batch: usize) -> usize {
        batch * (self.in_features + self.out_features) + self.packing(simd, batch)
    }

    fn backward_block(self, simd: SimdLevel, batch: usize) -> usize {
        batch * (2 * self.in_features + self.out_features) + self.weights() + self.packing(simd, batch)
    }

    /// Returns the number of floats of the scratch buffers of the forward and of the backward pass.
    pub(super) fn scratch(self, simd: SimdLevel, batch: usize) -> [usize; 2] {
        [self.groups * self.forward_block(simd, batch), self.groups * self.backward_block(simd, batch)]
    }

    pub(super) fn forward(self, context: Forward<'_>) {
        let LinearGroups { groups, in_features, out_features, .. } = self;
        let (batch, simd) = (context.batch, context.simd);
        let length = self.forward_block(simd, batch);
        let (weight, bias) = context.parameters.split_at(groups * self.weights());
        let sizes = Sizes { rows: batch, depth: in_features, columns: out_features };
        let blocks = &mut context.scratch[..groups * length];
        for_each_chunk_mut(blocks, length, |group, block| {
            let [inputs, outputs, packing] = parts(block, [batch * in_features, batch * out_features]);
            gather(context.inputs[0], groups * in_features, group * in_features..(group + 1) * in_features, inputs);
            let bias = self.bias.then(|| &bias[group * out_features..(group + 1) * out_features]);
            let weight = &weight[group * self.weights()..][..self.weights()];
            let factors = Factors { left: inputs, right: weight, bias };
            matmul::matmul(simd, sizes, factors, outputs, Scratch(packing));
        });
        for (group, block) in blocks.chunks_exact(length).enumerate() {
            let outputs = &block[batch * in_features..][..batch * out_features];
            scatter(outputs, groups * out_features, group * out_features..(group + 1) * out_features, context.output);
        }
    }

    pub(super) fn backward(self, context: Backward<'_>) {
        let LinearGroups { groups, in_features, out_features, .. } = self;
        let (batch, simd, weights) = (context.batch, context.simd, self.weights());
        let length = self.backward_block(simd, batch);
        let [grad_input, _] = context.grad_inputs;
        let (inputs, grad_output) = (context.inputs[0], &*context.grad_output);
        let parts_of = [batch * in_features, batch * out_features, weights, batch * in_features];
        let blocks = &mut context.scratch[..groups * length];
        for_each_chunk_mut(blocks, length, |group, block| {
            let [input, gradient, grad_weight, grad_in, packing] = parts(block, parts_of);
            gather(inputs, groups * in_features, group * in_features..(group + 1) * in_features, input);
            gather(grad_output, groups * out_features, group * out_features..(group + 1) * out_features, gradient);
            let sizes = Sizes { rows: in_features, depth: batch, columns: out_features };
            let factors = Factors { left: input, right: gradient, bias: None };
            matmul::transposed_matmul(simd, sizes, factors, grad_weight, Scratch(&mut *packing));
            if !grad_input.is_empty() {
                let weight = &context.parameters[group * weights..][..weights];
                let sizes = Sizes { rows: batch, depth: out_features, columns: in_features };
                let factors = Factors { left: gradient, right: weight, bias: None };
                matmul::matmul_transposed(simd, sizes, factors, grad_in, Scratch(packing));
            }
        });
        let (grad_weight, grad_bias) = context.grad_parameters.split_at_mut(groups * weights);
        for (group, block) in blocks.chunks_exact_mut(length).enumerate() {
            let [_, _, of_weight, grad_in, _] = parts(block, parts_of);
            grad_weight[group * weights..][..weights].copy_from_slice(of_weight);
            if !grad_input.is_empty() {
                scatter(grad_in, groups * in_features, group * in_features..(group + 1) * in_features, grad_input);
            }
        }
        if self.bias {
            let matrix = MatrixColumns { values: grad_output, width: groups * out_features, first: 0 };
            column_sums(simd, matrix, grad_bias);
        }
    }
}

/// Splits `block` into parts of the given lengths and the rest.
fn parts<const N: usize, const M: usize>(block: &mut [f32], lengths: [usize; N]) -> [&mut [f32]; M] {
    const { assert!(M == N + 1) };
    let mut rest = block;
    std::array::from_fn(|part| match lengths.get(part) {
        Some(&length) => {
            let (taken, left) = std::mem::take(&mut rest).split_at_mut(length);
            rest = left;
            taken
        }
        None => std::mem::take(&mut rest),
    })
}

/// Copies `columns` of the rows of `width` floats into `compact`, without gaps.
fn gather(rows: &[f32], width: usize, columns: Range<usize>, compact: &mut [f32]) {
    let each = compact.chunks_exact_mut(columns.len()).zip(rows.chunks_exact(width));
    each.for_each(|(compact, row)| compact.copy_from_slice(&row[columns.clone()]));
}

/// Reverses [`gather`].
fn scatter(compact: &[f32], width: usize, columns: Range<usize>, rows: &mut [f32]) {
    let each = rows.chunks_exact_mut(width).zip(compact.chunks_exact(columns.len()));
    each.for_each(|(row, compact)| row[columns.clone()].copy_from_slice(compact));
}
