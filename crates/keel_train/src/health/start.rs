//! State before the first update: training batches forward and backward, without an update.

use keel_data::{Batches, Position};
use keel_health::measurement::{ModelDescription, StartLayer, StartMeasurement};
use keel_nn::ParameterRole;

use super::identical_units::identical_units;
use super::{StepProbe, Thoroughness};
use crate::error::TrainError;
use crate::session::Session;

/// Number of samples in the measurement, if the training split has as many; it ends with the batch that reaches this number.
pub const START_SAMPLES: u64 = 512;

/// Measures the session on its first training batches, at least [`START_SAMPLES`] samples: the loss, the signal forward and
/// backward, saturated and inactive units, identical units. The session is unchanged afterwards: no update, running statistics
/// restored. `tiny_batch`, `gradient_check` and `batch_mixing` stay empty.
///
/// `model` is [`super::describe_model`] of the session.
///
/// # Errors
/// If a sample cannot be preprocessed.
pub fn measure_start(session: &mut Session, model: &ModelDescription) -> Result<StartMeasurement, TrainError> {
    let state = session.network().state.to_vec();
    let measured = measure(session, model);
    session.network_mut().state.copy_from_slice(&state);
    measured
}

/// Sums over the batches for one layer.
#[derive(Debug, Clone, Default)]
struct LayerTotal {
    count: f64,
    sum: f64,
    squares: f64,
    saturated: Option<f64>,
    zeros: Option<f64>,
    non_finite: u64,
    gradient_count: f64,
    gradient_squares: f64,
    fired: Vec<bool>,
}

fn measure(session: &mut Session, model: &ModelDescription) -> Result<StartMeasurement, TrainError> {
    let mut probe = StepProbe::new(model, session, Thoroughness::Full);
    let mut totals = vec![LayerTotal::default(); model.layers.len()];
    let source = session.training_batches().clone();
    let steps = source.steps_per_epoch();
    let mut batches = Batches::new(source, Position::default());
    let (mut samples, mut loss, mut identical) = (0, 0.0, Vec::new());
    for index in 0..steps {
        let Some(batch) = batches.next() else { break };
        let batch = batch?;
        probe.begin(0, false);
        let result = session.gradient(batch, u64::MAX - index as u64, &mut probe);
        probe.finish(0);
        if index == 0 {
            identical = identical_by_layer(session);
        }
        samples += batch.samples() as u64;
        loss += result.loss * batch.samples() as f64;
        probe.measurement().layers.iter().zip(&mut totals).for_each(|(layer, total)| total.add(layer));
        if samples >= START_SAMPLES {
            break;
        }
    }
    let layers = totals.iter().enumerate().map(|(layer, total)| StartLayer {
        layer,
        identical_units: identical[layer],
        units: model.layers[layer].units.map(|units| units as u64),
        ..total.measurement(samples)
    });
    Ok(StartMeasurement {
        loss: Some((loss / samples as f64) as f32),
        samples,
        layers: layers.collect(),
        ..StartMeasurement::default()
    })
}

impl LayerTotal {
    fn add(&mut self, layer: &keel_health::measurement::LayerMeasurement) {
        if let Some(output) = &layer.output {
            let (count, mean, std) = (output.count as f64, f64::from(output.mean), f64::from(output.std));
            self.count += count;
            self.sum += count * mean;
            self.squares += count * (mean * mean + std * std);
            self.non_finite += output.non_finite;
            if let Some(share) = output.saturated_fraction {
                *self.saturated.get_or_insert(0.0) += count * f64::from(share);
            }
            if let Some(share) = output.zero_fraction {
                *self.zeros.get_or_insert(0.0) += count * f64::from(share);
            }
        }
        if let Some(gradient) = &layer.gradient {
            let count = gradient.count as f64;
            self.gradient_count += count;
            self.gradient_squares += count * f64::from(gradient.rms).powi(2);
        }
        if let Some(units) = &layer.units {
            self.fired.resize(units.units, false);
            self.fired.iter_mut().enumerate().for_each(|(unit, fired)| *fired |= units.has_fired(unit));
        }
    }

    fn measurement(&self, samples: u64) -> StartLayer {
        let measured = self.count > 0.0;
        let mean = self.sum / self.count.max(1.0);
        let variance = (self.squares / self.count.max(1.0) - mean * mean).max(0.0);
        let silent = self.fired.iter().filter(|fired| !**fired).count();
        StartLayer {
            output_mean: measured.then_some(mean as f32),
            output_std: measured.then_some(variance.sqrt() as f32),
            gradient_rms: (self.gradient_count > 0.0)
                .then(|| (self.gradient_squares / self.gradient_count).sqrt() as f32),
            elements: measured.then_some(self.count as u64 / samples.max(1)),
            saturated_fraction: self.saturated.map(|saturated| (saturated / self.count) as f32),
            zero_fraction: self.zeros.map(|zeros| (zeros / self.count) as f32),
            dead_fraction: (!self.fired.is_empty()).then(|| silent as f32 / self.fired.len() as f32),
            non_finite: self.non_finite,
            ..StartLayer::default()
        }
    }
}

/// Returns the identical units of every layer with weights, from the gradient of the last backward pass.
fn identical_by_layer(session: &Session) -> Vec<Option<u64>> {
    let network = session.network();
    let mut identical = vec![None; network.graph.nodes().len()];
    for parameter in network.graph.parameters() {
        let units = parameter.spec.shape.last().copied().unwrap_or(1);
        if parameter.spec.role == ParameterRole::Weight && units > 1 && !parameter.is_frozen() {
            let range = parameter.range.clone();
            let (weights, gradient) = (&network.parameters[range.clone()], &session.gradients()[range]);
            identical[parameter.node.index()] = Some(identical_units(weights, gradient, units));
        }
    }
    identical
}
