//! Keys of every document, which other programs read.

mod cheap;

use std::collections::BTreeSet;

use keel_lab::catalog;
use serde_json::Value;

#[test]
fn every_document_has_the_keys_it_promises() {
    let mut text = String::new();
    for entry in catalog() {
        let document = entry.run(&cheap::cheap(entry), 3).unwrap().document;
        let mut keys = BTreeSet::new();
        collect("", &document, &mut keys);
        text.push_str(&format!("{}\n", entry.name));
        keys.iter().for_each(|key| text.push_str(&format!("  {key}\n")));
    }
    for (line, (found, expected)) in text.lines().zip(include_str!("documents.txt").lines()).enumerate() {
        assert_eq!(found, expected, "line {} of documents.txt", line + 1);
    }
    assert_eq!(text.lines().count(), include_str!("documents.txt").lines().count());
}

/// Adds the path of every value below `value`; the entries of a list share one path.
fn collect(path: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, value, keys);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect(&format!("{path}[]"), entry, keys)),
        _ => {
            keys.insert(path.to_owned());
        }
    }
}
