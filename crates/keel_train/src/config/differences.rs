//! Settings that differ between configs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Config, shorten_numbers};

/// A setting that differs between configs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Dotted key.
    pub key: String,
    /// One value per config; `null` if a config has no such key.
    pub values: Vec<Value>,
}

/// Returns the settings that differ between `configs`, by key, with layers in the order of the network. The name of the run's
/// folder always differs and is ignored.
pub fn differences(configs: &[Config]) -> Vec<Difference> {
    let flattened: Vec<BTreeMap<String, Value>> = configs.iter().map(flattened).collect();
    let keys: BTreeSet<&String> = flattened.iter().flat_map(BTreeMap::keys).collect();
    let mut keys: Vec<&String> = keys.into_iter().collect();
    keys.sort_by_cached_key(|key| parts_of(key));
    let values = |key: &String| -> Vec<Value> {
        flattened.iter().map(|settings| settings.get(key).cloned().unwrap_or(Value::Null)).collect()
    };
    let all = keys.into_iter().filter(|key| *key != "run.name");
    let all = all.map(|key| Difference { key: key.clone(), values: values(key) });
    all.filter(|difference| difference.values.iter().any(|value| *value != difference.values[0])).collect()
}

/// Returns the parts of a dotted key, so that numbers are compared as numbers.
fn parts_of(key: &str) -> Vec<(Option<u64>, String)> {
    key.split('.').map(|part| (part.parse().ok(), part.to_owned())).collect()
}

/// Returns every value of a config by its dotted key.
fn flattened(config: &Config) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    if let Ok(mut value) = serde_json::to_value(config) {
        shorten_numbers(&mut value);
        flatten(String::new(), value, &mut settings);
    }
    settings
}

fn flatten(key: String, value: Value, settings: &mut BTreeMap<String, Value>) {
    let join = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(entries) => {
            entries.into_iter().for_each(|(name, value)| flatten(join(&name), value, settings));
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            values
                .into_iter()
                .enumerate()
                .for_each(|(index, value)| flatten(join(&index.to_string()), value, settings));
        }
        other => {
            settings.insert(key, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_flattened_to_dotted_keys() {
        let mut settings = BTreeMap::new();
        let value = json!({ "a": { "b": 1 }, "c": ["x", "y"], "d": [{ "type": "linear" }] });
        flatten(String::new(), value, &mut settings);
        let texts: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(texts, ["a.b=1", "c=[\"x\",\"y\"]", "d.0.type=\"linear\""]);
    }

    #[test]
    fn what_differs_is_listed_by_key_and_names_of_runs_are_not() {
        let with = |overrides: &[&str]| {
            let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
            crate::config::load(None, &overrides).unwrap()
        };
        let one = with(&["run.name=one"]);
        let two = with(&["run.name=two", "train.epochs=3", "optimizer={type=\"adam\"}"]);
        let found = differences(&[one.clone(), two]);
        let value = |key: &str| found.iter().find(|difference| difference.key == key).map(|one| one.values.clone());
        assert_eq!(value("train.epochs"), Some(vec![Value::from(20), Value::from(3)]));
        assert_eq!(value("optimizer.type").unwrap()[1], "adam");
        assert_eq!(value("optimizer.momentum").unwrap()[1], Value::Null, "a key the other optimizer does not have");
        assert_eq!(value("run.name"), None);
        assert!(differences(&[one.clone(), one]).is_empty() && differences(&[]).is_empty());
    }

    #[test]
    fn layers_are_in_the_order_of_the_network_and_numbers_are_short() {
        let with = |rate: &str| {
            let layers = vec![format!("{{ type = \"dropout\", probability = {rate} }}"); 11].join(", ");
            crate::config::load(None, &[format!("model.layers=[{layers}]")]).unwrap()
        };
        let found = differences(&[with("0.1"), with("0.3")]);
        let keys: Vec<&str> = found.iter().map(|difference| difference.key.as_str()).collect();
        let expected: Vec<String> = (0..11).map(|layer| format!("model.layers.{layer}.probability")).collect();
        assert_eq!(keys, expected);
        assert_eq!(found[0].values, [Value::from(0.1), Value::from(0.3)]);
    }
}
