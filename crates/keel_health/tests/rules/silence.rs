//! Healthy runs raise no alarm: everything the rules must stay silent on.

use keel_health::measurement::{
    ActivationFunction::{Relu, Tanh},
    DataMeasurement, EpochMeasurement, FeatureStatistics, LayerDescription, LayerKind, ParameterRole, StartLayer,
    StartMeasurement,
};
use keel_health::{Level, Monitor};

use crate::simulated;
use crate::simulated::{alarms, all, data, healthy_step, mlp, parameter, run, start_with_stds, units};

#[test]
fn a_healthy_run_has_no_finding_at_all() {
    for function in [Relu, Tanh] {
        let monitor = run(&mlp(function, 3), 1500, |_, _| {});
        assert_eq!(all(&monitor.findings()), [""; 0]);
    }
}

#[test]
fn standardised_inputs() {
    let cases: [&[(f32, f32)]; 4] = [
        &[(0.0, 1.0), (0.01, 0.99), (-0.02, 1.03)],
        &[(0.19, 1.0)],
        &[(0.0, 0.51), (0.0, 1.99)],
        // Two one-hot columns among ten.
        &[(0.0, 1.0); 10],
    ];
    for features in cases {
        let mut monitor = Monitor::new(mlp(Relu, 2));
        assert_eq!(all(&monitor.data(&data(features))), [""; 0], "{features:?}");
    }
    let mut table = vec![(0.0, 1.0); 8];
    table.extend([(0.1, 0.3), (0.9, 0.3)]);
    assert_eq!(all(&Monitor::new(mlp(Relu, 2)).data(&data(&table))), [""; 0]);
}

#[test]
fn a_few_frequent_words_among_counts() {
    let counts = |frequent: &[(f32, f32)], lowest: f32| {
        let rare = FeatureStatistics { mean: 0.2, std: 0.5, range: Some((lowest, 3.0)) };
        let columns = frequent.iter().map(|&(mean, std)| FeatureStatistics { mean, std, range: Some((lowest, 5e5)) });
        let features = std::iter::repeat_n(rare, 100).chain(columns).collect();
        all(&Monitor::new(mlp(Relu, 2)).data(&DataMeasurement { features, ..data(&[]) }))
    };
    assert_eq!(counts(&[(5.0, 2.4), (3.0, 1.7), (4.0, 2.0)], 0.0), [""; 0]);
    assert_eq!(counts(&[(50.0, 20.0)], 0.0), ["K002 error"], "one column is larger than all others");
    assert_eq!(counts(&[(5.0, 2.4), (3.0, 1.7), (4.0, 2.0)], -1.0), ["K002 error"], "no counts");
    assert_eq!(counts(&[(5.0, 2.4); 30], 0.0), ["K002 error"], "many columns");
}

#[test]
fn xavier_with_tanh_and_kaiming_with_relu_at_any_depth_of_the_lecture() {
    // z of layer l + 1 with weight variance 1/n has the standard deviation of h of layer l: tables of the lecture.
    let tanh_6 = [1.0, 0.63, 0.49, 0.41, 0.36, 0.32, 0.30];
    let tanh_10 = [1.0, 0.628, 0.486, 0.408, 0.357, 0.321, 0.292, 0.273, 0.255, 0.239, 0.228];
    let relu_6 = [1.41, 1.41, 1.41, 1.40, 1.39, 1.38, 1.41];
    let mut tanh_100: Vec<f64> = (0..100).map(|layer| (1.0 + 2.0 * f64::from(layer)).sqrt().recip()).collect();
    tanh_100[1] = 0.63;
    let relu_width_500 = [1.41, 1.40, 1.36, 1.42, 1.37, 1.48, 1.50, 1.56, 1.45, 1.45, 1.40];
    for (function, stds) in
        [(Tanh, &tanh_6[..]), (Tanh, &tanh_10), (Tanh, &tanh_100), (Relu, &relu_6), (Relu, &relu_width_500)]
    {
        let model = mlp(function, stds.len() - 1);
        let findings = Monitor::new(model.clone()).start(&start_with_stds(&model, stds));
        assert_eq!(all(&findings), [""; 0], "{stds:?}");
    }
}

#[test]
fn large_steps_that_converge() {
    let monitor = run(&mlp(Relu, 2), 1000, |number, step| {
        step.loss = 0.1 + 2.2 * (-(number as f32) / 60.0).exp();
        for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
            layer.parameters[0] = parameter(ParameterRole::Weight, 4e-2);
        }
    });
    assert_eq!(alarms(&monitor.findings()), [""; 0]);
}

