//! The embedded digits, unchanged or with a fault.

use std::sync::Arc;

use keel_data::{DataError, Dataset, Inputs, SampleShape, Split, SplitDataset, Targets};
use keel_nn::RandomKey;

/// Fault of the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    /// No fault.
    Nothing,
    /// Values from 0 to 255, as in image files.
    Raw,
    /// Values of standard deviation 1 around 1.5.
    Uncentred,
    /// A constant second channel.
    ConstantChannel,
    /// Every label is that of another sample.
    ShuffledLabels,
    /// The training split has no sample of one class.
    MissingClass,
    /// One value is NaN.
    NotANumber,
    /// Values of this mean and standard deviation.
    Moved {
        /// Mean of the values.
        mean: f32,
        /// Standard deviation of the values.
        std: f32,
    },
    /// The training split keeps one of this many samples of one class.
    RareClass(usize),
    /// The training split keeps this many samples.
    Few(usize),
}

/// Maximum pixel value of the digits.
const LARGEST: f32 = 16.0;

/// Returns the digits after `change`, split.
///
/// # Errors
/// If the data is rejected, as it is with NaN in it.
pub(crate) fn samples(change: Change, seed: u64) -> Result<SplitDataset, DataError> {
    let digits = Dataset::digits()?;
    let shape = *digits.sample_shape();
    let (labels, class_names) = match digits.targets() {
        Targets::Classes { labels, class_names } => (labels.clone(), class_names.clone()),
        Targets::Values { .. } | Targets::Unlabelled => unreachable!("digits are classes"),
    };
    let mut values = vec![0.0; digits.samples() * shape.len()];
    for (sample, row) in values.chunks_exact_mut(shape.len()).enumerate() {
        digits.copy_sample(sample, row)?;
    }
    let (values, shape) = changed_values(change, values, shape);
    let labels = if change == Change::ShuffledLabels { shuffled(labels, seed) } else { labels };
    let targets = Targets::Classes { labels: labels.clone(), class_names };
    let dataset = Dataset::from_memory("digits", shape, Inputs::Floats(values), targets)?;
    let mut split = Split { validation: 0.15, test: 0.1, seed }.divide(Arc::new(dataset))?;
    let class = (seed % 10) as u32;
    match change {
        Change::MissingClass => split.train.retain(|&sample| labels[sample] != class),
        Change::RareClass(kept) => split.train.retain(|&sample| labels[sample] != class || sample.is_multiple_of(kept)),
        Change::Few(samples) => split.train.truncate(samples),
        _ => {}
    }
    Ok(split)
}

fn changed_values(change: Change, mut values: Vec<f32>, shape: SampleShape) -> (Vec<f32>, SampleShape) {
    match change {
        Change::Raw => values.iter_mut().for_each(|value| *value *= 255.0 / LARGEST),
        Change::Uncentred => move_to(&mut values, 1.5, 1.0),
        Change::Moved { mean, std } => move_to(&mut values, mean, std),
        Change::ConstantChannel => {
            let wider = values.iter().flat_map(|&value| [value, 3.0]).collect();
            return match shape {
                SampleShape::Image { height, width, .. } => (wider, SampleShape::Image { height, width, channels: 2 }),
                SampleShape::Features(features) => (wider, SampleShape::Features(2 * features)),
            };
        }
        Change::NotANumber => values[1234] = f32::NAN,
        Change::Nothing | Change::ShuffledLabels | Change::MissingClass | Change::RareClass(_) | Change::Few(_) => {}
    }
    (values, shape)
}

/// Scales and shifts `values` to this mean and standard deviation.
fn move_to(values: &mut [f32], wanted_mean: f32, wanted_std: f32) {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt();
    values.iter_mut().for_each(|value| *value = (*value - mean) / std * wanted_std + wanted_mean);
}

/// Returns the labels in another order, determined by `seed`.
fn shuffled(mut labels: Vec<u32>, seed: u64) -> Vec<u32> {
    let key = RandomKey::new(seed).named("labels");
    for index in (1..labels.len() as u64).rev() {
        labels.swap(index as usize, (key.bits(index) % (index + 1)) as usize);
    }
    labels
}
