//! Why a loss does not fit a network or its targets.

/// A loss that cannot be used as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LossError {
    /// Values where classes are needed.
    #[error("{loss} needs classes, but the targets are values; use mse or huber")]
    WantsClasses {
        /// Name of the loss.
        loss: &'static str,
    },
    /// Classes where values are needed.
    #[error("{loss} needs values, but the targets are classes; use cross_entropy or hinge")]
    WantsValues {
        /// Name of the loss.
        loss: &'static str,
    },
    /// Nothing to tell apart.
    #[error("{loss} needs at least 2 classes, but the data has {classes}; check the labels")]
    OneClass {
        /// Name of the loss.
        loss: &'static str,
        /// Classes of the data.
        classes: usize,
    },
    /// The network's output has the wrong width.
    #[error(
        "{loss} needs {needed} outputs, but the network gives {outputs}; set out_features of the last linear layer to {needed}"
    )]
    Outputs {
        /// Name of the loss.
        loss: &'static str,
        /// What the network gives.
        outputs: usize,
        /// What the targets need.
        needed: usize,
    },
    /// Weights of classes where the targets are values.
    #[error("class weights need classes, but the targets are values; leave them out")]
    WeightsOfValues,
    /// A weight that is not a positive number.
    #[error("the weight of class {class} is {value}; it must be above 0")]
    ClassWeight {
        /// Number of the class.
        class: usize,
        /// Its weight.
        value: f32,
    },
    /// Not one weight per class.
    #[error("there are {given} class weights, but the data has {classes} classes; give one for each")]
    ClassWeights {
        /// Weights in the config.
        given: usize,
        /// Classes of the data.
        classes: usize,
    },
    /// A setting outside its range.
    #[error("{key} of {loss} is {value}; it must be {allowed}")]
    OutOfRange {
        /// Name of the loss.
        loss: &'static str,
        /// Name of the setting.
        key: &'static str,
        /// What was given.
        value: f32,
        /// What would be accepted.
        allowed: &'static str,
    },
    /// A loss of a program's own, read from a file without its function.
    #[error(
        "the loss `{name}` is code of the program that trained with it; that program gives it again to train on or to \
         evaluate, and `evenkeel predict` needs no loss"
    )]
    CustomLossMissing {
        /// Its name in the file.
        name: String,
    },
    /// A label that names no class.
    #[error("label {label} of sample {sample} is outside 0..{classes}; check the labels")]
    Label {
        /// Place in the targets.
        sample: usize,
        /// What stands there.
        label: u32,
        /// Classes there are.
        classes: usize,
    },
    /// A target value the loss cannot use.
    #[error("target {value} of sample {sample} cannot be used by {loss}; it must be {allowed}")]
    Value {
        /// Name of the loss.
        loss: &'static str,
        /// Place in the targets.
        sample: usize,
        /// What stands there.
        value: f32,
        /// What would be accepted.
        allowed: &'static str,
    },
}