#[test]
fn the_tail_of_a_cosine_schedule_and_its_warm_up() {
    let steps = 3000;
    let monitor = run(&mlp(Relu, 2), steps, |number, step| {
        let progress = number as f32 / steps as f32;
        let rate =
            if number < 600 { number as f32 / 600.0 } else { 0.5 * (1.0 + (progress * std::f32::consts::PI).cos()) };
        step.learning_rate = Some(0.05 * rate.max(1e-4));
        step.loss = if number < 500 { 2.3 } else { 1.4 + 0.9 * (-(number as f32 - 500.0) / 400.0).exp() };
        for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
            layer.parameters[0] = parameter(ParameterRole::Weight, 1e-3 * rate);
        }
    });
    assert_eq!(alarms(&monitor.findings()), [""; 0]);
}

#[test]
fn a_converged_run_with_tiny_updates_and_gradients() {
    let monitor = run(&mlp(Relu, 2), 3000, |number, step| {
        let small = (-(number as f32) / 200.0).exp().max(1e-6);
        step.loss = 2.3 * small;
        step.gradient_norm = Some(small * if number % 97 == 0 { 30.0 } else { 1.0 });
        for layer in step.layers.iter_mut() {
            layer.gradient.as_mut().unwrap().rms *= small;
            for parameter in &mut layer.parameters {
                parameter.update_norm = Some(0.01 * small);
                parameter.gradient_norm = Some(small);
                parameter.decay_norm = Some(0.005);
            }
        }
    });
    assert_eq!(alarms(&monitor.findings()), [""; 0]);
}

