//! Formats the study.

use serde_json::Value;

use crate::terminal::{Align, table as text_table};

/// Formats the table of rules and levels, the results of the networks without a fault, and a sentence for each level that the
/// study contradicts.
pub(crate) fn table(document: &Value) -> String {
    let verdicts: Vec<&Value> = document["verdicts"].as_array().into_iter().flatten().collect();
    let columns = [
        ("rule", Align::Left),
        ("level", Align::Left),
        ("cases", Align::Right),
        ("failed", Align::Right),
        ("treated", Align::Right),
        ("improved", Align::Right),
        ("worse", Align::Right),
        ("median gain", Align::Right),
        ("silent", Align::Right),
        ("deserves", Align::Left),
    ];
    let rows: Vec<Vec<String>> = verdicts.iter().map(|verdict| row(verdict)).collect();
    let mut text = if rows.is_empty() {
        "no finding, and no rule that was silent".to_owned()
    } else {
        text_table(&columns, &rows)
    };
    text.push_str("\n\nNetworks without a fault, validation accuracy or R2, and the spread a gain must exceed:\n");
    for sound in document["sound"].as_array().into_iter().flatten() {
        let number = |key: &str| sound[key].as_f64().unwrap_or(f64::NAN);
        let name = sound["network"].as_str().unwrap_or_default();
        text.push_str(&format!("  {name:16} {:.3}, spread {:.3}\n", number("mean"), number("spread")));
    }
    let sentences: Vec<&str> = verdicts.iter().filter_map(|verdict| verdict["contradiction"].as_str()).collect();
    match sentences.as_slice() {
        [] => text.push_str("\nNo level contradicts the study.\n"),
        sentences => sentences.iter().for_each(|sentence| text.push_str(&format!("\n{sentence}."))),
    }
    text
}

fn row(verdict: &Value) -> Vec<String> {
    let word = |key: &str| verdict[key].as_str().unwrap_or("-").to_owned();
    let count = |key: &str| verdict[key].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
    let gain = verdict["median_gain"].as_f64().map_or_else(|| "-".to_owned(), |gain| format!("{gain:+.3}"));
    vec![
        word("code"),
        word("level"),
        count("cases"),
        count("failed"),
        count("treated"),
        count("improved"),
        count("worse"),
        gain,
        count("silent"),
        verdict["deserved"].as_str().unwrap_or("too few").to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_ends_with_what_is_contradicted() {
        let verdict = |deserved: Option<&str>, contradiction: Option<&str>| {
            json!({
                "code": "K010", "level": "warn", "cases": 12, "treated": 10, "improved": 3, "worse": 1, "failed": 2,
                "median_gain": 0.0042, "silent": 6, "deserved": deserved, "contradiction": contradiction,
            })
        };
        let sound = json!([{ "network": "digits mlp", "mean": 0.95, "spread": 0.012 }]);
        let text = table(&json!({ "verdicts": [verdict(Some("info"), Some("K010 is too loud"))], "sound": sound }));
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for expected in ["K010 warn 12 2 10 3 1 +0.004 6 info", "digits mlp 0.950, spread 0.012", "K010 is too loud."] {
            assert!(lines.iter().any(|line| line == expected), "{text}\nlacks: {expected}");
        }
        let text = table(&json!({ "verdicts": [verdict(None, None)], "sound": sound }));
        assert!(text.contains("too few") && text.contains("No level contradicts the study."), "{text}");
    }
}
