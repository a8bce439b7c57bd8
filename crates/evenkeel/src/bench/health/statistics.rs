//! The statistics behind the calibrated thresholds, in healthy and in faulty runs.

use keel_health::Monitor;
use keel_health::history::Window;
use serde_json::{Value, json};

use super::{FAULTS, SuiteRun};
use crate::terminal::{Align, table};

/// A statistic of a whole run and the threshold it is compared with.
struct Statistic {
    code: &'static str,
    name: &'static str,
    threshold: f64,
    /// Whether a large value is the bad one.
    high: bool,
    measure: fn(&Monitor) -> Option<f64>,
}

const STATISTICS: [Statistic; 8] = [
    Statistic {
        code: "K004",
        name: "(L0 - ln C) / ln C",
        threshold: keel_health::rules::start_loss::WARN_EXCESS,
        high: true,
        measure: start_excess,
    },
    Statistic {
        code: "K009",
        name: "largest saturated share of a layer",
        threshold: keel_health::rules::saturation::WARN_ELEMENTS,
        high: true,
        measure: saturated,
    },
    Statistic {
        code: "K010",
        name: "largest dead share of a layer",
        threshold: keel_health::rules::dead_relu::WARN_SHARE,
        high: true,
        measure: dead,
    },
    Statistic {
        code: "K011",
        name: "gradient norm, first layer / last",
        threshold: keel_health::rules::vanishing_gradient::WARN_RATIO,
        high: false,
        measure: flow,
    },
    Statistic {
        code: "K013",
        name: "largest update ratio, first window",
        threshold: keel_health::rules::update_ratio::WARN_HIGH,
        high: true,
        measure: largest_update,
    },
    Statistic {
        code: "K013",
        name: "largest update ratio, last window",
        threshold: keel_health::rules::update_ratio::WARN_LOW,
        high: false,
        measure: last_update,
    },
    Statistic {
        code: "K014",
        name: "largest share of agreeing steps",
        threshold: keel_health::rules::zigzag::STEPS,
        high: true,
        measure: agreement,
    },
    Statistic {
        code: "K017",
        name: "loss of the last window / at the start",
        threshold: keel_health::rules::loss_trend::STUCK_SHARE,
        high: true,
        measure: |monitor| monitor.history().relative_loss(),
    },
];

fn layers(monitor: &Monitor) -> std::ops::Range<usize> {
    0..monitor.model().layers.len()
}

fn largest(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.filter(|value| value.is_finite()).reduce(f64::max)
}

fn start_excess(monitor: &Monitor) -> Option<f64> {
    let chance = monitor.model().chance_loss()?;
    Some((monitor.history().first_loss()? - chance) / chance)
}

fn saturated(monitor: &Monitor) -> Option<f64> {
    let window = monitor.history().latest()?;
    largest(layers(monitor).filter_map(|layer| window.layer(layer)?.output.saturated_fraction()))
}

fn dead(monitor: &Monitor) -> Option<f64> {
    let share = |layer| {
        let units = monitor.history().units(layer)?;
        Some(units.dead_units().count() as f64 / units.units().max(1) as f64)
    };
    largest(layers(monitor).filter_map(share))
}

fn flow(monitor: &Monitor) -> Option<f64> {
    let window = monitor.history().latest()?;
    let norms: Vec<f64> =
        monitor.model().weight_layers().filter_map(|layer| window.layer(layer)?.gradient.norm()).collect();
    Some(norms.first()? / norms.last().filter(|norm| **norm > 0.0)?)
}

fn largest_update(monitor: &Monitor) -> Option<f64> {
    update_of(monitor, monitor.history().windows().next()?)
}

fn last_update(monitor: &Monitor) -> Option<f64> {
    update_of(monitor, monitor.history().latest()?)
}

fn update_of(monitor: &Monitor, window: &Window) -> Option<f64> {
    largest(monitor.model().weight_layers().filter_map(|layer| window.layer(layer)?.weight()?.update_ratio()))
}

fn agreement(monitor: &Monitor) -> Option<f64> {
    let window = monitor.history().latest()?;
    largest(monitor.model().weight_layers().filter_map(|layer| window.layer(layer)?.agreeing_steps()))
}

/// For each statistic the distribution over healthy runs, over the runs whose fault its rule should name, and over the
/// other faulty ones.
pub(crate) fn distributions(runs: &[SuiteRun]) -> Value {
    let rows = STATISTICS.iter().map(|statistic| {
        let of = |wanted: &dyn Fn(&SuiteRun) -> bool| {
            let values = runs.iter().filter(|run| wanted(run)).filter_map(|run| run.outcome.monitor.as_ref());
            quantiles(values.filter_map(statistic.measure).filter(|value| value.is_finite()).collect())
        };
        let own = |run: &SuiteRun| run.fault.is_some_and(|fault| FAULTS[fault].roots.contains(&statistic.code));
        json!({
            "code": statistic.code, "statistic": statistic.name, "threshold": statistic.threshold,
            "bad": if statistic.high { "above" } else { "below" },
            "healthy": of(&|run| run.fault.is_none()),
            "faulty": of(&own),
            "other_faults": of(&|run| run.fault.is_some() && !own(run)),
        })
    });
    Value::Array(rows.collect())
}

fn quantiles(mut values: Vec<f64>) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    json!({ "runs": values.len(), "least": at(0.0), "5 %": at(0.05), "median": at(0.5), "95 %": at(0.95), "most": at(1.0) })
}

/// The distributions as text.
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
