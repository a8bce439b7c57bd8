//! Levels follow the outcome of a training run.

use keel_health::measurement::{
    ActivationFunction::{Relu, Sigmoid, Tanh},
    DataMeasurement, EpochMeasurement, EvaluationMeasurement, LayerDescription, LayerKind, LossKind, ModelDescription,
    ResidualMeasurement, StartMeasurement, StepMeasurement, TinyBatch,
};
use keel_health::{Finding, Level, Lowered, Monitor, Remedy};

use crate::simulated::{all, data, mlp, parameter, run, stalled, start_with_stds, units, with_code};

/// The end of an epoch with these losses, in units of the loss of guessing among ten classes.
fn epoch(number: u64, training: f64, validation: f64) -> EpochMeasurement {
    let guessing = 10f64.ln();
    EpochMeasurement {
        epoch: number,
        train_loss: Some((training * guessing) as f32),
        validation_loss: Some((validation * guessing) as f32),
        ..EpochMeasurement::default()
    }
}

fn ended(mut monitor: Monitor, epochs: &[(f64, f64)]) -> Monitor {
    for (number, &(training, validation)) in epochs.iter().enumerate() {
        monitor.epoch(&epoch(number as u64, training, validation));
    }
    monitor.end();
    monitor
}

fn level_of(monitor: &Monitor, code: &str) -> Option<Level> {
    with_code(monitor, code).first().map(|finding| finding.level)
}

#[test]
fn what_did_no_harm_is_a_fact_at_the_end() {
    for (left, expected) in
        [(0.05, Level::Info), (0.099, Level::Info), (0.2, Level::Warn), (0.499, Level::Warn), (0.6, Level::Error)]
    {
        let model = mlp(Tanh, 3);
        let mut monitor = Monitor::new(model.clone());
        monitor.start(&start_with_stds(&model, &[64.0, 62.8, 62.8, 62.8]));
        assert_eq!(level_of(&monitor, "K005"), Some(Level::Error), "before the first step nothing is known of the end");
        let monitor = ended(monitor, &[(0.9, 0.9), (0.7, 0.7), (left, left)]);
        let finding = &with_code(&monitor, "K005")[0];
        assert_eq!(finding.level, expected, "{left}");
        assert_eq!(
            finding.cause.contains("learned its task nevertheless"),
            expected == Level::Info,
            "{}",
            finding.cause
        );
        assert_eq!(finding.lowered, (expected == Level::Info).then_some(Lowered::Learned), "{left}");
        assert_eq!(finding.kind, "large-outputs");
    }
}

#[test]
fn what_kept_the_network_from_learning_anything_is_an_error() {
    let wide = || {
        let mut monitor = Monitor::new(mlp(Relu, 1));
        monitor.data(&data(&[(0.0, 4.5)]));
        monitor
    };
    assert_eq!(level_of(&wide(), "K002"), Some(Level::Warn));
    let levels = [0.95, 0.85].map(|left| level_of(&ended(wide(), &[(left, left); 3]), "K002"));
    assert_eq!(levels, [Some(Level::Error), Some(Level::Warn)]);
}

#[test]
fn what_holds_for_the_training_samples_alone_is_not_learned() {
    let model = mlp(Tanh, 3);
    let levels = [0.19, 0.21].map(|validation| {
        let mut monitor = Monitor::new(model.clone());
        monitor.start(&start_with_stds(&model, &[64.0, 62.8, 62.8, 62.8]));
        level_of(&ended(monitor, &[(0.5, 0.5), (0.2, 0.3), (0.05, validation)]), "K005")
    });
    assert_eq!(levels, [Some(Level::Info), Some(Level::Warn)]);
}

#[test]
fn what_stands_whatever_comes_of_it_is_no_error_once_the_network_has_learned() {
    let mut model = mlp(Relu, 1);
    model.layers.push(LayerDescription::activation("out", Sigmoid, &[2]));
    let levels = [0.2, 0.01]
        .map(|left| level_of(&ended(Monitor::new(model.clone()), &[(0.9, 0.9), (0.5, 0.5), (left, left)]), "K008"));
    assert_eq!(levels, [Some(Level::Error), Some(Level::Warn)]);
}

