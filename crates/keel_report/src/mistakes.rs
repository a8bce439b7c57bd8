//! The worst predictions.

use keel_data::{Cell, ColumnEncoding, DataError, Dataset, SampleShape, Targets};
use keel_page::Interval;
use keel_train::Prediction;

use crate::thumbnail::{ImageSize, Thumbnail, thumbnail};

/// Maximum number of predictions shown.
const MOST: usize = 24;

/// Maximum number of table columns shown per sample.
const COLUMNS: usize = 8;

/// A prediction with the true value.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    /// File, line or number of the sample.
    pub(crate) origin: String,
    /// Image of the sample, if it is one.
    pub(crate) picture: Option<Thumbnail>,
    /// First cells of the sample by column name, if it is a row; empty where a cell is missing or not kept.
    pub(crate) row: Vec<(String, String)>,
    /// True class or value.
    pub(crate) truth: String,
    /// Predicted class or value.
    pub(crate) predicted: String,
    /// Probability of the predicted class; `None` for values.
    pub(crate) probability: Option<f32>,
    /// Probability of the true class; `None` for values.
    pub(crate) true_probability: Option<f32>,
}

/// Returns the worst of `predictions` on the samples `indices`: wrong classes by the lowest probability of the true
/// class, values by their error in units of the targets' standard deviation.
///
/// # Errors
/// Fails if another process holds a sample and cannot send it.
pub(crate) fn worst(
    dataset: &Dataset,
    indices: &[usize],
    predictions: &[Prediction],
) -> Result<Vec<Mistake>, DataError> {
    let mut ranked: Vec<(f64, usize)> = (0..indices.len().min(predictions.len()))
        .filter_map(|index| badness(dataset, indices[index], &predictions[index]).map(|badness| (badness, index)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.truncate(MOST);
    ranked.into_iter().map(|(_, index)| mistake(dataset, indices[index], &predictions[index])).collect()
}

/// Returns the size of a prediction's error, or `None` if it is right.
fn badness(dataset: &Dataset, sample: usize, prediction: &Prediction) -> Option<f64> {
    match (prediction, dataset.targets()) {
        (Prediction::Class { index, probabilities, .. }, Targets::Classes { labels, .. }) => {
            let truth = labels[sample] as usize;
            (truth != *index).then(|| 1.0 - f64::from(*probabilities.get(truth).unwrap_or(&0.0)))
        }
        (Prediction::Values(values), Targets::Values { values: truth, target_names }) => {
            let width = target_names.len();
            let truth = &truth[sample * width..(sample + 1) * width];
            let origin = dataset.target_origin();
            let distance = |(a, b): (&f64, &f32)| (a - f64::from(*b) - origin).abs();
            Some(values.iter().zip(truth).map(distance).fold(0.0, f64::max))
        }
        _ => None,
    }
}

fn mistake(dataset: &Dataset, sample: usize, prediction: &Prediction) -> Result<Mistake, DataError> {
    let mut values = vec![0.0; dataset.sample_shape().len()];
    dataset.copy_sample(sample, &mut values)?;
    let picture = match *dataset.sample_shape() {
        SampleShape::Image { height, width, channels } => {
            let (low, high) = dataset.value_range();
            Some(thumbnail(&values, ImageSize { height, width, channels }, Interval { low, high }))
        }
        SampleShape::Features(_) => None,
    };
    let row = match picture {
        Some(_) => Vec::new(),
        None => cells(dataset, &values),
    };
    let origin = dataset.provenance().describe(sample);
    let mut mistake = Mistake {
        origin,
        picture,
        row,
        truth: String::new(),
        predicted: String::new(),
        probability: None,
        true_probability: None,
    };
    match (prediction, dataset.targets()) {
        (Prediction::Class { index, name, probabilities }, Targets::Classes { labels, class_names }) => {
            let truth = labels[sample] as usize;
            mistake.truth.clone_from(&class_names[truth]);
            mistake.predicted.clone_from(name);
            mistake.probability = probabilities.get(*index).copied();
            mistake.true_probability = probabilities.get(truth).copied();
        }
        (Prediction::Values(values), Targets::Values { values: truth, target_names }) => {
            let width = target_names.len();
            let origin = dataset.target_origin();
            let truth = truth[sample * width..(sample + 1) * width].iter();
            mistake.truth = joined(truth.map(|&value| f64::from(value) + origin));
            mistake.predicted = joined(values.iter().copied());
        }
        _ => {}
    }
    Ok(mistake)
}

/// Returns the first cells of a row, with numbers and categories as they are in the table, or the first features if the
/// data has no columns. Columns of dates and of texts are left out: their features do not determine a cell.
fn cells(dataset: &Dataset, values: &[f32]) -> Vec<(String, String)> {
    let number = keel_page::charts::number;
    if dataset.columns().is_empty() {
        let features = values.iter().take(COLUMNS).enumerate();
        return features.map(|(place, value)| (dataset.feature_label(place), number(f64::from(*value)))).collect();
    }
    let mut rest = values;
    let mut cells = Vec::new();
    for column in dataset.columns() {
        let (features, after) = rest.split_at(column.features().min(rest.len()));
        rest = after;
        let text = match (column.cell(features), &column.encoding) {
            (None, ColumnEncoding::Time(_) | ColumnEncoding::Words { .. }) => continue,
            (Some(Cell::Number(value)), _) => number(value),
            (Some(Cell::Text(text)), _) => text,
            (Some(Cell::Missing) | None, _) => String::new(),
        };
        cells.push((column.name.clone(), text));
    }
    cells.truncate(COLUMNS);
    cells
}

fn joined(values: impl Iterator<Item = f64>) -> String {
    values.map(keel_page::charts::number).collect::<Vec<_>>().join(", ")
}