#[test]
fn mostly_zero_but_alive_relu() {
    let monitor = run(&mlp(Relu, 2), 800, |_, step| {
        for layer in &mut step.layers {
            if let (Some(output), Some(units)) = (&mut layer.output, &mut layer.units) {
                output.zero_fraction = Some(0.6);
                units.fired_counts.fill(25);
            }
        }
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
}

#[test]
fn units_that_fire_once_in_a_while_are_alive() {
    // Every unit fires in one step of 200 only: within 10,000 samples each has fired.
    let monitor = run(&mlp(Relu, 1), 1000, |number, step| {
        let mut rare = units(simulated::UNITS);
        for unit in (0..simulated::UNITS).filter(|&unit| unit as u64 == number % simulated::UNITS as u64) {
            rare.set_fired(unit);
        }
        step.layers[1].units = Some(rare);
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
}

#[test]
fn a_few_dead_units_of_a_narrow_layer() {
    let dead_of = |dead: usize, count: usize| {
        let monitor = simulated::stalled(&mlp(Relu, 1), 800, |_, step| {
            let mut narrow = keel_health::measurement::UnitMeasurement::with_units(count);
            narrow.observations = 64;
            for unit in dead..count {
                narrow.set_fired(unit);
                narrow.fired_counts[unit] = 32;
            }
            step.layers[1].units = Some(narrow);
        });
        monitor.findings().into_iter().find(|finding| finding.code == "K010").map(|finding| finding.level)
    };
    for (dead, count, expected) in [
        (2, 8, None),
        (1, 2, None),
        (2, 3, None),
        (2, 2, Some(Level::Error)),
        (3, 8, Some(Level::Info)),
        (4, 8, Some(Level::Warn)),
    ] {
        assert_eq!(dead_of(dead, count), expected, "{dead} of {count}");
    }
}

#[test]
fn an_unusual_initialiser_whose_signal_is_fine() {
    let mut model = mlp(Relu, 3);
    model.layers.iter_mut().for_each(|layer| layer.initializer = Some("sparse".to_string()));
    let findings = Monitor::new(model.clone()).start(&start_with_stds(&model, &[0.7, 1.9, 1.2, 0.01]));
    assert_eq!(all(&findings), [""; 0], "the last layer may start small");
}

#[test]
fn a_zero_scale_at_the_end_of_a_residual_branch() {
    let mut model = mlp(Relu, 1);
    model.layers = vec![
        LayerDescription::new("stem", LayerKind::Conv2d, &[]),
        LayerDescription::new("norm1", LayerKind::BatchNorm, &[0]),
        LayerDescription::new("branch", LayerKind::Conv2d, &[1]),
        LayerDescription::new("norm2", LayerKind::BatchNorm, &[2]),
        LayerDescription::new("sum", LayerKind::Add, &[3, 1]),
        LayerDescription::new("head", LayerKind::Linear, &[4]),
    ];
    let std = |layer, std| StartLayer { layer, output_std: Some(std), ..StartLayer::default() };
    let layers = vec![std(0, 30.0), std(1, 1.0), std(2, 0.05), std(3, 0.0), std(4, 1.0), std(5, 1.0)];
    let mut monitor = Monitor::new(model.clone());
    monitor.start(&StartMeasurement { layers, samples: 64, ..StartMeasurement::default() });
    for number in 0..600 {
        let mut step = healthy_step(&model, number);
        if number == 0 {
            step.layers[2].gradient.as_mut().unwrap().rms = 0.0;
            step.layers[2].parameters[0].gradient_norm = Some(0.0);
        }
        monitor.step(&step);
    }
    assert_eq!(all(&monitor.findings()), [""; 0]);
}

#[test]
fn a_bias_before_batch_norm_is_only_noted() {
    let mut model = mlp(Relu, 1);
    model.layers = vec![
        LayerDescription { bias: true, ..LayerDescription::new("conv", LayerKind::Conv2d, &[]) },
        LayerDescription::new("norm", LayerKind::BatchNorm, &[0]),
        LayerDescription::new("head", LayerKind::Linear, &[1]),
    ];
    let findings = Monitor::new(model).findings();
    assert_eq!(all(&findings), ["K016 info"]);
    assert_eq!(findings[0].layer.as_deref(), Some("conv"));
}

fn epoch(number: u64, train: f32, validation: f32, accuracy: f32) -> EpochMeasurement {
    EpochMeasurement {
        epoch: number,
        step: 500 * number,
        train_loss: Some(train),
        validation_loss: Some(validation),
        validation_accuracy: Some(accuracy),
        ..EpochMeasurement::default()
    }
}

#[test]
fn epochs_that_look_worse_than_they_are() {
    let cases: [(&str, &[EpochMeasurement]); 3] = [
        (
            "validation accuracy above 95 %",
            &[
                epoch(0, 0.1, 0.10, 0.97),
                epoch(1, 0.01, 0.12, 0.97),
                epoch(2, 0.005, 0.13, 0.97),
                epoch(3, 0.001, 0.2, 0.96),
            ],
        ),
        (
            "augmentation: training loss above validation loss",
            &[epoch(0, 1.5, 1.00, 0.6), epoch(1, 1.4, 1.05, 0.6), epoch(2, 1.4, 1.05, 0.6), epoch(3, 1.3, 1.04, 0.6)],
        ),
        (
            "validation noise of one percent",
            &[
                epoch(0, 0.5, 0.70, 0.8),
                epoch(1, 0.4, 0.705, 0.8),
                epoch(2, 0.4, 0.704, 0.8),
                epoch(3, 0.4, 0.706, 0.8),
            ],
        ),
    ];
    for (name, epochs) in cases {
        let mut monitor = Monitor::new(mlp(Relu, 1));
        epochs.iter().for_each(|epoch| drop(monitor.epoch(epoch)));
        assert_eq!(all(&monitor.findings()), [""; 0], "{name}");
    }
}

#[test]
fn measurements_that_are_missing_raise_nothing() {
    let monitor = run(&mlp(Relu, 3), 600, |_, step| {
        step.layers.clear();
        step.gradient_norm = None;
        step.learning_rate = None;
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
    let mut empty = Monitor::new(Default::default());
    for number in 0..600 {
        // Layers the description does not know must not panic either.
        empty.step(&healthy_step(&mlp(Relu, 3), number));
    }
    empty.data(&Default::default());
    empty.start(&Default::default());
    empty.epoch(&Default::default());
    assert_eq!(alarms(&empty.findings()), [""; 0]);
}

#[test]
fn frozen_on_purpose_is_only_noted() {
    let mut model = mlp(Relu, 2);
    model.layers[0].frozen = true;
    let monitor = run(&model, 400, |_, step| {
        for parameter in &mut step.layers[0].parameters {
            (parameter.gradient_norm, parameter.update_norm) = (Some(0.0), Some(0.0));
        }
    });
    let findings = monitor.findings();
    assert_eq!(all(&findings), ["K016 info"]);
    assert!(findings.iter().all(|finding| finding.level == Level::Info));
}

#[test]
fn one_bad_window_is_not_enough() {
    let monitor = run(&mlp(Tanh, 2), 600, |number, step| {
        if (100..200).contains(&number) {
            step.layers[1].output.as_mut().unwrap().saturated_fraction = Some(0.9);
        }
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
}

#[test]
fn a_run_that_continues_a_converged_one() {
    let monitor = run(&mlp(Relu, 2), 1500, |_, step| step.loss = 0.2);
    assert_eq!(all(&monitor.findings()), [""; 0]);
}
