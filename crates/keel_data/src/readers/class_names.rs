//! Names of classes for sources whose labels are numbers.

use crate::dataset::{Schema, TargetKind};
use crate::error::DataError;
use std::path::Path;

/// Names for `labels`: those of the trained model, else `0`, `1`, ... up to the largest label.
pub(super) fn for_numbers(labels: &[u32], schema: Option<&Schema>, path: &Path) -> Result<Vec<String>, DataError> {
    let largest = labels.iter().copied().max().unwrap_or(0) as usize;
    if let Some(TargetKind::Classes(names)) = schema.map(|schema| &schema.target) {
        if largest >= names.len() {
            return Err(DataError::format(
                path,
                format!("label {largest} is outside the {} classes of the model", names.len()),
                "Give data with the classes the model was trained on",
            ));
        }
        return Ok(names.clone());
    }
    Ok((0..=largest).map(|class| class.to_string()).collect())
}