#[test]
fn what_is_over_is_a_fact_if_the_network_learns() {
    let silent = |from: u64, to: u64| {
        move |number: u64, step: &mut StepMeasurement| {
            if (from..to).contains(&number) {
                step.layers[1].units = Some(units(95));
            }
        }
    };
    for (until, left, expected) in [(400, 0.4, Level::Info), (1500, 0.4, Level::Warn), (400, 0.8, Level::Error)] {
        let monitor = ended(stalled(&mlp(Relu, 2), 1500, silent(0, until)), &[(1.0, 1.0), (0.9, 0.9), (left, left)]);
        let finding = &with_code(&monitor, "K010")[0];
        assert_eq!(finding.level, expected, "{until} {left}");
        assert_eq!(finding.cause.contains("over before the end"), expected == Level::Info, "{}", finding.cause);
        assert_eq!(finding.lowered, (expected == Level::Info).then_some(Lowered::Passed), "{until} {left}");
    }
}

#[test]
fn an_accuracy_counts_once_the_plateau_is_left() {
    let outcome = |loss: f64, accuracy: f32| {
        let mut monitor = Monitor::new(mlp(Relu, 1));
        monitor.epoch(&EpochMeasurement { train_accuracy: Some(accuracy), ..epoch(0, loss, loss) });
        monitor.outcome().unwrap().training
    };
    assert!((outcome(1.0, 0.7) - 0.0).abs() < 1e-6, "on the plateau it is chance");
    assert!((outcome(0.8, 0.91) - 0.9).abs() < 1e-6, "right, if not sure");
    assert!((outcome(0.05, 0.5) - 0.95).abs() < 1e-6);
}

#[test]
fn the_measured_loss_of_guessing_is_what_counts() {
    let model = ModelDescription { loss: Some(LossKind::Mse), classes: None, ..mlp(Relu, 1) };
    let part = |guessing: Option<f32>| {
        let mut monitor = Monitor::new(model.clone());
        monitor.data(&DataMeasurement { guessing_loss: guessing, ..data(&[(0.0, 1.0)]) });
        monitor.epoch(&EpochMeasurement { train_loss: Some(0.5), ..EpochMeasurement::default() });
        monitor.outcome().map(|outcome| outcome.training)
    };
    assert_eq!(part(Some(2.0)), Some(0.75));
    assert_eq!(part(None), None, "the scale of the targets is unknown");
}

#[test]
fn a_warning_explains_no_error_and_a_fact_nothing() {
    let mut model = mlp(Relu, 2);
    model.layers[0].bias = true;
    let monitor = stalled(&model, 1200, |_, step| {
        step.loss = 2.3;
        step.layers[2].parameters[0] = parameter(Default::default(), 3e-2);
    });
    let findings = monitor.findings();
    assert_eq!(all(&findings), ["K017 error", "K013 warn"]);
    assert!(findings.iter().all(Finding::is_root), "{findings:?}");
}

#[test]
fn k020_linear_layers_in_a_row() {
    let stack = |layers: &[(LayerKind, usize, usize)]| {
        let layers = layers.iter().enumerate().map(|(index, &(kind, fan_in, units))| LayerDescription {
            units: Some(units),
            fan_in: Some(fan_in),
            ..LayerDescription::new(format!("l{index}"), kind, &(0..index).rev().take(1).collect::<Vec<_>>())
        });
        ModelDescription { layers: layers.collect(), ..mlp(Relu, 1) }
    };
    use LayerKind::{BatchNorm, Dropout, Linear};
    let cases: [(&str, ModelDescription, usize); 6] = [
        ("two", stack(&[(Linear, 20, 32), (Linear, 32, 10)]), 1),
        ("four", stack(&[(Linear, 20, 32), (Linear, 32, 32), (Linear, 32, 32), (Linear, 32, 10)]), 3),
        (
            "a norm and dropout between",
            stack(&[(Linear, 20, 32), (BatchNorm, 0, 32), (Dropout, 0, 32), (Linear, 32, 10)]),
            1,
        ),
        ("a narrow middle", stack(&[(Linear, 100, 8), (Linear, 8, 10)]), 0),
        ("one layer", stack(&[(Linear, 20, 10)]), 0),
        ("activations between", mlp(Relu, 3), 0),
    ];
    for (name, model, pairs) in cases {
        let found = with_code(&Monitor::new(model), "K020");
        assert_eq!(found.first().map_or(0, |finding| finding.measured as usize), pairs, "{name}");
        assert!(found.iter().all(|finding| finding.level == Level::Warn), "{name}");
    }
    let linear = || Monitor::new(stack(&[(Linear, 20, 32), (Linear, 32, 10)]));
    let levels = [0.8, 0.4, 0.05].map(|left| level_of(&ended(linear(), &[(left, left); 3]), "K020"));
    assert_eq!(levels, [Some(Level::Error), Some(Level::Warn), Some(Level::Info)]);
    let checked = |learned_at: Option<f32>| {
        let tiny = TinyBatch { samples: 20, steps: 500, training_error: Some(0.3), learned_at, ..TinyBatch::default() };
        let mut monitor = linear();
        monitor.start(&StartMeasurement { tiny_batch: Some(tiny), ..StartMeasurement::default() });
        let found = monitor.findings();
        found.iter().map(|finding| format!("{} {}", finding.level.name(), finding.code)).collect::<Vec<_>>()
    };
    assert_eq!(checked(None), ["error K020", "error K007"], "a linear network cannot memorise them");
    assert_eq!(checked(Some(0.01)), ["error K007", "warn K020"], "another optimizer can");
}

