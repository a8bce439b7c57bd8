//! Average pooling: the average of each window of an image.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::window::{Extent, Padding};

/// Keys of an `avg_pool` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvgPoolSpec {
    /// Rows and columns of a window: a number or [height, width].
    #[serde(default = "two")]
    pub kernel: Extent,
    /// Steps between windows: a number or [height, width]; the kernel if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Extent>,
    /// What surrounds the image: "same", "valid" or a number of rows and columns on each side. Padding counts as zeros: the divisor is always the size of the kernel.
    #[serde(default = "none")]
    pub padding: Padding,
}

fn two() -> Extent {
    Extent::square(2)
}

fn none() -> Padding {
    Padding::Each(0)
}

impl AvgPoolSpec {
    /// Windows side by side, without padding.
    pub fn new(kernel: impl Into<Extent>) -> Self {
        AvgPoolSpec { kernel: kernel.into(), stride: None, padding: none() }
    }
}
