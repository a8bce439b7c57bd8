//! Why a layer does not fit its input.

use crate::Shape;
use crate::layers::Extent;

/// A layer that cannot be built for the shape it would get; whoever builds the network adds which layer it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuildError {
    /// The layer works on images.
    #[error(
        "{kind} wants an image but its input is a vector of {features} features; move it before the flatten, or use linear where the data are no images"
    )]
    WantsImage {
        /// Name of the layer.
        kind: &'static str,
        /// Length of the vector.
        features: usize,
    },
    /// The layer works on vectors.
    #[error("{kind} wants a vector but its input is an image of {input}; put a flatten or global_avg_pool before it")]
    WantsFeatures {
        /// Name of the layer.
        kind: &'static str,
        /// Shape of the image.
        input: Shape,
    },
    /// The input holds nothing.
    #[error("{kind} gets an empty input ({input}); the layers before it shrink the image too far")]
    EmptyInput {
        /// Name of the layer.
        kind: &'static str,
        /// Its input.
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
    /// A size above any use.
    #[error("{key} of {kind} is {value}; it must be at most {largest}")]
    AboveLargest {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
        /// The size.
        value: usize,
        /// What would be accepted.
        largest: usize,
    },
    /// More numbers than any memory holds.
    #[error("{kind} would have {length} {what}, more than any memory holds; use a narrower layer or a smaller input")]
    TooLarge {
        /// Name of the layer.
        kind: &'static str,
        /// The numbers: its weights, or the values of an output sample.
        what: &'static str,
        /// How many there would be.
        length: u128,
    },
    /// A number outside its range.
    #[error("{key} of {kind} is {value}; it must be {allowed}")]
    OutOfRange {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
        /// What was given.
        value: f32,
        /// What would be accepted, e.g. `above 0`.
        allowed: &'static str,
    },
    /// A key about the biases of a layer without them.
    #[error("{key} of {kind} has no bias to train; set bias = true or leave {key} out")]
    BiasMissing {
        /// Name of the layer.
        kind: &'static str,
        /// Name of the key.
        key: &'static str,
    },
    /// Channels that cannot be split evenly.
    #[error("{kind} cannot split {channels} {what} into {groups} equal groups; choose a divisor of {channels}")]
    NotDivisible {
        /// Name of the layer.
        kind: &'static str,
        /// What is split: `channels`, `input channels`, `output channels`.
        what: &'static str,
        /// How many there are.
        channels: usize,
        /// Groups asked for.
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
        /// Rows and columns the window spans, dilation included.
        kernel: Extent,
        /// The input.
        input: Shape,
        /// Its height and width with padding.
        padded: Extent,
    },
    /// A pool whose padding could hold a whole window.
    #[error("padding {padding} of {kind} is more than half of its {kernel} kernel; a window could see padding only")]
    PaddingTooLarge {
        /// Name of the layer.
        kind: &'static str,
        /// Rows and columns on each side.
        padding: usize,
        /// The kernel.
        kernel: Extent,
    },
    /// Statistics over a single value would turn every output into the shift.
    #[error("{kind} over {input} would normalise each value by itself and always give zero; it needs {needs}")]
    NothingToNormalise {
        /// Name of the layer.
        kind: &'static str,
        /// The input.
        input: Shape,
        /// What would do.
        needs: &'static str,
    },
    /// An initialiser that cannot fill a parameter.
    #[error(transparent)]
    Init(#[from] crate::init::InvalidInit),
    /// Only the last linear layer may leave its width open.
    #[error("out_features of {kind} is missing; only the last linear layer takes it from the data")]
    OutFeaturesMissing {
        /// Name of the layer.
        kind: &'static str,
    },
    /// A layer of a program's own, read from a file without its function.
    #[error(
        "the layer `{name}` is code of the program that trained it; only that program can build it (the library's \
         Predictor::load_with and ModelConfig::provide take it)"
    )]
    CustomLayerMissing {
        /// Its name in the file.
        name: String,
    },
    /// A spec that stands for several nodes of a graph.
    #[error("{kind} is built of several layers; add it to a graph instead of building it as one layer")]
    SeveralLayers {
        /// Name of the spec.
        kind: &'static str,
    },
}
