//! Checks the tree of a config against its JSON schema before it is deserialised.
//!
//! The schema is derived by `schemars` from the types of the config, so that every key, bound and name is defined once, in its
//! type. The checks here cover the part of JSON schema that those types use.

use serde_json::{Map, Value as Json};

use super::habits::{key_elsewhere, key_meant, normalised, word_meant};
use super::located::{Entry, Located, Node, Origin};
use super::problem::Problem;

/// Returns all problems of `root`, in document order.
///
/// If a table has variants distinguished by `type` and none is given, the default `type` is filled in.
pub(super) fn validate(root: &mut Located, schema: &Json) -> Vec<Problem> {
    let mut schema = schema.clone();
    distribute(&mut schema);
    let mut checker = Checker { root: &schema, definitions: schema.get("$defs"), problems: Vec::new() };
    checker.value(root, &schema, "");
    checker.problems
}

/// Returns the name in `candidates` closest to `name`, if one is close enough to be a typing error.
pub fn nearest<'names>(name: &str, candidates: impl IntoIterator<Item = &'names str>) -> Option<&'names str> {
    // Two letters of a short word in the wrong order leave little in common by the first measure.
    let is_swap = |candidate: &str| name.chars().count() > 2 && strsim::osa_distance(name, candidate) == 1;
    let score = |candidate: &str| strsim::jaro_winkler(name, candidate).max(if is_swap(candidate) { 0.9 } else { 0.0 });
    let scored = candidates.into_iter().map(|candidate| (score(candidate), candidate));
    let best = scored.max_by(|left, right| left.0.total_cmp(&right.0))?;
    (best.0 >= 0.75).then_some(best.1)
}

struct Checker<'schema> {
    /// Schema of the whole config.
    root: &'schema Json,
    definitions: Option<&'schema Json>,
    problems: Vec<Problem>,
}

impl<'schema> Checker<'schema> {
    fn value(&mut self, value: &mut Located, schema: &'schema Json, key: &str) {
        let default = schema.get("default");
        let schema = self.follow(schema);
        if let Some(branches) = branches_of(schema) {
            let branches: Vec<&Json> = self.flattened(branches);
            return self.one_of(value, &branches, default.or_else(|| schema.get("default")), key);
        }
        if let Some(parts) = schema.get("allOf").and_then(Json::as_array) {
            return parts.iter().for_each(|part| self.value(value, part, key));
        }
        if !matches_type(value, schema) {
            let expected = self.expected(schema);
            let mut message = format!("expected {expected}, found {}", value.type_name());
            if let Some(digits) = value.as_str().filter(|text| expected.contains("an integer") && is_huge_integer(text))
            {
                let most = schema.get("maximum").map(|most| format!("must be at most {most}, is {digits}"));
                return self.report(key, most.unwrap_or_else(|| format!("{digits} is too large")), &value.origin);
            }
            if expected == "a string" && matches!(value.origin, Origin::Override(_)) {
                message.push_str("; put it in double quotes inside single ones, as in --set 'run.name=\"7\"'");
            }
            return self.report(key, message, &value.origin);
        }
        self.word(value, schema, key);
        self.bounds(value, schema, key);
        match &mut value.node {
            Node::Table(_) => self.table(value, schema, key),
            Node::Array(values) => {
                if let Some(items) = schema.get("items") {
                    for (index, element) in values.iter_mut().enumerate() {
                        self.value(element, items, &join(key, &index.to_string()));
                    }
                }
            }
            _ => {}
        }
    }

