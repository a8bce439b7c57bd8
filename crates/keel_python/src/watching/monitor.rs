//! The health rules, fed with records of measurements as text.

use keel_health::measurement::Record;
use keel_health::{Finding, Monitor as Rules, parse_record};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Monitors one run: takes records as lines of JSON, returns findings as JSON.
#[pyclass(module = "evenkeel._native")]
#[derive(Default)]
pub(crate) struct Monitor {
    rules: Option<Rules>,
    line: usize,
    last_step: Option<u64>,
}

#[pymethods]
impl Monitor {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Processes one record, a JSON object; returns the findings that are new or have become more serious, each as JSON.
    ///
    /// # Errors
    /// Fails if the record does not match the format; the message names the record and the field.
    fn record(&mut self, text: &str) -> PyResult<Vec<String>> {
        self.line += 1;
        let model = self.rules.as_ref().map(Rules::model);
        let record = parse_record(text, self.line, model).map_err(|error| PyValueError::new_err(error.to_string()))?;
        if let Record::Step(step) = &record {
            if let Some(last) = self.last_step.filter(|&last| step.step <= last) {
                let reason =
                    format!("line {}: step {} comes after step {last}; steps must increase", self.line, step.step);
                return Err(PyValueError::new_err(reason));
            }
            self.last_step = Some(step.step);
        }
        let findings = match (&mut self.rules, record) {
            (Some(rules), record) => rules.record(&record),
            (None, Record::Model(model)) => self.rules.insert(Rules::new(model)).findings(),
            // The reader rejects any other record before the model.
            (None, _) => Vec::new(),
        };
        documents(&findings)
    }

    /// Ends the run; returns new findings, each as JSON. Levels are then adjusted to the outcome of training.
    fn end(&mut self) -> PyResult<Vec<String>> {
        documents(&self.rules.as_mut().map(Rules::end).unwrap_or_default())
    }

    /// Returns all findings as JSON: causes first, each followed by its consequences.
    fn findings(&self) -> PyResult<Vec<String>> {
        documents(&self.rules.as_ref().map(Rules::findings).unwrap_or_default())
    }

    /// Returns all findings as JSON, as if the run ended after the given records.
    ///
    /// # Errors
    /// Fails if a record does not match the format.
    fn findings_at_end(&self, records: Vec<String>) -> PyResult<Vec<String>> {
        let mut copy = Self { rules: self.rules.clone(), ..*self };
        for record in records {
            copy.record(&record)?;
        }
        copy.end()?;
        copy.findings()
    }

    /// Returns all findings so far as JSON, with levels adjusted to the current state of training.
    fn tempered_findings(&self) -> PyResult<Vec<String>> {
        documents(&self.rules.as_ref().map(Rules::tempered_findings).unwrap_or_default())
    }

    /// Returns the number of step windows evaluated so far.
    fn closed_windows(&self) -> u64 {
        self.rules.as_ref().map_or(0, |rules| rules.history().closed_windows())
    }

    /// Returns the fraction of the task learned on the training and on the validation samples: 0 is guessing, 1 is
    /// perfect. None until the measurements that determine it exist.
    fn outcome(&self) -> Option<(f64, Option<f64>)> {
        let outcome = self.rules.as_ref()?.outcome()?;
        Some((outcome.training, outcome.validation))
    }
}

fn documents(findings: &[Finding]) -> PyResult<Vec<String>> {
    let text = |finding| serde_json::to_string(finding).map_err(|error| PyValueError::new_err(error.to_string()));
    findings.iter().map(text).collect()
}
