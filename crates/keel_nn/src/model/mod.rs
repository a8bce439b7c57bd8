//! Models: the `[model]` section of a config file, and the presets that it can name.

mod parts;
mod presets;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use parts::{EntryTraining, Part, UnknownPart};
pub use presets::{Block, cnn, mlp, photo, resnet, tabular, torchvision_resnet, whitened};

use crate::init::InitSpec;
use crate::layers::{CustomLayer, LayerSpec};

/// The `[model]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Predefined list of layers; replaced by `layers` if that is given.
    pub preset: Preset,
    /// Width of the preset: channels of its first stage, or units of its hidden layers; 0 = the default of the preset.
    #[schemars(range(max = 1_000_000))]
    pub width: usize,
    /// Depth of the preset: hidden layers of `mlp` and `tabular`, stages of `cnn`, blocks per stage of `resnet20` and `photo`;
    /// 0 = the default of the preset.
    #[schemars(range(max = 1_000))]
    pub depth: usize,
    /// Number of members of an ensemble inside the network: the last layer has separate outputs for each member, each learns
    /// independently, and their predictions are averaged; 0 = the default of the preset, 1 if layers are listed.
    #[schemars(range(max = 1024))]
    pub members: usize,
    /// Dropout probability of the hidden values of the preset.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Initialiser of the weights of linear layers, convolutions, maxout and projections that do not set their own.
    pub init: InitSpec,
    /// ONNX file from which the network takes its layers and weights, instead of `preset`, `layers` and `weights`. It is read
    /// together with the config: the run stores its layers as a list, and the file as `weights`. Empty = none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// File with initial weights, used instead of random ones: `model.safetensors` of another run, a safetensors file that
    /// `evenkeel import` converted, or an ONNX file of the same layers. A last layer with a different number of outputs is
    /// initialised at random. Empty = none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub weights: String,
    /// Parts whose weights and running statistics keep their initial values: stem, stage1, body (all but the last layer with
    /// weights), layers.3 and so on. Their batch norms work as in evaluation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<String>,
    /// Factors of the learning rate, by part.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    pub learning_rate_factors: BTreeMap<String, f64>,
    /// Layers in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerSpec>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig {
            preset: Preset::Auto,
            width: 0,
            depth: 0,
            members: 0,
            dropout: 0.0,
            init: InitSpec::Auto,
            source: String::new(),
            weights: String::new(),
            frozen: Vec::new(),
            learning_rate_factors: BTreeMap::new(),
            layers: Vec::new(),
        }
    }
}

/// Names of predefined models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Chosen from the data when the training run begins: a perceptron for rows, a convolutional or residual network for images.
    Auto,
    /// For tables: eight members share two layers of 128 units, and each has a last layer of its own.
    Tabular,
    /// Linear - batch norm - relu, twice (64 units), then linear.
    Mlp,
    /// Convolution 3x3 - batch norm - relu - max pool, twice (32 and 64 channels), then linear.
    Cnn,
    /// ResNet-20 for small images: three stages of three residual blocks (16, 32, 64 channels).
    Resnet20,
    /// For small colour images, fast to train: whitening filters, then three stages of two convolutions (64, 256, 256).
    Whitened,
    /// For photos: a stem that reduces their size, then four stages of residual blocks (32, 64, 128, 256 channels).
    Photo,
    /// ResNet-18 as in torchvision: four stages of two blocks (64, 128, 256, 512 channels).
    Resnet18,
    /// ResNet-34 as in torchvision: four stages of 3, 4, 6 and 3 blocks.
    Resnet34,
    /// ResNet-50 as in torchvision: four stages of 3, 4, 6 and 3 bottleneck blocks (256 to 2,048 channels).
    Resnet50,
}

impl Preset {
    /// All presets with name and summary.
    pub const ALL: [(Preset, &'static str, &'static str); 10] = [
        (
            Preset::Auto,
            "auto",
            "chosen from the data, with preprocessing, augmentation, optimizer and length of the training run",
        ),
        (Preset::Tabular, "tabular", "an ensemble of perceptrons that share their hidden layers; for tables"),
        (Preset::Mlp, "mlp", "linear - batch norm - relu, twice, then linear; for tables"),
        (Preset::Cnn, "cnn", "conv - batch norm - relu - pool, twice, then linear; for small images"),
        (Preset::Resnet20, "resnet20", "20-layer residual network (He et al. 2016); for 32x32 images and up"),
        (
            Preset::Whitened,
            "whitened",
            "whitening filters and three stages of two convolutions; for small colour images",
        ),
        (Preset::Photo, "photo", "a stem that reduces the image size and four stages of residual blocks; for photos"),
        (
            Preset::Resnet18,
            "resnet18",
            "18-layer residual network (He et al. 2016) for photos, with torchvision's layout",
        ),
        (
            Preset::Resnet34,
            "resnet34",
            "34-layer residual network (He et al. 2016) for photos, with torchvision's layout",
        ),
        (
            Preset::Resnet50,
            "resnet50",
            "50-layer residual network of bottlenecks for photos, with torchvision's layout",
        ),
    ];
}

