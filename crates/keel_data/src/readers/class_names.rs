//! Classes of sources with numeric labels, and names of classes that are easily confused.

use super::target_rule::label_key;
use crate::dataset::{Schema, TargetKind, Targets};
use crate::error::DataError;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Maximum number of groups of classes with similar names that a note shows.
const SHOWN: usize = 5;

/// Magnitude up to which every whole number has a 64-bit floating-point number of its own.
pub(super) const EXACT: f64 = 9_007_199_254_740_992.0;

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
    // A 64-bit number may stand for several whole numbers from here on.
    if let Some(sample) = labels.iter().position(|label| label.abs() >= EXACT) {
        let what = format!("the label {} of sample {sample} is too large to be kept exactly", labels[sample]);
        return Err(DataError::format(path, what, "Number the classes from 0, or store the labels as texts"));
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
    let by_name: HashMap<String, u32> =
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

/// Returns a note about classes whose names differ only in capitals or spaces, as two spellings of one class do.
pub(super) fn alike_names_note(names: &[String]) -> Option<String> {
    let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let key = name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        spellings.entry(key).or_default().push(format!("\"{name}\""));
    }
    let alike: Vec<String> =
        spellings.into_values().filter(|names| names.len() > 1).map(|names| names.join(" and ")).collect();
    let shown = alike.get(..SHOWN).unwrap_or(&alike).join(", ");
    let more = if alike.len() > SHOWN { format!(" and {} more", alike.len() - SHOWN) } else { String::new() };
    (!alike.is_empty()).then(|| {
        format!(
            "classes that differ only in capitals or spaces: {shown}{more}; give them one name if they mean the same"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_may_have_been_merged_are_refused() {
        let classes = |labels: &[f64]| classes_of_numbers(labels, 0, None, Path::new("a.npz"));
        assert!(classes(&[EXACT - 1.0, EXACT - 2.0]).is_ok());
        let message = classes(&[0.0, -EXACT]).unwrap_err().to_string();
        assert!(message.contains("a.npz") && message.contains("label -9007199254740992 of sample 1"), "{message}");
    }

    #[test]
    fn spellings_of_one_class_are_noted() {
        let cases: [(&[&str], &str); 4] = [
            (&["Ja", "Nein", "ja"], "classes that differ only in capitals or spaces: \"Ja\" and \"ja\"; give them"),
            (&["New  York", "new york", "a", "A"], "\"a\" and \"A\", \"New  York\" and \"new york\""),
            (&["Ärger", "ärger"], "\"Ärger\" and \"ärger\""),
            (&["ja", "nein", "1", "10"], ""),
        ];
        for (names, expected) in cases {
            let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
            let note = alike_names_note(&names).unwrap_or_default();
            assert!(note.contains(expected) && note.is_empty() == expected.is_empty(), "{names:?}: {note}");
        }
    }
}
