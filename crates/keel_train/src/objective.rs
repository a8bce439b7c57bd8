//! The loss of a training, bound to its targets.

use keel_data::{BatchTargets, Schema, SplitDataset, TargetKind, Targets};

use crate::config::{DetailedLoss, LossConfig, LossName, TrainConfig};
use crate::error::TrainError;
use crate::metrics::largest;

/// A loss with its settings, and for regression the scale of the targets: they are standardised with mean and standard
/// deviation of the training split, and predictions are brought back to their own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    loss: DetailedLoss,
    class_weights: Vec<f32>,
    class_names: Vec<String>,
    scaling: Vec<TargetScale>,
    outputs: usize,
}

/// Mean and standard deviation of one target over the training split.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
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
    /// A loss for classes on values or the other way round, or as many class weights as there are not classes.
    pub fn new(config: &TrainConfig, data: &SplitDataset) -> Result<Self, TrainError> {
        let classes = match data.dataset.targets() {
            Targets::Classes { .. } => true,
            Targets::Values { .. } => false,
            Targets::Unlabelled => {
                return Err(TrainError::setting("data.source", "the data has no targets to learn; name a target column or use class folders"));
            }
        };
        let loss = resolve(config.loss, classes);
        let fits = match loss {
            DetailedLoss::CrossEntropy { .. } | DetailedLoss::Hinge { .. } => classes,
            DetailedLoss::Mse {} | DetailedLoss::Huber { .. } => !classes,
            DetailedLoss::Bce {} => true,
        };
        if !fits {
            let kind = if classes { "classes: use cross_entropy, hinge or bce" } else { "values: use mse or huber" };
            return Err(TrainError::setting("train.loss", format!("this loss does not fit the targets, which are {kind}")));
        }
        let class_names = data.dataset.class_names().to_vec();
        check_weights(&config.class_weights, class_names.len())?;
        let scaling = if matches!(loss, DetailedLoss::Bce {}) { Vec::new() } else { target_scaling(data) };
        Ok(Objective { loss, class_weights: config.class_weights.clone(), class_names, scaling, outputs: data.dataset.outputs() })
    }

    /// The loss of a trained model, for data that has been checked against its `schema`.
    pub(crate) fn of_model(config: &TrainConfig, schema: &Schema, scaling: &[TargetScale]) -> Self {
        let (class_names, outputs) = match &schema.target {
            TargetKind::Classes(names) => (names.clone(), names.len()),
            TargetKind::Values(names) => (Vec::new(), names.len()),
            TargetKind::Unlabelled => (Vec::new(), 0),
        };
        let loss = resolve(config.loss, !class_names.is_empty());
        let class_weights = config.class_weights.clone();
        Objective { loss, class_weights, class_names, scaling: scaling.to_vec(), outputs }
    }

    /// The loss with all its settings.
    pub fn resolved(&self) -> DetailedLoss {
        self.loss
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
        self.outputs
    }

    /// Mean loss of `outputs`, `[batch, outputs]`.
    pub fn loss(&self, outputs: &[f32], targets: &BatchTargets) -> f64 {
        self.compute(outputs, targets, None)
    }

    /// Mean loss of `outputs` and, in `gradient`, its derivative by them; both `[batch, outputs]`.
    pub fn loss_and_gradient(&self, outputs: &[f32], targets: &BatchTargets, gradient: &mut [f32]) -> f64 {
        self.compute(outputs, targets, Some(gradient))
    }

    /// What the mean loss of a batch counts in the mean over several: its samples, or the sum of their class weights.
    pub fn batch_weight(&self, targets: &BatchTargets) -> f64 {
        match targets {
            BatchTargets::Classes(labels) => labels.iter().map(|&label| self.weight(label)).sum(),
            BatchTargets::Values(values) => (values.len() / self.outputs) as f64,
            BatchTargets::Unlabelled => 0.0,
        }
    }

    /// How many of `outputs` have their largest value at the right class; 0 for regression.
    pub fn right(&self, outputs: &[f32], targets: &BatchTargets) -> u64 {
        let BatchTargets::Classes(labels) = targets else { return 0 };
        let rows = outputs.chunks_exact(self.outputs).zip(labels);
        rows.filter(|(row, label)| largest(row) == **label as usize).count() as u64
    }

    /// Predicted values in the targets' own unit.
    pub fn unscaled(&self, outputs: &[f32]) -> impl Iterator<Item = f32> {
        unscaled(&self.scaling, outputs)
    }

    fn weight(&self, label: u32) -> f64 {
        self.class_weights.get(label as usize).map_or(1.0, |&weight| f64::from(weight))
    }

    fn compute(&self, outputs: &[f32], targets: &BatchTargets, mut gradient: Option<&mut [f32]>) -> f64 {
        let width = self.outputs;
        let total = self.batch_weight(targets);
        let mut sum = 0.0;
        for (sample, row) in outputs.chunks_exact(width).enumerate() {
            let row_gradient = gradient.as_deref_mut().map(|gradient| &mut gradient[sample * width..(sample + 1) * width]);
            sum += match targets {
                BatchTargets::Classes(labels) => {
                    let label = labels[sample];
                    self.class_row(row, label, (row_gradient, 1.0 / total))
                }
                BatchTargets::Values(values) => {
                    let actual = &values[sample * width..(sample + 1) * width];
                    self.value_row(row, actual, (row_gradient, 1.0 / total))
                }
                BatchTargets::Unlabelled => 0.0,
            };
        }
        sum / total
    }

    /// The loss of one sample times its class weight, and `share` times its derivative.
    fn class_row(&self, row: &[f32], label: u32, (gradient, share): (Option<&mut [f32]>, f64)) -> f64 {
        let weight = self.weight(label);
        let (class, weighted_share) = (label as usize, (share * weight) as f32);
        match self.loss {
            DetailedLoss::CrossEntropy { label_smoothing } => {
                let smoothing = f64::from(label_smoothing);
                let target = |index: usize| {
                    let even = smoothing / row.len() as f64 * self.weight(index as u32);
                    if index == class { even + (1.0 - smoothing) * weight } else { even }
                };
                cross_entropy(row, target, (gradient, share))
            }
            DetailedLoss::Hinge { margin } => weight * hinge(row, (class, margin), (gradient, weighted_share)),
            _ => {
                let target = |index: usize| if index == class { 1.0 } else { 0.0 };
                let loss = |index: usize, logit: f32| binary_cross_entropy(logit, target(index));
                weight * element_wise(row, (gradient, weighted_share), loss)
            }
        }
    }

    fn value_row(&self, row: &[f32], actual: &[f32], (gradient, share): (Option<&mut [f32]>, f64)) -> f64 {
        let scaled = |index: usize| match self.scaling.get(index) {
            Some(scale) => (actual[index] - scale.mean) / scale.std,
            None => actual[index],
        };
        let share = (gradient, share as f32);
        match self.loss {
            DetailedLoss::Huber { delta } => element_wise(row, share, |index, value| huber(value - scaled(index), delta)),
            DetailedLoss::Bce {} => element_wise(row, share, |index, logit| binary_cross_entropy(logit, scaled(index))),
            _ => element_wise(row, share, |index, value| {
                let error = value - scaled(index);
                (error * error, 2.0 * error)
            }),
        }
    }
}

