//! Preprocessing steps, one per file: each computes its statistics on the training split.

use super::{FittedStep, TrainingView};
use crate::catalog::{CatalogEntry, catalog_enum};
use crate::error::DataError;
use crate::moments::Moments;
use schemars::{JsonSchema, Schema, json_schema};
use serde::de::value::{Error as ValueError, MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

mod center;
mod channel_mean;
mod channel_standardize;
mod clip;
pub(super) mod impute;
mod mean_image;
mod min_max;
mod pca;
pub(super) mod piecewise_linear;
mod robust_scale;
pub(super) mod soft_clip;
mod standardize;
mod whiten;
mod zca;

use center::CenterSpec;
use channel_mean::ChannelMeanSpec;
use channel_standardize::ChannelStandardizeSpec;
pub use clip::ClipSpec;
use mean_image::MeanImageSpec;
use min_max::MinMaxSpec;
pub use pca::PcaSpec;
pub use piecewise_linear::PiecewiseLinearSpec;
use robust_scale::RobustScaleSpec;
pub use soft_clip::SoftClipSpec;
use standardize::StandardizeSpec;
pub use whiten::WhitenSpec;
pub use zca::ZcaSpec;

/// A preprocessing step before fitting, implemented by the type of each step.
trait StepDefinition {
    /// Fits the step to the training split.
    ///
    /// # Errors
    /// Fails if a key has an invalid value or the step cannot be fitted to the samples.
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError>;

    /// Returns true if the config can give the name alone.
    fn is_default(&self) -> bool {
        true
    }

    /// Returns true if fitting needs a matrix over all pairs of values.
    fn is_projection(&self) -> bool {
        false
    }

    /// Returns true if the step turns images into rows.
    fn makes_rows_of_images(&self) -> bool {
        false
    }

    /// Returns true if the step only shifts and scales features.
    fn is_scaling(&self) -> bool {
        false
    }
}

catalog_enum! {
    /// One step, before it is fitted. In the config file a bare name, or a table with `type` and the step's own keys.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(remote = "Self", tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    #[schemars(transform = allow_bare_names)]
    pub enum PreprocessStep: StepDefinition, PREPROCESSING {
        Center: CenterSpec,
        Standardize: StandardizeSpec,
        MinMax: MinMaxSpec,
        RobustScale: RobustScaleSpec,
        Clip(clip: ClipSpec),
        SoftClip(soft_clip: SoftClipSpec),
        PiecewiseLinear(piecewise_linear: PiecewiseLinearSpec),
        MeanImage: MeanImageSpec,
        ChannelMean: ChannelMeanSpec,
        ChannelStandardize: ChannelStandardizeSpec,
        Whiten(whiten: WhitenSpec),
        Zca(zca: ZcaSpec),
        Pca(pca: PcaSpec),
    }
}

impl PreprocessStep {
    /// Name in the config file.
    pub fn name(&self) -> &'static str {
        self.entry().name
    }

    /// Returns true if fitting needs a matrix over all pairs of values of a sample.
    pub fn is_projection(&self) -> bool {
        self.definition().is_projection()
    }

    /// Returns true if the step turns images into rows.
    pub fn makes_rows_of_images(&self) -> bool {
        self.definition().makes_rows_of_images()
    }

    /// Returns true if the step only shifts and scales features, so that another such step can replace it.
    pub fn is_scaling(&self) -> bool {
        self.definition().is_scaling()
    }

    /// Returns the step with this name and default keys, or `None` if there is no such step or one of its keys has no default.
    pub fn named(name: &str) -> Option<Self> {
        NameOrTable.visit_str::<ValueError>(name).ok()
    }

    /// Fits the step to the training split.
    pub(super) fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        self.definition().fit(view)
    }
}

/// Serialised as a bare name if every key has its default, else as a table.
impl Serialize for PreprocessStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.definition().is_default() {
            serializer.serialize_str(self.name())
        } else {
            PreprocessStep::serialize(self, serializer)
        }
    }
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
        PreprocessStep::deserialize(MapDeserializer::new([("type", name)].into_iter()))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<PreprocessStep, M::Error> {
        PreprocessStep::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Rejects every key besides the name, which the derived code would ignore.
fn no_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

/// Adds the bare names to the schema of the tables: every name whose table has no other required key.
fn allow_bare_names(schema: &mut Schema) {
    let tables = schema.remove("oneOf").unwrap_or_default();
    let mut names = Vec::new();
    for table in tables.as_array().into_iter().flatten() {
        let required = table["required"].as_array().map_or(0, Vec::len);
        names.extend(table["properties"]["type"]["const"].as_str().filter(|_| required == 1));
    }
    *schema = json_schema!({
        "description": "One preprocessing step: its name, or a table with `type` and its own keys.",
        "anyOf": [{ "type": "string", "enum": names }, { "oneOf": tables }]
    });
}

/// Creates a step that subtracts each mean.
fn subtract_means(step: &str, moments: &[Moments]) -> FittedStep {
    FittedStep::Elementwise {
        step: step.to_string(),
        shift: moments.iter().map(|moments| moments.mean).collect(),
        scale: vec![1.0; moments.len()],
        constant: Vec::new(),
    }
}

/// Creates a step that subtracts each mean and divides by each standard deviation; constant features are not divided.
fn standardize_moments(step: &str, moments: &[Moments]) -> FittedStep {
    let scale = |moments: &Moments| if moments.is_constant() { 1.0 } else { 1.0 / moments.std() };
    FittedStep::Elementwise {
        step: step.to_string(),
        shift: moments.iter().map(|moments| moments.mean).collect(),
        scale: moments.iter().map(scale).collect(),
        constant: (0..moments.len()).filter(|&position| moments[position].is_constant()).collect(),
    }
}

/// Checks that `epsilon` can be added to a variance.
fn check_epsilon(step: &str, epsilon: f64) -> Result<(), DataError> {
    if epsilon.is_finite() && epsilon >= 0.0 {
        return Ok(());
    }
    let what = format!("epsilon of {step} is {epsilon}");
    Err(DataError::setting("preprocess.steps", what, "Give a number of at least 0, such as 1e-5"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
