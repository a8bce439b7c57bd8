//! A TOML document as a tree whose values know their place in the text.

use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value as Json;
use toml_edit::{Item, TableLike};

/// Place at which a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Bytes of the config file.
    File(Range<usize>),
    /// The override with this index, `--set` in the terminal.
    Override(usize),
    /// The file of the user's own defaults.
    UserDefaults {
        /// Path of the file.
        file: PathBuf,
        /// Line, counted from 1.
        line: usize,
    },
    /// Filled in from a default.
    Default,
}

/// A value of the document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Keys in the order of the document.
    Table(Vec<Entry>),
    /// An array, or an array of tables.
    Array(Vec<Located>),
    /// A string.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, an infinity or not a number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or time, which no key of the config accepts.
    Datetime(String),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    /// The value.
    pub(super) node: Node,
    /// Place at which it was written.
    pub(super) origin: Origin,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key, unquoted.
    pub(super) key: String,
    /// Place at which the key was written.
    pub(super) key_origin: Origin,
    /// Its value.
    pub(super) value: Located,
}

impl Located {
    /// Creates a table without keys.
    pub(super) fn empty_table(origin: Origin) -> Self {
        Located { node: Node::Table(Vec::new()), origin }
    }

    /// Parses a whole document.
    ///
    /// # Errors
    /// Returns the parser's message and the bytes it refers to.
    pub(super) fn parse(text: &str) -> Result<Self, (String, Range<usize>)> {
        let document = toml_edit::Document::parse(text)
            .map_err(|error| (error.message().to_owned(), error.span().unwrap_or(0..0)))?;
        Ok(from_table(document.as_table(), Origin::File(0..0)))
    }

    /// Parses one value of TOML as override `index`.
    ///
    /// # Errors
    /// Returns the parser's message.
    pub(super) fn parse_value(text: &str, index: usize) -> Result<Self, String> {
        let value: toml_edit::Value = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
        let mut located = from_item(&Item::Value(value));
        located.set_origin(&Origin::Override(index));
        Ok(located)
    }

    /// Returns the value of `key`, if this is a table with that key.
    pub(super) fn get(&self, key: &str) -> Option<&Located> {
        match &self.node {
            Node::Table(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.node {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the kind of this value in the terms of TOML.
    pub(super) fn type_name(&self) -> &'static str {
        match &self.node {
            Node::Table(_) => "a table",
            Node::Array(_) => "an array",
            Node::String(_) => "a string",
            Node::Integer(_) => "an integer",
            Node::Float(_) => "a number",
            Node::Boolean(_) => "a boolean",
            Node::Datetime(_) => "a date",
        }
    }

    /// Returns the same values without their places. Infinities and NaN, which JSON cannot represent, become `null`.
    pub(super) fn to_json(&self) -> Json {
        match &self.node {
            Node::Table(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
            Node::Array(values) => Json::Array(values.iter().map(Located::to_json).collect()),
            Node::String(text) | Node::Datetime(text) => Json::String(text.clone()),
            Node::Integer(value) => Json::from(*value),
            Node::Float(value) => Json::from(*value),
            Node::Boolean(value) => Json::Bool(*value),
        }
    }

    fn set_origin(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.node {
            Node::Table(entries) => {
                for entry in entries {
                    entry.key_origin = origin.clone();
                    entry.value.set_origin(origin);
                }
            }
            Node::Array(values) => values.iter_mut().for_each(|value| value.set_origin(origin)),
            _ => {}
        }
    }
}

fn from_table(table: &dyn TableLike, origin: Origin) -> Located {
    let entries = table
        .iter()
        .filter(|(_, item)| !item.is_none())
        .map(|(key, item)| Entry {
            key: key.to_owned(),
            key_origin: origin_of(table.key(key).and_then(toml_edit::Key::span)),
            value: from_item(item),
        })
        .collect();
    Located { node: Node::Table(entries), origin }
}

fn from_item(item: &Item) -> Located {
    let origin = origin_of(item.span());
    if let Some(table) = item.as_table_like() {
        return from_table(table, origin);
    }
    let node = match item {
        Item::ArrayOfTables(tables) => {
            Node::Array(tables.iter().map(|table| from_table(table, origin_of(table.span()))).collect())
        }
        Item::Value(value) => from_value(value),
        Item::Table(_) | Item::None => Node::Table(Vec::new()),
    };
    Located { node, origin }
}

fn from_value(value: &toml_edit::Value) -> Node {
    use toml_edit::Value;
    match value {
        Value::String(text) => Node::String(text.value().clone()),
        Value::Integer(integer) => Node::Integer(*integer.value()),
        Value::Float(float) => Node::Float(*float.value()),
        Value::Boolean(boolean) => Node::Boolean(*boolean.value()),
        Value::Datetime(datetime) => Node::Datetime(datetime.value().to_string()),
        Value::Array(array) => Node::Array(array.iter().map(|value| from_item(&Item::Value(value.clone()))).collect()),
        Value::InlineTable(table) => from_table(table, Origin::Default).node,
    }
}

fn origin_of(span: Option<Range<usize>>) -> Origin {
    span.map_or(Origin::Default, Origin::File)
}