/// Values brought back to the targets' own unit.
pub(crate) fn unscaled(scaling: &[TargetScale], outputs: &[f32]) -> impl Iterator<Item = f32> {
    outputs.iter().enumerate().map(move |(index, &value)| match scaling {
        [] => value,
        scaling => {
            let scale = scaling[index % scaling.len()];
            value * scale.std + scale.mean
        }
    })
}

fn resolve(loss: LossConfig, classes: bool) -> DetailedLoss {
    let name = match loss {
        LossConfig::Detailed(detailed) => return detailed,
        LossConfig::Name(name) => name,
    };
    match name {
        LossName::Auto if classes => DetailedLoss::CrossEntropy { label_smoothing: 0.0 },
        LossName::Auto | LossName::Mse => DetailedLoss::Mse {},
        LossName::CrossEntropy => DetailedLoss::CrossEntropy { label_smoothing: 0.0 },
        LossName::Hinge => DetailedLoss::Hinge { margin: 1.0 },
        LossName::Huber => DetailedLoss::Huber { delta: 1.0 },
        LossName::Bce => DetailedLoss::Bce {},
    }
}

fn check_weights(weights: &[f32], classes: usize) -> Result<(), TrainError> {
    if !weights.is_empty() && weights.len() != classes {
        let message = format!("{} weights for {classes} classes; give one for each, or none", weights.len());
        return Err(TrainError::setting("train.class_weights", message));
    }
    match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
        Some(weight) => Err(TrainError::setting("train.class_weights", format!("{weight} is not above 0"))),
        None => Ok(()),
    }
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

