//! `(x - median) / spread`, feature by feature; a few extreme values affect neither statistic.

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use crate::moments::Moments;

/// Interquartile range of a normal distribution with standard deviation 1.
const NORMAL_RANGE: f64 = 1.348_979_500_392_163_5;

/// The step `robust_scale`; it has no keys.
pub(super) struct RobustScaleSpec;

impl RobustScaleSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "robust_scale",
        summary: "subtract the median of each feature and divide by its interquartile range; two values become 0 and 1",
    };
}

impl StepDefinition for RobustScaleSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let fitted: Vec<(f64, Option<f64>)> = view.map_sorted_columns(|_, column| of_column(column))?;
        let constant = |(position, (_, spread)): (usize, &(f64, Option<f64>))| spread.is_none().then_some(position);
        Ok(FittedStep::Elementwise {
            step: Self::ENTRY.name.to_string(),
            shift: fitted.iter().map(|(shift, _)| *shift).collect(),
            scale: fitted.iter().map(|(_, spread)| 1.0 / spread.unwrap_or(1.0)).collect(),
            constant: fitted.iter().enumerate().filter_map(constant).collect(),
        })
    }

    fn is_scaling(&self) -> bool {
        true
    }
}

/// Returns shift and spread of a sorted column: minimum and range if it has two values; else the median with the
/// interquartile range in units of the standard deviation, or with the standard deviation if that range is 0. A
/// constant column has no spread.
fn of_column(sorted: &[f32]) -> (f64, Option<f64>) {
    let (first, last) = (f64::from(sorted[0]), f64::from(sorted[sorted.len() - 1]));
    if first == last {
        return (first, None);
    }
    if sorted.iter().all(|&value| f64::from(value) == first || f64::from(value) == last) {
        return (first, Some(last - first));
    }
    let median = quantile(sorted, 0.5);
    let range = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    if range > 0.0 {
        return (median, Some(range / NORMAL_RANGE));
    }
    let mut moments = Moments::default();
    sorted.iter().for_each(|&value| moments.add(f64::from(value)));
    (median, Some(moments.std()))
}

/// Returns the quantile `share` of a sorted column, interpolated between neighbours.
pub(super) fn quantile(sorted: &[f32], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let (low, high) = (f64::from(sorted[below]), f64::from(sorted[(below + 1).min(sorted.len() - 1)]));
    low + (high - low) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_and_spread_of_few_values() {
        let cases: [(&[f32], f64, Option<f64>); 4] = [
            (&[2.0, 2.0], 2.0, None),
            (&[3.0, 3.0, 7.0], 3.0, Some(4.0)),
            (&[0.0, 1.0, 2.0, 3.0, 4.0], 2.0, Some(2.0 / NORMAL_RANGE)),
            (&[0.0, 5.0, 5.0, 5.0, 10.0], 5.0, Some(10f64.sqrt())),
        ];
        for (sorted, shift, spread) in cases {
            let (found_shift, found_spread) = of_column(sorted);
            assert_eq!(found_shift, shift, "{sorted:?}");
            assert_eq!(found_spread.is_some(), spread.is_some(), "{sorted:?}");
            assert!((found_spread.unwrap_or(0.0) - spread.unwrap_or(0.0)).abs() < 1e-12, "{sorted:?} {found_spread:?}");
        }
    }

    #[test]
    fn one_extreme_value_changes_nothing_but_itself() {
        let mut column: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        let before = of_column(&column);
        column[999] = 1e30;
        assert_eq!(of_column(&column), before);
    }
}
