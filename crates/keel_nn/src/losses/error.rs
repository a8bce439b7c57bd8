//! Errors of a loss that does not fit a network or its targets.

/// Reason why a loss cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// The targets are values, but the loss needs classes.
    #[error("{loss} needs classes, but the targets are values; use mse or huber")]
    WantsClasses {
        /// Name of the loss.
        loss: &'static str,
    },
    /// The targets are classes, but the loss needs values.
    #[error("{loss} needs values, but the targets are classes; use cross_entropy or hinge")]
    WantsValues {
        /// Name of the loss.
        loss: &'static str,
    },
    /// There are fewer than two classes.
    #[error("{loss} needs at least 2 classes, but the data has {classes}; check the labels")]
    OneClass {
        /// Name of the loss.
        loss: &'static str,
        /// Number of classes in the data.
        classes: usize,
    },
    /// The network's output has the wrong width.
    #[error(
        "{loss} needs {needed} outputs, but the network gives {outputs}; set out_features of the last linear layer to {needed}"
    )]
    Outputs {
        /// Name of the loss.
        loss: &'static str,
        /// Number of outputs of the network.
        outputs: usize,
        /// Number of outputs that the targets need.
        needed: usize,
    },
    /// Class weights are given, but the targets are values.
    #[error("class weights need classes, but the targets are values; omit them")]
    WeightsOfValues,
    /// A weight is not a positive number.
    #[error("the weight of class {class} is {value}; it must be above 0")]
    ClassWeight {
        /// Index of the class.
        class: usize,
        /// Its weight.
        value: f32,
    },
    /// The number of class weights differs from the number of classes.
    #[error("there are {given} class weights, but the data has {classes} classes; give one per class")]
    ClassWeights {
        /// Number of weights in the config.
        given: usize,
        /// Number of classes in the data.
        classes: usize,
    },
    /// A setting is out of range.
    #[error("{key} of {loss} is {value}; it must be {allowed}")]
    OutOfRange {
        /// Name of the loss.
        loss: &'static str,
        /// Name of the setting.
        key: &'static str,
        /// Value of the setting.
        value: f32,
        /// Description of the accepted values.
        allowed: &'static str,
    },
    /// The function of a custom loss is missing after reading a file.
    #[error(
        "the loss `{name}` is code of the program that trained with it; that program has to supply it to continue training or to \
         evaluate, and `evenkeel predict` needs no loss"
    )]
    CustomLossMissing {
        /// Name in the file.
        name: String,
    },
    /// A label is not a class.
    #[error("label {label} of sample {sample} is outside 0..{classes}; check the labels")]
    Label {
        /// Index of the target.
        sample: usize,
        /// Label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A target value is invalid for the loss.
    #[error("target {value} of sample {sample} cannot be used by {loss}; it must be {allowed}")]
    Value {
        /// Name of the loss.
        loss: &'static str,
        /// Index of the target.
        sample: usize,
        /// Value of the target.
        value: f32,
        /// Description of the accepted values.
        allowed: &'static str,
    },
}
