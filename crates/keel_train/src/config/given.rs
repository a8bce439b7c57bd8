//! The keys of a config that were given explicitly, so that automatic choices do not change them.

use std::collections::BTreeSet;

use super::Config;
use super::located::{Located, Node, Origin};

/// Value of a key that leaves its choice to the program.
const AUTO: &str = "auto";

/// The dotted keys that a file, an override or a program set. Two configs with the same values are equal regardless of who set
/// them: this information is ignored in comparisons and is never written to a file.
#[derive(Debug, Clone, Default)]
pub struct GivenKeys {
    keys: BTreeSet<String>,
    /// Given keys whose values come from the user's own defaults.
    of_user: Vec<String>,
}

impl PartialEq for GivenKeys {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl GivenKeys {
    /// Collects the keys of `root` that were given somewhere.
    pub(super) fn of(root: &Located) -> Self {
        let mut keys = GivenKeys::default();
        keys.collect(root, "");
        keys
    }

    fn collect(&mut self, value: &Located, key: &str) {
        let Node::Table(entries) = &value.node else {
            if value.origin != Origin::Default {
                self.keys.insert(key.to_owned());
            }
            if matches!(value.origin, Origin::UserDefaults { .. }) {
                self.of_user.push(key.to_owned());
            }
            return;
        };
        for entry in entries {
            let path = if key.is_empty() { entry.key.clone() } else { format!("{key}.{}", entry.key) };
            self.collect(&entry.value, &path);
        }
    }

    /// Records that `key` was given.
    pub fn insert(&mut self, key: impl Into<String>) {
        self.keys.insert(key.into());
    }

    /// Returns the dotted keys whose values come from the user's own defaults.
    pub fn of_user(&self) -> &[String] {
        &self.of_user
    }

    /// Returns true if `key`, a key inside it or the section that contains it was given.
    pub fn contains(&self, key: &str) -> bool {
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'));
        self.keys.iter().any(|given| given == key || inside(key, given) || inside(given, key))
    }
}

impl Config {
    /// Returns true if the dotted `key` was given: written in a file or an override, or set by a program to a value that
    /// differs from the default. A key whose default is `auto` is not given by writing `auto`.
    pub fn is_given(&self, key: &str) -> bool {
        let value = value_at(self, key);
        if value != value_at(&Config::default(), key) {
            return true;
        }
        let is_open = value.as_ref().and_then(toml::Value::as_str) == Some(AUTO);
        !is_open && self.given.contains(key)
    }

    /// Returns the value of the dotted `key` in TOML syntax, without settings at their defaults; empty if there is none.
    pub fn value_text(&self, key: &str) -> String {
        let Some(mut value) = value_at(self, key) else { return String::new() };
        let kind = value.get("type").cloned();
        if let (Some(kind), Some(table)) = (kind, value.as_table_mut()) {
            let defaults = defaults_of(key, &kind);
            table.retain(|name, setting| {
                name == "type" || defaults.as_ref().and_then(|all| all.get(name)) != Some(setting)
            });
            if table.len() == 1 {
                return kind.to_string();
            }
        }
        shortened(value).to_string()
    }
}

/// Shortens numbers that are stored as f32 to the digits that f32 needs.
fn shortened(value: toml::Value) -> toml::Value {
    match value {
        toml::Value::Float(number) if f64::from(number as f32) == number => {
            toml::Value::Float((number as f32).to_string().parse().unwrap_or(number))
        }
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, shortened(value))).collect::<toml::Table>().into()
        }
        other => other,
    }
}

/// Returns the default settings of a kind (`adamw`, `cosine`, ...) of `key`.
fn defaults_of(key: &str, kind: &toml::Value) -> Option<toml::Value> {
    let nested = |value, part: &str| serde_json::json!({ part: value });
    let config = key.rsplit('.').fold(serde_json::json!({ "type": kind }), nested);
    // From a JSON value like every config: for TOML, all its types would be compiled again.
    let config: Config = serde_json::from_value(config).ok()?;
    value_at(&config, key)
}

fn value_at(config: &Config, key: &str) -> Option<toml::Value> {
    let root = toml::Value::try_from(config).ok()?;
    key.split('.').try_fold(root, |value, part| value.get(part).cloned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keel_nn::losses::LossSpec;

    use super::super::{LossConfig, parse};

    #[test]
    fn a_written_auto_leaves_a_key_open() {
        let text = "[model]\npreset = \"auto\"\nwidth = 16\n[data]\ntarget = \"auto\"\n[train]\nloss = \"auto\"\n";
        let config = parse(Path::new("a.toml"), text, &["model.preset=auto".to_owned()]).unwrap();
        for (key, given) in
            [("model.preset", false), ("train.loss", false), ("model.width", true), ("data.target", true)]
        {
            assert_eq!(config.is_given(key), given, "{key}");
        }
    }

    #[test]
    fn keys_are_given_by_files_overrides_and_programs() {
        let set = ["optimizer.learning_rate=0.05".to_owned()];
        let text = "[train]\nepochs = 20\nloss = { type = \"mse\" }\n";
        let mut config = parse(Path::new("a.toml"), text, &set).unwrap();
        config.train.seed = 3;
        config.given.insert("augment");
        let cases = [
            ("train.epochs", true),
            ("train.loss", true),
            ("train.loss.type", true),
            ("optimizer.learning_rate", true),
            ("optimizer", true),
            ("train.seed", true),
            ("augment.flip", true),
            ("train.batch_size", false),
            ("train.epoch", false),
            ("schedule", false),
        ];
        for (key, given) in cases {
            assert_eq!(config.is_given(key), given, "{key}");
        }
        assert_eq!(config.value_text("train.epochs"), "20");
        assert_eq!(config.value_text("train.nothing"), "");
        assert_eq!(config.value_text("train.loss"), "\"mse\"");
        assert_eq!(config.value_text("optimizer"), "\"sgd\"");
        config.train.loss = LossConfig::Chosen(LossSpec::CrossEntropy { label_smoothing: 0.1 });
        assert_eq!(config.value_text("train.loss"), "{ type = \"cross_entropy\", label_smoothing = 0.1 }");
        config.optimizer = config.optimizer.with_learning_rate(0.5);
        assert_eq!(config.value_text("optimizer"), "{ type = \"sgd\", learning_rate = 0.5 }");
    }
}