/// `-sum_k target_k ln softmax(row)_k` from shifted logits; the targets need not add up to 1.
fn cross_entropy(
    row: &[f32],
    target: impl Fn(usize) -> f64,
    (gradient, share): (Option<&mut [f32]>, f64),
) -> f64 {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = row.iter().map(|logit| (logit - highest).exp()).sum();
    let log_sum = f64::from(sum).ln();
    let (mut loss, mut mass) = (0.0, 0.0);
    for (index, &logit) in row.iter().enumerate() {
        let target = target(index);
        mass += target;
        // A target of zero has no say, even about a probability of zero.
        if target > 0.0 || logit.is_nan() {
            loss -= target * (f64::from(logit - highest) - log_sum);
        }
    }
    if let Some(gradient) = gradient {
        for (index, (gradient, logit)) in gradient.iter_mut().zip(row).enumerate() {
            let probability = f64::from((logit - highest).exp() / sum);
            *gradient = (share * (mass * probability - target(index))) as f32;
        }
    }
    loss
}

/// `sum over wrong classes of max(0, margin + score - right score)`, Weston & Watkins 1999.
fn hinge(row: &[f32], (label, margin): (usize, f32), (mut gradient, share): (Option<&mut [f32]>, f32)) -> f64 {
    if let Some(gradient) = gradient.as_deref_mut() {
        gradient.fill(0.0);
    }
    let mut loss = 0.0;
    for (index, score) in row.iter().enumerate().filter(|(index, _)| *index != label) {
        let excess = margin + score - row[label];
        // A score that is no number has to show in the loss.
        if excess > 0.0 || excess.is_nan() {
            loss += f64::from(excess);
            if let Some(gradient) = gradient.as_deref_mut() {
                gradient[index] += share;
                gradient[label] -= share;
            }
        }
    }
    loss
}

/// Mean over the row of a loss per element, `function(index, output) = (loss, derivative)`.
fn element_wise(
    row: &[f32],
    (mut gradient, share): (Option<&mut [f32]>, f32),
    function: impl Fn(usize, f32) -> (f32, f32),
) -> f64 {
    let width = row.len() as f32;
    let mut sum = 0.0;
    for (index, &output) in row.iter().enumerate() {
        let (loss, derivative) = function(index, output);
        sum += f64::from(loss);
        if let Some(gradient) = gradient.as_deref_mut() {
            gradient[index] = share * derivative / width;
        }
    }
    sum / f64::from(width)
}

/// `error^2 / 2` within `delta`, linear outside; Huber 1964.
fn huber(error: f32, delta: f32) -> (f32, f32) {
    if error.abs() <= delta {
        (0.5 * error * error, error)
    } else {
        (delta * (error.abs() - 0.5 * delta), delta * error.signum())
    }
}

/// `max(x, 0) - x t + ln(1 + exp(-|x|))` and `sigmoid(x) - t`.
fn binary_cross_entropy(logit: f32, target: f32) -> (f32, f32) {
    let decay = (-logit.abs()).exp();
    let loss = logit.max(0.0) - logit * target + decay.ln_1p() + (logit - logit);
    let sigmoid = if logit >= 0.0 { 1.0 / (1.0 + decay) } else { decay / (1.0 + decay) };
    (loss, sigmoid - target)
}

#[cfg(test)]
mod tests {
    use keel_testkit::golden::{GoldenFile, LossCase, Targets as GoldenTargets};

    use super::*;

    #[test]
    fn values_and_gradients_follow_the_golden_files() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../keel_nn/tests/golden/losses.json");
        for case in GoldenFile::<LossCase>::read(path).unwrap().cases {
            let mut json = case.loss.clone();
            let class_weights = json.as_object_mut().unwrap().remove("class_weights");
            let targets = match &case.targets {
                GoldenTargets::Labels(labels) => BatchTargets::Classes(labels.iter().map(|&label| label as u32).collect()),
                GoldenTargets::Values(tensor) => BatchTargets::Values(tensor.values.clone()),
            };
            let objective = Objective {
                loss: serde_json::from_value(json).unwrap(),
                class_weights: class_weights.map_or(Vec::new(), |weights| serde_json::from_value(weights).unwrap()),
                class_names: Vec::new(),
                scaling: Vec::new(),
                outputs: case.predictions.shape[1],
            };
            let mut gradient = vec![9.0; case.predictions.len()];
            let loss = objective.loss_and_gradient(&case.predictions.values, &targets, &mut gradient);
            assert!((loss - case.value).abs() <= 1e-5 * case.value.abs().max(1.0), "{}: {loss}", case.name);
            for (value, expected) in gradient.iter().zip(&case.grad_predictions.values) {
                assert!((value - expected).abs() <= 1e-6, "{}: {value} {expected}", case.name);
            }
        }
    }
}
