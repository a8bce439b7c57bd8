//! Class weights in the loss.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Class weights: `none`, `balanced`, one number per class, or a table by class name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// Weights by a rule.
    Rule(WeightRule),
    /// One weight per class, in the order of the classes.
    Listed(Vec<f32>),
    /// Weights by class name; other classes have weight 1.
    Named(BTreeMap<String, f32>),
}

/// A rule for class weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Every sample has weight 1.
    None,
    /// All classes have the same total weight: samples / (classes * samples of the class), over the training split.
    Balanced,
}

impl Default for ClassWeights {
    fn default() -> Self {
        ClassWeights::Rule(WeightRule::None)
    }
}

impl From<WeightRule> for ClassWeights {
    fn from(rule: WeightRule) -> Self {
        ClassWeights::Rule(rule)
    }
}
