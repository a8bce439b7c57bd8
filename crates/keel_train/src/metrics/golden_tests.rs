//! Metrics against scikit-learn: the values were written by `tools/golden/metric_cases.py`.

use serde::Deserialize;

use super::calibration::Calibration;
use super::probabilities::ProbabilityScores;
use super::ranking::Ranking;
use super::{ConfusionMatrix, RegressionMetrics, TargetMetrics};

#[derive(Deserialize)]
struct Golden {
    classes: Vec<ClassCase>,
    values: Vec<ValueCase>,
}

#[derive(Deserialize)]
struct ClassCase {
    name: String,
    classes: usize,
    probabilities: Vec<f32>,
    labels: Vec<u32>,
    metrics: std::collections::BTreeMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct ValueCase {
    name: String,
    target_names: Vec<String>,
    predicted: Vec<f32>,
    actual: Vec<f32>,
    metrics: Errors,
    targets: Vec<Errors>,
}

#[derive(Deserialize)]
struct Errors {
    rmse: f64,
    mae: f64,
    median_absolute_error: f64,
    max_error: f64,
    r2: Option<f64>,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn assert_same(what: &str, ours: Option<f64>, theirs: Option<f64>) {
    let same = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
        (None, None) => true,
        _ => false,
    };
    assert!(same, "{what}: {ours:?}, scikit-learn has {theirs:?}");
}

#[test]
fn metrics_of_classes_equal_scikit_learn() {
    let cases = golden().classes;
    assert!(cases.len() >= 13, "{}", cases.len());
    for case in cases {
        let mut confusion = ConfusionMatrix::new(case.classes);
        let mut scores = ProbabilityScores::new(case.classes, false);
        let mut calibration = Calibration::default();
        let mut ranking = Ranking::new(case.classes, case.labels.len());
        // In batches, as in an evaluation.
        for (rows, labels) in case.probabilities.chunks(7 * case.classes).zip(case.labels.chunks(7)) {
            confusion.add(rows, labels);
            scores.add(rows, labels);
            calibration.add(rows, case.classes, labels);
            ranking.add(rows, labels);
        }
        let ranked = ranking.scores();
        let ours = [
            ("accuracy", confusion.accuracy()),
            ("balanced_accuracy", confusion.balanced_accuracy()),
            ("f1", confusion.f1()),
            ("mcc", confusion.matthews()),
            ("roc_auc", ranked.roc_auc),
            ("pr_auc", ranked.average_precision),
            ("log_loss", scores.log_loss()),
            ("brier", scores.brier()),
            ("calibration_error", calibration.error()),
            ("top", scores.top()),
        ];
        assert_eq!(ours.len(), case.metrics.len(), "{}", case.name);
        for (metric, value) in ours {
            assert_same(&format!("{}, {metric}", case.name), value, case.metrics[metric]);
        }
    }
}

#[test]
fn errors_of_values_equal_scikit_learn() {
    let cases = golden().values;
    assert!(cases.len() >= 8, "{}", cases.len());
    for case in cases {
        let metrics = RegressionMetrics::new(&case.predicted, &case.actual, &case.target_names).unwrap();
        let whole = TargetMetrics {
            name: String::new(),
            rmse: metrics.rmse,
            mae: metrics.mae,
            median_absolute_error: metrics.median_absolute_error,
            max_error: metrics.max_error,
            r2: metrics.r2,
        };
        let several = case.target_names.len() > 1;
        assert_eq!(metrics.targets.len(), if several { case.targets.len() } else { 0 }, "{}", case.name);
        let pairs = std::iter::once((&whole, &case.metrics)).chain(metrics.targets.iter().zip(&case.targets));
        for (ours, theirs) in pairs {
            let what = |metric: &str| format!("{} {}, {metric}", case.name, ours.name);
            assert_same(&what("rmse"), Some(ours.rmse), Some(theirs.rmse));
            assert_same(&what("mae"), Some(ours.mae), Some(theirs.mae));
            assert_same(&what("median"), ours.median_absolute_error, Some(theirs.median_absolute_error));
            assert_same(&what("max"), ours.max_error, Some(theirs.max_error));
            assert_same(&what("r2"), ours.r2, theirs.r2);
        }
    }
}
