//! Residual blocks: the output of some layers is added to their input (He et al. 2016).
//!
//! A block is not a layer of its own: the graph contains its body, its shortcut, an `add` and the activation after it.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Shape;
use crate::activations::Activation;
use crate::graph::Op;
use crate::init::InitSpec;
use crate::layers::catalog::{LayerDefinition, LayerEntry};
use crate::layers::{BuildError, LayerSpec};

/// Keys of a `residual` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResidualSpec {
    /// Layers whose output is added to the input of the block.
    pub body: Vec<LayerSpec>,
    /// Treatment of the input that is added to the output of the body.
    #[serde(default)]
    pub shortcut: Shortcut,
    /// Activation after the sum: a name, or a table with `function` and its own keys.
    #[serde(default = "default_after", deserialize_with = "name_or_table")]
    #[schemars(with = "NameOrTable")]
    pub after: Activation,
    /// Initialiser of the weights of a projection.
    #[serde(default = "InitSpec::auto")]
    pub shortcut_init: InitSpec,
}

impl ResidualSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "residual",
        summary: "layers whose output is added to their input",
        keys: &[
            ("body", "list of layers; required"),
            ("shortcut", "\"identity\", \"projection\" or \"auto\"; \"auto\""),
            ("after", "activation of the sum; \"relu\""),
            ("shortcut_init", "initialiser of the weights of a projection; auto"),
        ],
    };
}

impl LayerDefinition for ResidualSpec {
    fn operation(&self, _input: Shape) -> Result<Op, BuildError> {
        Err(BuildError::SeveralLayers { kind: Self::ENTRY.name })
    }
}

/// Path of a block's input to the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shortcut {
    /// Unchanged; the body must keep the shape.
    Identity,
    /// Through a 1x1 convolution without bias, with the body's stride, and a batch norm.
    Projection,
    /// Identity if the shapes agree, otherwise projection.
    #[default]
    Auto,
}

impl ResidualSpec {
    /// Creates a block with an automatic shortcut and a relu after the sum.
    pub fn new(body: Vec<LayerSpec>) -> Self {
        ResidualSpec { body, shortcut: Shortcut::Auto, after: default_after(), shortcut_init: InitSpec::Auto }
    }
}

fn default_after() -> Activation {
    Activation::Relu
}

/// Forms in which `after` can be written, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a document")]
enum NameOrTable {
    /// Name of the activation; its key keeps its default.
    Name(String),
    /// Table with `function` and its key.
    Table(Activation),
}

fn name_or_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Activation, D::Error> {
    struct NameOrTableVisitor;
    impl<'de> Visitor<'de> for NameOrTableVisitor {
        type Value = Activation;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "the name of an activation, or a table with its function")
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<Activation, E> {
            Activation::deserialize(MapDeserializer::new([("function", name)].into_iter()))
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Activation, A::Error> {
            Activation::deserialize(MapAccessDeserializer::new(table))
        }
    }
    deserializer.deserialize_any(NameOrTableVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activations::{EluSpec, LeakyReluSpec};

    #[test]
    fn after_is_a_name_or_a_table_and_relu_by_default() {
        let cases = [
            (r#"{"body": []}"#, Activation::Relu),
            (r#"{"body": [], "after": "tanh"}"#, Activation::Tanh),
            (r#"{"body": [], "after": "leaky_relu"}"#, Activation::LeakyRelu(LeakyReluSpec { slope: 0.01 })),
            (r#"{"body": [], "after": {"function": "elu", "alpha": 0.5}}"#, Activation::Elu(EluSpec { alpha: 0.5 })),
        ];
        for (text, after) in cases {
            let spec: ResidualSpec = serde_json::from_str(text).unwrap();
            assert_eq!((spec.after, spec.shortcut), (after, Shortcut::Auto), "{text}");
            let again: ResidualSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
            assert_eq!(again, spec);
        }
        for text in [r#"{"body": [], "after": "rleu"}"#, r#"{"body": [], "after": 3}"#, r#"{"body": [], "skip": 1}"#] {
            assert!(serde_json::from_str::<ResidualSpec>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_nests() {
        let text = r#"{"type": "residual", "body": [{"type": "conv2d", "out_channels": 4},
            {"type": "residual", "body": [{"type": "batch_norm"}], "shortcut": "identity"}]}"#;
        let LayerSpec::Residual(outer) = serde_json::from_str(text).unwrap() else { panic!("no residual") };
        let LayerSpec::Residual(inner) = &outer.body[1] else { panic!("no inner residual") };
        assert_eq!((inner.body.len(), inner.shortcut), (1, Shortcut::Identity));
    }
}
