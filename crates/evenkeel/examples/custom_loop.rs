//! A loop of one's own, step by step: `cargo run --release --example custom_loop`.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use evenkeel::prelude::*;

fn main() -> Result<(), TrainError> {
    let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
    let mut session = Session::new(&Config::default(), &data)?;
    let mut step = 0;
    for epoch in 0..5 {
        let mut losses = Vec::new();
        let mut batches = session.batches(epoch);
        while let Some(batch) = batches.next() {
            // Any rule for the learning rate will do; this one halves it every epoch.
            let learning_rate = 0.05 * 0.5_f64.powi(epoch as i32);
            losses.push(session.step(batch?, step, learning_rate).loss);
            step += 1;
        }
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let accuracy = session.evaluate(&data.validation)?.and_then(|metrics| metrics.accuracy).unwrap_or_default();
        println!("epoch {epoch}: loss {mean:.4}, validation accuracy {accuracy:.3}");
    }

    // The file holds preprocessing and labels too: `evenkeel predict` reads it as well.
    let file = std::env::temp_dir().join("digits.safetensors");
    session.save(&file)?;
    let predictor = Predictor::load(&file)?;
    println!("first sample: {:?}", predictor.predict_samples(&data.dataset, &[0])?);
    Ok(())
}
