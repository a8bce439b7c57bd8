//! A config that sets nothing and lists every key, with comments taken from the doc comments of the config's types.

use serde_json::Value as Json;

use super::{Config, schema, shorten_numbers};

/// Returns a config file that lists every key with its default and an explanation. All keys are commented out: a key that is
/// given would no longer be chosen automatically.
pub fn commented_default() -> String {
    let schema = schema();
    let mut defaults = serde_json::to_value(Config::default()).expect("a config serialises");
    shorten_numbers(&mut defaults);
    let mut text = String::from(
        "# Evenkeel config: every key with its default. A line that begins with `# key =` sets its key once its `# ` is removed;\n\
         # all other settings keep their defaults, or are chosen automatically from the data.\n",
    );
    let sections = schema["properties"].as_object().expect("the config is a table");
    for (name, section) in sections {
        text.push('\n');
        comment(&mut text, section);
        text.push_str(&format!("[{name}]\n"));
        let values = &defaults[name];
        let properties = properties_of(section, values);
        if let Some(tag) = values.get("type").and_then(Json::as_str) {
            text.push_str(&format!("# type = {}\n", toml_value(&Json::from(tag))));
        }
        for (key, property) in properties.into_iter().filter(|(key, _)| *key != "type") {
            comment(&mut text, property);
            match values.get(key).filter(|value| !value.is_null()) {
                Some(value) => text.push_str(&format!("# {key} = {}\n", toml_value(value))),
                None => text.push_str(&format!("# {key} =\n")),
            }
        }
    }
    text
}

/// Returns the keys of a section; for a section with variants, those of the default variant.
fn properties_of<'schema>(section: &'schema Json, values: &Json) -> Vec<(&'schema str, &'schema Json)> {
    let variants = section.get("oneOf").or_else(|| section.get("anyOf")).and_then(Json::as_array);
    let variant = variants.and_then(|variants| {
        variants.iter().find(|variant| variant.pointer("/properties/type/const") == values.get("type"))
    });
    let properties = variant.unwrap_or(section)["properties"].as_object();
    properties.into_iter().flatten().map(|(key, property)| (key.as_str(), property)).collect()
}

fn comment(text: &mut String, schema: &Json) {
    for line in schema["description"].as_str().into_iter().flat_map(str::lines) {
        text.push_str(&format!("# {line}\n"));
    }
}

fn toml_value(value: &Json) -> String {
    match value {
        Json::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key} = {}", toml_value(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Json::Array(values) => format!("[{}]", values.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
