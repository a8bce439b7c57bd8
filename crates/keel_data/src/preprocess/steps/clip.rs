//! Clamps each feature to a range around its median, so that a few extreme values do not determine its scale.
//! Winsorising with limits outside the ordinary values (Tukey 1962), so that columns without outliers are unchanged.

use super::robust_scale::quantile;
use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of the step `clip`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClipSpec {
    /// Share of the samples beyond the outer quantile on each side.
    pub quantile: f64,
    /// Distance of the limits from the median, in distances between the median and the outer quantile.
    pub factor: f64,
}

impl ClipSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "clip",
        summary: "limit each feature to 3 times the distance between its median and its 1 % and 99 % quantile; first",
    };
}

impl Default for ClipSpec {
    fn default() -> Self {
        Self { quantile: 0.01, factor: 3.0 }
    }
}

impl StepDefinition for ClipSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let refused = |what, next| Err(DataError::setting("preprocess.steps", what, next));
        if view.shape().is_image() {
            let what = "clip limits columns of tables, but the samples are images".to_owned();
            return refused(what, "Remove it: pixels have limits already");
        }
        if !(self.quantile > 0.0 && self.quantile < 0.5) {
            return refused(format!("quantile of clip is {}", self.quantile), "Give a share below 0.5, such as 0.01");
        }
        if !(self.factor >= 1.0 && self.factor.is_finite()) {
            return refused(format!("factor of clip is {}", self.factor), "Give a number of at least 1, such as 3");
        }
        let limits: Vec<(f32, f32)> = view.map_sorted_columns(|_, sorted| self.limits(sorted))?;
        let (low, high) = limits.into_iter().unzip();
        Ok(FittedStep::Clip { low, high })
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl ClipSpec {
    /// Returns the limits of a sorted column. On a side where the quantile equals the median there is no scale, and all
    /// values are kept.
    fn limits(&self, sorted: &[f32]) -> (f32, f32) {
        let median = quantile(sorted, 0.5);
        let (below, above) = (median - quantile(sorted, self.quantile), quantile(sorted, 1.0 - self.quantile) - median);
        let low = if below > 0.0 { (median - self.factor * below) as f32 } else { f32::NEG_INFINITY };
        let high = if above > 0.0 { (median + self.factor * above) as f32 } else { f32::INFINITY };
        (low.max(f32::MIN), high.min(f32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, normal, stream};

    #[test]
    fn ordinary_columns_keep_their_values_and_outliers_are_limited() {
        let mut stream = stream(2, Purpose::Synthetic, 0, 0);
        let mut ordinary: Vec<f32> = (0..2_000).map(|_| normal(&mut stream) as f32).collect();
        ordinary.sort_unstable_by(f32::total_cmp);
        let (low, high) = ClipSpec::default().limits(&ordinary);
        assert!(low < ordinary[0] && high > ordinary[1_999], "{low} {high}");
        ordinary[1_999] = 1e6;
        let (_, limited) = ClipSpec::default().limits(&ordinary);
        assert!((limited - high).abs() < 1e-3 && (6.0..8.0).contains(&limited), "{limited}");
    }

    #[test]
    fn a_side_without_spread_keeps_its_values() {
        let mostly_zero: Vec<f32> = (0..1_000).map(|place| if place < 995 { 0.0 } else { 1.0 }).collect();
        assert_eq!(ClipSpec::default().limits(&mostly_zero), (f32::MIN, f32::MAX));
        let gains: Vec<f32> = (0..1_000).map(|place| if place < 950 { 0.0 } else { place as f32 }).collect();
        let (low, high) = ClipSpec::default().limits(&gains);
        assert_eq!(low, f32::MIN);
        assert!(high > 999.0, "{high}");
    }
}
