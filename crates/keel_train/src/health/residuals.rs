//! Errors of a trained network on neighbouring training samples: those of noise differ, those of a missing function do not.

use keel_data::{BatchTargets, Targets};
use keel_health::measurement::ResidualMeasurement;

use crate::error::TrainError;
use crate::objective::{Objective, Probabilities};
use crate::session::Session;

/// Maximum number of samples compared, evenly spread over the training split.
const SAMPLES: usize = 1024;
/// Maximum number of differences of values between samples.
const DIFFERENCES: usize = 256 * 1024 * 1024;
/// Minimum number of samples compared.
const LEAST: usize = 100;

/// Compares the errors of `session` on training samples with those on their nearest neighbours among them. `None` for scores
/// that are not probabilities, for few samples, and if several ranks share the training.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub fn measure_residuals(session: &mut Session) -> Result<Option<ResidualMeasurement>, TrainError> {
    let length = session.preprocessor().output_shape().len().max(1);
    let train = &session.data().train;
    let count = train.len().min(SAMPLES).min((DIFFERENCES / length).isqrt());
    let is_class = matches!(session.data().dataset.targets(), Targets::Classes { .. });
    let scores = is_class && session.objective().probabilities() == Probabilities::None;
    if count < LEAST || scores || session.ranks().summary().is_some() {
        return Ok(None);
    }
    let samples: Vec<usize> = (0..count).map(|index| train[index * train.len() / count]).collect();
    let (mut inputs, mut errors) = (Vec::new(), Vec::new());
    session.answer_each(&samples, |objective, answered| {
        inputs.extend_from_slice(answered.inputs);
        add_errors(objective, answered.outputs, answered.targets, &mut errors);
    })?;
    let agreement = neighbour_agreement(&inputs, &errors, count);
    Ok(agreement.map(|agreement| ResidualMeasurement { samples: count as u64, agreement: agreement as f32 }))
}

/// Appends the errors of combined `outputs`: one-hot classes minus probabilities, or values minus predictions, in units of the
/// targets' standard deviations.
fn add_errors(objective: &Objective, outputs: &[f32], targets: &BatchTargets, errors: &mut Vec<f32>) {
    let (predictions, width) = (objective.predictions(outputs), objective.outputs());
    match targets {
        BatchTargets::Classes(labels) => {
            for (row, &label) in predictions.chunks_exact(width).zip(labels) {
                let hit = |class: usize| f32::from(u8::from(class == label as usize));
                errors.extend(row.iter().enumerate().map(|(class, probability)| hit(class) - probability));
            }
        }
        BatchTargets::Values(values) => {
            let scale = |index: usize| objective.scaling().get(index % width).map_or(1.0, |scale| scale.std);
            let pairs = values.iter().zip(&predictions).enumerate();
            errors.extend(pairs.map(|(index, (value, prediction))| (value - prediction) / scale(index)));
        }
        BatchTargets::Unlabelled => {}
    }
}

/// Returns the correlation of the errors of `count` samples, `[count, width]`, with those of their nearest neighbours in
/// `inputs`, `[count, length]`; `None` if there are no errors or if a value is not finite.
fn neighbour_agreement(inputs: &[f32], errors: &[f32], count: usize) -> Option<f64> {
    let (length, width) = (inputs.len() / count.max(1), errors.len() / count.max(1));
    if length == 0 || width == 0 {
        return None;
    }
    let means: Vec<f64> = (0..width)
        .map(|column| {
            errors.iter().skip(column).step_by(width).map(|&error| f64::from(error)).sum::<f64>() / count as f64
        })
        .collect();
    let centred: Vec<f64> =
        errors.iter().enumerate().map(|(at, &error)| f64::from(error) - means[at % width]).collect();
    let (input, error) = (|at: usize| &inputs[at * length..][..length], |at: usize| &centred[at * width..][..width]);
    let distance = |a: usize, b: usize| input(a).iter().zip(input(b)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let product = |a: usize, b: usize| error(a).iter().zip(error(b)).map(|(a, b)| a * b).sum::<f64>();
    let (mut together, mut alone) = (0.0, 0.0);
    for sample in 0..count {
        let others = (0..count).filter(|&other| other != sample).map(|other| (other, distance(sample, other)));
        let (nearest, _) = others.min_by(|a, b| a.1.total_cmp(&b.1))?;
        together += product(sample, nearest);
        alone += product(sample, sample);
    }
    let agreement = together / alone;
    agreement.is_finite().then_some(agreement)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values without a pattern, within [-1, 1].
    fn noise(index: usize) -> f32 {
        let mixed = (index as u32).wrapping_add(1).wrapping_mul(2_654_435_761);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
        ((mixed ^ (mixed >> 13)) as f32 / u32::MAX as f32) * 2.0 - 1.0
    }

    #[test]
    fn errors_of_a_missing_function_agree_and_noise_does_not() {
        let count = 600;
        let inputs: Vec<f32> = (0..2 * count).map(noise).collect();
        let ring = |at: usize| if inputs[2 * at].hypot(inputs[2 * at + 1]) < 0.8 { 0.5 } else { -0.5 };
        let missing: Vec<f32> = (0..count).map(ring).collect();
        let random: Vec<f32> = (0..count).map(|at| noise(at + 10_000)).collect();
        let agreement = |errors: &[f32]| neighbour_agreement(&inputs, errors, count);
        assert!(agreement(&missing).unwrap() > 0.7, "{:?}", agreement(&missing));
        assert!(agreement(&random).unwrap().abs() < 0.12, "{:?}", agreement(&random));
        assert_eq!(agreement(&vec![0.0; count]), None, "no errors are left");
        assert_eq!(agreement(&vec![f32::NAN; count]), None);
    }
}
