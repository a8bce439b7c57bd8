//! Targets of arrays: classes, one-hot rows of classes, or values.

use super::array::{Array, Values};
use crate::config::Task;
use crate::dataset::{TargetBasis, TargetKind, Targets};
use crate::error::DataError;
use crate::readers::Request;
use crate::readers::class_names::{alike_names_note, classes_of_numbers};
use crate::readers::target_rule::{label_key, other_task, task_of_numbers};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The targets of all parts, by the rule for every format; a note states how they were read.
///
/// # Errors
/// Labels that the model does not know, several columns instead of one of labels, or more than `data.largest_columns`.
pub(super) fn join(request: &Request, parts: Vec<Array>, notes: &mut Vec<String>) -> Result<Targets, DataError> {
    let Some(first) = parts.first() else { return Ok(Targets::Unlabelled) };
    let width: usize = first.sizes.iter().skip(1).product();
    if parts.iter().any(|part| part.sizes.iter().skip(1).product::<usize>() != width) {
        return Err(DataError::format(
            request.path,
            "the targets of the parts have different sizes",
            "Store them alike",
        ));
    }
    if width > request.config.largest_columns {
        let what = format!("{width} targets per sample, but the limit is {} columns", request.config.largest_columns);
        let next = format!("Store one column of labels, or set data.largest_columns = {width}");
        return Err(DataError::format(request.path, what, next));
    }
    if parts.iter().any(|part| matches!(part.values, Values::Texts(_))) {
        return text_classes(request, parts, notes);
    }
    let values: Vec<f64> = parts.into_iter().flat_map(|part| part.values.into_floats()).collect();
    let is_one_hot = width > 1 && one_hot(&values, width);
    let (guess, reason) = match width {
        1 => {
            let (task, basis) = task_of_numbers(&distinct(&values));
            (task, basis.sentence().english)
        }
        _ if is_one_hot => (Task::Classification, format!("one-hot rows of {width}")),
        _ => (Task::Regression, format!("{width} numbers per sample")),
    };
    let task = match (request.schema.map(|schema| &schema.target), request.config.task) {
        (Some(TargetKind::Classes(_)), _) => Task::Classification,
        (Some(_), _) => Task::Regression,
        (None, Task::Auto) => guess,
        (None, task) => task,
    };
    if request.schema.is_none() {
        let found = if task == Task::Regression { "values" } else { "classes" };
        let why = if request.config.task == Task::Auto { reason } else { TargetBasis::Given.sentence().english };
        notes.push(format!("the targets are read as {found} ({why}): {}", other_task(task)));
    }
    if task == Task::Regression {
        let target_names = (0..width).map(|target| format!("target_{target}")).collect();
        return Ok(Targets::Values { values: values.into_iter().map(|value| value as f32).collect(), target_names });
    }
    let labels: Vec<f64> = match width {
        1 => values,
        _ if is_one_hot => values.chunks_exact(width).map(|row| place_of_one(row) as f64).collect(),
        _ => {
            let what = format!("the targets have {width} columns that are not one-hot");
            let next = "Store one column of labels, or set data.task = \"regression\"";
            return Err(DataError::format(request.path, what, next));
        }
    };
    let all_columns = if is_one_hot { width } else { 0 };
    classes_of_numbers(&labels, all_columns, request.schema, request.path)
}

/// The classes of labels that are text: those of the model, or every different text, sorted.
fn text_classes(request: &Request, parts: Vec<Array>, notes: &mut Vec<String>) -> Result<Targets, DataError> {
    let refuse = |what: &str, next: &str| Err(DataError::format(request.path, what, next));
    if parts.iter().any(|part| part.sizes.iter().skip(1).product::<usize>() != 1) {
        return refuse("the targets are texts of several columns", "Store one label for each sample");
    }
    let known = match request.schema.map(|schema| &schema.target) {
        Some(TargetKind::Classes(names)) => Some(names.clone()),
        Some(_) => return refuse("the targets are text, but the model predicts numbers", "Store numbers as targets"),
        None => None,
    };
    if known.is_none() && request.config.task == Task::Regression {
        return refuse("the targets are text, which cannot be read as values", "Store numbers, or remove data.task");
    }
    let mut texts = Vec::new();
    for part in parts {
        let Values::Texts(part) = part.values else {
            return refuse("the targets of one part are text, those of another numbers", "Store them alike");
        };
        texts.push(part);
    }
    let all: BTreeSet<&String> = texts.iter().flat_map(|texts| &texts.different).collect();
    let class_names = known.unwrap_or_else(|| all.into_iter().cloned().collect());
    let numbered = || class_names.iter().zip(0u32..);
    let by_name: HashMap<&str, u32> = numbered().map(|(name, class)| (name.as_str(), class)).collect();
    let by_key: HashMap<_, u32> = numbered().map(|(name, class)| (label_key(name).into_owned(), class)).collect();
    let mut labels = Vec::new();
    for texts in &texts {
        let class = |text: &String| {
            let class = by_name.get(text.as_str()).or_else(|| by_key.get(&*label_key(text)));
            class.copied().filter(|_| !text.is_empty())
        };
        let of_different: Vec<Option<u32>> = texts.different.iter().map(class).collect();
        for &index in &texts.indices {
            let Some(class) = of_different.get(index as usize).copied().flatten() else {
                let text = texts.different.get(index as usize).map_or("", String::as_str);
                return Err(no_class(request, labels.len(), text));
            };
            labels.push(class);
        }
    }
    if request.schema.is_none() {
        notes.push("the targets are read as classes (text)".to_owned());
        notes.extend(alike_names_note(&class_names));
    }
    Ok(Targets::Classes { labels, class_names })
}

fn no_class(request: &Request, sample: usize, text: &str) -> DataError {
    match text {
        "" => {
            let what = format!("the label of sample {sample} is empty");
            DataError::format(request.path, what, "Give a label to every sample, or leave it out")
        }
        _ => {
            let what = format!("the label \"{text}\" of sample {sample} is not a class of the model");
            DataError::format(request.path, what, "Give data with the classes the model was trained on")
        }
    }
}

/// Returns true if every row has a single 1 and otherwise zeros.
fn one_hot(values: &[f64], width: usize) -> bool {
    values.chunks_exact(width).all(|row| {
        row.iter().filter(|&&value| value == 1.0).count() == 1 && row.iter().all(|&value| value == 0.0 || value == 1.0)
    })
}

fn place_of_one(row: &[f64]) -> usize {
    row.iter().position(|&value| value == 1.0).unwrap_or(0)
}

/// The different numbers with their counts, ascending; NaN counts as a number with decimals.
fn distinct(values: &[f64]) -> Vec<(f64, usize)> {
    let mut counts: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    for &value in values {
        let value = value + 0.0;
        counts.entry(value.to_bits()).or_insert((value, 0)).1 += 1;
    }
    let mut distinct: Vec<(f64, usize)> = counts.into_values().collect();
    distinct.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    distinct
}
