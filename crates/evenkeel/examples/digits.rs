//! The classic convolutional network on the embedded digits: `cargo run --release --example digits`.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use evenkeel::prelude::*;

fn main() -> Result<(), TrainError> {
    let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
    let model = Model::sequential()
        .conv2d(32, 3)
        .batch_norm()
        .relu()
        .max_pool(2)
        .conv2d(64, 3)
        .batch_norm()
        .relu()
        .max_pool(2)
        .flatten()
        .linear(10);
    let run = Trainer::new(model)
        .preprocess([Preprocess::Standardize])
        .optimizer(Sgd::new(0.05).momentum(0.9))
        .epochs(20)
        .fit(&data)?;
    if let (Some(metrics), Some(folder)) = (run.test_metrics(), run.folder()) {
        println!("test accuracy {:.3}, written to {}", metrics.accuracy.unwrap_or_default(), folder.display());
    }

    let predictor = run.predictor()?;
    for prediction in predictor.predict(&data.dataset)?.iter().take(5) {
        println!("{prediction:?}");
    }
    Ok(())
}
