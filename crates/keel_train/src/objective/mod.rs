//! The loss of a training run with its targets.

mod class_weights;
mod graph;
mod training_targets;

use keel_data::{Batch, BatchTargets, Preprocessor, Schema, SplitDataset, TargetKind, Targets};
use keel_nn::graph::Place;
use keel_nn::losses::{self, Loss, LossSpec, LossValue, WeightedTargets};
use keel_nn::{Graph, Shape};
use serde::{Deserialize, Serialize};

use crate::config::{Config, LossConfig};
use crate::error::TrainError;
pub use training_targets::TrainingTargets;

/// A loss with its settings, and for regression the scale of the targets: they are standardised with mean and standard
/// deviation of the training split, and predictions are converted back to their own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    loss: Loss,
    class_names: Vec<String>,
    members: usize,
    target_names: Vec<String>,
    training: TrainingTargets,
    scaling: Vec<TargetScale>,
    /// Reciprocal of the mean weight of the training samples; 1 without weights.
    weight_factor: f32,
    prepared: Prepared,
}

/// Buffers for the targets in the form that the loss needs.
#[derive(Debug, Clone, Default, PartialEq)]
struct Prepared {
    /// Number of values of one prediction.
    outputs: usize,
    values: Vec<f32>,
    labels: Vec<u32>,
    weights: Vec<f32>,
}

/// Facts about the training split that a model stores.
pub(crate) struct Known<'a> {
    /// Scale of each regression target.
    pub(crate) scaling: &'a [TargetScale],
    /// Facts about the targets.
    pub(crate) training: TrainingTargets,
}

/// Kind of the predictions for classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probabilities {
    /// Probabilities that add up to 1.
    OneClass,
    /// Independent probabilities of the classes.
    Independent,
    /// Scores that only rank the classes.
    None,
}

/// Mean and standard deviation of one target over the training split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// Mean, which is subtracted.
    pub mean: f32,
    /// Standard deviation, by which values are divided; 1 for a constant target.
    pub std: f32,
}

impl Objective {
    /// Builds the loss of `config` for the targets of `data`.
    ///
    /// # Errors
    /// If the loss does not fit the targets, or targets are invalid for it.
    pub fn new(config: &Config, data: &SplitDataset) -> Result<Self, TrainError> {
        let known = Known { scaling: &[], training: TrainingTargets::of(data) };
        let mut objective = Self::of_model(config, &data.dataset.schema(), known)?;
        let targets = match data.dataset.targets() {
            Targets::Classes { labels, .. } => losses::Targets::Classes(labels),
            Targets::Values { values, .. } => losses::Targets::Values(values),
            Targets::Unlabelled => return Err(unlabelled()),
        };
        objective.loss.check_targets(targets)?;
        objective.weight_factor = weight_factor(data)?;
        if objective.loss.standardizes_targets() {
            objective.scaling = target_scaling(data);
            refuse_constant_targets(data)?;
        }
        Ok(objective)
    }

    /// Builds the loss of a trained model, for data of its `schema`.
    pub(crate) fn of_model(config: &Config, schema: &Schema, known: Known<'_>) -> Result<Self, TrainError> {
        let Known { scaling, training } = known;
        let (class_names, target_names, kind) = match &schema.target {
            TargetKind::Classes(names) => (names.clone(), Vec::new(), losses::TargetKind::Classes(names.len())),
            TargetKind::Values(names) => (Vec::new(), names.clone(), losses::TargetKind::Values(names.len())),
            TargetKind::Unlabelled => return Err(unlabelled()),
        };
        let (losses::TargetKind::Classes(outputs) | losses::TargetKind::Values(outputs)) = kind;
        let spec = match &config.train.loss {
            LossConfig::Chosen(spec) => spec.clone(),
            LossConfig::Auto(_) if class_names.is_empty() => LossSpec::Mse {},
            LossConfig::Auto(_) => LossSpec::cross_entropy(),
        };
        let mut loss = spec.build(Shape::Features(outputs), kind)?;
        let weights = config.train.class_weights.resolve(&class_names, &training)?;
        if !weights.is_empty() {
            let refused = |error: losses::LossError| TrainError::setting("train.class_weights", error.to_string());
            loss = loss.with_class_weights(weights).map_err(refused)?;
        }
        let prepared = Prepared { outputs, ..Prepared::default() };
        let (members, scaling) = (config.model.members(), scaling.to_vec());
        Ok(Objective { loss, class_names, members, target_names, training, scaling, weight_factor: 1.0, prepared })
    }

