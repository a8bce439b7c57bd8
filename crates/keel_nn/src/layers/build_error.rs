//! Errors of building a layer for its input.

use crate::Shape;
use crate::layers::Extent;

/// Reason why a layer cannot be built for its input shape; the code that builds the network adds which layer it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The layer works on images.
    #[error(
        "{kind} needs an image, but its input is a vector of {features} features; move it before the flatten, or use linear if the data are not images"
    )]
    WantsImage {
        /// Name of the layer.
        kind: &'static str,
        /// Length of the vector.
        features: usize,
    },
    /// The layer works on vectors.
    #[error("{kind} needs a vector, but its input is an image of {input}; add a flatten or global_avg_pool before it")]
    WantsFeatures {
        /// Name of the layer.
        kind: &'static str,
        /// Shape of the image.
        input: Shape,
    },
    /// The input is empty.
    #[error("{kind} has an empty input ({input}); the layers before it shrink the image too much")]
    EmptyInput {
        /// Name of the layer.
        kind: &'static str,
        /// Shape of the input.
        input: Shape,
    },
    /// A size that must be at least 1 is 0.
    #[error("{key} of {kind} is 0; it must be at least 1")]
    Zero {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
    },
    /// A size is larger than any sensible use.
    #[error("{key} of {kind} is {value}; it must be at most {largest}")]
    AboveLargest {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
        /// Value of the key.
        value: usize,
        /// Largest value that is accepted.
        largest: usize,
    },
    /// A layer is too large for any memory.
    #[error(
        "{kind} would have {length} {what}, more than fit into any memory; use a narrower layer or a smaller input"
    )]
    TooLarge {
        /// Name of the layer.
        kind: &'static str,
        /// Kind of numbers: its weights, or the values of an output sample.
        what: &'static str,
        /// Number of them.
        length: u128,
    },
    /// A number is out of range.
    #[error("{key} of {kind} is {value}; it must be {allowed}")]
    OutOfRange {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
        /// Value of the key.
        value: f32,
        /// Description of the accepted values, e.g. `above 0`.
        allowed: &'static str,
    },
    /// A key refers to the biases of a layer without biases.
    #[error("{key} of {kind} needs a bias; set bias = true or omit {key}")]
    BiasMissing {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
    },
    /// Channels cannot be split evenly.
    #[error("{kind} cannot split {channels} {what} into {groups} equal groups; choose a divisor of {channels}")]
    NotDivisible {
        /// Name of the layer.
        kind: &'static str,
        /// Name of what is split: `channels`, `input channels`, `output channels`.
        what: &'static str,
        /// Number of channels.
        channels: usize,
        /// Number of groups in the config.
        groups: usize,
    },
    /// The window is larger than the padded image.
    #[error(
        "a {kernel} window of {kind} does not fit the input {input}, {padded} with padding; use a smaller kernel, more \
         padding or fewer pools before it"
    )]
    WindowTooLarge {
        /// Name of the layer.
        kind: &'static str,
        /// Rows and columns that the window spans, dilation included.
        kernel: Extent,
        /// Shape of the input.
        input: Shape,
        /// Height and width of the input with padding.
        padded: Extent,
    },
    /// A window of a pool could cover padding only.
    #[error("padding {padding} of {kind} is more than half of its {kernel} kernel; a window could cover padding only")]
    PaddingTooLarge {
        /// Name of the layer.
        kind: &'static str,
        /// Rows and columns of padding on each side.
        padding: usize,
        /// Size of the kernel.
        kernel: Extent,
    },
    /// Statistics over a single value would make every output equal to the shift.
    #[error(
        "{kind} of {input} would normalise each value on its own, and all its outputs would be zero; it needs {needs}"
    )]
    NothingToNormalise {
        /// Name of the layer.
        kind: &'static str,
        /// Shape of the input.
        input: Shape,
        /// Requirement in words.
        needs: &'static str,
    },
    /// An initialiser is invalid.
    #[error(transparent)]
    Init(#[from] crate::init::InvalidInit),
    /// A layer other than the last linear layer has no width.
    #[error("out_features of {kind} is missing; only for the last linear layer is it taken from the data")]
    OutFeaturesMissing {
        /// Name of the layer.
        kind: &'static str,
    },
    /// The function of a custom layer is missing after reading a file.
    #[error(
        "the layer `{name}` is code of the program that trained it; only that program can build it (the library's \
         Predictor::load_with and ModelConfig::provide accept it)"
    )]
    CustomLayerMissing {
        /// Name in the file.
        name: String,
    },
    /// A spec consists of several nodes of a graph.
    #[error("{kind} consists of several layers; add it to a graph instead of building it as one layer")]
    SeveralLayers {
        /// Name of the spec.
        kind: &'static str,
    },
}
