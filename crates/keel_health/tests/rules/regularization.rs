//! K019: weight decay and data in balance, and dropout of a run that failed.

use keel_health::measurement::{
    ActivationFunction::Relu, EpochMeasurement, LayerDescription, LayerKind, ModelDescription, ParameterMeasurement,
    ParameterRole,
};
use keel_health::{Level, Monitor, Remedy};

use crate::simulated::{mlp, run, with_code};

#[test]
fn weights_shrunk_to_a_balance_of_decay_and_data_are_reported() {
    let found = |norm: f32, decay: f32, loss: f32, full_batch: bool| {
        let model = ModelDescription { weight_decay: Some(0.06), ..mlp(Relu, 2) };
        let monitor = run(&model, 800, |number, step| {
            step.loss = loss;
            if full_batch {
                (step.samples, step.epoch) = (4096, number);
            }
            step.layers[2].parameters[0] = ParameterMeasurement {
                weight_norm: Some(norm),
                gradient_norm: Some(1.0),
                update_norm: Some(norm * 1e-3),
                decay_norm: Some(decay),
                role: ParameterRole::Weight,
                ..ParameterMeasurement::default()
            };
        });
        with_code(&monitor, "K019")
    };
    // A hundred units of `kaiming_normal` have a norm of sqrt(200) = 14.
    let balanced = found(3.0, 0.7, 2.0, false);
    assert_eq!(balanced.first().map(|finding| finding.level), Some(Level::Warn));
    assert!(balanced[0].message.contains("0.7 times as strong") && balanced[0].message.contains("shrunk"));
    assert_eq!(balanced[0].remedies, [Remedy::SetWeightDecay { value: 1e-3 }]);
    assert!(found(3.0, 0.4, 2.0, false).is_empty(), "the data is stronger");
    assert!(found(6.0, 0.7, 2.0, false).is_empty(), "weights of about their usual size");
    assert!(found(3.0, 0.7, 1.0, false).is_empty(), "the network learns");
    assert!(found(3.0, 0.7, 2.0, true).is_empty(), "without noise every decay is balanced in the end");
}

#[test]
fn strong_dropout_is_an_error_where_nothing_was_learned() {
    let mut model = mlp(Relu, 1);
    let dropout = LayerDescription::new("drop", LayerKind::Dropout, &[0]);
    model.layers[1] = LayerDescription { probability: Some(0.7), ..dropout };
    let level = |left: f32| {
        let mut monitor = Monitor::new(model.clone());
        for epoch in 0..3 {
            let train_loss = Some(left * 10f32.ln());
            monitor.epoch(&EpochMeasurement { epoch, train_loss, ..EpochMeasurement::default() });
        }
        monitor.end();
        with_code(&monitor, "K019")[0].level
    };
    assert_eq!([level(0.95), level(0.8), level(0.05)], [Level::Error, Level::Warn, Level::Warn]);
}
