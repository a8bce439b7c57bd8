//! Errors of predicted values.

use serde::{Deserialize, Serialize};

use super::confusion::mean;
use super::finite;

/// Maximum number of [`RegressionMetrics::points`], over all targets.
const POINTS: usize = 500;

/// Errors in the unit of the targets; for several targets, the mean over them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RegressionMetrics {
    /// Root of the mean squared error.
    #[serde(default = "finite::absent", with = "finite")]
    pub rmse: f64,
    /// Mean absolute error.
    #[serde(default = "finite::absent", with = "finite")]
    pub mae: f64,
    /// Median absolute error.
    #[serde(default)]
    pub median_absolute_error: Option<f64>,
    /// Maximum absolute error.
    #[serde(default)]
    pub max_error: Option<f64>,
    /// Coefficient of determination: 1 is perfect, 0 is as good as the mean of these samples. `None` if it is undefined: one
    /// sample, or a constant target. For several targets, the mean over those for which it is defined.
    #[serde(default)]
    pub r2: Option<f64>,
    /// Metrics of each target, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetMetrics>,
    /// True and predicted values of samples spread evenly over the part, for a chart; one list per target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Vec<(f64, f64)>>,
}

/// Errors of one target, in its own unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetMetrics {
    /// Name of the target.
    pub name: String,
    /// Root of the mean squared error.
    #[serde(default = "finite::absent", with = "finite")]
    pub rmse: f64,
    /// Mean absolute error.
    #[serde(default = "finite::absent", with = "finite")]
    pub mae: f64,
    /// Median absolute error.
    #[serde(default)]
    pub median_absolute_error: Option<f64>,
    /// Maximum absolute error.
    #[serde(default)]
    pub max_error: Option<f64>,
    /// Coefficient of determination; `None` for one sample or a constant target.
    #[serde(default)]
    pub r2: Option<f64>,
}

impl RegressionMetrics {
    /// Compares `predicted` with `actual`, both `[samples, names]`; `None` without samples.
    pub fn new(predicted: &[f32], actual: &[f32], names: &[String]) -> Option<Self> {
        let width = names.len();
        if actual.is_empty() || width == 0 {
            return None;
        }
        let column = |values: &[f32], target: usize| -> Vec<f64> {
            values.iter().skip(target).step_by(width).map(|&value| f64::from(value)).collect()
        };
        let pairs = |target: usize| (column(predicted, target), column(actual, target));
        let columns: Vec<_> = (0..width).map(pairs).collect();
        let targets: Vec<TargetMetrics> = names
            .iter()
            .zip(&columns)
            .map(|(name, (predicted, actual))| TargetMetrics { name: name.clone(), ..errors(predicted, actual) })
            .collect();
        let count = POINTS / width;
        let points = columns.iter().map(|(predicted, actual)| points(predicted, actual, count)).collect();
        let mean_of = |value: fn(&TargetMetrics) -> Option<f64>| mean(targets.iter().filter_map(value));
        Some(RegressionMetrics {
            rmse: mean_of(|target| Some(target.rmse)).unwrap_or(f64::NAN),
            mae: mean_of(|target| Some(target.mae)).unwrap_or(f64::NAN),
            median_absolute_error: mean_of(|target| target.median_absolute_error),
            max_error: targets.iter().filter_map(|target| target.max_error).reduce(f64::max),
            r2: mean_of(|target| target.r2),
            points,
            targets: if width > 1 { targets } else { Vec::new() },
        })
    }
}

/// Returns the errors of `predicted` with respect to `actual`, which is not empty.
fn errors(predicted: &[f64], actual: &[f64]) -> TargetMetrics {
    let count = actual.len() as f64;
    let mut sizes: Vec<f64> = predicted.iter().zip(actual).map(|(guess, truth)| (guess - truth).abs()).collect();
    let squares: f64 = sizes.iter().map(|size| size * size).sum();
    let sum: f64 = sizes.iter().sum();
    sizes.sort_unstable_by(f64::total_cmp);
    let middle = sizes.len() / 2;
    let median = if sizes.len() % 2 == 1 { sizes[middle] } else { (sizes[middle - 1] + sizes[middle]) / 2.0 };
    let mean = actual.iter().sum::<f64>() / count;
    let total: f64 = actual.iter().map(|value| (value - mean).powi(2)).sum();
    let varies = actual.iter().any(|value| *value != actual[0]);
    TargetMetrics {
        name: String::new(),
        rmse: (squares / count).sqrt(),
        mae: sum / count,
        median_absolute_error: Some(median),
        max_error: sizes.last().copied(),
        r2: varies.then(|| 1.0 - squares / total),
    }
}

/// Returns at most `most` pairs of true and predicted value, evenly spread.
fn points(predicted: &[f64], actual: &[f64], most: usize) -> Vec<(f64, f64)> {
    let count = actual.len().min(most);
    (0..count).map(|index| index * actual.len() / count).map(|at| (actual[at], predicted[at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(predicted: &[f32], actual: &[f32], names: &[&str]) -> RegressionMetrics {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        RegressionMetrics::new(predicted, actual, &names).unwrap()
    }

    #[test]
    fn errors_are_those_computed_by_hand() {
        let metrics = of(&[1.0, 2.0, 5.0], &[1.0, 3.0, 5.0], &["y"]);
        assert!((metrics.rmse - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((metrics.mae - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((metrics.r2, metrics.max_error), (Some(1.0 - 1.0 / 8.0), Some(1.0)));
        assert_eq!((metrics.median_absolute_error, metrics.targets.len()), (Some(0.0), 0));
        assert_eq!(metrics.points, [[(1.0, 1.0), (3.0, 2.0), (5.0, 5.0)]]);
        assert_eq!(RegressionMetrics::new(&[], &[], &["y".to_owned()]), None);
    }

    #[test]
    fn r2_is_undefined_where_nothing_varies() {
        let cases: [(&[f32], &[f32], Option<f64>); 4] = [
            (&[2.0], &[2.5], None),
            (&[2.0, 2.5], &[0.1, 0.1], None),
            (&[2.0, 2.0], &[1.0, 3.0], Some(0.0)),
            (&[1.0, 3.0], &[1.0, 3.0], Some(1.0)),
        ];
        for (predicted, actual, r2) in cases {
            assert_eq!(of(predicted, actual, &["y"]).r2, r2, "{predicted:?} {actual:?}");
        }
    }

    #[test]
    fn several_targets_are_told_apart_and_averaged() {
        let metrics = of(&[1.0, 10.0, 2.0, 10.0], &[2.0, 10.0, 4.0, 10.0], &["a", "b"]);
        assert_eq!((metrics.mae, metrics.max_error), (0.75, Some(2.0)));
        let targets: Vec<_> = metrics.targets.iter().map(|target| (target.mae, target.r2)).collect();
        assert_eq!(targets, [(1.5, Some(-1.5)), (0.0, None)]);
        assert_eq!(metrics.r2, Some(-1.5), "over the targets for which it is defined");
    }
}