#[test]
fn k021_a_training_that_ends_on_its_way_down() {
    let falling = |losses: &[f64]| {
        let epochs: Vec<(f64, f64)> = losses.iter().map(|&loss| (loss, loss)).collect();
        with_code(&ended(Monitor::new(mlp(Relu, 1)), &epochs), "K021")
    };
    let straight = falling(&[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]);
    assert_eq!(straight.len(), 1);
    assert!(matches!(straight[0].remedies[0], Remedy::SetEpochs { epochs: 12..=30 }), "{straight:?}");
    assert!(straight[0].message.contains("after 6 epochs"), "{}", straight[0].message);
    let cases: [(&str, &[f64]); 4] = [
        ("it has come to rest", &[0.9, 0.6, 0.5, 0.45, 0.44, 0.44]),
        ("the fall ends by itself", &[1.9, 1.5, 0.6, 0.55, 0.5, 0.48]),
        ("the task is learned", &[0.9, 0.7, 0.5, 0.3, 0.15, 0.09]),
        ("two epochs say nothing", &[0.9, 0.5]),
    ];
    for (name, losses) in cases {
        assert!(falling(losses).is_empty(), "{name}");
    }
    let memorising = ended(Monitor::new(mlp(Relu, 1)), &[(0.9, 0.9), (0.7, 0.8), (0.5, 0.8), (0.4, 0.8), (0.3, 0.8)]);
    assert!(with_code(&memorising, "K021").is_empty(), "validation has stopped falling");
    let mut decayed =
        run(&mlp(Relu, 1), 300, |number, step| step.learning_rate = Some(if number < 100 { 0.05 } else { 0.001 }));
    decayed = ended(decayed, &[(0.9, 0.9), (0.8, 0.8), (0.7, 0.7), (0.6, 0.6)]);
    assert!(with_code(&decayed, "K021").is_empty(), "the schedule has ended the training");
}

#[test]
fn k021_a_training_that_hardly_began() {
    let found = |planned: Option<u64>, steps: u64, epochs: usize| {
        let monitor = run(&ModelDescription { epochs: planned, ..mlp(Relu, 1) }, steps, |_, _| ());
        with_code(&ended(monitor, &vec![(0.7, 0.7); epochs]), "K021")
    };
    let finding = &found(Some(1), 500, 1)[0];
    assert_eq!(finding.remedies, [Remedy::SetEpochs { epochs: 10 }]);
    assert!(
        finding.message.contains("500 steps in 1 epoch") && finding.message.contains("30 %"),
        "{}",
        finding.message
    );
    assert_eq!(finding.threshold, 500.0);
    assert!(finding.message.contains("(limit: more than 500 steps)"), "{}", finding.message);
    assert_eq!(found(Some(2), 400, 2).len(), 1);
    let finding = &found(Some(3), 99, 3)[0];
    assert_eq!(finding.threshold, 100.0);
    assert!(finding.message.contains("(limit: at least 100 steps)"), "{}", finding.message);
    assert!(found(Some(3), 100, 3).is_empty());
    assert!(found(Some(3), 0, 3).is_empty(), "a recording of epochs alone");
    assert!(found(Some(1), 501, 1).is_empty(), "an epoch may be long");
    assert!(found(Some(3), 500, 3).is_empty(), "at rest over three epochs");
    assert!(found(None, 500, 1).is_empty(), "a recording of a part of a training");
}

