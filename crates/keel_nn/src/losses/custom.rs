//! A custom loss.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::largest;
use super::{CatalogEntry, LossError, LossValue, TargetKind, Targets, WeightedTargets};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "custom",
    summary: "a loss of a program that uses the library; only that program can train with it",
};

/// A loss defined by a program.
///
/// ```
/// use keel_nn::losses::{LossFunction, Targets};
///
/// /// Absolute error, averaged over outputs and batch.
/// struct AbsoluteError;
///
/// impl LossFunction for AbsoluteError {
///     fn value_and_gradient(&self, outputs: &[f32], targets: Targets<'_>, gradient: &mut [f32]) -> f64 {
///         let scale = 1.0 / outputs.len() as f32;
///         let mut sum = 0.0;
///         for ((gradient, output), target) in gradient.iter_mut().zip(outputs).zip(targets.values()) {
///             sum += f64::from((output - target).abs());
///             *gradient = scale * (output - target).signum();
///         }
///         sum / outputs.len() as f64
///     }
/// }
///
/// let mut gradient = [0.0; 2];
/// let value = AbsoluteError.value_and_gradient(&[1.0, 5.0], Targets::Values(&[2.0, 2.0]), &mut gradient);
/// assert_eq!((value, gradient), (2.0, [-0.5, 0.5]));
/// ```
pub trait LossFunction: Send + Sync {
    /// Returns the loss of a batch as the mean over its samples, and writes into `gradient` the derivative of that mean
    /// with respect to each output.
    ///
    /// `outputs` is `[batch, outputs]`, the outputs of the network before softmax or any other function. `targets` is `[batch]` for
    /// classes and `[batch, outputs]` for values. `gradient` is `[batch, outputs]`; its previous contents must be overwritten. The
    /// batch is never empty; if samples have weights, each is passed separately. The same numbers must give the same result on any
    /// thread.
    fn value_and_gradient(&self, outputs: &[f32], targets: Targets<'_>, gradient: &mut [f32]) -> f64;

    /// Returns the loss only, for evaluation. Override it for a loss whose gradient is expensive.
    fn value(&self, outputs: &[f32], targets: Targets<'_>) -> f64 {
        self.value_and_gradient(outputs, targets, &mut vec![0.0; outputs.len()])
    }

    /// Returns the function that turns outputs into predictions; files store its name, so that prediction needs no code.
    fn output_transform(&self) -> OutputTransform {
        OutputTransform::Auto
    }

    /// Returns true if target values are standardised (mean 0, standard deviation 1 over the training split) before the loss sees
    /// them; predictions are converted back to the original unit. A loss that needs counts, proportions or signs returns false.
    fn standardizes_targets(&self) -> bool {
        true
    }
}

/// Function that turns outputs into predictions, `[batch, outputs]` both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputTransform {
    /// Softmax for classes, identity for values.
    #[default]
    Auto,
    /// The outputs are the predictions.
    Identity,
    /// Exponentials divided by their sum over the sample.
    Softmax,
    /// 1 / (1 + exp(-x)) of each output.
    Sigmoid,
}

impl OutputTransform {
    /// Returns the transform with `auto` resolved for these targets.
    pub(super) fn resolve(self, targets: TargetKind) -> OutputTransform {
        match (self, targets) {
            (OutputTransform::Auto, TargetKind::Classes(_)) => OutputTransform::Softmax,
            (OutputTransform::Auto, TargetKind::Values(_)) => OutputTransform::Identity,
            (chosen, _) => chosen,
        }
    }
}

/// A custom loss with a name. Files store only name and output transform: a model that was trained with it predicts anywhere, but a
/// program that continues training or evaluates it has to supply the function again.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomLoss {
    /// Name in files; should include the settings of the loss, as in `quantile(0.9)`.
    name: String,
    /// Function that turns outputs into predictions: auto, identity, softmax or sigmoid.
    #[serde(default)]
    output_transform: OutputTransform,
    #[serde(skip)]
    function: Option<Arc<dyn LossFunction>>,
}

