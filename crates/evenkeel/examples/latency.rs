//! Measures the time of a prediction for one sample: `cargo run --release --example latency`.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::time::Instant;

use evenkeel::prelude::*;

/// Calls whose median is printed.
const CALLS: usize = 20_000;

fn main() -> Result<(), TrainError> {
    let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
    let model = Model::sequential().linear(32).relu().linear(32).relu().output();
    for threads in [1, 2] {
        let trainer = Trainer::new(model.clone()).preprocess([Preprocess::Standardize]).epochs(1).threads(threads);
        let run = trainer.in_memory().fit(&data)?;
        let predictor = run.predictor()?;
        let mut times = Vec::with_capacity(CALLS);
        for call in 0..CALLS {
            let began = Instant::now();
            let predictions = predictor.predict_samples(&data.dataset, &[call % data.dataset.samples()])?;
            times.push(began.elapsed());
            assert_eq!(predictions.len(), 1);
        }
        times.sort_unstable();
        println!(
            "{threads} threads: one sample in {:.1} us (median of {CALLS} calls)",
            times[CALLS / 2].as_secs_f64() * 1e6
        );
    }
    Ok(())
}
