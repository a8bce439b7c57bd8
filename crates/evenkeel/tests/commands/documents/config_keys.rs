//! `docs/config_keys.md`: every key of a config, from the schema that `evenkeel schema` prints.

use serde_json::{Map, Value};

use super::compare;
use crate::program::Program;

/// Beginning of the document.
const BEGINNING: &str = "# Keys of the config

Written from the schema that `evenkeel schema` prints. A key may be left out; `evenkeel init` writes all of them into a file, and
`--set KEY=VALUE` sets one on the command line.
";

#[test]
fn the_document_of_keys_is_what_the_schema_says() {
    let schema = Program::new().run(&["schema"]).json();
    let mut text = BEGINNING.to_owned();
    for (name, section) in &properties(&schema) {
        text += &format!("\n## {name}\n\n{}\n", description(section));
        let variants = variants(section);
        if variants.is_empty() {
            properties(section)
                .iter()
                .for_each(|(key, property)| text += &key_text(&format!("{name}.{key}"), property, section));
        } else {
            text += &format!(
                "\nThe key `type` chooses the kind; without it, `{}`.\n",
                section["default"]["type"].as_str().unwrap()
            );
            for variant in variants {
                text += &format!("\n### {name}.type = \"{}\"\n\n{}\n", tag(variant).unwrap(), description(variant));
                text += &list_of(variant, "");
            }
        }
    }
    compare("config_keys.md", &text);
}

#[test]
fn every_key_with_a_description_is_in_the_document() {
    let schema = Program::new().run(&["schema"]).json();
    let text = std::fs::read_to_string(super::document("config_keys.md")).unwrap();
    for (name, section) in &properties(&schema) {
        for key in properties(section).keys() {
            assert!(text.contains(&format!("\n### {name}.{key}\n")), "{name}.{key}");
        }
    }
    assert!(text.matches("\n- `").count() > 150, "values and inner keys are listed");
}

/// One key as a section of its own: meaning, values, default, limits, and the keys of its kinds.
fn key_text(key: &str, property: &Value, section: &Value) -> String {
    let last = key.rsplit('.').next().unwrap();
    let default = property.get("default").or_else(|| section["default"].get(last));
    let facts = facts(property, default);
    format!("\n### {key}\n\n{}{}\n{}", description(property), facts, values_of(property, ""))
}

/// `Whole number, at least 1, default 20` as a sentence of its own.
fn facts(property: &Value, default: Option<&Value>) -> String {
    let mut facts = vec![type_of(property)];
    let limit = |key: &str, words: &str| property.get(key).map(|value| format!("{words} {value}"));
    facts.extend(limit("minimum", "at least"));
    facts.extend(limit("exclusiveMinimum", "above"));
    // Maxima of whole numbers that no config reaches are those of their representation.
    facts.extend(limit("maximum", "at most").filter(|_| property["maximum"].as_f64().is_some_and(|value| value < 1e9)));
    facts.extend(limit("exclusiveMaximum", "below"));
    facts.extend(default.filter(|value| !value.is_null()).map(|value| format!("default `{}`", toml(value))));
    facts.retain(|fact| !fact.is_empty());
    let sentence = facts.join(", ");
    let Some(first) = sentence.chars().next() else { return String::new() };
    format!(" *{}{}.*", first.to_uppercase(), &sentence[first.len_utf8()..])
}

fn type_of(property: &Value) -> String {
    let name = |name: &str| match name {
        "integer" => "whole number",
        "number" => "number",
        "boolean" => "true or false",
        "string" => "text",
        "array" => "list",
        "object" => "table",
        _ => "",
    };
    match &property["type"] {
        Value::String(one) => name(one).to_owned(),
        Value::Array(several) => {
            several.iter().filter_map(Value::as_str).map(name).filter(|name| !name.is_empty()).collect()
        }
        _ => String::new(),
    }
}

/// The values of a key that chooses among some, one line each, with the keys of those that have any.
fn values_of(property: &Value, indent: &str) -> String {
    let source = if property["items"].is_object() { &property["items"] } else { property };
    let mut text = String::new();
    for variant in variants(source) {
        if let Some(tag) = tag(variant) {
            text += &format!("{indent}- `{tag}`: {}\n", description(variant));
            text += &list_of(variant, &format!("{indent}  "));
        } else if !variants(variant).is_empty() {
            text += &values_of(variant, indent);
        } else if let Some(words) = variant["enum"].as_array() {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
            text += &format!("{indent}- One of {}\n", words.join(", "));
        } else if variant["description"].is_string() {
            text += &format!("{indent}- A {}: {}\n", type_of(variant), description(variant));
        }
    }
    if text.is_empty() { text } else { format!("\n{}", text.trim_start_matches('\n')) }
}

/// The keys of one kind, its `type` left out.
fn list_of(variant: &Value, indent: &str) -> String {
    let keys = properties(variant);
    let line = |(key, property): (&String, &Value)| {
        let facts = facts(property, property.get("default"));
        format!("{indent}- `{key}`: {}{facts}\n", description(property))
    };
    let lines: String = keys.iter().filter(|(key, _)| *key != "type").map(line).collect();
    if lines.is_empty() || !indent.is_empty() { lines } else { format!("\n{lines}") }
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

/// The alternatives of a schema, `null` left out.
fn variants(schema: &Value) -> Vec<&Value> {
    let branches = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].as_array());
    branches.into_iter().flatten().filter(|branch| branch["type"] != "null").collect()
}

/// The word that chooses a variant.
fn tag(variant: &Value) -> Option<&str> {
    variant["const"].as_str().or_else(|| variant["properties"]["type"]["const"].as_str())
}

/// The description on one line, with letters that Markdown reads as its own in code.
fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "&lt;").replace('*', "\\*")
}

fn toml(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