    /// Returns the loss with all its settings.
    pub fn loss_spec(&self) -> &LossSpec {
        self.loss.spec()
    }

    /// Checks that the loss can be computed.
    ///
    /// # Errors
    /// If the function of a custom loss was not supplied.
    pub(crate) fn check_function(&self) -> Result<(), TrainError> {
        Ok(self.loss.check_function()?)
    }

    /// Returns the names of the classes; empty for regression.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Returns the names of the targets; empty for classes.
    pub fn target_names(&self) -> &[String] {
        &self.target_names
    }

    /// Returns the facts about the targets of the training split.
    pub fn training_targets(&self) -> &TrainingTargets {
        &self.training
    }

    /// Returns the weight of each class in the loss; empty if all are equal.
    pub fn class_weights(&self) -> &[f32] {
        self.loss.class_weights()
    }

    /// Returns the kind of the predictions for classes.
    pub fn probabilities(&self) -> Probabilities {
        match self.loss.spec() {
            LossSpec::Hinge {} => Probabilities::None,
            LossSpec::Bce {} => Probabilities::Independent,
            _ => Probabilities::OneClass,
        }
    }

    /// Returns the scale of each target; empty for classes.
    pub fn scaling(&self) -> &[TargetScale] {
        &self.scaling
    }

    /// Returns the number of values of one prediction: classes or targets.
    pub fn outputs(&self) -> usize {
        self.loss.outputs()
    }

    /// Returns the number of predictions that the network gives for each sample: more than 1 for an ensemble.
    pub fn members(&self) -> usize {
        self.members
    }

    /// Returns the loss of combined outputs, `[batch, outputs]`, as returned by [`combine`](Self::combine).
    pub fn loss(&mut self, outputs: &[f32], targets: &BatchTargets) -> LossValue {
        let Objective { loss, scaling, prepared, .. } = self;
        prepared.weights.clear();
        match prepared.targets(scaling, targets, 1) {
            Some(targets) => loss.evaluate(outputs, targets),
            None => LossValue::default(),
        }
    }

    /// Returns the targets of the network's predictions, one per member of each sample, on the scale of the network's outputs,
    /// with the weights of the samples divided by their mean in the training split; `None` without targets. Allocates nothing
    /// after the first batch of this size.
    pub fn targets<'a>(&'a mut self, batch: &'a Batch) -> Option<WeightedTargets<'a>> {
        let Objective { scaling, prepared, members, weight_factor, .. } = self;
        let mut weights = std::mem::take(&mut prepared.weights);
        weights.clear();
        let scaled = batch.weights.iter().map(|weight| weight * *weight_factor);
        weights.extend(scaled.flat_map(|weight| std::iter::repeat_n(weight, *members)));
        prepared.weights = weights;
        prepared.targets(scaling, &batch.targets, *members)
    }

    /// Returns true if every sample of a batch has the same weight in the loss.
    pub fn weighs_samples_alike(&self, batch: &Batch) -> bool {
        batch.weights.is_empty() && self.loss.class_weights().is_empty()
    }

    /// The graph of `config` for samples from `preprocessor`, with this loss at its end.
    ///
    /// # Errors
    /// If layers do not fit the samples, each other or the targets.
    pub fn graph(&self, config: &Config, preprocessor: &Preprocessor) -> Result<Graph, TrainError> {
        let graph = config.graph(preprocessor.output_shape(), self.outputs().saturating_mul(self.members))?;
        let is_written = matches!(config.train.loss, LossConfig::Chosen(_));
        let place = Place { path: "train.loss".to_owned(), is_written };
        Ok(graph.with_loss(self.loss.clone(), self.members, place)?)
    }

    /// Combines the network's outputs, `[batch, members, outputs]`, to those of one prediction, `[batch, outputs]`: the
    /// logarithm of the members' mean probability for cross-entropy, otherwise the mean of their outputs.
    pub fn combine(&self, outputs: &mut Vec<f32>) {
        let (members, length) = (self.members, self.outputs());
        if members == 1 {
            return;
        }
        let logarithmic = matches!(self.loss.spec(), LossSpec::CrossEntropy { .. });
        if logarithmic {
            let logits = outputs.clone();
            self.loss.probabilities(&logits, outputs);
        }
        for sample in 0..outputs.len() / (members * length) {
            for output in 0..length {
                let each = (0..members).map(|member| f64::from(outputs[(sample * members + member) * length + output]));
                let mean = each.sum::<f64>() / members as f64;
                let combined = if logarithmic { mean.max(f64::from(f32::MIN_POSITIVE)).ln() } else { mean };
                // The outputs of sample `sample` are at or after their combined position, and the values before `output` have
                // been used already.
                outputs[sample * length + output] = combined as f32;
            }
        }
        outputs.truncate(outputs.len() / members);
    }

