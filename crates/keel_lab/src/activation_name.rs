//! Knob that selects an activation function.

use std::borrow::Cow;

use keel_nn::activations::{self, Activation};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An activation by its name in the engine's catalog, with its own parameter at the default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ActivationName(pub(crate) Activation);

impl Serialize for ActivationName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for ActivationName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("unknown activation {name}"));
        Activation::named(&name).map(ActivationName).ok_or_else(unknown)
    }
}

impl JsonSchema for ActivationName {
    fn schema_name() -> Cow<'static, str> {
        "Activation".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = activations::CATALOG.iter().map(|facts| facts.name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
