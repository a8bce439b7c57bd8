//! Formats the results of the cases.

use serde_json::Value;

use crate::terminal::{Align, table as text_table};

/// Formats the tables of faulty and healthy programs, of kinds and false alarms, and the sums.
pub(crate) fn table(document: &Value) -> String {
    let parts = [faulty(document), healthy(document), kinds(document), sums(document)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn faulty(document: &Value) -> String {
    let rows: Vec<Vec<String>> = list(document, "faulty").map(faulty_row).collect();
    let columns = [
        ("faulty program", Align::Left),
        ("lead", Align::Left),
        ("expected", Align::Left),
        ("score", Align::Right),
        ("after", Align::Right),
        ("repaired", Align::Right),
        ("cured", Align::Left),
        ("remedies of", Align::Left),
        ("alarms when repaired", Align::Left),
    ];
    if rows.is_empty() { String::new() } else { text_table(&columns, &rows) }
}

fn faulty_row(case: &Value) -> Vec<String> {
    let yes = |key: &str| if case[key] == true { "yes" } else { "NO" }.to_owned();
    let mut remedies: Vec<String> = list(case, "applied").map(|code| word(code).to_owned()).collect();
    remedies.extend(case["refused"].as_str().map(|code| format!("{code} refused")));
    vec![
        named(case),
        word(&case["lead"]).to_owned(),
        yes("leads"),
        number(&case["before"]),
        number(&case["after"]),
        number(&case["goal"]),
        yes("cured"),
        remedies.join(", "),
        alarms(list(case, "repaired")),
    ]
}

fn healthy(document: &Value) -> String {
    let row = |case: &Value| {
        let scores: Vec<String> = list(case, "runs").map(|run| number(&run["score"])).collect();
        vec![named(case), scores.join(" "), alarms(list(case, "runs"))]
    };
    let rows: Vec<Vec<String>> = list(document, "healthy").map(row).collect();
    let columns = [("healthy program", Align::Left), ("scores", Align::Left), ("false alarms", Align::Left)];
    if rows.is_empty() { String::new() } else { text_table(&columns, &rows) }
}

/// Returns the name of a case, preceded by its kind.
fn named(case: &Value) -> String {
    match word(&case["kind"]) {
        "" => word(&case["case"]).to_owned(),
        kind => format!("{kind}/{}", word(&case["case"])),
    }
}

/// Formats the alarms of several runs, grouped by run; runs without alarms are omitted.
fn alarms<'a>(runs: impl Iterator<Item = &'a Value>) -> String {
    let runs = runs.map(|run| {
        let mut alarms: Vec<&str> = list(run, "alarms").map(word).collect();
        alarms.dedup();
        match run["refused"].as_str() {
            Some(reason) => format!("refused: {reason}"),
            None => alarms.join(", "),
        }
    });
    runs.filter(|alarms| !alarms.is_empty()).collect::<Vec<_>>().join(" | ")
}

fn kinds(document: &Value) -> String {
    let part = |kind: &Value, part: &str, whole: &str| match kind[whole].as_u64() {
        Some(0) | None => "-".to_owned(),
        Some(whole) => format!("{} of {whole}", kind[part]),
    };
    let rows = list(document, "kinds").map(|kind| {
        let name = if word(&kind["kind"]).is_empty() { "not grouped" } else { word(&kind["kind"]) };
        vec![
            name.to_owned(),
            part(kind, "leads", "faulty"),
            part(kind, "cured", "faulty"),
            part(kind, "repaired_alarms", "repaired_runs"),
            part(kind, "healthy_alarms", "healthy_runs"),
        ]
    });
    let columns = [
        ("kind", Align::Left),
        ("expected cause leads", Align::Right),
        ("cured", Align::Right),
        ("repaired runs with alarm", Align::Right),
        ("healthy runs with alarm", Align::Right),
    ];
    text_table(&columns, &rows.collect::<Vec<_>>())
}

fn sums(document: &Value) -> String {
    let totals = &document["totals"];
    let share = |part: &str, whole: &str| {
        let (part, whole) = (totals[part].as_u64().unwrap_or(0), totals[whole].as_u64().unwrap_or(0));
        let percent = if whole == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) };
        format!("{part} of {whole} ({percent})")
    };
    let codes: Vec<String> =
        list(document, "false_alarms").map(|alarm| format!("{} {}", word(&alarm["code"]), alarm["runs"])).collect();
    format!(
        "faulty programs     an expected cause leads {}, the remedies cure {}, fix refuses {}\n\
         repaired programs   runs with a false alarm {}\n\
         healthy programs    runs with a false alarm {}\n\
         false alarms        {}",
        share("leads", "faulty"),
        share("cured", "faulty"),
        share("refused", "faulty"),
        share("repaired_alarms", "repaired_runs"),
        share("healthy_alarms", "healthy_runs"),
        if codes.is_empty() { "none".to_owned() } else { codes.join(", ") },
    )
}

fn list<'a>(document: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    document[key].as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_result_has_its_line() {
        let run = |alarms: &[&str]| json!({ "score": 0.9, "alarms": alarms, "refused": null });
        let document = json!({
            "faulty": [{
                "case": "slow", "kind": "rates", "lead": "K005", "leads": false, "before": 0.1, "after": 0.95, "goal": 0.9,
                "applied": ["K005"], "refused": "K010", "cured": true, "repaired": [run(&[]), run(&["K018 warn", "K018 warn"])],
            }],
            "healthy": [{ "case": "plain", "kind": "", "runs": [run(&[]), run(&[])] }],
            "kinds": [{ "kind": "rates", "faulty": 1, "leads": 0, "cured": 1, "repaired_runs": 2, "repaired_alarms": 1 }],
            "false_alarms": [{ "code": "K018", "runs": 1 }],
            "totals": { "faulty": 1, "leads": 0, "cured": 1, "refused": 1, "repaired_runs": 2, "repaired_alarms": 1,
                "healthy_runs": 2, "healthy_alarms": 0 },
        });
        let text = table(&document);
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for expected in [
            "rates/slow K005 NO 0.10 0.95 0.90 yes K005, K010 refused K018 warn",
            "plain 0.90 0.90",
            "rates 0 of 1 1 of 1 1 of 2 -",
            "faulty programs an expected cause leads 0 of 1 (0.0 %), the remedies cure 1 of 1 (100.0 %), fix refuses 1 of 1 (100.0 %)",
            "healthy programs runs with a false alarm 0 of 2 (0.0 %)",
            "false alarms K018 1",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{text}\nlacks: {expected}");
        }
    }
}