impl CustomLoss {
    /// Creates the loss `function` under `name`.
    pub fn new(name: impl Into<String>, function: impl LossFunction + 'static) -> Self {
        let output_transform = function.output_transform();
        CustomLoss { name: name.into(), output_transform, function: Some(Arc::new(function)) }
    }

    /// Returns its name in files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the function that turns outputs into predictions.
    pub fn output_transform(&self) -> OutputTransform {
        self.output_transform
    }

    /// Returns true if target values are standardised before the loss sees them.
    pub fn standardizes_targets(&self) -> bool {
        self.function.as_ref().is_none_or(|function| function.standardizes_targets())
    }

    /// Takes the function from the loss of the same name in `losses`, if this loss has none.
    pub fn provide(&mut self, losses: &[CustomLoss]) {
        if self.function.is_none() {
            self.function = losses.iter().find(|loss| loss.name == self.name).and_then(|loss| loss.function.clone());
        }
    }

    /// Checks that the loss can be computed.
    ///
    /// # Errors
    /// [`LossError::CustomLossMissing`] for a loss that was read from a file and whose function was not supplied.
    pub fn check_function(&self) -> Result<(), LossError> {
        match self.function {
            Some(_) => Ok(()),
            None => Err(LossError::CustomLossMissing { name: self.name.clone() }),
        }
    }

    /// Computes the loss of `outputs`, `[batch, width]` and not empty, and its gradient if `gradient` is not empty. Without the
    /// function the loss is NaN.
    pub(super) fn evaluate(
        &self,
        outputs: &[f32],
        width: usize,
        weighted: WeightedTargets<'_>,
        gradient: &mut [f32],
    ) -> LossValue {
        let (batch, targets) = (outputs.len() / width, weighted.targets);
        let mean_of =
            |function: &dyn LossFunction, outputs: &[f32], targets: Targets<'_>, gradient: &mut [f32]| match gradient {
                [] => function.value(outputs, targets),
                gradient => function.value_and_gradient(outputs, targets, gradient),
            };
        let mean = match self.function.as_deref() {
            None => f64::NAN,
            Some(function) if weighted.weights.is_empty() => mean_of(function, outputs, targets, gradient),
            Some(function) => {
                let mut sum = 0.0;
                for (row, outputs) in outputs.chunks_exact(width).enumerate() {
                    let part = if gradient.is_empty() { 0..0 } else { row * width..(row + 1) * width };
                    let gradient = &mut gradient[part];
                    let one = mean_of(function, outputs, targets.rows(row..row + 1, width), gradient);
                    let weight = weighted.weight(row);
                    sum += f64::from(weight) * one;
                    gradient.iter_mut().for_each(|gradient| *gradient *= weight / batch as f32);
                }
                sum / batch as f64
            }
        };
        let rows = outputs.chunks_exact(width);
        let correct = rows.zip(targets.labels()).filter(|(row, label)| largest(row) == **label as usize).count();
        let finite = mean.is_finite() && outputs.iter().all(|output| output.is_finite());
        LossValue { sum: mean * batch as f64, weight: batch as f64, correct, non_finite: !finite }
    }
}

impl fmt::Debug for CustomLoss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CustomLoss({})", self.name)
    }
}