    fn one_of(&mut self, value: &mut Located, branches: &[&'schema Json], default: Option<&Json>, key: &str) {
        if matches!(value.node, Node::Table(_)) && branches.iter().any(|branch| tag_of(branch).is_some()) {
            return self.tagged(value, branches, default, key);
        }
        let fitting: Vec<&Json> = branches.iter().copied().filter(|branch| matches_type(value, branch)).collect();
        let accepts = |branch: &&Json| {
            let mut trial = Checker { root: self.root, definitions: self.definitions, problems: Vec::new() };
            trial.value(&mut value.clone(), branch, key);
            trial.problems.is_empty()
        };
        if fitting.iter().any(accepts) {
            return;
        }
        let mut tags: Vec<&str> = branches.iter().filter_map(|branch| tag_of(branch)).collect();
        tags.dedup();
        if let (true, Some(word), false) = (fitting.is_empty(), value.as_str(), tags.is_empty()) {
            let message = match tags.contains(&word) {
                true => format!("expected a table; write `{key}.type = \"{word}\"`"),
                false => format!("expected a table with a `type`: {}", unknown_word(word, &tags)),
            };
            return self.report(key, message, &value.origin);
        }
        if fitting.is_empty() {
            let mut expected: Vec<String> = Vec::new();
            for branch in branches {
                let one = self.expected(branch);
                if !expected.contains(&one) {
                    expected.push(one);
                }
            }
            let message = format!("expected {}, found {}", expected.join(" or "), value.type_name());
            return self.report(key, message, &value.origin);
        }
        let words: Vec<&str> = fitting.iter().flat_map(|branch| words_of(branch)).collect();
        match value.as_str() {
            Some(word) if !words.is_empty() => {
                let variant = branches.iter().find(|branch| tag_of(branch) == Some(word));
                let message = variant.map_or_else(|| unknown_word(word, &words), |variant| wants_table(word, variant));
                self.report(key, message, &value.origin);
            }
            _ => self.value(value, fitting[0], key),
        }
    }

    fn tagged(&mut self, value: &mut Located, branches: &[&'schema Json], default: Option<&Json>, key: &str) {
        let mut tags: Vec<&str> = branches.iter().filter_map(|branch| tag_of(branch)).collect();
        // Variants that differ in another constant share their tag and follow each other.
        tags.dedup();
        let default_tag = default.and_then(|default| default.get("type").unwrap_or(default).as_str());
        let untagged = value.get("type").is_none();
        if let (true, Some(tag), Node::Table(entries)) = (untagged, default_tag, &mut value.node) {
            let node = Node::String(tag.to_owned());
            let value = Located { node, origin: Origin::Default };
            entries.insert(0, Entry { key: "type".to_owned(), key_origin: Origin::Default, value });
        }
        let Some(tag) = value.get("type") else {
            let message = format!("`type` is missing; expected one of {}", tags.join(", "));
            return self.report(key, message, &value.origin);
        };
        let (name, origin) = (tag.as_str().map(str::to_owned), tag.origin.clone());
        let Some(name) = name else {
            let message = format!("expected one of {}, found {}", tags.join(", "), tag.type_name());
            return self.report(&join(key, "type"), message, &origin);
        };
        let variants: Vec<&Json> = branches.iter().copied().filter(|branch| tag_of(branch) == Some(&name)).collect();
        let Some(first) = variants.first() else {
            let message = written_as(&normalised(&name), branches).unwrap_or_else(|| unknown_word(&name, &tags));
            return self.report(&join(key, "type"), message, &origin);
        };
        let Some(branch) = variants.iter().copied().find(|branch| constants_match(value, branch)) else {
            let property = constants(first).find(|(property, _)| *property != "type").map_or("type", |(name, _)| name);
            let words: Vec<&str> = variants
                .iter()
                .filter_map(|branch| constants(branch).find(|(name, _)| *name == property).map(|(_, word)| word))
                .collect();
            let place = value.get(property);
            let found = place.and_then(Located::as_str).map(str::to_owned);
            let origin = place.map_or_else(|| value.origin.clone(), |place| place.origin.clone());
            let message = match found {
                Some(word) => unknown_word(&word, &words),
                None => format!("expected one of {}", words.join(", ")),
            };
            return self.report(&join(key, property), message, &origin);
        };
        self.value(value, branch, key);
    }

    fn table(&mut self, value: &mut Located, schema: &'schema Json, key: &str) {
        let empty = Map::new();
        let Node::Table(entries) = &mut value.node else { return };
        let properties = schema.get("properties").and_then(Json::as_object);
        for entry in entries.iter_mut() {
            let path = join(key, &entry.key);
            if let Some(property) = properties.and_then(|properties| properties.get(&entry.key)) {
                self.value(&mut entry.value, property, &path);
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Json::Bool(false)) => {
                    let known = properties.unwrap_or(&empty);
                    self.report(&path, self.unknown_key(&path, &entry.key, known), &entry.key_origin);
                }
                Some(property) => self.value(&mut entry.value, property, &path),
                None => {}
            }
        }
        for name in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == name) {
                let origin = value.origin.clone();
                self.problems.push(Problem { key: join(key, name), message: "is missing".to_owned(), origin });
            }
        }
    }

    /// Returns the message about the key `key` at the dotted `path`, in a table with the keys `known`.
    fn unknown_key(&self, path: &str, key: &str, known: &Map<String, Json>) -> String {
        // The sections are only meant by keys at the place of a section or directly inside one.
        let section = path.split_once('.').map_or("", |(section, _)| section);
        let elsewhere = || match path.matches('.').count() {
            0 | 1 => key_elsewhere(key, section, self.root),
            _ => None,
        };
        let near = || nearest(key, known.keys().map(String::as_str)).map(str::to_owned);
        match key_meant(key, known).map(str::to_owned).or_else(elsewhere).or_else(near) {
            Some(close) => format!("unknown key; did you mean `{close}`?"),
            None if known.is_empty() => "unknown key; this table has no keys".to_owned(),
            None => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                format!("unknown key; known keys are {}", names.join(", "))
            }
        }
    }

    fn word(&mut self, value: &Located, schema: &Json, key: &str) {
        let words = words_of(schema);
        match value.as_str() {
            Some(word) if !words.is_empty() && !words.contains(&word) => {
                self.report(key, unknown_word(word, &words), &value.origin);
            }
            _ => {}
        }
    }

    fn bounds(&mut self, value: &Located, schema: &Json, key: &str) {
        let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
        let number = match &value.node {
            Node::Integer(integer) => *integer as f64,
            Node::Float(float) => *float,
            Node::Array(values) => {
                let length = values.len() as f64;
                if bound("minItems").is_some_and(|least| length < least) {
                    let least = bound("minItems").unwrap_or_default();
                    let message = format!("must have at least {least} elements, has {length}");
                    self.report(key, message, &value.origin);
                }
                if bound("maxItems").is_some_and(|most| length > most) {
                    let most = bound("maxItems").unwrap_or_default();
                    self.report(key, format!("must have at most {most} elements, has {length}"), &value.origin);
                }
                return;
            }
            _ => return,
        };
        if !number.is_finite() {
            return self.report(key, format!("must be a finite number, is {number}"), &value.origin);
        }
        let checks: [(&str, &str, fn(f64, f64) -> bool); 4] = [
            ("minimum", "at least", |number, bound| number >= bound),
            ("maximum", "at most", |number, bound| number <= bound),
            ("exclusiveMinimum", "greater than", |number, bound| number > bound),
            ("exclusiveMaximum", "less than", |number, bound| number < bound),
        ];
        for (name, phrase, holds) in checks {
            if let Some(bound) = bound(name).filter(|&bound| !holds(number, bound)) {
                // Large integers would be rounded as floats.
                let found = match &value.node {
                    Node::Integer(integer) => integer.to_string(),
                    _ => number.to_string(),
                };
                self.report(key, format!("must be {phrase} {bound}, is {found}"), &value.origin);
            }
        }
    }

    /// Returns the schema at the end of a chain of `$ref`.
    fn follow(&self, mut schema: &'schema Json) -> &'schema Json {
        while let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let name = reference.trim_start_matches("#/$defs/");
            match self.definitions.and_then(|definitions| definitions.get(name)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// Returns the branches with references resolved and nested branches flattened.
    fn flattened(&self, branches: &'schema [Json]) -> Vec<&'schema Json> {
        let mut flat = Vec::new();
        for branch in branches {
            let target = self.follow(branch);
            match branches_of(target) {
                Some(inner) => flat.extend(self.flattened(inner)),
                // Variants of a tagged enum have their tag next to the reference to their fields.
                None if branch.get("properties").is_some() => flat.push(branch),
                None => flat.push(target),
            }
        }
        flat
    }

    /// Returns a description of the values that a schema accepts.
    fn expected(&self, schema: &'schema Json) -> String {
        let schema = self.follow(schema);
        let words = words_of(schema);
        if !words.is_empty() {
            return format!("one of {}", words.join(", "));
        }
        let names = type_names(schema).into_iter().filter(|name| *name != "null").map(|name| match name {
            "object" => "a table",
            "array" => "an array",
            "string" => "a string",
            "integer" => "an integer",
            "number" => "a number",
            "boolean" => "true or false",
            other => other,
        });
        names.collect::<Vec<_>>().join(" or ")
    }

    fn report(&mut self, key: &str, message: String, origin: &Origin) {
        self.problems.push(Problem { key: key.to_owned(), message, origin: origin.clone() });
    }
}

/// Returns true for the digits of an integer that does not fit 64 bits, which an override passes on as a string.
fn is_huge_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.chars().all(|digit| digit.is_ascii_digit()) && !digits.is_empty() && text.parse::<i64>().is_err()
}

fn join(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

fn branches_of(schema: &Json) -> Option<&[Json]> {
    let branches = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    branches.as_array().map(Vec::as_slice)
}

/// Returns the `type` that identifies a variant of a tagged enum.
fn tag_of(schema: &Json) -> Option<&str> {
    schema.pointer("/properties/type/const").and_then(Json::as_str)
}

/// Iterates over the properties of a variant that have a single allowed value.
fn constants(schema: &Json) -> impl Iterator<Item = (&str, &str)> {
    let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    properties.filter_map(|(name, property)| Some((name.as_str(), property.get("const")?.as_str()?)))
}

fn constants_match(value: &Located, schema: &Json) -> bool {
    constants(schema).all(|(name, word)| value.get(name).and_then(Located::as_str) == Some(word))
}

/// Replaces each variant that has variants of its own (an activation layer has a function with its own keys) by one variant per
/// combination, with all keys.
fn distribute(schema: &mut Json) {
    match schema {
        Json::Array(values) => values.iter_mut().for_each(distribute),
        Json::Object(entries) => {
            entries.values_mut().for_each(distribute);
            for list in ["oneOf", "anyOf"] {
                if let Some(Json::Array(branches)) = entries.get_mut(list) {
                    *branches = branches.drain(..).flat_map(expanded).collect();
                }
            }
        }
        _ => {}
    }
}

fn expanded(mut branch: Json) -> Vec<Json> {
    let inner = match branch.as_object_mut().filter(|entries| entries.contains_key("properties")) {
        Some(entries) => entries.remove("oneOf").or_else(|| entries.remove("anyOf")),
        None => None,
    };
    let Some(Json::Array(inner)) = inner else { return vec![branch] };
    let combined = |variant: Json| {
        let mut whole = branch.clone();
        if let (Some(whole), Json::Object(variant)) = (whole.as_object_mut(), variant) {
            for (key, value) in variant {
                match (whole.get_mut(&key), value) {
                    (Some(Json::Object(old)), Json::Object(new)) => old.extend(new),
                    (Some(Json::Array(old)), Json::Array(new)) => old.extend(new),
                    (_, value) => {
                        whole.insert(key, value);
                    }
                }
            }
        }
        // Together they list every key, which neither part could do alone.
        if let Some(whole) = whole.as_object_mut() {
            whole.entry("additionalProperties").or_insert(Json::Bool(false));
        }
        whole
    };
    inner.into_iter().map(combined).collect()
}

fn words_of(schema: &Json) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    listed.chain(schema.get("const")).filter_map(Json::as_str).collect()
}

fn type_names(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn matches_type(value: &Located, schema: &Json) -> bool {
    let names = type_names(schema);
    let accepts = |name: &&str| match value.node {
        Node::Table(_) => *name == "object",
        Node::Array(_) => *name == "array",
        Node::String(_) => *name == "string",
        Node::Integer(_) => matches!(*name, "integer" | "number"),
        Node::Float(_) => *name == "number",
        Node::Boolean(_) => *name == "boolean",
        Node::Datetime(_) => false,
    };
    names.is_empty() || names.iter().any(accepts)
}

/// Returns the message for a variant whose name is not sufficient.
fn wants_table(word: &str, variant: &Json) -> String {
    let required = variant.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let keys: String = required.filter(|key| *key != "type").map(|key| format!(", {key} = …")).collect();
    format!("`{word}` needs more than its name: write {{ type = \"{word}\"{keys} }}")
}

/// Returns the message about a `type` that is the value of another key of one of the variants, such as the function of an activation.
fn written_as(name: &str, variants: &[&Json]) -> Option<String> {
    variants.iter().find_map(|variant| {
        let (property, _) = constants(variant).find(|(property, word)| *property != "type" && *word == name)?;
        let tag = tag_of(variant)?;
        Some(format!("unknown value `{name}`; write `{{ type = \"{tag}\", {property} = \"{name}\" }}`"))
    })
}

fn unknown_word(word: &str, words: &[&str]) -> String {
    match word_meant(word, words).or_else(|| nearest(word, words.iter().copied())) {
        Some(close) => {
            format!("unknown value `{word}`; expected one of {}; did you mean `{close}`?", words.join(", "))
        }
        None => format!("unknown value `{word}`; expected one of {}", words.join(", ")),
    }
}
