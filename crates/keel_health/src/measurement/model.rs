//! Static description of a model: its graph, its loss and its regularisation.

use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Serialize};

use super::activation_function::ActivationFunction;

/// Graph of a model in an evaluation order, its loss and the settings used by rules.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelDescription {
    /// Layers in graph order: every layer comes after the layers it reads.
    pub layers: Vec<LayerDescription>,
    /// Loss applied to the output of the last layer.
    pub loss: Option<LossKind>,
    /// Number of classes; `None` for regression.
    pub classes: Option<usize>,
    /// Number of predictions of the network per sample, side by side; `None` means one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    /// True if the network may apply functions that are not described as layers, such as a softmax at its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlisted_functions: bool,
    /// True if the weights come from earlier training, false if they are drawn at random; `None` if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pretrained: Option<bool>,
    /// Configured (peak) learning rate of the schedule.
    pub learning_rate: Option<f32>,
    /// Name of the optimizer: `sgd`, `adam`, `adamw`, …
    pub optimizer: Option<String>,
    /// Configured weight decay.
    pub weight_decay: Option<f32>,
    /// Configured limit of the gradient norm, if gradients are clipped.
    pub clip_norm: Option<f32>,
    /// Number of samples in a training batch.
    pub batch_size: Option<u64>,
    /// Number of epochs planned.
    pub epochs: Option<u64>,
    /// Number of samples in an epoch (the size of the training split).
    pub samples_per_epoch: Option<u64>,
}

/// One layer (node) of the graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerDescription {
    /// Name of the layer for the user; unique in the model.
    pub name: String,
    /// Kind of the layer.
    pub kind: LayerKind,
    /// Indices of the layers it reads; empty for the input of the network.
    pub inputs: Vec<usize>,
    /// Function of an `activation` layer.
    pub function: Option<ActivationFunction>,
    /// Number of output units: features of a linear layer, channels of a convolution.
    pub units: Option<usize>,
    /// Number of inputs of one unit (`in_features`, or kernel height × width × channels).
    pub fan_in: Option<usize>,
    /// Name of the initialiser of the weights.
    pub initializer: Option<String>,
    /// True if the layer has a bias.
    pub bias: bool,
    /// True if the user froze its parameters on purpose.
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
    /// Maximum of several linear maps.
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
    /// Sum at the end of a residual block.
    Add,
    /// Anything else.
    #[default]
    Other,
}

/// Loss, by the input it expects from the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Combined softmax and cross-entropy: expects logits.
    CrossEntropy,
    /// Negative log likelihood: expects log-probabilities.
    Nll,
    /// Binary cross-entropy with built-in sigmoid: expects logits.
    Bce,
    /// Binary cross-entropy without a sigmoid: expects probabilities.
    BceProbabilities,
    /// Multi-class hinge loss: expects scores.
    Hinge,
    /// Mean squared error: expects values in the scale of the targets.
    Mse,
    /// Huber loss: expects values in the scale of the targets.
    Huber,
    /// Anything else.
    Other,
}

impl LossKind {
    /// Returns the loss with the name `name` in recordings.
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        LossKind::deserialize(name).ok()
    }

    /// Returns the name in configs and messages.
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
    /// Returns the kind with the name `name` in recordings.
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        LayerKind::deserialize(name).ok()
    }

    /// Returns true if the layer multiplies by a weight matrix or kernel.
    pub fn has_weight_matrix(self) -> bool {
        matches!(self, Self::Linear | Self::Conv2d | Self::Maxout)
    }

    /// Returns true if the layer re-centres and re-scales its input.
    pub fn is_norm(self) -> bool {
        matches!(self, Self::BatchNorm | Self::LayerNorm | Self::GroupNorm | Self::InstanceNorm)
    }
}

impl LayerDescription {
    /// Creates a layer with this name and kind that reads the layers with the given indices.
    pub fn new(name: impl Into<String>, kind: LayerKind, inputs: &[usize]) -> Self {
        Self { name: name.into(), kind, inputs: inputs.to_vec(), ..Self::default() }
    }

    /// Creates an activation layer.
    pub fn activation(name: impl Into<String>, function: ActivationFunction, inputs: &[usize]) -> Self {
        Self { function: Some(function), ..Self::new(name, LayerKind::Activation, inputs) }
    }
}

impl ModelDescription {
    /// Returns the index of the layer called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.layers.iter().position(|layer| layer.name == name)
    }

    /// Returns the name of layer `index`, or `layer <index>` if the description does not contain it.
    pub fn name(&self, index: usize) -> String {
        self.layers.get(index).map_or_else(|| format!("layer {index}"), |layer| layer.name.clone())
    }

    /// Iterates over the layers that read `index`, in graph order.
    pub fn readers(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().enumerate().filter(move |(_, layer)| layer.inputs.contains(&index)).map(|(reader, _)| reader)
    }

    /// Returns the only layer that reads `index`, or `None` at a branch or at the end.
    pub fn next(&self, index: usize) -> Option<usize> {
        let mut readers = self.readers(index);
        let first = readers.next()?;
        readers.next().is_none().then_some(first)
    }

    /// Returns the normalisation layer that directly follows `index`.
    pub fn norm_after(&self, index: usize) -> Option<usize> {
        self.next(index).filter(|&next| self.layers[next].kind.is_norm())
    }

    /// Returns the activation that follows `index`, directly or after normalisation, dropout or pooling.
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

    /// Returns the activation whose output layer `index` reads, directly or through pooling, flattening or dropout.
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

    /// Iterates over the indices of the linear and convolution layers, in graph order.
    pub fn weight_layers(&self) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().enumerate().filter(|(_, layer)| layer.kind.has_weight_matrix()).map(|(index, _)| index)
    }

    /// Returns the last layer with a weight matrix, which computes the logits.
    pub fn output_layer(&self) -> Option<usize> {
        self.weight_layers().last()
    }

    /// Returns true if the output of `from` reaches `to` in the forward direction (or both are the same layer).
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

    /// Returns the loss of an uninformed classifier: ln C.
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
