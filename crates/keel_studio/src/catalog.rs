//! Config keys for the form of a new training run.

use serde_json::{Value, json};

/// Returns the config schema with the help of every key, and the built-in configs.
pub(crate) fn form() -> Value {
    let presets: Vec<Value> = keel_train::config::PRESETS
        .iter()
        .map(|preset| json!({ "name": preset.name, "summary": preset.summary }))
        .collect();
    json!({ "schema": keel_train::config::schema(), "presets": presets })
}
