//! Compares the findings with the known faults.

use keel_health::{Finding, Level, Monitor, Outcome};
use serde_json::{Value, json};

use super::{FAULTS, Fault, SuiteRun};
use crate::terminal::{Align, table as text_table};

/// Sums over the runs of one fault, or of all.
#[derive(Debug, Clone, Default)]
struct Tally {
    runs: usize,
    detected: usize,
    named: usize,
    steps: Vec<u64>,
    leading: Vec<String>,
}

/// Iterates over the leading findings: those that no other finding explains and that are at least warnings.
fn alarms(run: &SuiteRun) -> impl Iterator<Item = &Finding> {
    run.findings().iter().filter(|finding| finding.is_root() && finding.level > Level::Info)
}

/// Returns true if the fault should be reported at level info because it does no harm: levels stand for consequences.
fn owes_remark(run: &SuiteRun, fault: &Fault) -> bool {
    let outcome = run.outcome.monitor.as_ref().and_then(Monitor::outcome);
    fault.remark || outcome.is_some_and(Outcome::has_learned)
}

fn least_level(run: &SuiteRun, fault: &Fault) -> Level {
    if owes_remark(run, fault) { Level::Info } else { Level::Warn }
}

/// Returns true if `finding` indicates `fault`.
fn shows(run: &SuiteRun, fault: &Fault, finding: &Finding) -> bool {
    let codes = fault.roots.iter().chain(fault.symptoms);
    finding.level >= least_level(run, fault) && codes.clone().any(|code| *code == finding.code)
}

/// Returns the leading finding of a run: a code, `refused`, or `-`.
fn leading(run: &SuiteRun, fault: &Fault) -> String {
    if run.outcome.refused.is_some() {
        return "refused".to_owned();
    }
    let mut findings = run.findings().iter().filter(|finding| finding.level >= least_level(run, fault));
    let first = match owes_remark(run, fault) {
        // A remark may follow other remarks; there must be no alarm before it.
        true => alarms(run).next().or_else(|| run.findings().iter().find(|finding| shows(run, fault, finding))),
        false => findings.next(),
    };
    first.map_or_else(|| "-".to_owned(), |finding| finding.code.clone())
}

impl Tally {
    fn add(&mut self, run: &SuiteRun, fault: &Fault) {
        self.runs += 1;
        let led = leading(run, fault);
        let refused = run.outcome.refused.is_some() && fault.roots.contains(&"refused");
        self.detected += usize::from(refused || run.findings().iter().any(|finding| shows(run, fault, finding)));
        self.named += usize::from(fault.roots.contains(&led.as_str()));
        self.leading.push(led);
        let shown = run.outcome.first_reports.iter().filter(|(code, _, _)| fault.roots.iter().any(|root| root == code));
        self.steps.extend(shown.map(|(_, _, step)| *step).min().or(refused.then_some(0)));
    }

    fn document(&self) -> Value {
        let mut steps = self.steps.clone();
        steps.sort_unstable();
        let mut led: Vec<(String, usize)> = Vec::new();
        for code in &self.leading {
            match led.iter_mut().find(|(known, _)| known == code) {
                Some((_, count)) => *count += 1,
                None => led.push((code.clone(), 1)),
            }
        }
        led.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        json!({
            "runs": self.runs,
            "detected": self.detected,
            "root_named": self.named,
            "median_steps": steps.get(steps.len() / 2),
            "leading": led.into_iter().map(|(code, count)| json!({ "code": code, "runs": count })).collect::<Vec<_>>(),
        })
    }
}

