//! The catalog entry of a layer, the trait that its file implements, and the keys that several layers share.

use super::BuildError;
use crate::Shape;
use crate::graph::Op;

/// Name, summary and keys of one layer. Defined in the file of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerEntry {
    /// Name in config files.
    pub name: &'static str,
    /// Summary in one line.
    pub summary: &'static str,
    /// Its keys, each with its values and its default.
    pub keys: &'static [(&'static str, &'static str)],
}

/// A layer of a config. Implemented by the spec of each layer.
pub(crate) trait LayerDefinition {
    /// Builds the operation for one input shape.
    ///
    /// # Errors
    /// If the layer does not fit the input or a key has an invalid value.
    fn operation(&self, input: Shape) -> Result<Op, BuildError>;
}

/// Key of the initialiser of the weights.
pub(super) const INIT: (&str, &str) = ("init", "initialiser of the weights; auto");
/// Key of the bias.
pub(super) const BIAS: (&str, &str) = ("bias", "true or false; true");
/// Key of the initialiser of the biases.
pub(super) const BIAS_INIT: (&str, &str) = ("bias_init", "initialiser of the biases; zeros");
/// Key for parameters that training does not change.
pub(super) const FROZEN: (&str, &str) =
    ("frozen", "true keeps the initial weights and biases, false trains them; false");
/// Key of the number added to a variance.
pub(super) const EPSILON: (&str, &str) = ("epsilon", "added to the variance; 1e-5");
/// Key of the window of a pooling layer.
pub(super) const KERNEL: (&str, &str) = ("kernel", "number or [height, width]; 2");
/// Key of the stride of a pooling layer.
pub(super) const POOL_STRIDE: (&str, &str) = ("stride", "number or [height, width]; the kernel");
/// Key of the padding of a pooling layer.
pub(super) const POOL_PADDING: (&str, &str) = ("padding", "\"same\", \"valid\" or a number; 0");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::layers::{CATALOG, LayerSpec};

    /// Collects the keys of every `type` in the schema of [`LayerSpec`], following references and alternatives.
    fn keys_of(schema: &serde_json::Value, root: &serde_json::Value, keys: &mut BTreeSet<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            keys.extend(properties.keys().filter(|key| *key != "type").cloned());
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            keys_of(root.pointer(pointer).expect("a definition"), root, keys);
        }
        for list in ["oneOf", "anyOf", "allOf"] {
            for alternative in schema[list].as_array().into_iter().flatten() {
                keys_of(alternative, root, keys);
            }
        }
    }

    #[test]
    fn the_catalog_lists_every_layer_with_every_key() {
        let schema = serde_json::to_value(schemars::schema_for!(LayerSpec)).unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        assert_eq!(variants.len(), CATALOG.len());
        for (variant, entry) in variants.iter().zip(CATALOG) {
            assert_eq!(variant["properties"]["type"]["const"], entry.name);
            let mut keys = BTreeSet::new();
            keys_of(variant, &schema, &mut keys);
            let listed: BTreeSet<String> = entry.keys.iter().map(|(key, _)| (*key).to_owned()).collect();
            assert_eq!(keys, listed, "{}", entry.name);
        }
    }

    #[test]
    fn names_and_defaults_are_read_and_unknown_keys_refused() {
        for entry in CATALOG {
            let required = match entry.name {
                "conv2d" => r#", "out_channels": 8"#,
                "group_norm" => r#", "groups": 2"#,
                "activation" => r#", "function": "relu""#,
                "residual" => r#", "body": []"#,
                "maxout" => r#", "out_features": 3"#,
                "custom" => r#", "name": "sine""#,
                "rescale" => r#", "factor": 0.5"#,
                _ => "",
            };
            let text = format!(r#"{{"type": "{}"{required}}}"#, entry.name);
            let spec: LayerSpec = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(spec.name(), entry.name);
            let again: LayerSpec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
            assert_eq!(again, spec);
            if entry.name != "activation" {
                let unknown = format!(r#"{{"type": "{}"{required}, "colour": 1}}"#, entry.name);
                assert!(serde_json::from_str::<LayerSpec>(&unknown).is_err(), "{unknown}");
            }
        }
    }
}
