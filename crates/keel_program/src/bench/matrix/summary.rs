//! Summarises the matrix.

use serde_json::{Value, json};

/// Returns the geometric mean and the worst ratio of the steps and of the training runs, for all networks and for the dense
/// ones, and the number of networks that are slower than the peer.
pub(super) fn of(rows: &[Value]) -> Value {
    let dense: Vec<Value> = rows.iter().filter(|row| row["family"] == "dense").cloned().collect();
    json!({ "all": family(rows), "dense": family(&dense) })
}

fn family(rows: &[Value]) -> Value {
    json!({ "step": part(rows, "step"), "end_to_end": part(rows, "end_to_end") })
}

fn part(rows: &[Value], part: &str) -> Value {
    let ratios: Vec<(f64, &Value)> =
        rows.iter().filter_map(|row| Some((row[part]["ratio"].as_f64()?, &row["name"]))).collect();
    let Some((worst, name)) = ratios.iter().max_by(|one, other| one.0.total_cmp(&other.0)) else { return Value::Null };
    let mean = (ratios.iter().map(|(ratio, _)| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    json!({
        "networks": ratios.len(), "geometric_mean": mean, "worst": worst, "worst_network": name,
        "slower": ratios.iter().filter(|(ratio, _)| *ratio > 1.0).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_geometric_and_the_worst_is_named() {
        let row = |name: &str, family: &str, ratio: f64| json!({ "name": name, "family": family, "step": { "ratio": ratio }, "end_to_end": {} });
        let rows = [row("a", "dense", 0.5), row("b", "convolutional", 2.0), json!({ "name": "c", "error": "failed" })];
        let summary = of(&rows);
        let step = &summary["all"]["step"];
        assert!((step["geometric_mean"].as_f64().unwrap() - 1.0).abs() < 1e-12);
        assert_eq!((&step["worst_network"], &step["slower"], &step["networks"]), (&json!("b"), &json!(1), &json!(2)));
        assert_eq!(summary["dense"]["step"]["worst"], 0.5);
        assert_eq!(summary["all"]["end_to_end"], Value::Null);
    }
}
