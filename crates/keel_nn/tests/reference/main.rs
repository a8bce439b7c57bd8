//! The f64 reference against PyTorch and against differences, and the layers and losses against the reference.

mod branches;
mod differences;
mod golden;
mod graphs;
mod layers;
mod losses;
mod operation;
#[path = "../single_layer/mod.rs"]
mod single_layer;

use keel_testkit::Tolerance;

/// Panics with `what` and the worst element unless all values are within `tolerance` of the expected ones.
fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: Tolerance) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let difference = |k: usize| (actual[k] - expected[k]).abs();
    let wrong: Vec<usize> = (0..actual.len()).filter(|&k| !tolerance.accepts(actual[k], expected[k])).collect();
    if let Some(&worst) = wrong.iter().max_by(|&&a, &&b| difference(a).total_cmp(&difference(b))) {
        panic!(
            "{what}: {} of {} values differ; worst at index {worst}: {:e} instead of {:e} ({tolerance:?})",
            wrong.len(),
            actual.len(),
            actual[worst],
            expected[worst]
        );
    }
}

/// Widens every value.
fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}
