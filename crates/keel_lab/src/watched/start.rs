//! State before the first update: one large batch forward and backward, with a separate network.

use keel_health::measurement::{ModelDescription, StartMeasurement, StepMeasurement};
use keel_nn::layers::LayerSpec;
use keel_nn::{ParameterRole, RandomKey};

use super::probe::StepProbe;
use crate::error::LabError;
use crate::samples::{Order, Part, Task};
use crate::training::Classifier;

/// Maximum number of samples measured.
const SAMPLES: usize = 512;
/// Maximum rounding difference between two units that compute the same, relative to the magnitude of their values.
const TOLERANCE: f32 = 1e-5;

/// State before the first update.
pub(super) struct Start {
    /// Measurement for the health rules.
    pub(super) measurement: StartMeasurement,
    /// Same state in the form of a step without an update.
    pub(super) step: StepMeasurement,
}

/// Measures a network with the initial weights of `key`, described by `model`.
///
/// # Errors
/// Fails if the layers do not fit together.
pub(super) fn measure(
    model: &ModelDescription,
    task: Task,
    layers: &[LayerSpec],
    train: &Part,
    key: RandomKey,
) -> Result<Start, LabError> {
    let batch = train.take(&Order::new(train.len(), key.named("start")).next(SAMPLES));
    let mut classifier = Classifier::for_task(task, layers, batch.len(), key)?;
    let mut probe = StepProbe::new(model, &classifier);
    probe.begin(0);
    let value = classifier.differentiate_watched(&batch, 0, &mut probe.statistics);
    let gradient_norm = probe.finish(&classifier);
    let mut step = probe.measurement;
    step.samples = batch.len() as u64;
    step.loss = value.mean() as f32;
    step.gradient_norm = Some(gradient_norm as f32);
    let mut measurement = StartMeasurement::from_first_step(&step);
    for (layer, measured) in measurement.layers.iter_mut().zip(&step.layers) {
        layer.dead_fraction = measured.units.as_ref().map(|units| {
            let silent = (0..units.units).filter(|&unit| !units.has_fired(unit)).count();
            silent as f32 / units.units.max(1) as f32
        });
        layer.units = model.layers[measured.layer].units.map(|units| units as u64);
    }
    for (index, parameter) in classifier.network.graph.parameters().iter().enumerate() {
        let units = parameter.spec.shape.last().copied().unwrap_or(1);
        if parameter.spec.role == ParameterRole::Weight && units > 1 {
            let weights = &classifier.network.parameters[parameter.range.clone()];
            let identical = identical_units(weights, classifier.gradient(index), units);
            measurement.layers[parameter.node.index()].identical_units = Some(identical);
        }
    }
    Ok(Start { measurement, step })
}

/// Counts the columns of `weights` and `gradient`, both `[fan_in, units]`, that equal another column in both.
fn identical_units(weights: &[f32], gradient: &[f32], units: usize) -> u64 {
    let tolerance = |values: &[f32]| TOLERANCE * values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let tensors = [(weights, tolerance(weights)), (gradient, tolerance(gradient))];
    let same = |first: usize, second: usize| {
        let alike = |&(values, tolerance): &(&[f32], f32)| {
            values.chunks_exact(units).all(|row| (row[first] - row[second]).abs() <= tolerance)
        };
        tensors.iter().all(alike)
    };
    (0..units).filter(|&unit| (0..units).any(|other| other != unit && same(unit, other))).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_units_alike_in_weights_and_gradient_count() {
        let constant = [0.1_f32; 12];
        let varied: Vec<f32> = (0..12).map(|index| (index as f32 * 1.7).sin()).collect();
        assert_eq!(identical_units(&constant, &constant, 4), 4);
        assert_eq!(identical_units(&[0.0; 12], &varied, 4), 0, "zero weights of a last layer");
        let mut twins = varied.clone();
        (0..3).for_each(|row| twins[row * 4 + 3] = twins[row * 4]);
        assert_eq!(identical_units(&twins, &twins, 4), 2);
    }
}
