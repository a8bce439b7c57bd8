//! The `[preprocess]` section of the config file.

use super::recipe::Recipe;
use super::steps::PREPROCESSING;
use super::steps::piecewise_linear::DEFAULT_BINS;
use super::steps::soft_clip::DEFAULT_LIMIT;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// What is done to the inputs before the network sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessConfig {
    /// Steps in order: center, standardize, min_max, robust_scale, soft_clip, piecewise_linear, mean_image, channel_mean,
    /// channel_standardize, whiten, zca, { type = "pca", components = 32 }. Fitted on the training split only and stored with the model.
    pub steps: Vec<PreprocessStep>,
    /// A classic recipe for images in place of steps: alexnet, vgg or resnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

impl Default for PreprocessConfig {
    fn default() -> Self {
        Self { steps: vec![PreprocessStep::Standardize], recipe: None }
    }
}

impl PreprocessConfig {
    /// The steps to fit: those of the recipe if one is named, else `steps`.
    pub fn resolved_steps(&self) -> Vec<PreprocessStep> {
        match self.recipe {
            Some(recipe) => recipe.steps(),
            None => self.steps.clone(),
        }
    }
}

/// One step, before it is fitted. In the config file a bare name, or a table with `type` and the step's own keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PreprocessStep {
    /// Subtract the mean of each feature.
    Center,
    /// Subtract the mean of each feature and divide by its standard deviation.
    Standardize,
    /// Bring each feature of a table, or all values of images together, into `[0, 1]`.
    MinMax,
    /// Subtract the median of each feature and divide by its interquartile range.
    RobustScale,
    /// Press extreme values smoothly into a range.
    SoftClip {
        /// Largest magnitude.
        limit: f64,
    },
    /// Add to each feature its position in each of its quantile bins.
    PiecewiseLinear {
        /// Number of bins of a feature.
        bins: usize,
    },
    /// Subtract the mean image, as AlexNet.
    MeanImage,
    /// Subtract the mean of each channel, as VGG.
    ChannelMean,
    /// Subtract the mean of each channel and divide by its standard deviation, as ResNet.
    ChannelStandardize,
    /// Rotate to the principal axes and give each unit variance.
    Whiten {
        /// Added to each variance before the square root.
        epsilon: f64,
    },
    /// Whiten and rotate back, so that images stay images.
    Zca {
        /// Added to each variance before the square root.
        epsilon: f64,
    },
    /// Rotate to the principal axes and keep the first ones.
    Pca {
        /// Number of axes kept.
        components: usize,
    },
}

/// Added to variances before the square root unless the config says otherwise.
pub(super) const DEFAULT_EPSILON: f64 = 1e-5;

fn default_epsilon() -> f64 {
    DEFAULT_EPSILON
}

fn default_limit() -> f64 {
    DEFAULT_LIMIT
}

fn default_bins() -> usize {
    DEFAULT_BINS
}

/// The steps as tables of the config file.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum StepTable {
    Center {},
    Standardize {},
    MinMax {},
    RobustScale {},
    SoftClip {
        #[serde(default = "default_limit")]
        limit: f64,
    },
    PiecewiseLinear {
        #[serde(default = "default_bins")]
        bins: usize,
    },
    MeanImage {},
    ChannelMean {},
    ChannelStandardize {},
    Whiten {
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
    Zca {
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
    Pca {
        components: usize,
    },
}

impl From<StepTable> for PreprocessStep {
    fn from(table: StepTable) -> Self {
        match table {
            StepTable::Center {} => Self::Center,
            StepTable::Standardize {} => Self::Standardize,
            StepTable::MinMax {} => Self::MinMax,
            StepTable::RobustScale {} => Self::RobustScale,
            StepTable::SoftClip { limit } => Self::SoftClip { limit },
            StepTable::PiecewiseLinear { bins } => Self::PiecewiseLinear { bins },
            StepTable::MeanImage {} => Self::MeanImage,
            StepTable::ChannelMean {} => Self::ChannelMean,
            StepTable::ChannelStandardize {} => Self::ChannelStandardize,
            StepTable::Whiten { epsilon } => Self::Whiten { epsilon },
            StepTable::Zca { epsilon } => Self::Zca { epsilon },
            StepTable::Pca { components } => Self::Pca { components },
        }
    }
}

impl PreprocessStep {
    /// Name in the config file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Center => "center",
            Self::Standardize => "standardize",
            Self::MinMax => "min_max",
            Self::RobustScale => "robust_scale",
            Self::SoftClip { .. } => "soft_clip",
            Self::PiecewiseLinear { .. } => "piecewise_linear",
            Self::MeanImage => "mean_image",
            Self::ChannelMean => "channel_mean",
            Self::ChannelStandardize => "channel_standardize",
            Self::Whiten { .. } => "whiten",
            Self::Zca { .. } => "zca",
            Self::Pca { .. } => "pca",
        }
    }
}

