//! Built-in reference texts: rules, catalog, defaults.

use keel_health::{Rule, catalog, find_rule};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::errors::Raise;

/// Returns the rule with this code (`K010`) or name (`dead-relu`) as JSON.
#[pyfunction]
pub(crate) fn explain(code: &str) -> PyResult<String> {
    let rule = find_rule(code).map_err(Raise::raise)?;
    let sections: Vec<Value> =
        rule.sections().into_iter().map(|section| json!({ "title": section.title, "text": section.text })).collect();
    let mut document = line(rule);
    document["statistic"] = rule.statistic().into();
    document["sections"] = sections.into();
    Ok(document.to_string())
}

/// Returns all rules with one line each, as JSON.
#[pyfunction]
pub(crate) fn rules() -> String {
    Value::Array(catalog().iter().map(line).collect()).to_string()
}

/// Returns everything a config can name, section by section, as JSON.
#[pyfunction]
pub(crate) fn catalog_sections() -> String {
    keel_program::catalog().to_string()
}

/// Returns true if numeric targets are classes, by the rule for the targets of tables.
#[pyfunction]
pub(crate) fn are_classes(values: numpy::PyReadonlyArray1<'_, f64>) -> PyResult<bool> {
    let targets: Vec<f64> = values.as_array().to_vec();
    let rows: Vec<f64> = (0..targets.len()).map(|row| (row % 7) as f64 + 0.5).collect();
    let columns = [("x", rows.into()), ("y", targets.into())];
    let read = keel_data::Dataset::from_columns("targets", columns, &keel_data::DataConfig::for_target("y"));
    Ok(!read.map_err(Raise::raise)?.class_names().is_empty())
}

fn line(rule: &Rule) -> Value {
    json!({ "code": rule.code, "rule": rule.name, "summary": rule.summary })
}