impl ModelConfig {
    /// Returns true if the layers are not determined yet: the preset is `auto` and no list of layers is given.
    pub fn is_auto(&self) -> bool {
        self.preset == Preset::Auto && self.layers.is_empty()
    }

    /// Returns the listed layers or those of the preset, with `init` in layers that do not set an initialiser. Empty while
    /// [`is_auto`](Self::is_auto): the choice needs the data.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let or = |value: usize, own: usize| if value == 0 { own } else { value };
        let mut layers = match (self.layers.is_empty(), self.preset) {
            (false, _) => self.layers.clone(),
            (true, Preset::Auto) => Vec::new(),
            (true, Preset::Tabular) => {
                let (width, depth) = (or(self.width, 128), or(self.depth, 2));
                tabular(width, depth, self.members(), self.dropout as f32)
            }
            (true, Preset::Mlp) => mlp(or(self.width, 64), or(self.depth, 2)),
            (true, Preset::Cnn) => cnn(or(self.width, 32), or(self.depth, 2)),
            (true, Preset::Resnet20) => resnet(or(self.width, 16), or(self.depth, 3)),
            (true, Preset::Whitened) => whitened(or(self.width, 64)),
            (true, Preset::Photo) => photo(or(self.width, 32), or(self.depth, 1), self.dropout as f32),
            (true, Preset::Resnet18) => torchvision_resnet(or(self.width, 64), [2, 2, 2, 2], Block::Basic),
            (true, Preset::Resnet34) => torchvision_resnet(or(self.width, 64), [3, 4, 6, 3], Block::Basic),
            (true, Preset::Resnet50) => torchvision_resnet(or(self.width, 64), [3, 4, 6, 3], Block::Bottleneck),
        };
        if self.init != InitSpec::Auto {
            set_init(&mut layers, self.init);
        }
        layers
    }

    /// Returns the same model as a list of layers; parts are then named by their entries.
    pub fn listed(&self) -> ModelConfig {
        let parts = self.parts();
        let entries = |name: &String| match parts.iter().find(|part| part.name == *name) {
            Some(part) => part.entries.clone().map(|at| format!("layers.{at}")).collect(),
            None => vec![name.clone()],
        };
        let frozen = self.frozen.iter().flat_map(entries).collect();
        let factors = self.learning_rate_factors.iter();
        let learning_rate_factors =
            factors.flat_map(|(name, factor)| entries(name).into_iter().map(|entry| (entry, *factor))).collect();
        let (layers, members) = (self.layers(), self.members());
        ModelConfig { layers, members, frozen, learning_rate_factors, ..self.clone() }
    }

    /// Returns the number of predictions that the network gives for each sample.
    pub fn members(&self) -> usize {
        let own = if self.layers.is_empty() && self.preset == Preset::Tabular { presets::TABULAR_MEMBERS } else { 1 };
        if self.members == 0 { own } else { self.members }
    }

    /// Returns the custom layers of this model, to be passed to [`ModelConfig::provide`] of a config read from a file.
    pub fn custom_layers(&self) -> Vec<CustomLayer> {
        let mut own = Vec::new();
        collect_custom(&self.layers, &mut own);
        own
    }

    /// Supplies the custom layers, by name, to a config that was read from a file.
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

fn set_init(layers: &mut [LayerSpec], init: InitSpec) {
    for layer in layers {
        let own = match layer {
            LayerSpec::Linear(linear) => &mut linear.init,
            LayerSpec::Conv2d(conv) => &mut conv.init,
            LayerSpec::Maxout(maxout) => &mut maxout.init,
            LayerSpec::Residual(residual) => {
                set_init(&mut residual.body, init);
                &mut residual.shortcut_init
            }
            _ => continue,
        };
        if *own == InitSpec::Auto {
            *own = init;
        }
    }
}