impl Serialize for PreprocessStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let setting = match *self {
            Self::Pca { components } => Some(("components", Setting::Count(components))),
            Self::PiecewiseLinear { bins } if bins != DEFAULT_BINS => Some(("bins", Setting::Count(bins))),
            Self::SoftClip { limit } if limit != DEFAULT_LIMIT => Some(("limit", Setting::Number(limit))),
            Self::Whiten { epsilon } | Self::Zca { epsilon } if epsilon != DEFAULT_EPSILON => {
                Some(("epsilon", Setting::Number(epsilon)))
            }
            _ => None,
        };
        let Some((key, value)) = setting else { return serializer.serialize_str(self.name()) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("type", self.name())?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

/// The value of a step's own key.
#[derive(Serialize)]
#[serde(untagged)]
enum Setting {
    Count(usize),
    Number(f64),
}

impl<'de> Deserialize<'de> for PreprocessStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = PreprocessStep;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the name of a preprocessing step, or a table such as { type = \"pca\", components = 32 }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<PreprocessStep, E> {
        StepTable::deserialize(MapDeserializer::new([("type", name)].into_iter())).map(Into::into)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PreprocessStep, M::Error> {
        StepTable::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }
}

impl JsonSchema for PreprocessStep {
    fn schema_name() -> Cow<'static, str> {
        "PreprocessStep".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = PREPROCESSING.iter().map(|entry| entry.name).filter(|&name| name != "pca").collect();
        let table = generator.subschema_for::<StepTable>();
        json_schema!({
            "description": "One preprocessing step: its name, or a table with `type` and its own keys.",
            "anyOf": [{ "type": "string", "enum": names }, table]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_names_and_tables_and_written_back() {
        let text = r#"{"steps":["center",{"type":"pca","components":32},"zca",{"type":"whiten","epsilon":0.1}]}"#;
        let config: PreprocessConfig = serde_json::from_str(text).unwrap();
        let expected = [
            PreprocessStep::Center,
            PreprocessStep::Pca { components: 32 },
            PreprocessStep::Zca { epsilon: 1e-5 },
            PreprocessStep::Whiten { epsilon: 0.1 },
        ];
        assert_eq!(config.steps, expected);
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
    }

    #[test]
    fn every_catalog_name_is_accepted() {
        for entry in PREPROCESSING {
            let text = format!(r#"{{"type":"{}","components":3}}"#, entry.name);
            let plain = format!("\"{}\"", entry.name);
            let step: Result<PreprocessStep, _> =
                serde_json::from_str(if entry.name == "pca" { &text } else { &plain });
            assert_eq!(step.unwrap().name(), entry.name);
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for (text, expected) in [
            (r#""pca""#, "missing field `components`"),
            (r#""standardise""#, "unknown variant `standardise`"),
            (r#"{"type":"pca","component":3}"#, "unknown field `component`"),
            (r#"{"type":"pca","components":-1}"#, "invalid value"),
            ("3", "the name of a preprocessing step"),
        ] {
            let message = serde_json::from_str::<PreprocessStep>(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_recipe_replaces_the_steps() {
        let config: PreprocessConfig = serde_json::from_str(r#"{"recipe":"vgg"}"#).unwrap();
        assert_eq!(config.resolved_steps(), [PreprocessStep::ChannelMean]);
        assert_eq!(PreprocessConfig::default().resolved_steps(), [PreprocessStep::Standardize]);
    }
}
