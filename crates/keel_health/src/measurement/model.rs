//! The static description of a model: its graph, its loss and how it is regularised.

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};

use super::activation_function::ActivationFunction;

/// The graph of a model in an order in which it can be evaluated, its loss and the settings rules refer to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelDescription {
    /// The layers in graph order: every layer comes after the layers it reads.
    pub layers: Vec<LayerDescription>,
    /// The loss applied to the output of the last layer.
    pub loss: Option<LossKind>,
    /// Number of classes; `None` for regression.
    pub classes: Option<usize>,
    /// Predictions that the network gives for each sample, side by side; `None` is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    /// The network may apply functions that are not layers of the description, such as a softmax at its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlisted_functions: bool,
    /// True if the weights have been trained before, false if they are drawn at random; `None` if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<bool>,
    /// The configured (peak) learning rate of the schedule.
    pub learning_rate: Option<f32>,
    /// Name of the optimizer: `sgd`, `adam`, `adamw`, …
    pub optimizer: Option<String>,
    /// The configured weight decay.
    pub weight_decay: Option<f32>,
    /// The configured limit of the gradient norm, if gradients are clipped.
    pub clip_norm: Option<f32>,
    /// Samples of one training batch.
    pub batch_size: Option<u64>,
    /// Epochs that are planned.
    pub epochs: Option<u64>,
    /// Samples of one epoch (the size of the training split).
    pub samples_per_epoch: Option<u64>,
}

/// One layer (node) of the graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerDescription {
    /// The name the user knows the layer by; unique in the model.
    pub name: String,
    /// Kind of the layer.
    pub kind: LayerKind,
    /// Indices of the layers it reads. Empty: it reads the input of the network.
    pub inputs: Vec<usize>,
    /// The function, for layers of kind `activation`.
    pub function: Option<ActivationFunction>,
    /// Number of output units: features of a linear layer, channels of a convolution.
    pub units: Option<usize>,
    /// Inputs of one unit (`in_features`, or kernel height × width × channels).
    pub fan_in: Option<usize>,
    /// Name of the initialiser of the weights.
    pub initializer: Option<String>,
    /// The layer has a bias.
    pub bias: bool,
    /// The user froze its parameters on purpose.
    pub frozen: bool,
    /// Weight of a new batch in the running statistics, for normalisation layers (PyTorch's convention).
    pub momentum: Option<f32>,
    /// Probability of dropping an element, for dropout.
    pub probability: Option<f32>,
    /// Dotted key of the layer in the config, such as `model.layers.2`, if it has one.
    pub config_key: Option<String>,
}

/// Kind of a layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LayerKind {
    Input,
    Linear,
    Conv2d,
    /// The largest of several linear maps.
    Maxout,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    InstanceNorm,
    Activation,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Flatten,
    Dropout,
    /// The sum at the end of a residual block.
    Add,
    /// Anything else.
    #[default]
    Other,
}

/// The loss, by its expected input from the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Softmax and cross-entropy in one: expects logits.
    CrossEntropy,
    /// Negative log likelihood: expects log-probabilities.
    Nll,
    /// Binary cross-entropy with its own sigmoid: expects logits.
    Bce,
    /// Binary cross-entropy without a sigmoid: expects probabilities.
    BceProbabilities,
    /// Multi-class hinge loss: expects scores.
    Hinge,
    /// Mean squared error: expects values on the scale of the targets.
    Mse,
    /// Huber loss: expects values on the scale of the targets.
    Huber,
    /// Anything else.
    Other,
}

impl LossKind {
    /// Returns the loss that recordings call `name`.
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        LossKind::deserialize(name).ok()
    }

    /// The name in a config and in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Nll => "nll",
            Self::Bce => "bce",
            Self::BceProbabilities => "bce on probabilities",
            Self::Hinge => "hinge",
            Self::Mse => "mse",
            Self::Huber => "huber",
            Self::Other => "other",
        }
    }
}

impl LayerKind {
    /// Returns the kind that recordings call `name`.
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        LayerKind::deserialize(name).ok()
    }

    /// The layer multiplies by a weight matrix or kernel.
    pub fn has_weight_matrix(self) -> bool {
        matches!(self, Self::Linear | Self::Conv2d | Self::Maxout)
    }

    /// The layer re-centres and re-scales its input.
    pub fn is_norm(self) -> bool {
        matches!(self, Self::BatchNorm | Self::LayerNorm | Self::GroupNorm | Self::InstanceNorm)
    }
}

impl LayerDescription {
    /// A layer with the given name and kind reading the layers of the given indices.
    pub fn new(name: impl Into<String>, kind: LayerKind, inputs: &[usize]) -> Self {
        Self { name: name.into(), kind, inputs: inputs.to_vec(), ..Self::default() }
    }

    /// An activation layer.
    pub fn activation(name: impl Into<String>, function: ActivationFunction, inputs: &[usize]) -> Self {
        Self { function: Some(function), ..Self::new(name, LayerKind::Activation, inputs) }
    }
}

