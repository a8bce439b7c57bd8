//! Generated NumPy arrays: images as pixels from 0 to 255, and samples with several targets.

use keel_data::{DataError, Dataset, Targets};

use super::draws::Draws;
use super::npy::Array;

/// Inputs and targets of one data set.
pub(super) struct Arrays {
    /// Name of the folder of the two files.
    pub(super) name: &'static str,
    /// Generates them.
    pub(super) make: fn() -> Result<Pair, DataError>,
}

/// Inputs and targets.
pub(super) struct Pair {
    /// Inputs, one sample per row.
    pub(super) inputs: Array,
    /// Targets, one row per sample.
    pub(super) targets: Array,
}

/// All data sets.
pub(super) const ARRAYS: &[Arrays] = &[
    Arrays { name: "pixels", make: || digits_of(Labels::True) },
    Arrays { name: "pixels_shuffled", make: || digits_of(Labels::Shuffled) },
    Arrays { name: "tags", make: || Ok(tags()) },
];

/// Storage format of the digits' labels.
#[derive(Clone, Copy, PartialEq)]
enum Labels {
    True,
    Shuffled,
}

/// Returns half of the embedded digits as `[samples, 8, 8, 1]`, pixels from 0 to 255.
fn digits_of(labels: Labels) -> Result<Pair, DataError> {
    let digits = Dataset::digits()?;
    let samples = digits.samples() / 2;
    let length = digits.sample_shape().len();
    let mut values = vec![0.0; samples * length];
    for (sample, row) in values.chunks_exact_mut(length).enumerate() {
        digits.copy_sample(sample, row)?;
    }
    let largest = values.iter().copied().fold(1.0, f32::max);
    values.iter_mut().for_each(|value| *value = (*value * 255.0 / largest).round());
    let mut of_samples: Vec<f32> = match digits.targets() {
        Targets::Classes { labels, .. } => labels[..samples].iter().map(|&label| label as f32).collect(),
        Targets::Values { .. } | Targets::Unlabelled => unreachable!("digits are classes"),
    };
    if labels == Labels::Shuffled {
        Draws::of("pixels_shuffled").shuffle(&mut of_samples);
    }
    let inputs = Array { sizes: vec![samples, 8, 8, length / 64], values };
    Ok(Pair { inputs, targets: Array { sizes: vec![samples], values: of_samples } })
}

/// Returns eight numbers per sample and three independent binary targets.
fn tags() -> Pair {
    let mut draws = Draws::of("tags");
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..900 {
        let x = draws.normals(8);
        let answers = [x[0] + x[1] > 0.0, x[2] * x[3] > 0.0, x[4] - 0.5 * x[5] > 0.4];
        targets.extend(answers.map(|answer| f32::from(u8::from(answer))));
        inputs.extend(x.into_iter().map(|value| value as f32));
    }
    Pair {
        inputs: Array { sizes: vec![900, 8], values: inputs },
        targets: Array { sizes: vec![900, 3], values: targets },
    }
}
