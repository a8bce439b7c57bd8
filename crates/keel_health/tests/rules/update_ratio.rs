//! K013: updates too large or too small for the weights they change.

use keel_health::measurement::{ActivationFunction::Relu, ModelDescription, ParameterRole, StartMeasurement};
use keel_health::{Level, Monitor};

use crate::simulated::{all, healthy_step, mlp, parameter, run, with_code};

#[test]
fn k013_table() {
    for (ratio, loss, expected) in [
        (1e-3, 2.3, None),
        (2e-2, 2.3, None),
        (2.1e-2, 2.3, Some(Level::Warn)),
        (3e-2, 1.0, None),
        (0.3, 2.3, Some(Level::Error)),
        (8e-4, 2.3, None),
        (5e-4, 2.3, Some(Level::Warn)),
        (5e-4, 1.8, None),
        (2e-4, 1.8, Some(Level::Warn)),
        (1e-5, 2.2, Some(Level::Warn)),
        (1e-5, 0.5, None),
    ] {
        let monitor = run(&mlp(Relu, 2), 400, |number, step| {
            step.loss = if number < 5 { 2.4 } else { loss };
            for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
                layer.parameters[0] = parameter(ParameterRole::Weight, ratio);
            }
        });
        let found = with_code(&monitor, "K013");
        assert_eq!(found.first().map(|finding| finding.level), expected, "{ratio} {loss}");
    }
}

#[test]
fn k013_compares_with_the_loss_before_a_leap() {
    let leap = |before: Option<f32>| {
        // Without a known loss of guessing.
        let model = ModelDescription { classes: None, ..mlp(Relu, 2) };
        let mut monitor = Monitor::new(model.clone());
        monitor.start(&StartMeasurement { loss: before, samples: 512, ..Default::default() });
        for number in 0..400 {
            let mut step = healthy_step(&model, number);
            step.loss = if (1..5).contains(&number) { 40.0 } else { 2.3 };
            if number == 1 {
                step.layers[2].parameters[0] = parameter(ParameterRole::Weight, 3.0);
            }
            monitor.step(&step);
        }
        with_code(&monitor, "K013").first().map(|finding| (finding.level, finding.layer.clone()))
    };
    assert_eq!(leap(Some(2.3)), Some((Level::Error, Some("fc2".to_owned()))), "2.3 after 400 steps is not progress");
    assert_eq!(leap(None), None, "without a measured start, the first steps are all there is");
}

#[test]
fn k013_names_the_rate_that_led_to_nan() {
    let monitor = run(&mlp(Relu, 2), 30, |number, step| {
        step.layers[2].parameters[0] = parameter(ParameterRole::Weight, 2.0);
        if number == 20 {
            step.loss = f32::NAN;
        }
    });
    let findings = monitor.findings();
    assert_eq!(all(&findings), ["K013 error", "K001 error"]);
    assert_eq!(findings[0].consequences, [findings[1].reference()]);
    let setting = &findings[0].remedies[0].settings()[0];
    let rate = setting.strip_prefix("optimizer.learning_rate=").and_then(|rate| rate.parse::<f64>().ok());
    assert!(rate.is_some_and(|rate| rate > 0.0 && rate < 1e-4), "{setting}");
}
