//! What the layers are called, what they do and which keys they take.

/// One layer of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Name in config files.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Its keys, each with what it takes and its default.
    pub keys: &'static [(&'static str, &'static str)],
}

/// Every layer a config file can name.
pub fn catalog() -> &'static [CatalogEntry] {
    &CATALOG
}

const INIT: (&str, &str) = ("init", "initialiser of the weights; auto");
const BIAS: (&str, &str) = ("bias", "true or false; true");
const BIAS_INIT: (&str, &str) = ("bias_init", "initialiser of the biases; zeros");
const FROZEN: (&str, &str) = ("frozen", "whether training leaves weights and biases as they start; false");
const EPSILON: (&str, &str) = ("epsilon", "added to the variance; 1e-5");
const KERNEL: (&str, &str) = ("kernel", "number or [height, width]; 2");
const POOL_STRIDE: (&str, &str) = ("stride", "number or [height, width]; the kernel");
const POOL_PADDING: (&str, &str) = ("padding", "\"same\", \"valid\" or a number; 0");

static CATALOG: [CatalogEntry; 16] = [
    CatalogEntry {
        name: "conv2d",
        summary: "two-dimensional convolution over images",
        keys: &[
            ("out_channels", "number; required"),
            ("kernel", "number or [height, width]; 3"),
            ("stride", "number or [height, width]; 1"),
            ("padding", "\"same\", \"valid\" or a number; \"same\""),
            ("dilation", "number; 1"),
            ("groups", "number; 1"),
            BIAS,
            INIT,
            BIAS_INIT,
            FROZEN,
        ],
    },
    CatalogEntry {
        name: "linear",
        summary: "weighted sums of all inputs",
        keys: &[
            ("out_features", "number; the last layer's: classes or targets"),
            ("groups", "number; 1"),
            BIAS,
            INIT,
            BIAS_INIT,
            FROZEN,
        ],
    },
    CatalogEntry {
        name: "batch_norm",
        summary: "each channel or feature normalised over the batch",
        keys: &[
            ("momentum", "weight of the new batch in the running statistics, 0 to 1; 0.1"),
            EPSILON,
            ("affine", "learned scale and shift, true or false; true"),
            ("running", "\"ema\" or \"cumulative\"; \"ema\""),
        ],
    },
    CatalogEntry { name: "layer_norm", summary: "each sample normalised over all its values", keys: &[EPSILON] },
    CatalogEntry {
        name: "group_norm",
        summary: "each sample normalised over groups of channels",
        keys: &[("groups", "number that divides the channels; required"), EPSILON],
    },
    CatalogEntry {
        name: "instance_norm",
        summary: "each channel of each sample normalised over its positions",
        keys: &[EPSILON],
    },
    CatalogEntry {
        name: "activation",
        summary: "a function of every value",
        keys: &[
            ("function", "name of an activation; required"),
            ("slope", "of leaky_relu (0.01) and prelu (0.25)"),
            ("alpha", "of elu; 1"),
        ],
    },
    CatalogEntry {
        name: "max_pool",
        summary: "largest value of each window",
        keys: &[KERNEL, POOL_STRIDE, POOL_PADDING],
    },
    CatalogEntry { name: "avg_pool", summary: "average of each window", keys: &[KERNEL, POOL_STRIDE, POOL_PADDING] },
    CatalogEntry { name: "global_avg_pool", summary: "average of each channel over the whole image", keys: &[] },
    CatalogEntry { name: "flatten", summary: "image to vector", keys: &[] },
    CatalogEntry {
        name: "dropout",
        summary: "random values set to zero during training, the others scaled up",
        keys: &[("probability", "share of values set to zero, 0 to below 1; 0.5")],
    },
    CatalogEntry {
        name: "residual",
        summary: "layers whose output is added to their input",
        keys: &[
            ("body", "list of layers; required"),
            ("shortcut", "\"identity\", \"projection\" or \"auto\"; \"auto\""),
            ("after", "activation of the sum; \"relu\""),
            ("shortcut_init", "initialiser of the weights of a projection; auto"),
        ],
    },
    CatalogEntry {
        name: "maxout",
        summary: "largest of several linear maps",
        keys: &[("out_features", "number; required"), ("pieces", "linear maps per output; 2"), INIT, BIAS_INIT, FROZEN],
    },
    CatalogEntry {
        name: "members",
        summary: "copies of the features, each scaled in its own way: the start of an ensemble in one network",
        keys: &[("count", "number of copies; 8")],
    },
    CatalogEntry {
        name: "custom",
        summary: "a layer of a program that uses the library; only that program can build it",
        keys: &[("name", "what the program calls it; required")],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::layers::LayerSpec;

    /// Keys of every `type` in the schema of [`LayerSpec`], following references and alternatives.
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
        assert_eq!(variants.len(), catalog().len());
        for (variant, entry) in variants.iter().zip(catalog()) {
            assert_eq!(variant["properties"]["type"]["const"], entry.name);
            let mut keys = BTreeSet::new();
            keys_of(variant, &schema, &mut keys);
            let listed: BTreeSet<String> = entry.keys.iter().map(|(key, _)| (*key).to_owned()).collect();
            assert_eq!(keys, listed, "{}", entry.name);
        }
    }

    #[test]
    fn names_and_defaults_are_read_and_unknown_keys_refused() {
        for entry in catalog() {
            let required = match entry.name {
                "conv2d" => r#", "out_channels": 8"#,
                "group_norm" => r#", "groups": 2"#,
                "activation" => r#", "function": "relu""#,
                "residual" => r#", "body": []"#,
                "maxout" => r#", "out_features": 3"#,
                "custom" => r#", "name": "sine""#,
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
