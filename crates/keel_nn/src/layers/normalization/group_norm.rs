//! Group normalisation: each sample is normalised over groups of its channels (Wu & He 2018).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sample_norm::SampleNorm;
use crate::Shape;
use crate::graph::Op;
use crate::layers::BuildError;
use crate::layers::catalog::{EPSILON, LayerDefinition, LayerEntry};

/// Keys of a `group_norm` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupNormSpec {
    /// Number of groups of neighbouring channels, each with its own statistics; must divide the number of channels.
    #[schemars(range(min = 1))]
    pub groups: usize,
    /// Added to the variance before the square root.
    #[serde(default = "hundred_thousandth")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epsilon: f32,
}

impl GroupNormSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "group_norm",
        summary: "each sample normalised over groups of channels",
        keys: &[("groups", "number that divides the channels; required"), EPSILON],
    };
}

impl LayerDefinition for GroupNormSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::GroupNorm(self.build(input)?))
    }
}

fn hundred_thousandth() -> f32 {
    1e-5
}

impl GroupNormSpec {
    /// Creates a layer with `groups` groups and the default epsilon.
    pub fn new(groups: usize) -> Self {
        GroupNormSpec { groups, epsilon: hundred_thousandth() }
    }
}

impl GroupNormSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the groups do not divide the channels, a group has fewer than two values or epsilon is not positive.
    pub fn build(&self, input: Shape) -> Result<SampleNorm, BuildError> {
        let (kind, channels, groups) = (Self::ENTRY.name, input.channels(), self.groups);
        if groups == 0 {
            return Err(BuildError::Zero { kind, key: "groups" });
        }
        if !channels.is_multiple_of(groups) {
            return Err(BuildError::NotDivisible { kind, what: "channels", channels, groups });
        }
        SampleNorm::build(kind, input, groups, self.epsilon).map(SampleNorm::naming_groups)
    }
}
