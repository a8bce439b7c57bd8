//! Layer measurements of a step as rows of the run's database.

use keel_health::measurement::{LayerMeasurement, LayerStatistic, ModelDescription, StepMeasurement};

use crate::runs::LayerRecord;

/// Returns one row per measured value of a step, which is counted from 1; names are those of [`LayerStatistic`].
pub fn layer_records(measurement: &StepMeasurement, model: &ModelDescription, step: u64) -> Vec<LayerRecord> {
    let mut records = Vec::new();
    for layer in &measurement.layers {
        let name = model.name(layer.layer);
        let mut add = |measured: LayerStatistic, value: Option<f32>| {
            if let Some(value) = value {
                let (layer, name) = (name.clone(), measured.name());
                records.push(LayerRecord { step, layer, name, value: f64::from(value) });
            }
        };
        signals(layer, &mut add);
        parameters(layer, &mut add);
    }
    records
}

fn signals(layer: &LayerMeasurement, add: &mut impl FnMut(LayerStatistic, Option<f32>)) {
    add(LayerStatistic::OutputMean, layer.output.map(|output| output.mean));
    add(LayerStatistic::OutputStd, layer.output.map(|output| output.std));
    add(LayerStatistic::ZeroFraction, layer.output.and_then(|output| output.zero_fraction));
    add(LayerStatistic::SaturatedFraction, layer.output.and_then(|output| output.saturated_fraction));
    let silent = layer.units.as_ref().filter(|units| units.units > 0).map(|units| {
        let silent = (0..units.units).filter(|&unit| !units.has_fired(unit)).count();
        silent as f32 / units.units as f32
    });
    add(LayerStatistic::DeadFraction, silent);
    add(LayerStatistic::GradientRms, layer.gradient.map(|gradient| gradient.rms));
    add(LayerStatistic::InputMeanEnergy, layer.input_mean_energy);
    add(LayerStatistic::SignAgreement, layer.sign_agreement);
}

fn parameters(layer: &LayerMeasurement, add: &mut impl FnMut(LayerStatistic, Option<f32>)) {
    for parameter in &layer.parameters {
        let role = parameter.role;
        add(LayerStatistic::Norm(role), parameter.weight_norm);
        add(LayerStatistic::GradientNorm(role), parameter.gradient_norm);
        add(LayerStatistic::UpdateNorm(role), parameter.update_norm);
        let relative = parameter.update_norm.zip(parameter.weight_norm.filter(|&norm| norm > 0.0));
        add(LayerStatistic::UpdateRatio(role), relative.map(|(update, norm)| update / norm));
    }
}
