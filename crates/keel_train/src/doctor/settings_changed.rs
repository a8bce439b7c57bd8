//! Settings that differ between two configs.

use std::collections::BTreeMap;

use keel_nn::layers::LayerSpec;

use super::story::SettingChange;
use crate::config::Config;

/// Returns the dotted keys with a different value, in alphabetical order. Differing lists of layers come first, each as one
/// line; the folder and format of the run are ignored.
pub(super) fn settings_changed(before: &Config, after: &Config) -> Vec<SettingChange> {
    let (mut before, mut after) = (before.clone(), after.clone());
    if before.model.layers.is_empty() != after.model.layers.is_empty() {
        before.model = before.model.listed();
        after.model = after.model.listed();
    }
    after.run = before.run.clone();
    let mut rows = Vec::new();
    let same_kinds = before.model.layers.iter().map(LayerSpec::name).eq(after.model.layers.iter().map(LayerSpec::name));
    if !same_kinds {
        let (listed, edited) = (outline(&before.model.layers), outline(&after.model.layers));
        rows.push(SettingChange { key: "model.layers".to_owned(), before: listed, after: edited });
        before.model.layers.clear();
        after.model.layers.clear();
    }
    let (before, after) = (settings(&before), settings(&after));
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |settings: &BTreeMap<String, String>, key: &String| settings.get(key).cloned().unwrap_or_default();
    let change =
        |key: &String| SettingChange { key: key.clone(), before: value(&before, key), after: value(&after, key) };
    rows.extend(keys.into_iter().map(change).filter(|change| change.before != change.after));
    rows
}

/// Formats the layers in one line: kind and width, or the function of an activation.
fn outline(layers: &[LayerSpec]) -> String {
    let words = layers.iter().map(|layer| match layer {
        LayerSpec::Linear(linear) => match linear.out_features {
            Some(units) => format!("linear {units}"),
            None => layer.name().to_owned(),
        },
        LayerSpec::Conv2d(conv2d) => format!("conv2d {}", conv2d.out_channels),
        LayerSpec::Activation(function) => function.name().to_owned(),
        LayerSpec::Residual(block) => format!("residual ({})", outline(&block.body)),
        other => other.name().to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn settings(config: &Config) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    if let Ok(toml::Value::Table(table)) = toml::Value::try_from(config) {
        for (key, value) in table {
            flatten(key, value, &mut settings);
        }
    }
    settings
}

fn flatten(key: String, value: toml::Value, settings: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten(format!("{key}.{name}"), value, settings);
            }
        }
        toml::Value::Array(list) if list.iter().all(toml::Value::is_table) && !list.is_empty() => {
            for (index, value) in list.into_iter().enumerate() {
                flatten(format!("{key}.{index}"), value, settings);
            }
        }
        value => {
            settings.insert(key, value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn changed_keys_are_named_with_both_values() {
        let before = config::load(Some("mlp"), &["run.name=a".to_owned()]).unwrap();
        let mut after = before.clone();
        after.optimizer = after.optimizer.with_learning_rate(0.5);
        after.run.name = "b".to_owned();
        let changes = settings_changed(&before, &after);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!((changes[0].key.as_str(), changes[0].after.as_str()), ("optimizer.learning_rate", "0.5"));
        after.model = after.model.listed();
        assert_eq!(settings_changed(&before, &after).len(), 1, "the same layers, written out");
        after.model.layers.pop();
        let keys: Vec<String> = settings_changed(&before, &after).into_iter().map(|change| change.key).collect();
        assert_eq!(keys, ["model.layers", "optimizer.learning_rate"]);
    }
}
