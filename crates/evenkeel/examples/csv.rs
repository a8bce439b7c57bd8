//! A network on a table: `cargo run --release --example csv -- wine.csv [target column]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use evenkeel::prelude::*;

fn main() -> Result<(), TrainError> {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: csv FILE.csv [TARGET COLUMN]");
        std::process::exit(2);
    };
    let source = DataConfig { target: arguments.next().unwrap_or_default(), ..DataConfig::of_source(path) };
    let data = Dataset::load(&source)?.split(source.split())?;
    println!("{}: {} samples, inputs {}", data.dataset.name(), data.dataset.samples(), data.dataset.sample_shape());

    let model = Model::sequential().linear(32).batch_norm().relu().output();
    let run = Trainer::new(model)
        .preprocess([Preprocess::Standardize])
        .optimizer(AdamW::new(0.005).weight_decay(0.01))
        .batch_size(32)
        .epochs(60)
        .fit(&data)?;
    if let Some(metrics) = run.test_metrics() {
        match (&metrics.accuracy, &metrics.regression) {
            (Some(accuracy), _) => println!("test accuracy {accuracy:.3}"),
            (None, Some(errors)) => println!("test R2 {:?}, RMSE {:.3}", errors.r2, errors.rmse),
            (None, None) => println!("test loss {:.4}", metrics.loss),
        }
    }
    Ok(())
}