impl ModelDescription {
    /// Index of the layer called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name == name)
    }

    /// Name of the layer `index`, or `layer <index>` for an index the description does not know.
    pub fn name(&self, index: usize) -> String {
        self.layers.get(index).map_or_else(|| format!("layer {index}"), |layer| layer.name.clone())
    }

    /// Layers that read `index`, in graph order.
    pub fn readers(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().enumerate().filter(move |(_, layer)| layer.inputs.contains(&index)).map(|(reader, _)| reader)
    }

    /// The only layer that reads `index`; `None` at a branch or at the end.
    pub fn next(&self, index: usize) -> Option<usize> {
        let mut readers = self.readers(index);
        let first = readers.next()?;
        readers.next().is_none().then_some(first)
    }

    /// The normalisation layer that directly follows `index`.
    pub fn norm_after(&self, index: usize) -> Option<usize> {
        self.next(index).filter(|&next| self.layers[next].kind.is_norm())
    }

    /// The activation that follows `index`, directly or after normalisation, dropout or pooling.
    pub fn activation_after(&self, index: usize) -> Option<usize> {
        let mut current = self.next(index)?;
        loop {
            let kind = self.layers[current].kind;
            if kind == LayerKind::Activation {
                return Some(current);
            }
            let passes = kind.is_norm() || matches!(kind, LayerKind::Dropout | LayerKind::MaxPool | LayerKind::AvgPool);
            if !passes {
                return None;
            }
            current = self.next(current)?;
        }
    }

    /// The activation whose output layer `index` reads, directly or through pooling, flattening or dropout.
    pub fn activation_before(&self, index: usize) -> Option<usize> {
        let mut current = self.single_input(index)?;
        loop {
            match self.layers.get(current)?.kind {
                LayerKind::Activation => return Some(current),
                LayerKind::Dropout
                | LayerKind::MaxPool
                | LayerKind::AvgPool
                | LayerKind::GlobalAvgPool
                | LayerKind::Flatten => current = self.single_input(current)?,
                _ => return None,
            }
        }
    }

    /// Indices of the linear and convolution layers, in graph order.
    pub fn weight_layers(&self) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().enumerate().filter(|(_, layer)| layer.kind.has_weight_matrix()).map(|(index, _)| index)
    }

    /// The last layer that holds a weight matrix: the one that makes the logits.
    pub fn output_layer(&self) -> Option<usize> {
        self.weight_layers().last()
    }

    /// `true` if the output of `from` reaches `to` in the forward direction (or both are the same layer).
    pub fn reaches(&self, from: usize, to: usize) -> bool {
        if from >= to || to >= self.layers.len() {
            return from == to;
        }
        let mut reached = vec![false; to + 1];
        reached[from] = true;
        for index in from + 1..=to {
            reached[index] = self.layers[index].inputs.iter().any(|&input| input < index && reached[input]);
        }
        reached[to]
    }

    /// The loss of a classifier that knows nothing: ln C.
    pub fn chance_loss(&self) -> Option<f64> {
        match (self.loss, self.classes) {
            (Some(LossKind::CrossEntropy | LossKind::Nll), Some(classes)) if classes > 1 => Some((classes as f64).ln()),
            (Some(LossKind::Bce | LossKind::BceProbabilities), _) => Some(2f64.ln()),
            _ => None,
        }
    }

    fn single_input(&self, index: usize) -> Option<usize> {
        match self.layers.get(index)?.inputs.as_slice() {
            [input] if *input < index => Some(*input),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActivationFunction::Relu;

    fn residual() -> ModelDescription {
        let layers = vec![
            LayerDescription::new("stem", LayerKind::Conv2d, &[]),
            LayerDescription::new("norm", LayerKind::BatchNorm, &[0]),
            LayerDescription::activation("relu", Relu, &[1]),
            LayerDescription::new("branch", LayerKind::Conv2d, &[2]),
            LayerDescription::new("sum", LayerKind::Add, &[3, 2]),
            LayerDescription::new("pool", LayerKind::GlobalAvgPool, &[4]),
            LayerDescription::new("head", LayerKind::Linear, &[5]),
        ];
        ModelDescription { layers, ..ModelDescription::default() }
    }

    #[test]
    fn walks_the_graph() {
        let model = residual();
        assert_eq!(model.norm_after(0), Some(1));
        assert_eq!(model.activation_after(0), Some(2));
        assert_eq!(model.next(2), None, "the output of relu is read twice");
        assert_eq!(model.activation_before(3), Some(2));
        assert_eq!(model.activation_before(6), None, "a sum is in between");
        assert_eq!(model.output_layer(), Some(6));
    }

    #[test]
    fn reaches_follows_edges_only() {
        let model = residual();
        for (from, to, expected) in
            [(0, 6, true), (3, 6, true), (6, 0, false), (2, 2, true), (3, 2, false), (0, 99, false)]
        {
            assert_eq!(model.reaches(from, to), expected, "{from} -> {to}");
        }
    }
}
