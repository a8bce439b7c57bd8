//! Documents of the experiments on a site, by name: the only source of numbers in the notes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::catalog::catalog;
use crate::experiment::Outcome;

/// Documents of all experiments that have been run.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    by_name: BTreeMap<&'static str, Value>,
}

impl Documents {
    /// Returns the documents of `outcomes`, and those of other experiments from earlier runs in `directory`.
    pub(crate) fn of(outcomes: &[Outcome], directory: &Path) -> Self {
        let mut by_name = BTreeMap::new();
        for entry in catalog() {
            let outcome = outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
            let document = outcome.map(|outcome| outcome.document.clone()).or_else(|| {
                let text = std::fs::read_to_string(directory.join(format!("{}.json", entry.name))).ok()?;
                serde_json::from_str(&text).ok()
            });
            by_name.extend(document.map(|document| (entry.name, document)));
        }
        Documents { by_name }
    }

    /// Returns true if there is a document for every experiment.
    pub(crate) fn is_complete(&self) -> bool {
        catalog().iter().all(|entry| self.by_name.contains_key(entry.name))
    }

    /// Returns the value at `pointer` (RFC 6901) of the document of `experiment`.
    pub(super) fn value(&self, experiment: &str, pointer: &str) -> Option<&Value> {
        self.by_name.get(experiment)?.pointer(pointer)
    }

    /// Returns the number at `pointer`.
    pub(super) fn number(&self, experiment: &str, pointer: &str) -> Option<f64> {
        self.value(experiment, pointer)?.as_f64()
    }

    /// Returns one number of each entry of the list at `pointer`, skipping entries without one.
    pub(super) fn numbers(&self, experiment: &str, pointer: &str, field: &str) -> Option<Vec<f64>> {
        let entries = self.value(experiment, pointer)?.as_array()?;
        Some(entries.iter().filter_map(|entry| number(entry, field)).collect())
    }

    /// Returns the entry of the list at `pointer` whose `field` has this name.
    pub(super) fn named(&self, experiment: &str, pointer: &str, field: Field<'_>) -> Option<&Value> {
        named(self.value(experiment, pointer)?, field)
    }
}

/// A field of an entry and its required name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
}

/// Returns the entry of a list whose field has a name.
pub(super) fn named<'a>(list: &'a Value, field: Field<'_>) -> Option<&'a Value> {
    list.as_array()?.iter().find(|entry| entry[field.key] == field.name)
}

/// Returns the entry of a list whose field is nearest to a number.
pub(super) fn nearest<'a>(list: &'a Value, key: &str, wanted: f64) -> Option<&'a Value> {
    let distance = |entry: &Value| entry[key].as_f64().map_or(f64::INFINITY, |value| (value - wanted).abs());
    list.as_array()?.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Returns the number at `pointer` of a value.
pub(super) fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer)?.as_f64()
}
