//! A network as a list of layers, built by chaining.

use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_nn::layers::{
    AvgPoolSpec, BatchNormSpec, BuildError, Conv2dSpec, CustomLayer, DropoutSpec, FlattenSpec, GlobalAvgPoolSpec,
    GroupNormSpec, InstanceNormSpec, LayerNormSpec, LayerSpec, LinearSpec, MaxPoolSpec, MaxoutSpec, RescaleSpec,
    ResidualSpec,
};
use keel_nn::{Layer, ModelConfig, Preset, Shape};

/// A network without its data: input shapes, the width of an open last layer and `auto` initialisers are resolved
/// when training begins.
///
/// # Examples
///
/// A residual network for images with as many outputs as the data has classes:
///
/// ```
/// use evenkeel::prelude::*;
///
/// let block = Model::sequential().conv2d(16, 3).batch_norm().relu().conv2d(16, 3).batch_norm();
/// let model = Model::sequential()
///     .conv2d(16, 3).batch_norm().relu()
///     .residual(block)
///     .global_avg_pool()
///     .output();
/// assert_eq!(model.into_config().layers.len(), 6);
/// ```
#[must_use = "a model does nothing until it is passed to a trainer"]
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    config: ModelConfig,
}

impl Model {
    /// Returns a model without layers.
    pub fn sequential() -> Self {
        Model { config: ModelConfig::default() }
    }

    /// Returns a ready-made network.
    pub fn preset(preset: Preset) -> Self {
        Model { config: ModelConfig { preset, ..ModelConfig::default() } }
    }

    /// Adds any layer of the catalog, with all its keys. A list of layers replaces a preset.
    pub fn layer(mut self, layer: LayerSpec) -> Self {
        self.config.layers.push(layer);
        self
    }

    /// Adds a layer of your own: `build` makes it for its input shape. The run's files hold only `name`, so settings of
    /// the layer belong in it; the run that `fit` returns knows the layer and can predict. A program that reads the run
    /// later supplies the layer again, with [`Predictor::load_with`](crate::prelude::Predictor::load_with); the `evenkeel`
    /// command cannot load such a run and reports it.
    pub fn custom(
        self,
        name: impl Into<String>,
        build: impl Fn(Shape) -> Result<Box<dyn Layer>, BuildError> + Send + Sync + 'static,
    ) -> Self {
        self.layer(LayerSpec::Custom(CustomLayer::new(name, build)))
    }

    /// Sets the initialiser for the weights of linear layers, convolutions, maxout and projections without one of their own.
    pub fn init(mut self, init: InitSpec) -> Self {
        self.config.init = init;
        self
    }

    /// Adds a convolution with a square kernel, stride 1, "same" padding and a bias.
    pub fn conv2d(self, out_channels: usize, kernel: usize) -> Self {
        self.layer(LayerSpec::Conv2d(Conv2dSpec::new(out_channels, kernel)))
    }

    /// Adds a linear layer with a bias; an image before it is flattened.
    pub fn linear(self, out_features: usize) -> Self {
        self.layer(LayerSpec::Linear(LinearSpec::new(out_features)))
    }

    /// Adds the last linear layer, with one output for each class or target of the data.
    pub fn output(self) -> Self {
        self.layer(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }))
    }

    /// Adds a normalisation of each channel or feature over the batch.
    pub fn batch_norm(self) -> Self {
        self.layer(LayerSpec::BatchNorm(BatchNormSpec::default()))
    }

    /// Adds a normalisation of each sample over all its values.
    pub fn layer_norm(self) -> Self {
        self.layer(LayerSpec::LayerNorm(LayerNormSpec::default()))
    }

    /// Adds a normalisation of each sample over groups of channels.
    pub fn group_norm(self, groups: usize) -> Self {
        self.layer(LayerSpec::GroupNorm(GroupNormSpec::new(groups)))
    }

    /// Adds a normalisation of each channel of each sample.
    pub fn instance_norm(self) -> Self {
        self.layer(LayerSpec::InstanceNorm(InstanceNormSpec::default()))
    }

    /// Adds an activation.
    pub fn activation(self, function: Activation) -> Self {
        self.layer(LayerSpec::Activation(function))
    }

    /// Adds max(0, x).
    pub fn relu(self) -> Self {
        self.activation(Activation::Relu)
    }

    /// Adds tanh(x).
    pub fn tanh(self) -> Self {
        self.activation(Activation::Tanh)
    }

    /// Adds 1 / (1 + exp(-x)).
    pub fn sigmoid(self) -> Self {
        self.activation(Activation::Sigmoid)
    }

    /// Adds the maximum of each square window, windows side by side.
    pub fn max_pool(self, kernel: usize) -> Self {
        self.layer(LayerSpec::MaxPool(MaxPoolSpec::new(kernel)))
    }

    /// Adds the average of each square window, windows side by side.
    pub fn avg_pool(self, kernel: usize) -> Self {
        self.layer(LayerSpec::AvgPool(AvgPoolSpec::new(kernel)))
    }

    /// Adds the average of each channel over the whole image.
    pub fn global_avg_pool(self) -> Self {
        self.layer(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()))
    }

    /// Adds a conversion of the image to a vector.
    pub fn flatten(self) -> Self {
        self.layer(LayerSpec::Flatten(FlattenSpec::default()))
    }

    /// Adds dropout: sets this share of the values to zero during training.
    pub fn dropout(self, probability: f32) -> Self {
        self.layer(LayerSpec::Dropout(DropoutSpec { probability }))
    }

    /// Adds a multiplication of every value by a fixed factor.
    pub fn rescale(self, factor: f32) -> Self {
        self.layer(LayerSpec::Rescale(RescaleSpec { factor }))
    }

    /// Adds the layers of `body`, with their input added to their output, then relu.
    pub fn residual(self, body: Model) -> Self {
        self.layer(LayerSpec::Residual(ResidualSpec::new(body.config.layers)))
    }

    /// Adds the maximum of several linear maps.
    pub fn maxout(self, out_features: usize) -> Self {
        self.layer(LayerSpec::Maxout(MaxoutSpec::new(out_features)))
    }

    /// Returns the `[model]` section.
    pub fn into_config(self) -> ModelConfig {
        self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chaining_lists_the_layers_in_order() {
        let block = Model::sequential().conv2d(8, 3).batch_norm().relu();
        let model = Model::sequential().conv2d(8, 3).residual(block).global_avg_pool().dropout(0.1).output();
        let layers = model.into_config().layers();
        let names: Vec<&str> = layers.iter().map(LayerSpec::name).collect();
        assert_eq!(names, ["conv2d", "residual", "global_avg_pool", "dropout", "linear"]);
    }
}
