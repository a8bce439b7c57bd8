//! Tests that in evaluation mode the output of a sample does not depend on the other samples of its batch.

/// Returns the maximum difference between the output of a sample alone and in the batch `inputs`, `[samples, ...]`, relative to
/// the typical size of the outputs if that is above 1. `outputs` runs the network in evaluation mode; rounding of kernels that
/// depends on the batch size leaves about 1e-6.
pub(super) fn batch_mixing(inputs: &[f32], samples: usize, mut outputs: impl FnMut(&[f32]) -> Vec<f32>) -> f32 {
    let together = outputs(inputs);
    let (sample_length, width) = (inputs.len() / samples, together.len() / samples);
    let mean_square = together.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / together.len() as f64;
    let scale = mean_square.sqrt().max(1.0);
    let mut largest = 0.0f64;
    for sample in 0..samples {
        let alone = outputs(&inputs[sample * sample_length..][..sample_length]);
        for (alone, together) in alone.iter().zip(&together[sample * width..][..width]) {
            let difference = (f64::from(*alone) - f64::from(*together)).abs() / scale;
            largest = if difference <= largest { largest } else { difference };
        }
    }
    largest as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_matter_are_found_and_scale_is_taken_out() {
        let inputs = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0];
        let apart = |scale: f32| move |rows: &[f32]| rows.chunks(2).map(|row| scale * (row[0] - row[1])).collect();
        assert_eq!(batch_mixing(&inputs, 3, apart(1.0)), 0.0);
        let mixed = |rows: &[f32]| {
            let mean = rows.iter().sum::<f32>() / rows.len() as f32;
            rows.chunks(2).map(|row| row[0] - mean).collect()
        };
        assert!(batch_mixing(&inputs, 3, mixed) > 0.1);
        let rounding = |rows: &[f32]| {
            let error = if rows.len() > 2 { 1e4 * f32::EPSILON } else { 0.0 };
            rows.chunks(2).map(|row| 1e4 * row[0] + error).collect()
        };
        assert!(batch_mixing(&inputs, 3, rounding) < 1e-5, "relative to outputs of 1e4");
    }

    #[test]
    fn an_output_that_is_no_number_alone_is_a_difference() {
        let outputs = |rows: &[f32]| rows.chunks(1).map(|row| if rows.len() > 1 { row[0] } else { f32::NAN }).collect();
        assert!(!(batch_mixing(&[1.0, 2.0], 2, outputs) <= 1e-3));
    }
}
