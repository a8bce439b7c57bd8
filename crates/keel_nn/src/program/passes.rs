//! The fusion passes, which join neighbouring nodes into one kernel; each can be enabled separately.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One fusion pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// A linear layer and the activation after it.
    LinearActivation,
    /// Batch norm and the activation after it.
    NormActivation,
    /// Batch norm and the sum that ends a residual block.
    NormSum,
    /// The sum of a residual block and the activation after it.
    SumActivation,
    /// Batch norm, its activation and 2x2 max pooling.
    NormPooling,
    /// A convolution and the batch norm after it.
    ConvolutionNorm,
    /// In evaluation, the norm is folded into the convolution's weights.
    FoldNorm,
}

impl Fusion {
    /// All passes in the order they run, with name and summary.
    pub const ALL: [(Fusion, &'static str, &'static str); 7] = [
        (Fusion::LinearActivation, "linear_activation", "activation in the product of a linear layer"),
        (Fusion::NormActivation, "norm_activation", "batch norm + activation in one pass each way"),
        (Fusion::NormSum, "norm_sum", "batch norm + residual sum in one pass each way"),
        (Fusion::SumActivation, "sum_activation", "residual sum + activation in one pass each way"),
        (Fusion::NormPooling, "norm_pooling", "batch norm + activation + 2x2 max pooling in one pass each way"),
        (
            Fusion::ConvolutionNorm,
            "convolution_norm",
            "batch-norm sums from the convolution's output in cache; its gradient computed image by image",
        ),
        (Fusion::FoldNorm, "fold_norm", "evaluation: batch norm folded into the convolution's weights"),
    ];

    /// Returns its name in settings.
    pub fn name(self) -> &'static str {
        Fusion::ALL.iter().find(|(pass, ..)| *pass == self).map_or("", |(_, name, _)| name)
    }
}

/// A set of passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionPasses {
    enabled: [bool; Fusion::ALL.len()],
}

impl FusionPasses {
    /// Returns the set of all passes.
    pub fn all() -> Self {
        FusionPasses { enabled: [true; Fusion::ALL.len()] }
    }

    /// Returns the empty set: one node per kernel.
    pub fn none() -> Self {
        FusionPasses { enabled: [false; Fusion::ALL.len()] }
    }

    /// Returns the set with `pass`.
    #[must_use]
    pub fn with(mut self, pass: Fusion) -> Self {
        self.enabled[pass as usize] = true;
        self
    }

    /// Returns the set without `pass`.
    #[must_use]
    pub fn without(mut self, pass: Fusion) -> Self {
        self.enabled[pass as usize] = false;
        self
    }

    /// Returns true if `pass` is in the set.
    pub fn contains(self, pass: Fusion) -> bool {
        self.enabled[pass as usize]
    }

    /// Iterates over the passes of the set, in the order they run.
    pub fn iter(self) -> impl Iterator<Item = Fusion> {
        Fusion::ALL.into_iter().map(|(pass, ..)| pass).filter(move |pass| self.contains(*pass))
    }
}

impl Default for FusionPasses {
    fn default() -> Self {
        FusionPasses::all()
    }
}
