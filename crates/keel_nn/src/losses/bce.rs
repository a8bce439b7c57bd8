//! Binary cross-entropy of logits: L = -t ln s(y) - (1 - t) ln(1 - s(y)) = max(y, 0) - t y + ln(1 + exp(-|y|)), averaged
//! over the outputs and the batch; gradient s(y) - t, with s the sigmoid.
//!
//! One logit decides between two classes (it is the logit of class 1); several logits are independent binary questions. If the
//! targets are classes, each question is whether the sample belongs to that class.

use keel_kernels::activation::{Elementwise, Sigmoid, Softplus};

use super::CatalogEntry;
use super::class_weights::ClassWeights;
use super::rows::{Sum, largest};
use super::targets::Targets;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "bce",
    summary: "binary cross-entropy with logits: an independent question for each class or target",
};

/// Settings of the loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bce<'a> {
    /// Number of outputs of one sample.
    pub(super) outputs: usize,
    /// Weight of each class; targets that are values have weight 1.
    pub(super) weights: ClassWeights<'a>,
}

impl Bce<'_> {
    /// Returns the sum of the losses of these rows, each times the weight of its class, and, if `gradient` is not empty, writes
    /// their gradients times `scale`.
    #[inline(always)]
    pub(super) fn rows(self, outputs: &[f32], targets: Targets<'_>, gradient: &mut [f32], scale: f32) -> Sum {
        let width = self.outputs;
        let mut sum = Sum::default();
        for (index, row) in outputs.chunks_exact(width).enumerate() {
            let target = |output: usize| match targets {
                Targets::Values(values) => values[index * width + output],
                Targets::Classes(labels) if width == 1 => labels[index] as f32,
                Targets::Classes(labels) => f32::from(u8::from(labels[index] as usize == output)),
            };
            let weight = match targets {
                Targets::Values(_) => 1.0,
                Targets::Classes(labels) => self.weights.of(labels[index] as usize),
            };
            for (output, &y) in row.iter().enumerate() {
                // softplus(y) = max(y, 0) + ln(1 + exp(-|y|)).
                let loss = f64::from(Softplus.value(y)) - f64::from(target(output)) * f64::from(y);
                sum.loss += f64::from(weight) * loss;
            }
            let right = match targets {
                Targets::Classes(labels) if width > 1 => largest(row) == labels[index] as usize,
                _ => row.iter().enumerate().all(|(output, &y)| (y > 0.0) == (target(output) > 0.5)),
            };
            sum.correct += usize::from(right);
            if !gradient.is_empty() {
                for (output, (gradient, &y)) in gradient[index * width..].iter_mut().zip(row).enumerate() {
                    *gradient = scale * weight * (Sigmoid.value(y) - target(output));
                }
            }
        }
        sum
    }
}
