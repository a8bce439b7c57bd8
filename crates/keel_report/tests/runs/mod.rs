//! Small runs for tests of reports: trained briefly, with the measurements of a longer training run.

use std::path::{Path, PathBuf};

use keel_train::Training;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// Trains `config` (TOML) into `folder/runs/NAME` and returns that folder.
pub(crate) fn trained(folder: &Path, name: &str, config: &str) -> PathBuf {
    let overrides = [
        format!("run.name={name}"),
        format!("run.directory={}", toml_string(&folder.join("runs"))),
        "train.threads=1".to_owned(),
    ];
    let config = keel_train::config::parse(&folder.join("config.toml"), config, &overrides).unwrap();
    Training::new(config).run(&mut ()).unwrap().folder.path().to_owned()
}

/// A path as a TOML string.
pub(crate) fn toml_string(path: &Path) -> String {
    Value::from(path.display().to_string()).to_string()
}

/// Returns a finding in the form of the summary.
pub(crate) fn finding(code: &str, level: &str, layer: &str, explained_by: Option<&str>) -> Value {
    let mut finding = json!({
        "code": code, "rule": "dead-relu", "kind": "died", "level": level, "layer": layer, "measured": 0.62, "threshold": 0.4,
        "first_step": 20, "last_step": 90, "message": "62 % of the units of <b>relu</b> never fired",
        "cause": "a learning rate that pushed the biases below zero", "remedy": "lower the learning rate to 0.005",
        "remedies": [
            { "type": "scale_learning_rate", "factor": 0.1, "value": 0.005 },
            { "type": "add_batch_norm", "layer": layer },
        ],
    });
    if let Some(code) = explained_by {
        finding["explained_by"] = json!({ "code": code, "layer": layer });
    }
    finding
}

/// Returns a proof of a finding as written by `prove`, over two seeds.
pub(crate) fn proof(code: &str, layer: &str) -> Value {
    let arm = |seed: u64, statistic: Option<f64>, loss: f64, score: Option<f64>| json!({ "seed": seed, "statistic": statistic, "loss": loss, "result": { "loss": loss, "score": score } });
    json!({
        "code": code, "layer": layer, "remedy": "lower the learning rate to 0.005", "verdict": "confirmed",
        "from_step": 0, "steps": 120, "threshold": 0.4,
        "without": [arm(0, Some(0.7), 2.3, None), arm(1, Some(0.6), 2.3, None)],
        "with": [arm(0, Some(0.3), 1.0, Some(0.9)), arm(1, None, 2.0, Some(0.8))],
    })
}

/// Changes the summary of a run.
pub(crate) fn change_summary(run: &Path, change: impl FnOnce(&mut Value)) {
    let path = run.join("summary.json");
    let mut summary = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut summary);
    std::fs::write(&path, summary.to_string()).unwrap();
}

/// Adds measurements of every layer of the run over `steps` steps, and a few histograms.
pub(crate) fn add_measurements(run: &Path, steps: u64) {
    let mut connection = Connection::open(run.join("metrics.sqlite")).unwrap();
    connection.execute_batch("DELETE FROM layers; DELETE FROM histograms;").unwrap();
    let mut layers = Vec::new();
    change_summary(run, |summary| {
        layers = summary["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| layer["name"].as_str().unwrap().to_owned())
            .collect();
    });
    let transaction = connection.transaction().unwrap();
    for (depth, layer) in layers.iter().enumerate() {
        for step in 1..=steps {
            let wave = 1.0 + 0.3 * (step as f64 / 7.0 + depth as f64).sin();
            for (name, value) in [
                ("output_std", wave * 0.8_f64.powi(depth as i32)),
                ("output_mean", 0.1 * wave - 0.1),
                ("gradient_rms", 1e-3 * wave * 1.6_f64.powi(depth as i32)),
                ("weight_update_ratio", if step == 5 { f64::NAN } else { 2e-3 * wave }),
                ("dead_fraction", if depth == 1 { 0.62 } else { 0.0 }),
                ("sign_agreement", 0.1 * wave),
                ("bias_norm", wave),
                ("something_new", wave),
            ] {
                let row = params![step as i64, layer, name, value];
                transaction.execute("INSERT INTO layers VALUES (?1, ?2, ?3, ?4)", row).unwrap();
            }
        }
        for step in (1..=steps).step_by((steps / 10).max(1) as usize) {
            let spread = 1.0 + step as f64 / steps as f64;
            let counts: Vec<u64> =
                (0..24).map(|bin| (400.0 * (-0.05 * (f64::from(bin) - 11.5).powi(2) * spread).exp()) as u64).collect();
            for name in ["weight", "gradient"] {
                let row = params![step as i64, layer, name, -2.0, 2.0, serde_json::to_string(&counts).unwrap()];
                transaction.execute("INSERT INTO histograms VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}

/// Replaces the scalars of the run with those of `steps` steps.
pub(crate) fn replace_steps(run: &Path, steps: u64) {
    let mut connection = Connection::open(run.join("metrics.sqlite")).unwrap();
    connection.execute_batch("DELETE FROM steps;").unwrap();
    let transaction = connection.transaction().unwrap();
    for step in 1..=steps {
        let loss = if step == steps / 2 { 77.5 } else { 2.3 / (1.0 + step as f64 / 500.0) };
        let row = params![step as i64, (1 + step / 1000) as i64, loss, 0.1, 1.0];
        transaction.execute("INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5)", row).unwrap();
    }
    transaction.commit().unwrap();
}
