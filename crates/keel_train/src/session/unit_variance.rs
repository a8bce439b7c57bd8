//! The data-dependent part of the `lsuv` initialiser (Mishkin & Matas 2015): weights are rescaled on the first training batch,
//! layer by layer, until the variance of each layer's outputs has the requested value.

use keel_data::{Batches, Position};
use keel_nn::Network;
use keel_nn::observers::Tape;

use super::Session;
use crate::error::TrainError;

impl Session {
    /// Rescales every weight whose initialiser is `lsuv`, in graph order. The batch is the first one of the training run and
    /// the arithmetic is the same for any number of threads, so the same seed gives the same weights.
    ///
    /// # Errors
    /// If a sample cannot be read.
    pub(super) fn rescale_to_unit_variance(&mut self) -> Result<(), TrainError> {
        let asks = |network: &Network| network.graph.parameters().iter().any(|parameter| lsuv_of(parameter).is_some());
        if !asks(self.network()) {
            return Ok(());
        }
        let (mut network, mut executor) = self.unfused();
        let mut batches = Batches::new(self.training_batches().clone(), Position::default());
        let Some(batch) = batches.next() else { return Ok(()) };
        let batch = batch?;
        let input = keel_nn::BatchInput { input: &batch.inputs, random: self.step_key(0) };
        for index in 0..network.graph.parameters().len() {
            let parameter = network.graph.parameters()[index].clone();
            let Some(lsuv) = lsuv_of(&parameter) else { continue };
            let (mut first, mut whole_factor) = (None, 1.0_f64);
            let mut tape = Tape::of(executor.program(), &[parameter.node]);
            let mut variance = f64::NAN;
            for pass in 0..=lsuv.iterations {
                tape.clear();
                executor.forward(&mut network, input, &mut tape);
                variance = output_variance(tape.output(parameter.node));
                first.get_or_insert(variance);
                let Some(factor) = lsuv.factor(variance).filter(|_| pass < lsuv.iterations) else { break };
                whole_factor *= f64::from(factor);
                network.parameters[parameter.range.clone()].iter_mut().for_each(|weight| *weight *= factor);
            }
            let values = &network.parameters[parameter.range.clone()];
            self.network_mut().parameters[parameter.range.clone()].copy_from_slice(values);
            self.note(format!(
                "lsuv: {} multiplied by {whole_factor:.4}; variance of its outputs on the first batch {:.4} -> {:.4}",
                parameter.name,
                first.unwrap_or(f64::NAN),
                variance
            ));
        }
        Ok(())
    }
}

fn lsuv_of(parameter: &keel_nn::graph::Parameter) -> Option<keel_nn::init::Lsuv> {
    parameter.spec.init.and_then(|init| init.lsuv())
}

/// Variance of all values of a node's output.
fn output_variance(output: &[f32]) -> f64 {
    let count = output.len() as f64;
    let mean = output.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    output.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count
}
