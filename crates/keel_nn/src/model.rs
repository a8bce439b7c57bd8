//! Models: what a config file's `[model]` section says, and the presets it can name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activations::Activation;
use crate::init::InitSpec;
use crate::layers::{
    BatchNormSpec, Conv2dSpec, CustomLayer, FlattenSpec, GlobalAvgPoolSpec, LayerSpec, LinearSpec, MaxPoolSpec,
    Padding, ResidualSpec,
};

/// The `[model]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// A ready-made list of layers; `layers`, where given, replaces it.
    pub preset: Preset,
    /// Width of the preset: channels of its first stage, or units of its hidden layers; 0 = the preset's own.
    #[schemars(range(max = 1_000_000))]
    pub width: usize,
    /// Depth of the preset: hidden layers of `mlp`, stages of `cnn`, blocks per stage of `resnet20`; 0 = its own.
    #[schemars(range(max = 1_000))]
    pub depth: usize,
    /// Initialiser of every weight whose layer names none.
    pub init: InitSpec,
    /// The layers in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerSpec>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig { preset: Preset::Cnn, width: 0, depth: 0, init: InitSpec::Auto, layers: Vec::new() }
    }
}

/// Names of ready-made models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Linear - batch norm - relu, twice (64 units), then linear.
    Mlp,
    /// Convolution 3x3 - batch norm - relu - max pool, twice (32 and 64 channels), then linear.
    Cnn,
    /// ResNet-20 for small images: three stages of three residual blocks (16, 32, 64 channels).
    Resnet20,
}

impl Preset {
    /// Every preset with its name and one line.
    pub const ALL: [(Preset, &'static str, &'static str); 3] = [
        (Preset::Mlp, "mlp", "linear - batch norm - relu, twice, then linear; for tables"),
        (Preset::Cnn, "cnn", "conv - batch norm - relu - pool, twice, then linear; for small images"),
        (Preset::Resnet20, "resnet20", "20-layer residual network (He et al. 2016); for 32x32 images and up"),
    ];
}

impl ModelConfig {
    /// The layers: those given, or the preset's, with `init` where a layer names none.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let or = |value: usize, own: usize| if value == 0 { own } else { value };
        let mut layers = match (self.layers.is_empty(), self.preset) {
            (false, _) => self.layers.clone(),
            (true, Preset::Mlp) => mlp(or(self.width, 64), or(self.depth, 2)),
            (true, Preset::Cnn) => cnn(or(self.width, 32), or(self.depth, 2)),
            (true, Preset::Resnet20) => resnet(or(self.width, 16), or(self.depth, 3)),
        };
        if self.init != InitSpec::Auto {
            set_init(&mut layers, self.init);
        }
        layers
    }

    /// The layers of a program's own in this model, to be given to [`ModelConfig::provide`] of the config a file holds.
    pub fn custom_layers(&self) -> Vec<CustomLayer> {
        let mut own = Vec::new();
        collect_custom(&self.layers, &mut own);
        own
    }

    /// Gives the layers of a program's own, by name, to a config that was read from a file.
    pub fn provide(&mut self, layers: &[CustomLayer]) {
        provide(&mut self.layers, layers);
    }
}

fn collect_custom(layers: &[LayerSpec], own: &mut Vec<CustomLayer>) {
    for layer in layers {
        match layer {
            LayerSpec::Custom(custom) => own.push(custom.clone()),
            LayerSpec::Residual(residual) => collect_custom(&residual.body, own),
            _ => {}
        }
    }
}

fn provide(layers: &mut [LayerSpec], own: &[CustomLayer]) {
    for layer in layers {
        match layer {
            LayerSpec::Custom(custom) => custom.provide(own),
            LayerSpec::Residual(residual) => provide(&mut residual.body, own),
            _ => {}
        }
    }
}

/// `depth` times linear - batch norm - relu with `width` units, then linear.
pub fn mlp(width: usize, depth: usize) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for _ in 0..depth {
        let mut linear = LinearSpec::new(width);
        linear.bias = false;
        layers.extend([LayerSpec::Linear(linear), batch_norm(), relu()]);
    }
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// `depth` times convolution - batch norm - relu - max pool, channels doubling from `width`, then linear.
pub fn cnn(width: usize, depth: usize) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for stage in 0..depth {
        layers.extend([conv(doubled(width, stage), 1), batch_norm(), relu(), LayerSpec::MaxPool(MaxPoolSpec::new(2))]);
    }
    layers.push(LayerSpec::Flatten(FlattenSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// The CIFAR residual network of He et al. 2016 with `6 * blocks + 2` layers, channels `width`, `2 width`, `4 width`.
pub fn resnet(width: usize, blocks: usize) -> Vec<LayerSpec> {
    let mut layers = vec![conv(width, 1), batch_norm(), relu()];
    for stage in 0..3 {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let channels = doubled(width, stage);
            let body = vec![conv(channels, stride), batch_norm(), relu(), conv(channels, 1), batch_norm()];
            layers.push(LayerSpec::Residual(ResidualSpec::new(body)));
        }
    }
    layers.push(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// `width` doubled `times` times; a number of channels no layer accepts where there is none.
fn doubled(width: usize, times: usize) -> usize {
    let factor = u32::try_from(times).ok().and_then(|times| 2usize.checked_pow(times));
    factor.and_then(|factor| width.checked_mul(factor)).unwrap_or(usize::MAX)
}

/// A 3x3 convolution with one pixel of padding and no bias.
fn conv(channels: usize, stride: usize) -> LayerSpec {
    let mut conv = Conv2dSpec::new(channels, 3);
    (conv.stride, conv.padding, conv.bias) = (stride.into(), Padding::Each(1), false);
    LayerSpec::Conv2d(conv)
}

fn batch_norm() -> LayerSpec {
    LayerSpec::BatchNorm(BatchNormSpec::default())
}

fn relu() -> LayerSpec {
    LayerSpec::Activation(Activation::Relu)
}

fn set_init(layers: &mut [LayerSpec], init: InitSpec) {
    for layer in layers {
        let own = match layer {
            LayerSpec::Linear(linear) => &mut linear.init,
            LayerSpec::Conv2d(conv) => &mut conv.init,
            LayerSpec::Residual(residual) => {
                set_init(&mut residual.body, init);
                continue;
            }
            _ => continue,
        };
        if *own == InitSpec::Auto {
            *own = init;
        }
    }
}
