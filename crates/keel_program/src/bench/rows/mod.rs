//! Rows of `bench`: one file each, or one for rows of the same kind.

mod evaluation;
mod health_levels;
mod image_folder;
mod kernels;
mod start;
mod threads;
mod training_step;

use serde_json::Value;

use super::Context;
use crate::failure::Failure;

/// One row of the table.
pub(crate) struct Row {
    /// Name, as `--only` takes it.
    pub(crate) name: &'static str,
    /// Summary in one line.
    pub(crate) summary: &'static str,
    /// Measures the row and returns an object with at least `name`.
    pub(crate) measure: fn(&'static str, &Context) -> Result<Value, Failure>,
}

/// All rows in the order of the table.
pub(crate) const ROWS: [Row; 11] = [
    row("cnn", "training step of a small convolutional network, batch 128", training_step::measure),
    row("resnet20", "training step of ResNet-20, batch 128", training_step::measure),
    row("mlp", "training step of a 64-128-10 perceptron, batch 32", training_step::measure),
    row("cifar10-fast", "training step of the preset cifar10-fast, batch 128", training_step::measure),
    row("evaluation", "forward pass of ResNet-20 in evaluation mode, batch 128", evaluation::measure),
    row("threads", "the cnn step on one thread and on two", threads::measure),
    row("kernels", "each layer of the yardsticks against the machine's limits", kernels::measure),
    row("health-standard", "the cnn step watched at health level standard and at level off", health_levels::standard),
    row("health-full", "the cnn step watched at health level full and at level off", health_levels::full),
    row("start", "from the start of `evenkeel train` to its first step", start::measure),
    row("image-folder", "training ResNet-20 from an image folder with augmentation, end to end", image_folder::measure),
];

const fn row(
    name: &'static str,
    summary: &'static str,
    measure: fn(&'static str, &Context) -> Result<Value, Failure>,
) -> Row {
    Row { name, summary, measure }
}
