//! Classes of sources with numeric labels.

use super::target_rule::label_key;
use crate::dataset::{Schema, TargetKind, Targets};
use crate::error::DataError;
use std::path::Path;

/// Returns the classes of the numeric `labels`: those of the trained model, or one for each distinct number in
/// ascending order and at least those from 0 up to, but not including, `least`.
///
/// # Errors
/// Fails if a label is not a finite number or is unknown to the model.
pub(super) fn classes_of_numbers(
    labels: &[f64],
    least: usize,
    schema: Option<&Schema>,
    path: &Path,
) -> Result<Targets, DataError> {
    if let Some(sample) = labels.iter().position(|label| !label.is_finite()) {
        let what = format!("the label of sample {sample} is {}", labels[sample]);
        return Err(DataError::format(path, what, "Give a label to every sample, or leave it out"));
    }
    let name = |label: f64| label_key(&label.to_string()).into_owned();
    let class_names: Vec<String> = match schema.map(|schema| &schema.target) {
        Some(TargetKind::Classes(names)) => names.clone(),
        _ => {
            let mut different: Vec<f64> = labels.iter().copied().chain((0..least).map(|class| class as f64)).collect();
            different.sort_by(f64::total_cmp);
            different.dedup();
            different.into_iter().map(name).collect()
        }
    };
    let by_name: std::collections::HashMap<String, u32> =
        class_names.iter().enumerate().map(|(class, name)| (label_key(name).into_owned(), class as u32)).collect();
    let class = |&label: &f64| {
        by_name.get(&name(label)).copied().ok_or_else(|| {
            let what = format!("label {label} is outside the {} classes of the model", class_names.len());
            DataError::format(path, what, "Give data with the classes the model was trained on")
        })
    };
    let labels = labels.iter().map(class).collect::<Result<Vec<u32>, _>>()?;
    Ok(Targets::Classes { labels, class_names })
}
