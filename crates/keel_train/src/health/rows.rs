//! Layer measurements of a step as rows of the run's database.

use keel_health::measurement::{LayerMeasurement, ModelDescription, ParameterRole, StepMeasurement};

use crate::runs::LayerRecord;

/// One row a number, for step `step` counted from 1. Names: `output_mean`, `output_std`, `zero_fraction`,
/// `saturated_fraction`, `dead_fraction` (of this batch), `gradient_rms`, `input_mean_energy`, `sign_agreement`; and of
/// each parameter `weight_norm`, `weight_gradient_norm`, `weight_update_norm`, `weight_update_ratio`, with its role in
/// place of `weight`.
pub fn layer_records(measurement: &StepMeasurement, model: &ModelDescription, step: u64) -> Vec<LayerRecord> {
    let mut records = Vec::new();
    for layer in &measurement.layers {
        let name = model.name(layer.layer);
        let mut add = |measured: &'static str, value: Option<f32>| {
            if let Some(value) = value {
                records.push(LayerRecord { step, layer: name.clone(), name: measured, value: f64::from(value) });
            }
        };
        signals(layer, &mut add);
        parameters(layer, &mut add);
    }
    records
}

fn signals(layer: &LayerMeasurement, add: &mut impl FnMut(&'static str, Option<f32>)) {
    add("output_mean", layer.output.map(|output| output.mean));
    add("output_std", layer.output.map(|output| output.std));
    add("zero_fraction", layer.output.and_then(|output| output.zero_fraction));
    add("saturated_fraction", layer.output.and_then(|output| output.saturated_fraction));
    let silent = layer.units.as_ref().filter(|units| units.units > 0).map(|units| {
        let silent = (0..units.units).filter(|&unit| !units.has_fired(unit)).count();
        silent as f32 / units.units as f32
    });
    add("dead_fraction", silent);
    add("gradient_rms", layer.gradient.map(|gradient| gradient.rms));
    add("input_mean_energy", layer.input_mean_energy);
    add("sign_agreement", layer.sign_agreement);
}

fn parameters(layer: &LayerMeasurement, add: &mut impl FnMut(&'static str, Option<f32>)) {
    for parameter in &layer.parameters {
        let [norm, gradient, update, ratio] = names(parameter.role);
        add(norm, parameter.weight_norm);
        add(gradient, parameter.gradient_norm);
        add(update, parameter.update_norm);
        let relative = parameter.update_norm.zip(parameter.weight_norm.filter(|&norm| norm > 0.0));
        add(ratio, relative.map(|(update, norm)| update / norm));
    }
}

fn names(role: ParameterRole) -> [&'static str; 4] {
    match role {
        ParameterRole::Weight => ["weight_norm", "weight_gradient_norm", "weight_update_norm", "weight_update_ratio"],
        ParameterRole::Bias => ["bias_norm", "bias_gradient_norm", "bias_update_norm", "bias_update_ratio"],
        ParameterRole::Scale => ["scale_norm", "scale_gradient_norm", "scale_update_norm", "scale_update_ratio"],
        ParameterRole::Shift => ["shift_norm", "shift_gradient_norm", "shift_update_norm", "shift_update_ratio"],
        ParameterRole::Other => ["slope_norm", "slope_gradient_norm", "slope_update_norm", "slope_update_ratio"],
    }
}
