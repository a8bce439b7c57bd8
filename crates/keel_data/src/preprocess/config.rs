//! The `[preprocess]` section of the config file.

use super::recipe::Recipe;
use super::steps::PreprocessStep;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Preprocessing of the inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessConfig {
    /// Steps in order: center, standardize, min_max, robust_scale, clip, soft_clip, piecewise_linear, mean_image, channel_mean,
    /// channel_standardize, whiten, zca, { type = "pca", components = 32 }. Fitted on the training split only and stored with the model.
    #[schemars(length(max = 64))]
    pub steps: Vec<PreprocessStep>,
    /// A classic recipe for images instead of steps: alexnet, vgg or resnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

impl Default for PreprocessConfig {
    fn default() -> Self {
        Self { steps: vec![PreprocessStep::Standardize], recipe: None }
    }
}

impl PreprocessConfig {
    /// Returns the steps to fit: those of the recipe if one is named, else `steps`.
    pub fn resolved_steps(&self) -> Vec<PreprocessStep> {
        match self.recipe {
            Some(recipe) => recipe.steps(),
            None => self.steps.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::{PcaSpec, WhitenSpec, ZcaSpec};
    use super::*;

    #[test]
    fn steps_are_read_as_names_and_tables_and_written_back() {
        let text = r#"{"steps":["center",{"type":"pca","components":32},"zca",{"type":"whiten","epsilon":0.1}]}"#;
        let config: PreprocessConfig = serde_json::from_str(text).unwrap();
        let expected = [
            PreprocessStep::Center,
            PreprocessStep::Pca(PcaSpec { components: 32 }),
            PreprocessStep::Zca(ZcaSpec { epsilon: 1e-5 }),
            PreprocessStep::Whiten(WhitenSpec { epsilon: 0.1 }),
        ];
        assert_eq!(config.steps, expected);
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
    }

    #[test]
    fn a_recipe_replaces_the_steps() {
        let config: PreprocessConfig = serde_json::from_str(r#"{"recipe":"vgg"}"#).unwrap();
        assert_eq!(config.resolved_steps(), [PreprocessStep::ChannelMean]);
        assert_eq!(PreprocessConfig::default().resolved_steps(), [PreprocessStep::Standardize]);
    }
}