/// Losses with equal names are the same, as in a file.
impl PartialEq for CustomLoss {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.output_transform) == (&other.name, other.output_transform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use crate::losses::LossSpec;

    /// Squared error with a sign error that shows which target it saw.
    struct Squared;

    impl LossFunction for Squared {
        fn value_and_gradient(&self, outputs: &[f32], targets: Targets<'_>, gradient: &mut [f32]) -> f64 {
            let scale = 1.0 / outputs.len() as f32;
            let mut sum = 0.0;
            for ((gradient, output), target) in gradient.iter_mut().zip(outputs).zip(targets.values()) {
                sum += f64::from(output - target).powi(2);
                *gradient = 2.0 * scale * (output - target);
            }
            sum / outputs.len() as f64
        }
    }

    #[test]
    fn a_custom_loss_is_averaged_as_the_built_in_one() {
        let (outputs, targets) = ([1.0, -2.0, 0.5, 3.0, 0.0, 1.0], [0.5, 1.0, 0.5, -1.0, 2.0, 1.0]);
        let kind = TargetKind::Values(2);
        let custom = LossSpec::Custom(CustomLoss::new("squared", Squared)).build(Shape::Features(2), kind).unwrap();
        let own = LossSpec::Mse {}.build(Shape::Features(2), kind).unwrap();
        let (mut first, mut second) = ([f32::NAN; 6], [f32::NAN; 6]);
        let a = custom.forward_backward(&outputs, Targets::Values(&targets), &mut first);
        let b = own.forward_backward(&outputs, Targets::Values(&targets), &mut second);
        assert!((a.mean() - b.mean()).abs() < 1e-9 && a.weight == b.weight && !a.non_finite, "{a:?} {b:?}");
        assert_eq!(first, second);
        assert_eq!(custom.evaluate(&outputs, Targets::Values(&targets)), a);
        assert!(custom.evaluate(&[f32::NAN, 0.0], Targets::Values(&[0.0, 0.0])).non_finite);
    }

    #[test]
    fn weights_of_samples_count_in_a_custom_loss_as_in_the_built_in_one() {
        let (outputs, targets) = ([1.0, -2.0, 0.5, 3.0, 0.0, 1.0], [0.5, 1.0, 0.5, -1.0, 2.0, 1.0]);
        let kind = TargetKind::Values(2);
        let custom = LossSpec::Custom(CustomLoss::new("squared", Squared)).build(Shape::Features(2), kind).unwrap();
        let own = LossSpec::Mse {}.build(Shape::Features(2), kind).unwrap();
        let weighted = WeightedTargets { targets: Targets::Values(&targets), weights: &[2.0, 0.0, 0.5] };
        let (mut first, mut second) = ([f32::NAN; 6], [f32::NAN; 6]);
        let a = custom.forward_backward(&outputs, weighted, &mut first);
        let b = own.forward_backward(&outputs, weighted, &mut second);
        assert!((a.mean() - b.mean()).abs() < 1e-9, "{a:?} {b:?}");
        assert!(first.iter().zip(second).all(|(a, b)| (a - b).abs() < 1e-6), "{first:?} {second:?}");
        assert_eq!(custom.evaluate(&outputs, weighted), a);
    }

    #[test]
    fn files_keep_the_name_and_the_transform() {
        let spec = LossSpec::Custom(CustomLoss::new("squared", Squared));
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(text, r#"{"type":"custom","name":"squared","output_transform":"auto"}"#);
        let read: LossSpec = serde_json::from_str(&text).unwrap();
        assert_eq!(read, spec);
        let LossSpec::Custom(mut read) = read else { panic!("{read:?}") };
        let message = read.check_function().unwrap_err().to_string();
        assert!(message.contains("`squared` is code of the program that trained with it"), "{message}");
        read.provide(&[CustomLoss::new("other", Squared)]);
        assert!(read.check_function().is_err());
        read.provide(&[CustomLoss::new("squared", Squared)]);
        assert!(read.check_function().is_ok());
    }

    #[test]
    fn predictions_follow_the_transform_without_the_function() {
        let transformed = |transform: &str, kind| {
            let text = format!(r#"{{"type": "custom", "name": "x", "output_transform": "{transform}"}}"#);
            let loss = serde_json::from_str::<LossSpec>(&text).unwrap().build(Shape::Features(2), kind).unwrap();
            let mut predictions = [0.0; 2];
            loss.probabilities(&[0.0, 0.0], &mut predictions);
            predictions
        };
        let cases = [
            ("auto", TargetKind::Classes(2), [0.5, 0.5]),
            ("auto", TargetKind::Values(2), [0.0, 0.0]),
            ("identity", TargetKind::Classes(2), [0.0, 0.0]),
            ("softmax", TargetKind::Values(2), [0.5, 0.5]),
            ("sigmoid", TargetKind::Classes(2), [0.5, 0.5]),
        ];
        for (transform, kind, expected) in cases {
            assert_eq!(transformed(transform, kind), expected, "{transform} {kind:?}");
        }
    }
}
