//! Extreme values for the keys of the config's schema: a new key is covered by being in it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// Integers at the ends of their types and of a machine's memory.
const INTEGERS: [&str; 7] = ["0", "1", "-1", "1000000", "2147483648", "288230376151711744", "9223372036854775807"];

/// Numbers at the ends of 64 and 32 bits, and those that are none.
const NUMBERS: [&str; 9] = ["0.0", "0.999", "-1.0", "1e38", "1e308", "-1e308", "1e-308", "nan", "inf"];

/// Elements of a list that is far too long.
const LONG: usize = 500;

/// A schema and the part that has been written.
pub(crate) struct Values<'schema> {
    schema: &'schema Json,
    /// Choices among many variants that have been written out once: where they come again, one example does.
    varied: RefCell<BTreeSet<String>>,
}

/// A table of the schema: its keys, and which of them it cannot do without.
struct Table<'schema> {
    keys: Vec<(&'schema str, &'schema Json)>,
    required: BTreeSet<&'schema str>,
}

impl<'schema> Values<'schema> {
    /// Values for the keys of `schema`.
    pub(crate) fn new(schema: &'schema Json) -> Self {
        Values { schema, varied: RefCell::default() }
    }

    /// The sections of the config with their schemas.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&'schema str, &'schema Json)> {
        let sections = self.schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        sections.map(|(name, schema)| (name.as_str(), schema))
    }

    /// Overrides `key=value` for every key below `key`, whose schema is `schema`.
    pub(crate) fn settings(&self, key: &str, schema: &'schema Json) -> Vec<String> {
        let followed = self.follow(schema);
        match branches(followed) {
            None if followed.get("properties").is_some() => {
                let table = self.tables(followed).remove(0);
                let deeper = |(name, schema): (&str, &'schema Json)| self.settings(&format!("{key}.{name}"), schema);
                table.keys.into_iter().flat_map(deeper).collect()
            }
            _ => self.extremes(schema).into_iter().map(|value| format!("{key}={value}")).collect(),
        }
    }

    /// Extreme values of one element of the list at `pointer` into the schema of section `section`.
    pub(crate) fn elements(&self, section: &str, key: &str) -> Vec<String> {
        let schema = self.sections().find(|(name, _)| *name == section).unwrap().1;
        let table = self.tables(self.follow(schema)).remove(0);
        let list = table.keys.into_iter().find(|(name, _)| *name == key).unwrap().1;
        self.extremes(self.follow(list).get("items").unwrap())
    }

    /// Values in the syntax of TOML, most of them far from sensible.
    fn extremes(&self, schema: &'schema Json) -> Vec<String> {
        let followed = self.follow(schema);
        let variants = followed.get("oneOf").or_else(|| followed.get("anyOf"));
        let large = variants.filter(|list| list.as_array().is_some_and(|list| list.len() > 3));
        if let Some(variants) = large
            && !self.varied.borrow_mut().insert(variants.to_string())
        {
            return vec![self.example(followed)];
        }
        if followed.get("properties").is_none()
            && let Some(branches) = branches(followed)
        {
            return branches.iter().flat_map(|branch| self.extremes(branch)).collect();
        }
        let words = words(followed);
        if !words.is_empty() {
            return words
                .into_iter()
                .chain(["".to_owned(), "no such word".to_owned()])
                .map(|word| quoted(&word))
                .collect();
        }
        types(followed).into_iter().flat_map(|name| self.extremes_of(name, followed)).collect()
    }

    fn extremes_of(&self, name: &str, schema: &'schema Json) -> Vec<String> {
        let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        match name {
            "integer" => owned(&INTEGERS),
            "number" => owned(&NUMBERS),
            "boolean" => owned(&["true", "false"]),
            "string" => {
                let texts = ["", ".", "1e308GB", "18446744073709551616", "\u{0}", "a\nb\u{1b}[31m"];
                texts.into_iter().map(quoted).chain([quoted(&"x".repeat(60_000))]).collect()
            }
            "array" => self.lists(schema),
            "object" => self.tables(schema).iter().flat_map(|table| self.varied_tables(table)).collect(),
            _ => Vec::new(),
        }
    }

    fn lists(&self, schema: &'schema Json) -> Vec<String> {
        let Some(items) = schema.get("items") else { return vec!["[]".to_owned()] };
        let (example, fixed) = (self.example(items), schema.get("maxItems").is_some());
        let element = |value: String| match fixed {
            true => vec![format!("[{value}, {example}]"), format!("[{example}, {value}]")],
            false => vec![format!("[{value}]")],
        };
        let long = format!("[{}]", vec![example.as_str(); LONG].join(", "));
        ["[]".to_owned(), long].into_iter().chain(self.extremes(items).into_iter().flat_map(element)).collect()
    }

    /// The table with what it needs, and with each of its keys at each of its extremes.
    fn varied_tables(&self, table: &Table<'schema>) -> Vec<String> {
        let mut written = vec![self.written(table, None)];
        for (key, schema) in &table.keys {
            if schema.get("const").is_none() {
                written.extend(self.extremes(schema).iter().map(|value| self.written(table, Some((key, value)))));
            }
        }
        written
    }

    fn written(&self, table: &Table<'schema>, set: Option<(&str, &str)>) -> String {
        let mut entries = Vec::new();
        for (key, schema) in &table.keys {
            match set {
                Some((name, value)) if name == *key => entries.push(format!("{key} = {value}")),
                _ if table.required.contains(key) => entries.push(format!("{key} = {}", self.example(schema))),
                _ => {}
            }
        }
        format!("{{{}}}", entries.join(", "))
    }

    /// A small value that is accepted.
    fn example(&self, schema: &'schema Json) -> String {
        let schema = self.follow(schema);
        if let Some(word) = words(schema).first() {
            return quoted(word);
        }
        if schema.get("properties").is_none()
            && let Some(branches) = branches(schema)
        {
            return self.example(&branches[0]);
        }
        let least = schema.get("minimum").and_then(Json::as_f64).unwrap_or(0.0);
        match types(schema).first().copied() {
            Some("integer") => format!("{}", least.max(2.0)),
            Some("number") => format!("{:?}", least.max(0.5)),
            Some("boolean") => "true".to_owned(),
            Some("array") => match (schema.get("items"), schema.get("minItems").and_then(Json::as_u64)) {
                (Some(items), Some(length)) => format!("[{}]", vec![self.example(items); length as usize].join(", ")),
                _ => "[]".to_owned(),
            },
            Some("object") => self.written(&self.tables(schema)[0], None),
            _ => quoted("x"),
        }
    }

    /// The table a schema describes, one for each variant of those inside it.
    fn tables(&self, schema: &'schema Json) -> Vec<Table<'schema>> {
        let empty = || Table { keys: Vec::new(), required: BTreeSet::new() };
        let own = |table: &mut Table<'schema>, schema: &'schema Json| {
            let keys = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::iter);
            table.keys.extend(keys.map(|(name, schema)| (name.as_str(), schema)));
            let free = schema.get("additionalProperties").filter(|schema| schema.is_object());
            table.keys.extend(free.map(|schema| ("x", schema)));
            let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
            table.required.extend(required.filter_map(Json::as_str));
        };
        // A variant of an enum may keep its tag beside a reference to its other keys.
        let referred = schema.get("$ref").and_then(Json::as_str).map(|reference| self.definition(reference));
        let parts = [Some(schema), referred];
        let whole = |variant: Option<&'schema Json>| {
            let mut table = empty();
            parts.into_iter().flatten().chain(variant).for_each(|part| own(&mut table, part));
            table
        };
        match parts.into_iter().flatten().find_map(branches) {
            Some(variants) => variants.iter().map(|variant| whole(Some(self.follow(variant)))).collect(),
            None => vec![whole(None)],
        }
    }

    /// The schema a chain of references ends at.
    fn follow(&self, mut schema: &'schema Json) -> &'schema Json {
        while schema.get("properties").is_none()
            && let Some(reference) = schema.get("$ref").and_then(Json::as_str)
        {
            schema = self.definition(reference);
        }
        schema
    }

    fn definition(&self, reference: &str) -> &'schema Json {
        &self.schema["$defs"][reference.trim_start_matches("#/$defs/")]
    }
}

fn branches(schema: &Json) -> Option<&[Json]> {
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    branches.as_array().map(Vec::as_slice)
}

fn words(schema: &Json) -> Vec<String> {
    let listed = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    listed.chain(schema.get("const")).filter_map(Json::as_str).map(str::to_owned).collect()
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '"' | '\\' => format!("\\{character}"),
            other if other.is_control() => format!("\\u{:04x}", other as u32),
            other => other.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
