//! A trained program: its alarms, its score, its run.

use std::path::PathBuf;

use serde_json::Value;

use super::case_file::REFUSED;

/// A finding of level warn or error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alarm {
    /// Code of the rule.
    pub(super) code: String,
    /// `warn` or `error`.
    pub(super) level: String,
}

/// A program that was trained, or rejected.
#[derive(Debug, Clone)]
pub(super) struct Trained {
    /// Folder of its run.
    pub(super) run: PathBuf,
    /// Findings of level warn or error, causes first.
    pub(super) alarms: Vec<Alarm>,
    /// Accuracy on the test split, or R2, at least -1; `None` without a result.
    pub(super) score: Option<f64>,
    /// Reason for which it was not trained.
    pub(super) refused: Option<String>,
}

impl Trained {
    /// Reads the summary of a run.
    pub(super) fn of_summary(run: PathBuf, summary: &Value) -> Trained {
        Trained { run, alarms: alarms(summary), score: score(summary), refused: None }
    }

    /// Records that the program was not trained.
    pub(super) fn refused(run: PathBuf, reason: String) -> Trained {
        Trained { run, alarms: Vec::new(), score: None, refused: Some(reason) }
    }

    /// Returns the code that leads the alarms, `refused`, or `-`.
    pub(super) fn lead(&self) -> String {
        match (&self.refused, self.alarms.first()) {
            (Some(_), _) => REFUSED.to_owned(),
            (None, Some(alarm)) => alarm.code.clone(),
            (None, None) => "-".to_owned(),
        }
    }
}

fn alarms(summary: &Value) -> Vec<Alarm> {
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = summary["findings"].as_array().into_iter().flatten();
    let alarms = findings.map(|finding| Alarm { code: word(finding, "code"), level: word(finding, "level") });
    alarms.filter(|alarm| ["warn", "error"].contains(&alarm.level.as_str())).collect()
}

fn score(summary: &Value) -> Option<f64> {
    let test = &summary["metrics"]["test"];
    let r2 = || test["regression"]["r2"].as_f64().map(|r2| r2.max(-1.0));
    test["accuracy"].as_f64().or_else(r2).filter(|score| score.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_summary_gives_alarms_and_a_score() {
        let findings = json!([
            { "code": "K013", "level": "warn" }, { "code": "K016", "level": "info" }, { "code": "K012", "level": "error" },
        ]);
        let summary = json!({ "findings": findings, "metrics": { "test": { "accuracy": 0.75 } } });
        let trained = Trained::of_summary(PathBuf::new(), &summary);
        assert_eq!((trained.lead().as_str(), trained.alarms.len(), trained.score), ("K013", 2, Some(0.75)));
        assert_eq!(Trained::refused(PathBuf::new(), String::new()).lead(), "refused");
    }

    #[test]
    fn scores_are_accuracy_or_bounded_r2() {
        for (test, expected) in [
            (json!({ "regression": { "r2": 0.4 } }), Some(0.4)),
            (json!({ "regression": { "r2": -80.0 } }), Some(-1.0)),
            (json!({ "accuracy": null, "regression": { "r2": null } }), None),
            (json!(null), None),
        ] {
            let summary = json!({ "metrics": { "test": test } });
            assert_eq!(Trained::of_summary(PathBuf::new(), &summary).score, expected, "{summary}");
        }
        assert_eq!(Trained::of_summary(PathBuf::new(), &json!({})).lead(), "-");
    }
}
