//! Simulated runs: plausible measurements of a healthy network, to be spoiled by a test.
#![allow(dead_code)]

use keel_health::measurement::{
    ActivationFunction, DataMeasurement, FeatureStatistics, GradientMeasurement, LayerDescription, LayerKind,
    LayerMeasurement, LossKind, ModelDescription, ParameterMeasurement, ParameterRole, SignalMeasurement, StartLayer,
    StartMeasurement, StepMeasurement, UnitMeasurement,
};
use keel_health::{Finding, Level, Monitor};

/// Units of a hidden layer.
pub(crate) const UNITS: usize = 100;
/// Samples of a batch.
pub(crate) const BATCH: u64 = 64;

/// `hidden` linear layers, each followed by `function`, and a last linear layer for ten classes. Layer `2 l` is linear,
/// `2 l + 1` its activation.
pub(crate) fn mlp(function: ActivationFunction, hidden: usize) -> ModelDescription {
    let mut layers: Vec<LayerDescription> = Vec::new();
    for number in 0..hidden {
        let inputs: Vec<usize> = layers.len().checked_sub(1).into_iter().collect();
        let linear = LayerDescription::new(format!("fc{}", number + 1), LayerKind::Linear, &inputs);
        layers.push(LayerDescription { units: Some(UNITS), bias: true, ..linear });
        layers.push(LayerDescription::activation(format!("act{}", number + 1), function, &[2 * number]));
    }
    let last = LayerDescription::new("head", LayerKind::Linear, &[layers.len() - 1]);
    layers.push(LayerDescription { units: Some(10), bias: true, ..last });
    ModelDescription {
        layers,
        loss: Some(LossKind::CrossEntropy),
        classes: Some(10),
        learning_rate: Some(0.05),
        batch_size: Some(BATCH),
        ..ModelDescription::default()
    }
}

/// The healthy step number `step` of `model`: a falling loss, all units alive, updates of a thousandth.
pub(crate) fn healthy_step(model: &ModelDescription, step: u64) -> StepMeasurement {
    let layers = (0..model.layers.len()).map(|index| healthy_layer(model, index)).collect();
    StepMeasurement {
        step,
        epoch: step / 500,
        samples: BATCH,
        loss: 0.2 + 2.1 * (-(step as f32) / 150.0).exp(),
        accuracy: Some(0.5),
        learning_rate: Some(0.05),
        gradient_norm: Some(1.0),
        layers,
        ..StepMeasurement::default()
    }
}

fn healthy_layer(model: &ModelDescription, index: usize) -> LayerMeasurement {
    let count = BATCH * UNITS as u64;
    let gradient = GradientMeasurement { count, rms: 1e-3, max_abs: Some(5e-3), non_finite: 0 };
    let signal = SignalMeasurement { count, mean: 0.0, std: 1.0, ..SignalMeasurement::default() };
    let plain = LayerMeasurement { layer: index, gradient: Some(gradient), ..LayerMeasurement::default() };
    match model.layers[index].kind {
        LayerKind::Linear | LayerKind::Conv2d => LayerMeasurement {
            output: Some(signal),
            parameters: vec![parameter(ParameterRole::Weight, 1e-3), parameter(ParameterRole::Bias, 1e-3)],
            sign_agreement: Some(0.05),
            input_mean_energy: Some(0.3),
            ..plain
        },
        LayerKind::Activation => {
            let output = SignalMeasurement {
                mean: 0.5,
                std: 0.6,
                zero_fraction: Some(0.5),
                saturated_fraction: Some(0.04),
                ..signal
            };
            LayerMeasurement { output: Some(output), units: Some(units(0)), ..plain }
        }
        _ => plain,
    }
}

/// A parameter of norm 10 whose update is `ratio` of it.
pub(crate) fn parameter(role: ParameterRole, ratio: f32) -> ParameterMeasurement {
    ParameterMeasurement {
        role,
        weight_norm: Some(10.0),
        gradient_norm: Some(1.0),
        update_norm: Some(10.0 * ratio),
        decay_norm: Some(0.005),
        ..ParameterMeasurement::default()
    }
}

/// Units of which the first `dead` never fire and the others fire for half of the samples.
pub(crate) fn units(dead: usize) -> UnitMeasurement {
    let mut units = UnitMeasurement::with_units(UNITS);
    units.observations = BATCH;
    for unit in dead..UNITS {
        units.set_fired(unit);
        units.fired_counts[unit] = 32;
    }
    units
}

/// A start at which z of linear layer `l` has the standard deviation `stds[l]`, on `BATCH` samples.
pub(crate) fn start_with_stds(model: &ModelDescription, stds: &[f64]) -> StartMeasurement {
    let layers = model.weight_layers().zip(stds);
    let layers =
        layers.map(|(layer, &std)| StartLayer { layer, output_std: Some(std as f32), ..StartLayer::default() });
    StartMeasurement { layers: layers.collect(), samples: BATCH, ..StartMeasurement::default() }
}

/// Runs `steps` steps, each spoiled by `spoil`.
pub(crate) fn run(model: &ModelDescription, steps: u64, mut spoil: impl FnMut(u64, &mut StepMeasurement)) -> Monitor {
    let mut monitor = Monitor::new(model.clone());
    for number in 0..steps {
        let mut step = healthy_step(model, number);
        spoil(number, &mut step);
        monitor.step(&step);
    }
    monitor
}

/// A loss that falls by hundredths, from a little below that of guessing.
pub(crate) fn stalled_loss(step: u64) -> f32 {
    2.2 - 0.0002 * step as f32
}

/// Works like [`run`], with a loss that hardly falls below that of guessing.
pub(crate) fn stalled(
    model: &ModelDescription,
    steps: u64,
    mut spoil: impl FnMut(u64, &mut StepMeasurement),
) -> Monitor {
    run(model, steps, |number, step| {
        step.loss = stalled_loss(number);
        spoil(number, step);
    })
}

/// Data with the given features.
pub(crate) fn data(features: &[(f32, f32)]) -> DataMeasurement {
    let features = features.iter().map(|&(mean, std)| FeatureStatistics { mean, std, range: None }).collect();
    DataMeasurement { samples: 1000, features, ..DataMeasurement::default() }
}

/// `CODE level` of every finding that is a warning or an error, in order.
pub(crate) fn alarms(findings: &[Finding]) -> Vec<String> {
    let serious = findings.iter().filter(|finding| finding.level > Level::Info);
    serious.map(|finding| format!("{} {}", finding.code, finding.level.name())).collect()
}

/// `CODE level` of every finding, in order.
pub(crate) fn all(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {}", finding.code, finding.level.name())).collect()
}

/// The findings of the rule `code`.
pub(crate) fn with_code(monitor: &Monitor, code: &str) -> Vec<Finding> {
    monitor.findings().into_iter().filter(|finding| finding.code == code).collect()
}

/// The only finding of the rule.
pub(crate) fn only(monitor: &Monitor, code: &str) -> Finding {
    let mut found = with_code(monitor, code);
    assert_eq!(found.len(), 1, "{code}: {:?}", all(&monitor.findings()));
    found.remove(0)
}
