//! `x / sqrt(1 + (x / limit)^2)`: close to the identity near 0 and bounded by the limit (Holzmüller, Grinsztajn &
//! Steinwart 2024, RealMLP).

use super::{CatalogEntry, DataError, FittedStep, StepDefinition, TrainingView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of the step `soft_clip`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SoftClipSpec {
    /// Largest magnitude.
    pub limit: f64,
}

impl SoftClipSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "soft_clip",
        summary: "squash extreme values smoothly into [-limit, limit]; after a scaling step (limit 3)",
    };
}

impl Default for SoftClipSpec {
    fn default() -> Self {
        Self { limit: 3.0 }
    }
}

impl StepDefinition for SoftClipSpec {
    fn fit(&self, _view: &TrainingView) -> Result<FittedStep, DataError> {
        let limit = self.limit;
        if limit.is_finite() && limit > 0.0 {
            return Ok(FittedStep::SoftClip { limit });
        }
        let what = format!("limit of soft_clip is {limit}");
        Err(DataError::setting("preprocess.steps", what, "Give a number above 0, such as 3"))
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Clips one value; an infinity becomes the limit, NaN stays.
pub(in crate::preprocess) fn clip(value: f32, limit: f64) -> f32 {
    let value = f64::from(value);
    if value.is_infinite() {
        return (limit * value.signum()) as f32;
    }
    (value / (1.0 + (value / limit).powi(2)).sqrt()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_stay_and_large_ones_end_at_the_limit() {
        let cases = [(0.0, 0.0), (0.01, 0.01), (3.0, 3.0 / 2f32.sqrt()), (-3.0, -3.0 / 2f32.sqrt()), (1e30, 3.0)];
        for (value, expected) in cases {
            assert!((clip(value, 3.0) - expected).abs() < 1e-6, "{value}: {}", clip(value, 3.0));
        }
        assert_eq!([clip(f32::INFINITY, 3.0), clip(f32::NEG_INFINITY, 3.0), clip(f32::MAX, 3.0)], [3.0, -3.0, 3.0]);
        assert!(clip(f32::NAN, 3.0).is_nan());
    }
}
