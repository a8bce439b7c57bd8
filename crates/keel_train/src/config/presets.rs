//! Shipped config files.

/// A config file embedded in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresetFile {
    /// Name, as in `train NAME`.
    pub name: &'static str,
    /// Purpose in one line.
    pub summary: &'static str,
    /// Text in TOML.
    pub text: &'static str,
}

/// All shipped config files.
pub const PRESETS: &[PresetFile] = &[
    PresetFile {
        name: "digits",
        summary: "the classic convolutional network on the embedded handwritten digits",
        text: include_str!("../../presets/digits.toml"),
    },
    PresetFile {
        name: "cifar10-fast",
        summary: "high accuracy on CIFAR-10 in a short training run: whitening filters, averaged weights; set data.source",
        text: include_str!("../../presets/cifar10-fast.toml"),
    },
    PresetFile {
        name: "mlp",
        summary: "a small network for tables, classes or values; set data.source",
        text: include_str!("../../presets/mlp.toml"),
    },
    PresetFile {
        name: "resnet20",
        summary: "ResNet-20 for 32x32 colour images such as CIFAR-10; set data.source",
        text: include_str!("../../presets/resnet20.toml"),
    },
];
