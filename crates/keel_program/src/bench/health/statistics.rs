//! Distributions of the statistics behind the calibrated thresholds, in healthy and in faulty runs.

use keel_health::{Calibration, Rule, catalog};
use serde_json::{Value, json};

use super::{FAULTS, SuiteRun};
use crate::terminal::{Align, table};

/// Returns for each statistic its distribution over healthy runs, over the runs whose fault its rule should name, and over the
/// other faulty runs.
pub(crate) fn distributions(runs: &[SuiteRun]) -> Value {
    let calibrations = catalog().iter().flat_map(|rule| rule.calibrations.iter().map(move |of| (rule, of)));
    Value::Array(calibrations.map(|(rule, calibration)| distribution(rule, calibration, runs)).collect())
}

fn distribution(rule: &Rule, calibration: &Calibration, runs: &[SuiteRun]) -> Value {
    let of = |wanted: &dyn Fn(&SuiteRun) -> bool| {
        let monitors = runs.iter().filter(|run| wanted(run)).filter_map(|run| run.outcome.monitor.as_ref());
        let values = monitors.filter_map(|monitor| (calibration.measure)(monitor.model(), monitor.history()));
        quantiles(values.filter(|value| value.is_finite()).collect())
    };
    let own = |run: &SuiteRun| run.fault.is_some_and(|fault| FAULTS[fault].roots.contains(&rule.code));
    json!({
        "code": rule.code, "statistic": calibration.name, "threshold": calibration.threshold,
        "bad": calibration.bad.name(),
        "healthy": of(&|run| run.fault.is_none()),
        "faulty": of(&own),
        "other_faults": of(&|run| run.fault.is_some() && !own(run)),
    })
}

fn quantiles(mut values: Vec<f64>) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    json!({ "runs": values.len(), "least": at(0.0), "5 %": at(0.05), "median": at(0.5), "95 %": at(0.95), "most": at(1.0) })
}

/// Formats the distributions.
pub(crate) fn distributions_table(document: &Value) -> String {
    let columns = [
        ("rule", Align::Left),
        ("statistic", Align::Left),
        ("runs", Align::Left),
        ("least", Align::Right),
        ("5 %", Align::Right),
        ("median", Align::Right),
        ("95 %", Align::Right),
        ("most", Align::Right),
        ("threshold", Align::Right),
    ];
    let mut rows = Vec::new();
    for entry in document.as_array().into_iter().flatten() {
        for (group, title) in [("healthy", "healthy"), ("faulty", "its faults"), ("other_faults", "other faults")] {
            let quantiles = &entry[group];
            let number =
                |key: &str| quantiles[key].as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.3e}"));
            let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            rows.push(vec![
                word("code"),
                word("statistic"),
                title.to_owned(),
                number("least"),
                number("5 %"),
                number("median"),
                number("95 %"),
                number("most"),
                format!("{} {}", word("bad"), entry["threshold"]),
            ]);
        }
    }
    table(&columns, &rows)
}
