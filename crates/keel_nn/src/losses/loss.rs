//! A loss for a network's output and its targets.

use keel_kernels::activation::{self, Function};
use keel_kernels::{SimdLevel, simd};

use super::bce::Bce;
use super::class_weights::ClassWeights;
use super::cross_entropy::CrossEntropy;
use super::rows::{Rows, Sum, sum_rows};
use super::softmax::softmax;
use super::{LossError, LossSpec, LossValue, OutputTransform, TargetKind, Targets, WeightedTargets, hinge, huber, mse};

/// Computes loss, gradient and probabilities of batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    spec: LossSpec,
    outputs: usize,
    targets: TargetKind,
    /// One weight per class; empty if all are 1.
    class_weights: Vec<f32>,
}

impl Loss {
    pub(super) fn new(spec: LossSpec, outputs: usize, targets: TargetKind) -> Self {
        Loss { spec, outputs, targets, class_weights: Vec::new() }
    }

    /// Sets one weight per class: a sample's loss is multiplied by the weight of its class, and the sum is divided by the sum of
    /// the weights of the batch.
    ///
    /// # Errors
    /// If the targets are values, the number of weights differs from that of classes, or a weight is not positive.
    pub fn with_class_weights(mut self, weights: Vec<f32>) -> Result<Self, LossError> {
        let TargetKind::Classes(classes) = self.targets else {
            return Err(LossError::WeightsOfValues);
        };
        if weights.len() != classes {
            return Err(LossError::ClassWeights { given: weights.len(), classes });
        }
        if let Some(class) = weights.iter().position(|weight| !(weight.is_finite() && *weight > 0.0)) {
            return Err(LossError::ClassWeight { class, value: weights[class] });
        }
        self.class_weights = weights;
        Ok(self)
    }

    /// Returns one weight per class; empty if all are equal.
    pub fn class_weights(&self) -> &[f32] {
        &self.class_weights
    }

    /// Returns the spec that the loss was built from.
    pub fn spec(&self) -> &LossSpec {
        &self.spec
    }

    /// Returns the number of outputs of one sample.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns the kind of targets.
    pub fn targets(&self) -> TargetKind {
        self.targets
    }