#[test]
fn k021_a_schedule_that_keeps_the_rate_low() {
    let found = |rate: fn(u64) -> f32, left: f64| {
        let monitor = run(&mlp(Relu, 1), 400, |number, step| step.learning_rate = Some(0.05 * rate(number)));
        with_code(&ended(monitor, &[(left, left); 6]), "K021")
    };
    let falls_at_once = |step: u64| if step < 99 { 1.0 } else { 0.29 };
    let finding = &found(falls_at_once, 0.7)[0];
    assert_eq!(finding.remedies, [Remedy::SetSchedule { schedule: "cosine".to_owned() }]);
    assert!(found(|step| if step < 100 { 1.0 } else { 0.29 }, 0.7).is_empty(), "a quarter of the steps");
    assert!(found(falls_at_once, 0.05).is_empty(), "the task is learned");
    let finding = &found(|step| step as f32 / 1000.0, 0.95)[0];
    assert_eq!(finding.remedies, [Remedy::SetWarmup { steps: 20 }], "the warm-up is longer than the training");
    assert!(found(|step| (step as f32 / 700.0).min(1.0), 0.7).is_empty(), "more than half of the rate was reached");
}

#[test]
fn k032_few_units_at_rest() {
    let found = |units: usize, losses: &[f64], agreement: Option<f32>| {
        let mut model = mlp(Relu, 2);
        (model.layers[0].units, model.layers[2].units) = (Some(64), Some(units));
        let epochs: Vec<(f64, f64)> = losses.iter().map(|&loss| (loss, loss)).collect();
        let mut monitor = Monitor::new(model);
        if let Some(agreement) = agreement {
            monitor.residuals(ResidualMeasurement { samples: 400, agreement });
        }
        with_code(&ended(monitor, &epochs), "K032")
    };
    let (rest, agree) = ([0.9, 0.8, 0.7, 0.7, 0.7, 0.7], Some(0.5));
    let finding = &found(8, &rest, agree)[0];
    assert_eq!((finding.level, finding.layer.as_deref(), finding.measured), (Level::Warn, Some("fc2"), 8.0));
    assert_eq!(finding.remedies, [Remedy::WidenHiddenLayers { units: 64 }]);
    assert!(found(8, &rest, Some(0.19)).is_empty(), "what is left is noise, at four standard errors");
    assert_eq!(found(8, &rest, None)[0].level, Level::Info, "unknown whether it is noise");
    assert!(found(9, &rest, agree).is_empty(), "nine are not few");
    assert!(found(8, &rest[..5], agree).is_empty(), "too short to be at rest");
    assert!(found(8, &[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], agree).is_empty(), "still falling");
    assert!(found(8, &[0.9, 0.5, 0.09, 0.09, 0.09, 0.09], agree).is_empty(), "few, and enough");
}

#[test]
fn k032_a_bottleneck_is_narrow_on_purpose() {
    let found = |outputs: usize| {
        let mut model = ModelDescription { loss: Some(LossKind::Mse), classes: None, ..mlp(Relu, 2) };
        (model.layers[2].units, model.layers[4].units) = (Some(8), Some(outputs));
        let mut monitor = Monitor::new(model);
        monitor.data(&DataMeasurement { guessing_loss: Some(10f32.ln()), ..data(&[(0.0, 1.0)]) });
        monitor.residuals(ResidualMeasurement { samples: 400, agreement: 0.5 });
        with_code(&ended(monitor, &[(0.7, 0.7); 6]), "K032").len()
    };
    assert_eq!([found(1), found(8), found(64)], [1, 1, 0]);
}

#[test]
fn k013_a_straight_way_down_is_too_slow() {
    let found = |ratio: f32, losses: &[f64]| {
        let monitor = run(&mlp(Relu, 2), 300, |_, step| {
            step.loss = 1.9;
            for layer in step.layers.iter_mut().filter(|layer| !layer.parameters.is_empty()) {
                layer.parameters[0] = parameter(Default::default(), ratio);
            }
        });
        let epochs: Vec<(f64, f64)> = losses.iter().map(|&loss| (loss, loss)).collect();
        level_of(&ended(monitor, &epochs), "K013")
    };
    let straight = [1.0, 0.95, 0.9, 0.85, 0.8, 0.75];
    assert_eq!(found(1.9e-3, &straight), Some(Level::Warn));
    assert_eq!(found(2.1e-3, &straight), None, "steps of a healthy size");
    assert_eq!(found(1.9e-3, &[1.0, 0.8, 0.7, 0.66, 0.64, 0.63]), None, "not straight");
    assert_eq!(found(5e-4, &[1.0, 0.99, 0.99, 0.98, 0.98, 0.97]), Some(Level::Error), "nothing learned, nothing moved");
}

