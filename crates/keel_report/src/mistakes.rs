//! The worst predictions.

use keel_data::{DataError, Dataset, SampleOrigin, SampleShape, Targets};
use keel_page::{Interval, Text};
use keel_train::Prediction;

use crate::shown_columns::ShownColumns;
use crate::thumbnail::{ImageSize, Thumbnail, thumbnail};

/// Maximum number of predictions shown.
const MOST: usize = 24;

/// A prediction with the true value.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    /// File, line or number of the sample.
    pub(crate) origin: Text,
    /// Image of the sample, if it is one.
    pub(crate) picture: Option<Thumbnail>,
    /// Cells of the shown columns, if the sample is a row.
    pub(crate) row: Vec<String>,
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
/// class, values by their error in units of the targets' standard deviation. Rows are shown with the cells of `columns`.
///
/// # Errors
/// Fails if another process holds a sample and cannot send it.
pub(crate) fn worst(
    dataset: &Dataset,
    indices: &[usize],
    predictions: &[Prediction],
    columns: &ShownColumns,
) -> Result<Vec<Mistake>, DataError> {
    let mut ranked: Vec<(f64, usize)> = (0..indices.len().min(predictions.len()))
        .filter_map(|index| badness(dataset, indices[index], &predictions[index]).map(|badness| (badness, index)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.truncate(MOST);
    let mistake = |(_, index): (f64, usize)| mistake(dataset, indices[index], &predictions[index], columns);
    ranked.into_iter().map(mistake).collect()
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

fn mistake(
    dataset: &Dataset,
    sample: usize,
    prediction: &Prediction,
    columns: &ShownColumns,
) -> Result<Mistake, DataError> {
    let mut values = vec![0.0; dataset.sample_shape().len()];
    dataset.copy_sample(sample, &mut values)?;
    let picture = match *dataset.sample_shape() {
        SampleShape::Image { height, width, channels } => {
            let (low, high) = dataset.value_range();
            Some(thumbnail(&values, ImageSize { height, width, channels }, Interval { low, high }))
        }
        SampleShape::Features(_) => None,
    };
    let origin = origin_text(&dataset.provenance().origin(sample));
    let mut mistake = Mistake {
        origin,
        picture,
        row: columns.cells(dataset, &values),
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

/// Returns the origin of a sample in both languages.
fn origin_text(origin: &SampleOrigin<'_>) -> Text {
    let chinese = match origin {
        SampleOrigin::Numbered(index) => format!("样本 {index}"),
        SampleOrigin::Row { file, place, .. } => format!("{}，第 {place} 行", file.display()),
        SampleOrigin::Record { file, index } => format!("{}，记录 {index}", file.display()),
        _ => origin.to_string(),
    };
    Text::new(origin.to_string(), chinese)
}

fn joined(values: impl Iterator<Item = f64>) -> String {
    values.map(keel_page::charts::number).collect::<Vec<_>>().join(", ")
}
