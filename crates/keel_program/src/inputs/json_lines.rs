//! Rows as JSON: one object or array per line, or one array of them.

use std::collections::HashMap;

use keel_data::{ColumnCells, Schema, Table, TableSource};
use serde_json::{Deserializer, Value};

use crate::failure::Failure;

/// A row and the line on which it ends.
struct Row {
    line: usize,
    value: Value,
}

/// Values of the rows, by the name of their column.
pub(crate) type JsonColumns = HashMap<String, Vec<Value>>;

/// Reads `text` as a table, and returns it with its values as they are written. Objects name their columns; arrays list the
/// model's columns in order. Missing keys and null are missing cells.
///
/// # Errors
/// If a line is not JSON, or contains anything other than text, numbers and booleans; the message gives the line number.
pub(super) fn table(text: &[u8], source: &str, schema: &Schema) -> Result<(Table, JsonColumns), Failure> {
    let rows = rows(text, source)?;
    if rows.is_empty() {
        let failure = Failure::new(format!("{source}: there are no rows"));
        return Err(failure.next_step("Give one JSON object per line, with the model's columns as keys"));
    }
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for (name, value) in cells(row, source, schema)? {
            if value.is_object() || value.is_array() {
                let what = format!("{source}, line {}, column \"{name}\": a list or an object is not a cell", row.line);
                return Err(Failure::new(what).next_step("Give text, a number, true, false or null"));
            }
            let place = columns.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                columns.push((name, Vec::new()));
                columns.len() - 1
            });
            columns[place].1.resize(index, Value::Null);
            columns[place].1.push(value);
        }
    }
    let mut table = TableSource::new(source);
    let mut written = JsonColumns::new();
    for (name, mut values) in columns {
        values.resize(rows.len(), Value::Null);
        table = table.column(name.clone(), column(&values));
        written.insert(name, values);
    }
    let lines = rows.iter().map(|row| row.line as u64).collect();
    let table = Table::from_source(table, lines).map_err(|error| crate::failure::from_sentence(&error.to_string()))?;
    Ok((table, written))
}

fn rows(text: &[u8], source: &str) -> Result<Vec<Row>, Failure> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut values = Deserializer::from_slice(text).into_iter::<Value>();
    let (mut rows, mut line, mut counted) = (Vec::new(), 1, 0);
    while let Some(value) = values.next() {
        let value = value.map_err(|error| {
            // The row starts at the first non-whitespace character.
            let blank = text[counted..].iter().take_while(|byte| byte.is_ascii_whitespace());
            let line = line + blank.filter(|&&byte| byte == b'\n').count();
            Failure::new(format!("{source}, line {line}: not valid JSON: {error}"))
                .next_step("Give one JSON object per line, such as {\"age\": 31, \"city\": \"Bern\"}")
        })?;
        let end = values.byte_offset();
        line += text[counted..end].iter().filter(|&&byte| byte == b'\n').count();
        counted = end;
        match value {
            // One array that contains all rows; an array of cells is a row itself.
            Value::Array(list) if list.iter().any(|row| row.is_object() || row.is_array()) => {
                rows.extend(list.into_iter().map(|value| Row { line, value }));
            }
            value => rows.push(Row { line, value }),
        }
    }
    Ok(rows)
}

/// Returns names and values of a row.
fn cells(row: &Row, source: &str, schema: &Schema) -> Result<Vec<(String, Value)>, Failure> {
    let names: Vec<String> = schema.groups().into_iter().map(|(name, _)| name).collect();
    match &row.value {
        Value::Object(cells) if schema.columns.is_empty() && !names.iter().all(|name| cells.contains_key(name)) => {
            let what = format!("{source}, line {}: this model has no names for its {} inputs", row.line, names.len());
            Err(Failure::new(what).next_step(format!("Give arrays of {} numbers, one per line", names.len())))
        }
        Value::Object(cells) => Ok(cells.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        Value::Array(values) => {
            if names.len() == values.len() {
                return Ok(names.into_iter().zip(values.iter().cloned()).collect());
            }
            if schema.columns.is_empty() {
                let (line, found, wanted) = (row.line, values.len(), names.len());
                let what =
                    format!("{source}, line {line}: {found} values, but the model takes {wanted} numbers per sample");
                return Err(Failure::new(what).next_step(format!("Give arrays of {wanted} numbers, one per line")));
            }
            let what = format!(
                "{source}, line {}: {} values, but the model has {} columns",
                row.line,
                values.len(),
                names.len()
            );
            Err(Failure::new(what).next_step(format!("Give {}, in this order, or an object", names.join(", "))))
        }
        _ => {
            let what = format!("{source}, line {}: neither an object nor an array", row.line);
            Err(Failure::new(what).next_step("Give one JSON object per line, with the model's columns as keys"))
        }
    }
}

/// Returns a value as the text of a cell; empty for null.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Keeps numbers if a column has only numbers; otherwise converts all values to text.
fn column(values: &[Value]) -> ColumnCells {
    if values.iter().all(|value| value.is_number() || value.is_null()) {
        return ColumnCells::Numbers(values.iter().map(Value::as_f64).collect());
    }
    ColumnCells::Text(values.iter().map(|value| (!value.is_null()).then(|| text_of(value))).collect())
}
