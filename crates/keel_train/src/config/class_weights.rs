//! Weights of the classes in the loss.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Weights of the classes: `none`, `balanced`, one number a class, or a table by class name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// By a rule.
    Rule(WeightRule),
    /// One a class, in the order of the classes.
    Listed(Vec<f32>),
    /// By class name; a class that is not named weighs 1.
    Named(BTreeMap<String, f32>),
}

/// A rule for the weights of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightRule {
    /// Every sample weighs 1.
    None,
    /// Every class weighs the same in all: samples / (classes * samples of the class), over the training split.
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
