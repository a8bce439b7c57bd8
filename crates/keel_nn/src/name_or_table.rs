//! Config values that are a bare name or a table with the name in its key `type`: `"mse"`, `{ type = "huber", delta = 2 }`.

use std::fmt;
use std::marker::PhantomData;

use schemars::{Schema, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, json};

/// A value that a config file can refer to by its name alone.
pub(crate) trait Named: Sized {
    /// Description of the expected value in error messages.
    const EXPECTED: &'static str;

    /// Reads the table.
    fn from_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads either form; a bare name is equivalent to a table with only that `type`.
pub(crate) fn deserialize<'de, T: Named, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(NameOrTable(PhantomData))
}

/// Rejects every additional key of a variant without settings, which the derived code would ignore.
pub(crate) fn no_settings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

struct NameOrTable<T>(PhantomData<T>);

impl<'de, T: Named> Visitor<'de> for NameOrTable<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        T::from_table(MapDeserializer::new([("type", name)].into_iter()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<T, A::Error> {
        T::from_table(MapAccessDeserializer::new(table))
    }
}

/// Adds the bare names to the schema of the tables: every name whose table has no required key.
pub(crate) fn allow_bare_names(schema: &mut Schema) {
    let object = schema.ensure_object();
    let Some(Value::Array(tables)) = object.remove("oneOf") else { return };
    let names: Vec<Value> = tables.iter().filter_map(bare_name).collect();
    let description = object.get("description").cloned();
    let mut combined = json_schema!({
        "anyOf": [{ "type": "string", "enum": names }, { "oneOf": tables }],
    });
    if let Some(description) = description {
        combined.insert("description".to_owned(), description);
    }
    *schema = combined;
}

fn bare_name(table: &Value) -> Option<Value> {
    let required = table.get("required")?;
    (*required == json!(["type"])).then(|| table["properties"]["type"]["const"].clone())
}
