//! `(x - min) / (max - min)`: each feature of a table separately, all values of images together.

use super::{CatalogEntry, DataError, FittedStep, Moments, StepDefinition, TrainingView};

/// The step `min_max`; it has no keys.
pub(super) struct MinMaxSpec;

impl MinMaxSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "min_max",
        summary: "scale each feature of a table, or all values of images together, to [0, 1]",
    };
}

impl StepDefinition for MinMaxSpec {
    fn fit(&self, view: &TrainingView) -> Result<FittedStep, DataError> {
        let mut moments = view.moments()?;
        if view.shape().is_image() {
            let mut whole = Moments::default();
            moments.iter().for_each(|moments| whole.merge(moments));
            moments = vec![whole];
        }
        let scale = |moments: &Moments| if moments.is_constant() { 1.0 } else { 1.0 / (moments.max - moments.min) };
        Ok(FittedStep::Elementwise {
            step: Self::ENTRY.name.to_string(),
            shift: moments.iter().map(|moments| moments.min).collect(),
            scale: moments.iter().map(scale).collect(),
            constant: (0..moments.len()).filter(|&position| moments[position].is_constant()).collect(),
        })
    }

    fn is_scaling(&self) -> bool {
        true
    }
}