    /// Returns the predictions, `[batch, outputs]`, for combined outputs of that shape: probabilities of classes, or values in
    /// their own unit.
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

impl Prepared {
    /// Returns the targets on the scale of the network's outputs, each `members` times.
    fn targets<'a>(
        &'a mut self,
        scaling: &[TargetScale],
        targets: &'a BatchTargets,
        members: usize,
    ) -> Option<WeightedTargets<'a>> {
        let targets = match targets {
            BatchTargets::Classes(labels) if members == 1 => losses::Targets::Classes(labels),
            BatchTargets::Classes(labels) => {
                self.labels.clear();
                self.labels.extend(labels.iter().flat_map(|&label| std::iter::repeat_n(label, members)));
                losses::Targets::Classes(&self.labels)
            }
            BatchTargets::Values(values) if scaling.is_empty() && members == 1 => losses::Targets::Values(values),
            BatchTargets::Values(values) => {
                self.values.clear();
                for row in values.chunks_exact(self.outputs) {
                    for _ in 0..members {
                        let scaled = |(position, value): (usize, &f32)| match scaling.get(position) {
                            Some(scale) => (value - scale.mean) / scale.std,
                            None => *value,
                        };
                        self.values.extend(row.iter().enumerate().map(scaled));
                    }
                }
                losses::Targets::Values(&self.values)
            }
            BatchTargets::Unlabelled => return None,
        };
        Some(WeightedTargets { targets, weights: &self.weights })
    }
}

/// Rejects targets that are all constant: like a single class, they leave nothing to learn. Some constant targets among others
/// do no harm, such as the border pixels of images that a network reconstructs.
fn refuse_constant_targets(data: &SplitDataset) -> Result<(), TrainError> {
    let Targets::Values { values, target_names } = data.dataset.targets() else { return Ok(()) };
    let constant = constant_targets(data);
    let (Some(&first), true) = (data.train.first(), constant.len() == target_names.len()) else { return Ok(()) };
    let value = values[first * target_names.len()];
    let message = match constant.as_slice() {
        [name] => format!(
            "every training sample has the same value {value} of `{name}`, so there is nothing to learn; choose another target"
        ),
        _ => {
            "every training sample has the same targets, so there is nothing to learn; choose other targets".to_owned()
        }
    };
    Err(TrainError::setting("data.target", message))
}

/// Returns the names of the targets with the same value in all of several training samples.
pub(crate) fn constant_targets(data: &SplitDataset) -> Vec<String> {
    let Targets::Values { values, target_names } = data.dataset.targets() else { return Vec::new() };
    let width = target_names.len();
    let is_constant = |target: usize| {
        let mut column = data.train.iter().map(|&sample| values[sample * width + target]);
        let first = column.next();
        data.train.len() > 1 && column.all(|value| Some(value) == first)
    };
    let names = target_names.iter().enumerate();
    names.filter(|(target, _)| is_constant(*target)).map(|(_, name)| name.clone()).collect()
}