    /// Returns the loss of `outputs` and writes the gradient of its mean with respect to them to `grad`; both `[batch, outputs]`.
    ///
    /// # Panics
    /// If lengths or the kind of the targets do not match, or a label is not a class.
    pub fn forward_backward<'a>(
        &self,
        outputs: &[f32],
        targets: impl Into<WeightedTargets<'a>>,
        grad: &mut [f32],
    ) -> LossValue {
        assert_eq!(outputs.len(), grad.len(), "lengths of outputs and gradient");
        self.compute(simd::level(), outputs, targets.into(), grad)
    }

    /// Returns the loss of `outputs`, `[batch, outputs]`, without a gradient.
    ///
    /// # Panics
    /// As described at [`Loss::forward_backward`].
    pub fn evaluate<'a>(&self, outputs: &[f32], targets: impl Into<WeightedTargets<'a>>) -> LossValue {
        self.compute(simd::level(), outputs, targets.into(), &mut [])
    }

    /// Writes the predictions, `[batch, outputs]`: softmax of class scores (for hinge only a ranking), sigmoid of the logits of
    /// bce, and for regression the outputs themselves.
    ///
    /// # Panics
    /// If the lengths differ or are not a multiple of the outputs.
    pub fn probabilities(&self, outputs: &[f32], probabilities: &mut [f32]) {
        assert_eq!(outputs.len(), probabilities.len(), "lengths of outputs and probabilities");
        assert_eq!(outputs.len() % self.outputs, 0, "{} floats in rows of {}", outputs.len(), self.outputs);
        match self.output_transform() {
            OutputTransform::Softmax => softmax(simd::level(), outputs, self.outputs, probabilities),
            OutputTransform::Sigmoid => activation::forward(simd::level(), Function::Sigmoid, outputs, probabilities),
            OutputTransform::Identity | OutputTransform::Auto => probabilities.copy_from_slice(outputs),
        }
    }

    fn output_transform(&self) -> OutputTransform {
        match &self.spec {
            LossSpec::CrossEntropy { .. } | LossSpec::Hinge {} => OutputTransform::Softmax,
            LossSpec::Bce {} => OutputTransform::Sigmoid,
            LossSpec::Mse {} | LossSpec::Huber { .. } => OutputTransform::Identity,
            LossSpec::Custom(custom) => custom.output_transform().resolve(self.targets),
        }
    }

    /// Returns true if target values are standardised before the loss sees them.
    pub fn standardizes_targets(&self) -> bool {
        match &self.spec {
            LossSpec::Bce {} => false,
            LossSpec::Custom(custom) => custom.standardizes_targets(),
            _ => true,
        }
    }

    /// Checks that the loss can be computed.
    ///
    /// # Errors
    /// [`LossError::CustomLossMissing`] for a custom loss whose function was not supplied.
    pub fn check_function(&self) -> Result<(), LossError> {
        match &self.spec {
            LossSpec::Custom(custom) => custom.check_function(),
            _ => Ok(()),
        }
    }

    /// Checks all targets of a data set once, so that no batch of it can fail.
    ///
    /// # Errors
    /// If the loss cannot be computed; otherwise the first label that is not a class, value that is not finite, or value of bce
    /// outside 0..=1.
    pub fn check_targets(&self, targets: Targets<'_>) -> Result<(), LossError> {
        self.check_function()?;
        let loss = self.spec.name();
        if let TargetKind::Classes(classes) = self.targets
            && let Some(sample) = targets.labels().iter().position(|&label| label as usize >= classes)
        {
            return Err(LossError::Label { sample, label: targets.labels()[sample], classes });
        }
        let (accepts, allowed): (fn(f32) -> bool, _) = match self.spec {
            LossSpec::Bce {} => (|value| (0.0..=1.0).contains(&value), "from 0 to 1"),
            _ => (f32::is_finite, "a finite number"),
        };
        match targets.values().iter().position(|&value| !accepts(value)) {
            Some(index) => {
                Err(LossError::Value { loss, sample: index / self.outputs, value: targets.values()[index], allowed })
            }
            None => Ok(()),
        }
    }

    /// Computes [`Loss::forward_backward`] at the SIMD level `simd`; an empty `grad` asks for the value only.
    pub(crate) fn compute(
        &self,
        simd: SimdLevel,
        outputs: &[f32],
        weighted: WeightedTargets<'_>,
        grad: &mut [f32],
    ) -> LossValue {
        let WeightedTargets { targets, weights } = weighted;
        let (batch, width) = (outputs.len() / self.outputs, self.outputs);
        self.assert_fits(outputs, targets, batch);
        assert!(weights.is_empty() || weights.len() == batch, "{} weights for {batch} predictions", weights.len());
        if batch == 0 {
            return LossValue::default();
        }
        if let LossSpec::Custom(custom) = &self.spec {
            return custom.evaluate(outputs, width, weighted, grad);
        }
        // Losses of values are averaged over the outputs as well.
        let averaged = match self.spec {
            LossSpec::CrossEntropy { .. } | LossSpec::Hinge {} => 1.0,
            _ => self.outputs as f64,
        };
        let weight = match targets {
            Targets::Classes(labels) => ClassWeights(&self.class_weights).total(labels),
            Targets::Values(_) => batch as f64,
        };
        let scale = (1.0 / (weight * averaged)) as f32;
        let (sum, finite) = self.sum(Rows { simd, outputs, width, weights, scale }, targets, grad);
        LossValue { sum: sum.loss / averaged, weight, correct: sum.correct, non_finite: !finite }
    }

    fn sum(&self, all: Rows<'_>, targets: Targets<'_>, grad: &mut [f32]) -> (Sum, bool) {
        let width = self.outputs;
        let part = |rows| targets.rows(rows, width);
        let weights = ClassWeights(&self.class_weights);
        match &self.spec {
            LossSpec::CrossEntropy { label_smoothing } => {
                let loss = CrossEntropy { classes: width, smoothing: *label_smoothing, weights };
                sum_rows(all, grad, |rows, outputs, grad, scale| loss.rows(outputs, part(rows).labels(), grad, scale))
            }
            LossSpec::Hinge {} => sum_rows(all, grad, |rows, outputs, grad, scale| {
                hinge::rows(outputs, part(rows).labels(), weights, grad, scale)
            }),
            LossSpec::Mse {} => {
                sum_rows(all, grad, |rows, outputs, grad, scale| mse::values(outputs, part(rows).values(), grad, scale))
            }
            LossSpec::Huber { delta } => sum_rows(all, grad, |rows, outputs, grad, scale| {
                huber::values(*delta, outputs, part(rows).values(), grad, scale)
            }),
            LossSpec::Bce {} => sum_rows(all, grad, |rows, outputs, grad, scale| {
                Bce { outputs: width, weights }.rows(outputs, part(rows), grad, scale)
            }),
            LossSpec::Custom(_) => unreachable!("a custom loss computes its own sum"),
        }
    }

    fn assert_fits(&self, outputs: &[f32], targets: Targets<'_>, batch: usize) {
        assert_eq!(outputs.len(), batch * self.outputs, "{} floats in rows of {}", outputs.len(), self.outputs);
        match (self.targets, targets) {
            (TargetKind::Classes(classes), Targets::Classes(labels)) => {
                assert_eq!(labels.len(), batch, "one label per sample");
                let largest = labels.iter().copied().max().unwrap_or(0);
                assert!((largest as usize) < classes, "label {largest} outside 0..{classes}");
            }
            (TargetKind::Values(_), Targets::Values(values)) => {
                assert_eq!(values.len(), outputs.len(), "one target per output");
            }
            (kind, _) => panic!("targets are not {kind:?}"),
        }
    }
}
