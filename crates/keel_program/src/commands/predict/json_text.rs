//! Predictions as JSON.

use keel_health::rules::unlike_inputs;
use keel_train::Prediction;
use serde_json::{Map, Value, json};

use super::columns::Columns;
use super::rows::Row;

/// Returns one object per sample: the input or the kept columns, the identifiers, and the prediction.
pub(super) fn documents(columns: &Columns, rows: &[Row]) -> Vec<Value> {
    rows.iter().map(|row| document(columns, row)).collect()
}

fn document(columns: &Columns, row: &Row) -> Value {
    let mut object = Map::new();
    if columns.input {
        object.insert("input".to_owned(), json!(row.input));
    }
    let by_name = |names: &[String], cells: &[Value]| -> Map<String, Value> {
        names.iter().cloned().zip(cells.iter().cloned()).collect()
    };
    object.extend(by_name(&columns.kept, &row.kept));
    if !columns.identifiers.is_empty() {
        object.insert("id".to_owned(), Value::Object(by_name(&columns.identifiers, &row.identifiers)));
    }
    let mut result = |name: &str, value: Value| {
        object.insert(columns.apart(name), value);
    };
    let by_target =
        |values: Vec<Value>| -> Value { Value::Object(columns.targets.iter().cloned().zip(values).collect()) };
    match &row.prediction {
        Prediction::Class { index, name, probabilities } => {
            result("class", json!(name));
            result("probability", json!(probabilities[*index]));
            result("probabilities", by_target(probabilities.iter().map(|&value| json!(value)).collect()));
        }
        Prediction::Values(values) => {
            result("values", by_target(values.iter().map(|&value| json!(value)).collect()));
        }
        Prediction::Undefined { sample } => result("undefined", json!(super::undefined_words(sample))),
    }
    let unlike: Vec<&str> = row.unlike.iter().map(|unlike| unlike.name.as_str()).collect();
    let codes: &[&str] = if unlike.is_empty() { &[] } else { &[unlike_inputs::CODE] };
    result("unlike_training", json!(unlike));
    result("findings", json!(codes));
    Value::Object(object)
}
