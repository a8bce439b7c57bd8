//! K013: updates too large or too small for the weights they change.

use keel_health::measurement::{
    ActivationFunction::Relu, EpochMeasurement, ModelDescription, ParameterRole, StartMeasurement,
};
use keel_health::{Level, Monitor, Remedy};

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

/// Findings of a run in which every step is an epoch of 4,096 samples, a window, and changes the weights by `ratio(step)`.
fn full_batch(ratio: impl Fn(u64) -> f32, steps: u64, loss: impl Fn(u64) -> f32) -> Option<Level> {
    let model = ModelDescription { classes: None, samples_per_epoch: Some(4096), ..mlp(Relu, 2) };
    let mut monitor = Monitor::new(model.clone());
    monitor.start(&StartMeasurement { loss: Some(loss(0)), samples: 4096, ..Default::default() });
    for number in 0..steps {
        let mut step = healthy_step(&model, number);
        (step.epoch, step.samples, step.loss) = (number, 4096, loss(number));
        for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
            layer.parameters[0] = parameter(ParameterRole::Weight, ratio(number));
        }
        monitor.step(&step);
    }
    with_code(&monitor, "K013").first().map(|finding| finding.level)
}

#[test]
fn k013_windows_of_one_step_are_judged_by_the_course_of_the_loss() {
    let slowly = |step: u64| 2.3 * (0.96 + 0.04 * (-(step as f32) / 30.0).exp());
    assert_eq!(full_batch(|_| 0.15, 100, slowly), None, "it falls in every step");
    assert_eq!(full_batch(|_| 0.15, 15, |_| 2.3), None, "it has only begun");
    assert_eq!(full_batch(|_| 0.15, 40, |_| 2.3), Some(Level::Error), "it does not fall");
    assert_eq!(
        full_batch(|_| 0.15, 15, |step| 2.3 + step as f32),
        Some(Level::Error),
        "it rises from the first step on"
    );
    let jumps = |step: u64| if step.is_multiple_of(2) { 2.2 } else { 2.29 };
    assert_eq!(full_batch(|_| 0.15, 40, jumps), Some(Level::Error), "it jumps up and down");
}

#[test]
fn k013_small_steps_of_a_loss_at_rest_are_no_fault() {
    let converging = |step: u64| 2.3 * (0.7 + 0.3 * (-(step as f32) / 5.0).exp());
    assert_eq!(full_batch(|step| 0.02 * (-(step as f32) / 10.0).exp(), 200, converging), None, "converged");
    assert_eq!(full_batch(|_| 1e-5, 60, |step| 2.3 - 1e-3 * step as f32), Some(Level::Error), "on its way, and stuck");
}

#[test]
fn k013_a_first_step_that_replaced_the_weights_is_reported_at_the_end() {
    let found = |norm: f32, leap: f32, left: f32| {
        let mut monitor = run(&mlp(Relu, 2), 400, |number, step| {
            let parameter = &mut step.layers[2].parameters[0];
            parameter.weight_norm = Some(norm);
            parameter.update_norm = Some(norm * if number == 1 { leap } else { 1e-3 });
        });
        for epoch in 0..3 {
            let train_loss = Some(left * 10f32.ln());
            monitor.epoch(&EpochMeasurement { epoch, train_loss, ..EpochMeasurement::default() });
        }
        monitor.end();
        let found = with_code(&monitor, "K013");
        found.first().filter(|finding| finding.kind == "replaced").map(|finding| finding.level)
    };
    // A hundred units of `kaiming_normal` have a norm of sqrt(200) = 14.
    assert_eq!(found(80.0, 8.0, 0.4), Some(Level::Warn));
    assert_eq!(found(80.0, 8.0, 0.05), None, "learned nevertheless");
    assert_eq!(found(80.0, 0.9, 0.4), None, "a step smaller than the weights");
    assert_eq!(found(20.0, 8.0, 0.4), None, "weights that began near zero");
}

#[test]
fn k013_names_the_clipping_of_the_gradient() {
    let found = |clip_norm: Option<f32>| {
        let monitor = run(&ModelDescription { clip_norm, ..mlp(Relu, 2) }, 400, |_, step| {
            (step.loss, step.gradient_norm) = (2.3, Some(3.0));
            for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
                layer.parameters[0] = parameter(ParameterRole::Weight, 1e-5);
            }
        });
        with_code(&monitor, "K013").remove(0)
    };
    let clipped = found(Some(1e-4));
    assert_eq!((clipped.kind.as_str(), &clipped.remedies[..]), ("clipped", &[Remedy::ClipNorm { value: 1.0 }][..]));
    assert!(clipped.cause.contains("clipped to a norm of 1.0e-4"), "{}", clipped.cause);
    assert_eq!([found(Some(1.0)).kind, found(None).kind], ["too-low", "too-low"]);
}