/// Returns the confusion table and the totals.
pub(crate) fn score(runs: &[SuiteRun]) -> Value {
    let mut rows = Vec::new();
    let mut all = Tally::default();
    let (mut true_alarms, mut wrong_alarms) = (0, Vec::new());
    for (index, fault) in FAULTS.iter().enumerate() {
        let own: Vec<&SuiteRun> = runs.iter().filter(|run| run.fault == Some(index)).collect();
        if own.is_empty() {
            continue;
        }
        let mut tally = Tally::default();
        own.iter().for_each(|run| {
            tally.add(run, fault);
            all.add(run, fault);
            let (right, wrong): (Vec<&Finding>, Vec<&Finding>) =
                alarms(run).partition(|finding| shows(run, fault, finding));
            true_alarms += right.len();
            wrong_alarms.extend(wrong.into_iter().map(|finding| alarm(run, finding)));
        });
        let networks = ["mlp", "cnn", "residual"].map(|network| {
            let mut tally = Tally::default();
            own.iter().filter(|run| run.network == network).for_each(|run| tally.add(run, fault));
            json!({ "network": network, "result": tally.document() })
        });
        rows.push(json!({
            "name": fault.name, "fault": fault.summary, "expected": fault.roots, "total": tally.document(), "networks": networks,
        }));
    }
    let healthy: Vec<&SuiteRun> = runs.iter().filter(|run| run.fault.is_none()).collect();
    let alarmed = healthy.iter().filter(|run| alarms(run).next().is_some()).count();
    let healthy_alarms: usize = healthy.iter().map(|run| alarms(run).count()).sum();
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let false_of_healthy: Vec<Value> =
        healthy.iter().flat_map(|run| alarms(run).map(|finding| alarm(run, finding))).collect();
    let missed = runs.iter().filter(|run| {
        run.fault.is_some_and(|fault| !FAULTS[fault].roots.contains(&leading(run, &FAULTS[fault]).as_str()))
    });
    let missed: Vec<Value> = missed.map(not_named).collect();
    json!({
        "faults": rows,
        "faulty_runs": all.runs,
        "recall": share(all.detected, all.runs),
        "root_named": share(all.named, all.runs),
        "precision": share(true_alarms, true_alarms + wrong_alarms.len() + healthy_alarms),
        "healthy_runs": healthy.len(),
        "healthy_runs_with_alarm": alarmed,
        "false_alarms_per_healthy_run": share(healthy_alarms, healthy.len()),
        "false_alarms": false_of_healthy,
        "wrong_alarms": wrong_alarms,
        "not_named": missed,
    })
}

fn alarm(run: &SuiteRun, finding: &Finding) -> Value {
    json!({
        "run": run.name, "network": run.network, "seed": run.seed, "code": finding.code, "layer": finding.layer,
        "message": finding.message, "accuracy": run.outcome.accuracy,
    })
}

fn not_named(run: &SuiteRun) -> Value {
    let found: Vec<String> =
        run.findings().iter().take(4).map(|finding| format!("{} {}", finding.level.name(), finding.code)).collect();
    json!({ "run": run.name, "network": run.network, "seed": run.seed, "found": found, "accuracy": run.outcome.accuracy })
}

/// Formats the confusion table.
pub(crate) fn table(document: &Value) -> String {
    let columns = [
        ("fault", Align::Left),
        ("expected", Align::Left),
        ("runs", Align::Right),
        ("detected", Align::Right),
        ("root named", Align::Right),
        ("steps", Align::Right),
        ("led by", Align::Left),
    ];
    let list = |values: &Value| {
        values.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    let rows = document["faults"].as_array().into_iter().flatten().map(|row| {
        let total = &row["total"];
        let led = total["leading"].as_array().into_iter().flatten();
        let led: Vec<String> =
            led.map(|entry| format!("{} {}", entry["runs"], entry["code"].as_str().unwrap_or("-"))).collect();
        vec![
            row["name"].as_str().unwrap_or_default().to_owned(),
            list(&row["expected"]),
            total["runs"].to_string(),
            total["detected"].to_string(),
            total["root_named"].to_string(),
            total["median_steps"].as_u64().map_or_else(|| "-".to_owned(), |steps| steps.to_string()),
            led.join(", "),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let mut text = if rows.is_empty() { String::new() } else { text_table(&columns, &rows) };
    text.push_str("\n\n");
    let number = |key: &str| document[key].as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"));
    text.push_str(&format!(
        "{} faulty runs: recall {}, root cause named {}\nprecision of all alarms {}\n",
        document["faulty_runs"],
        number("recall"),
        number("root_named"),
        number("precision")
    ));
    text.push_str(&format!(
        "{} healthy runs: {} with an alarm, {} alarms a run\n",
        document["healthy_runs"],
        document["healthy_runs_with_alarm"],
        number("false_alarms_per_healthy_run")
    ));
    for alarm in document["false_alarms"].as_array().into_iter().flatten().take(20) {
        let word = |key: &str| alarm[key].as_str().unwrap_or("-").to_owned();
        text.push_str(&format!(
            "  {} {} seed {}: {} {}\n",
            word("run"),
            word("network"),
            alarm["seed"],
            word("code"),
            word("message")
        ));
    }
    text
}
