//! A loss of one's own, trained in memory: `cargo run --release --example custom_loss`.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use evenkeel::prelude::*;

/// Pinball loss, whose minimum is the quantile `level` (Koenker and Bassett 1978).
struct Quantile {
    level: f32,
}

impl LossFunction for Quantile {
    fn value_and_gradient(&self, outputs: &[f32], targets: LossTargets<'_>, gradient: &mut [f32]) -> f64 {
        let scale = 1.0 / outputs.len() as f32;
        let mut sum = 0.0;
        for ((gradient, output), target) in gradient.iter_mut().zip(outputs).zip(targets.values()) {
            let slope = if output > target { 1.0 - self.level } else { -self.level };
            sum += f64::from(slope * (output - target));
            *gradient = scale * slope;
        }
        sum / outputs.len() as f64
    }
}

fn main() -> Result<(), TrainError> {
    // Noise that is never negative on top of a line: the median lies above it, the 90 % quantile further still.
    let (mut inputs, mut values) = (Vec::new(), Vec::new());
    for index in 0..2_000_u32 {
        let x = (index % 200) as f32 / 200.0;
        let noise = (index.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
        inputs.push(x);
        values.push(2.0 * x + noise);
    }
    let targets = Targets::Values { values, target_names: vec!["y".to_owned()] };
    let data = Dataset::from_memory("noisy line", SampleShape::Features(1), Inputs::Floats(inputs), targets)?
        .split(Split { validation: 0.1, test: 0.2, seed: 0 })?;

    for level in [0.1, 0.5, 0.9] {
        let run = Trainer::new(Model::sequential().linear(16).tanh().output())
            .preprocess([Preprocess::Standardize])
            .optimizer(AdamW::new(0.01))
            .custom_loss(format!("quantile({level})"), Quantile { level })
            .epochs(30)
            .in_memory()
            .fit(&data)?;
        let predictions = run.predictor()?.predict(&data.dataset)?;
        let below =
            predictions.iter().enumerate().filter(|(sample, prediction)| match (prediction, data.dataset.targets()) {
                (Prediction::Values(predicted), Targets::Values { values, .. }) => {
                    f64::from(values[*sample]) <= predicted[0]
                }
                _ => false,
            });
        println!("level {level}: {:.2} of the samples lie below", below.count() as f64 / predictions.len() as f64);
    }
    Ok(())
}
