//! The loss of a training, bound to its targets.

use keel_data::{BatchTargets, Schema, SplitDataset, TargetKind, Targets};
use keel_nn::Shape;
use keel_nn::losses::{self, Loss, LossSpec, LossValue};
use serde::{Deserialize, Serialize};

use crate::config::{LossConfig, TrainConfig};
use crate::error::TrainError;

/// A loss with its settings, and for regression the scale of the targets: they are standardised with mean and standard
/// deviation of the training split, and predictions are brought back to their own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    loss: Loss,
    class_names: Vec<String>,
    scaling: Vec<TargetScale>,
    scaled: Vec<f32>,
}

/// Mean and standard deviation of one target over the training split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// Subtracted.
    pub mean: f32,
    /// Divided by; 1 for a constant target.
    pub std: f32,
}

impl Objective {
    /// The loss `config` asks for on the targets of `data`.
    ///
    /// # Errors
    /// A loss that does not fit the targets, or targets it cannot work on.
    pub fn new(config: &TrainConfig, data: &SplitDataset) -> Result<Self, TrainError> {
        let mut objective = Self::of_model(config, &data.dataset.schema(), &[])?;
        let targets = match data.dataset.targets() {
            Targets::Classes { labels, .. } => losses::Targets::Classes(labels),
            Targets::Values { values, .. } => losses::Targets::Values(values),
            Targets::Unlabelled => return Err(unlabelled()),
        };
        objective.loss.check_targets(targets)?;
        if objective.loss.standardizes_targets() {
            objective.scaling = target_scaling(data);
            refuse_constant_targets(data)?;
        }
        Ok(objective)
    }

    /// The loss of a trained model, for data of its `schema`.
    pub(crate) fn of_model(config: &TrainConfig, schema: &Schema, scaling: &[TargetScale]) -> Result<Self, TrainError> {
        let (class_names, kind) = match &schema.target {
            TargetKind::Classes(names) => (names.clone(), losses::TargetKind::Classes(names.len())),
            TargetKind::Values(names) => (Vec::new(), losses::TargetKind::Values(names.len())),
            TargetKind::Unlabelled => return Err(unlabelled()),
        };
        let (losses::TargetKind::Classes(outputs) | losses::TargetKind::Values(outputs)) = kind;
        let spec = match &config.loss {
            LossConfig::Chosen(spec) => spec.clone(),
            LossConfig::Auto(_) if class_names.is_empty() => LossSpec::Mse {},
            LossConfig::Auto(_) => LossSpec::cross_entropy(),
        };
        let loss = spec.build(Shape::Features(outputs), kind)?;
        Ok(Objective { loss, class_names, scaling: scaling.to_vec(), scaled: Vec::new() })
    }

    /// The loss with all its settings.
    pub fn loss_spec(&self) -> &LossSpec {
        self.loss.spec()
    }

    /// Whether the loss can be computed.
    ///
    /// # Errors
    /// A loss of a program's own whose function nobody gave.
    pub(crate) fn check_function(&self) -> Result<(), TrainError> {
        Ok(self.loss.check_function()?)
    }

    /// Names of the classes; empty for regression.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Scale of each target; empty for classes.
    pub fn scaling(&self) -> &[TargetScale] {
        &self.scaling
    }

    /// Values the network has to give: classes or targets.
    pub fn outputs(&self) -> usize {
        self.loss.outputs()
    }

    /// Loss of `outputs`, `[batch, outputs]`.
    pub fn loss(&mut self, outputs: &[f32], targets: &BatchTargets) -> LossValue {
        let Objective { loss, scaling, scaled, .. } = self;
        match prepared(scaling, targets, scaled) {
            Some(targets) => loss.evaluate(outputs, targets),
            None => LossValue::default(),
        }
    }

    /// Loss of `outputs` and, in `gradient`, the derivative of its mean by them; both `[batch, outputs]`. Allocates
    /// nothing once it has seen a batch of this size.
    pub fn loss_and_gradient(&mut self, outputs: &[f32], targets: &BatchTargets, gradient: &mut [f32]) -> LossValue {
        let Objective { loss, scaling, scaled, .. } = self;
        match prepared(scaling, targets, scaled) {
            Some(targets) => loss.forward_backward(outputs, targets, gradient),
            None => LossValue::default(),
        }
    }

    /// What the network believes about each sample, `[batch, outputs]`: probabilities of classes, values in their own
    /// unit.
    pub fn predictions(&self, outputs: &[f32]) -> Vec<f32> {
        let mut predictions = vec![0.0; outputs.len()];
        self.loss.probabilities(outputs, &mut predictions);
        if let [_, ..] = self.scaling.as_slice() {
            for (value, scale) in predictions.iter_mut().zip(self.scaling.iter().cycle()) {
                *value = *value * scale.std + scale.mean;
            }
        }
        predictions
    }
}

fn unlabelled() -> TrainError {
    TrainError::setting("data", "the data has no targets; name a target column, or use folders named after classes")
}

/// The targets on the scale of the network's outputs; `scaled` is room for them.
fn prepared<'a>(
    scaling: &[TargetScale],
    targets: &'a BatchTargets,
    scaled: &'a mut Vec<f32>,
) -> Option<losses::Targets<'a>> {
    match targets {
        BatchTargets::Classes(labels) => Some(losses::Targets::Classes(labels)),
        BatchTargets::Values(values) if scaling.is_empty() => Some(losses::Targets::Values(values)),
        BatchTargets::Values(values) => {
            scaled.clear();
            scaled.extend(
                values.iter().zip(scaling.iter().cycle()).map(|(value, scale)| (value - scale.mean) / scale.std),
            );
            Some(losses::Targets::Values(scaled))
        }
        BatchTargets::Unlabelled => None,
    }
}

/// A target with one value teaches nothing, like a single class.
fn refuse_constant_targets(data: &SplitDataset) -> Result<(), TrainError> {
    let Targets::Values { values, target_names } = data.dataset.targets() else { return Ok(()) };
    let width = target_names.len();
    for (target, name) in target_names.iter().enumerate() {
        let mut column = data.train.iter().map(|&sample| values[sample * width + target]);
        let first = column.next();
        if data.train.len() > 1 && column.all(|value| Some(value) == first) {
            let message = format!(
                "every training sample has the same value {} of `{name}`: there is nothing to learn; choose another target",
                first.unwrap_or_default()
            );
            return Err(TrainError::setting("data.target", message));
        }
    }
    Ok(())
}

fn target_scaling(data: &SplitDataset) -> Vec<TargetScale> {
    let Targets::Values { values, target_names } = data.dataset.targets() else { return Vec::new() };
    let width = target_names.len();
    let scale = |target: usize| {
        let column = || data.train.iter().map(|&sample| f64::from(values[sample * width + target]));
        let count = data.train.len() as f64;
        let mean = column().sum::<f64>() / count;
        let variance = column().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        TargetScale { mean: mean as f32, std: if variance > 0.0 { variance.sqrt() as f32 } else { 1.0 } }
    };
    (0..width).map(scale).collect()
}
