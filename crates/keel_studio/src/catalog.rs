//! Keys of the config, for the form of a new training run.

use serde_json::{Value, json};

/// The schema of the config, with the help of every key, and the configs the program comes with.
pub(crate) fn form() -> Value {
    let presets: Vec<Value> = keel_train::config::PRESETS
        .iter()
        .map(|preset| json!({ "name": preset.name, "summary": preset.summary }))
        .collect();
    json!({ "schema": keel_train::config::schema(), "presets": presets })
}