#[test]
fn k017_a_training_that_ends_where_it_began() {
    let after = |steps: u64, left: f64| {
        let monitor = run(&mlp(Relu, 1), steps, |_, step| step.loss = 2.3);
        level_of(&ended(monitor, &[(1.0, 1.0), (1.0, 1.0), (left, left)]), "K017")
    };
    let found = |left: f64| after(100, left);
    assert_eq!(after(99, 1.0), None, "too few steps to say");
    assert_eq!([found(1.0), found(0.985), found(0.97)], [Some(Level::Error), Some(Level::Error), None]);
}

#[test]
fn k003_labels_that_were_learned_by_heart_alone() {
    let found = |training: f64, validation: f64| {
        level_of(
            &ended(Monitor::new(mlp(Relu, 1)), &[(1.0, 1.0), (0.9, validation), (training, 1.2), (training, 1.3)]),
            "K003",
        )
    };
    assert_eq!(found(0.75, 1.0), Some(Level::Error));
    assert_eq!(found(0.75, 0.96), None, "a weak signal, and a real one");
    assert_eq!(found(0.85, 1.0), None, "hardly memorised");
}

#[test]
fn k003_few_validation_samples_do_not_show_that_labels_are_meaningless() {
    let found = |classes: usize, samples: u64| {
        let mut monitor = Monitor::new(ModelDescription { classes: Some(classes), ..mlp(Relu, 1) });
        let guessing = (classes as f32).ln();
        for (number, left) in [1.0, 0.8, 0.6, 0.4].into_iter().enumerate() {
            let split = "validation".to_owned();
            monitor.validation(EvaluationMeasurement { split, samples, ..EvaluationMeasurement::default() });
            monitor.epoch(&EpochMeasurement {
                epoch: number as u64,
                train_loss: Some(left * guessing),
                validation_loss: Some(1.1 * guessing),
                ..EpochMeasurement::default()
            });
        }
        level_of(&monitor, "K003")
    };
    for (classes, samples, expected) in
        [(2, 20, None), (2, 99, None), (2, 101, Some(Level::Error)), (10, 11, None), (10, 12, Some(Level::Error))]
    {
        assert_eq!(found(classes, samples), expected, "{classes} classes, {samples} samples");
    }
}

#[test]
fn k003_unbalanced_classes_are_a_fact_until_the_rare_ones_are_lost() {
    let shares = [0.95, 0.05];
    let found = |accuracy: f32| {
        let mut monitor = Monitor::new(ModelDescription { classes: Some(2), ..mlp(Relu, 1) });
        monitor.data(&DataMeasurement { class_shares: shares.to_vec(), ..data(&[(0.0, 1.0)]) });
        assert_eq!(level_of(&monitor, "K003"), Some(Level::Info));
        monitor.epoch(&EpochMeasurement {
            train_accuracy: Some(accuracy),
            train_loss: Some(0.15),
            ..EpochMeasurement::default()
        });
        monitor.end();
        level_of(&monitor, "K003")
    };
    assert_eq!([found(0.95), found(0.96)], [Some(Level::Warn), Some(Level::Info)]);
}

#[test]
fn k018_is_a_warning_where_far_less_is_understood_than_memorised() {
    let found = |understood: f64, samples: u64| {
        let mut monitor = Monitor::new(mlp(Relu, 1));
        for (number, validation) in
            [0.9, understood, 1.4 * understood, 1.5 * understood, 1.6 * understood].into_iter().enumerate()
        {
            monitor.validation(EvaluationMeasurement { samples, ..EvaluationMeasurement::default() });
            monitor.epoch(&epoch(number as u64, 0.9 / (1.0 + 4.0 * number as f64), validation));
        }
        level_of(&monitor, "K018")
    };
    assert_eq!(found(0.5, 50), Some(Level::Warn));
    assert_eq!(found(0.5, 49), Some(Level::Info), "too few samples to say");
    assert_eq!(found(0.15, 50), Some(Level::Info), "the best epoch is kept, and understands most");
}