/// Returns the reciprocal of the mean weight of the training samples.
fn weight_factor(data: &SplitDataset) -> Result<f32, TrainError> {
    let weights = data.dataset.weights();
    if weights.is_empty() || data.train.is_empty() {
        return Ok(1.0);
    }
    let mean = data.train.iter().map(|&sample| f64::from(weights[sample])).sum::<f64>() / data.train.len() as f64;
    match mean > 0.0 {
        true => Ok((1.0 / mean) as f32),
        false => Err(TrainError::setting(
            "data",
            "every training sample has weight 0; give at least one sample a weight above 0",
        )),
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

#[cfg(test)]
mod tests {
    use keel_data::{Dataset, Inputs, SampleShape, Split};
    use keel_kernels::simd::level;
    use keel_nn::graph::LossNode;
    use keel_nn::{NodeId, Value};

    use super::*;

    const MEMBERS: usize = 3;

    /// Returns an objective of three members on the classes or values of `targets`.
    fn ensemble(targets: Targets, samples: usize) -> Objective {
        let inputs = Inputs::Floats((0..samples).map(|sample| sample as f32).collect());
        let data = Dataset::from_memory("rows", SampleShape::Features(1), inputs, targets).unwrap();
        let mut config = Config::default();
        config.model.members = MEMBERS;
        config.model.layers = vec![keel_nn::layers::LayerSpec::Flatten(keel_nn::layers::FlattenSpec::default())];
        Objective::new(&config, &data.split(Split { validation: 0.0, test: 0.0, seed: 0 }).unwrap()).unwrap()
    }

    fn classes() -> Objective {
        let class_names = ["a", "b"].map(String::from).to_vec();
        ensemble(Targets::Classes { labels: vec![0, 1, 1, 0], class_names }, 4)
    }

    fn values() -> Objective {
        let target_names = ["u", "v"].map(String::from).to_vec();
        ensemble(Targets::Values { values: vec![1.0, 10.0, 2.0, 30.0, 4.0, 20.0], target_names }, 3)
    }

    #[test]
    fn members_of_classes_are_combined_by_their_mean_probability() {
        let objective = classes();
        let mut outputs = vec![0.0, 0.0, 2.0, 0.0, 0.0, 4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        objective.combine(&mut outputs);
        let share = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let first = (0.5 + share(2.0) + share(-4.0)) / 3.0;
        let expected = [first.ln(), (1.0 - first).ln(), 0.5f32.ln(), 0.5f32.ln()];
        assert!(outputs.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{outputs:?} {expected:?}");
        assert!((objective.predictions(&outputs)[0] - first).abs() < 1e-6);
    }

    #[test]
    fn weights_have_a_mean_of_one_over_the_training_split() {
        let targets = Targets::Classes { labels: vec![0, 1, 1, 0], class_names: ["a", "b"].map(String::from).to_vec() };
        let inputs = Inputs::Floats(vec![0.0, 1.0, 2.0, 3.0]);
        let of = |weights: [f32; 4]| {
            let data = Dataset::from_memory("rows", SampleShape::Features(1), inputs.clone(), targets.clone()).unwrap();
            let data = data.with_weights(weights.to_vec()).unwrap();
            let mut split = data.split(Split { validation: 0.0, test: 0.0, seed: 0 }).unwrap();
            split.train = vec![0, 1, 2];
            Objective::new(&Config::default(), &split)
        };
        let mut objective = of([1.0, 2.0, 3.0, 90.0]).unwrap();
        let (targets, weights) = (BatchTargets::Classes(vec![1, 0]), vec![3.0, 1.0]);
        let batch = Batch { targets, weights, ..Batch::default() };
        assert_eq!(objective.targets(&batch).unwrap().weights, [1.5, 0.5]);
        let message = of([0.0, 0.0, 0.0, 1.0]).unwrap_err().to_string();
        assert!(message.contains("every training sample has weight 0"), "{message}");
    }

    #[test]
    fn members_of_values_are_combined_by_their_mean() {
        let mut outputs = vec![1.0, -1.0, 2.0, 0.0, 3.0, 4.0];
        values().combine(&mut outputs);
        assert_eq!(outputs, [2.0, 1.0]);
    }

    #[test]
    fn gradients_are_those_of_the_sum_of_the_members_losses() {
        let cases = [
            (classes(), BatchTargets::Classes(vec![1, 0]), Vec::new()),
            (classes(), BatchTargets::Classes(vec![1, 0]), vec![0.5, 2.0]),
            (values(), BatchTargets::Values(vec![2.0, 30.0, 1.0, 10.0]), Vec::new()),
            (values(), BatchTargets::Values(vec![2.0, 30.0, 1.0, 10.0]), vec![3.0, 0.0]),
        ];
        for (mut objective, targets, weights) in cases {
            let batch = Batch { targets, weights, ..Batch::default() };
            let outputs: Vec<f32> = (0..2 * MEMBERS * 2).map(|at| (at as f32 * 0.7).sin()).collect();
            let mut gradient = vec![0.0; outputs.len()];
            let node = LossNode {
                id: NodeId::new(0),
                loss: objective.loss.clone(),
                members: objective.members,
                input: Value::Input,
                place: Place { path: "train.loss".to_owned(), is_written: false },
            };
            let targets = objective.targets(&batch).unwrap();
            let value = node.value_and_gradient(level(), &outputs, targets, &mut gradient);
            assert_eq!(value.mean(), node.value(level(), &outputs, targets).mean());
            for at in 0..outputs.len() {
                let loss = |step: f32| {
                    let mut moved = outputs.clone();
                    moved[at] += step;
                    MEMBERS as f64 * node.value(level(), &moved, targets).mean()
                };
                let difference = (loss(1e-2) - loss(-1e-2)) / 2e-2;
                assert!((difference - f64::from(gradient[at])).abs() < 1e-3, "{at}: {difference} {}", gradient[at]);
            }
        }
    }
}
