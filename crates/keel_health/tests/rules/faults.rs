//! Faulty runs: every rule speaks up, at the right level, about the right layer.

use keel_health::measurement::{
    ActivationFunction::{self, Relu, Sigmoid, Softmax, Tanh},
    DataMeasurement, EpochMeasurement, EvaluationMeasurement, GradientCheck, LayerDescription, LayerKind, LossKind,
    ModelDescription, NormStatistics, StartLayer, StartMeasurement, StepMeasurement, TinyBatch,
};
use keel_health::{Level, Monitor, Remedy};

use crate::simulated::{all, data, mlp, only, run, stalled, start_with_stds, units, with_code};

fn started(model: &ModelDescription, start: StartMeasurement) -> Monitor {
    let mut monitor = Monitor::new(model.clone());
    monitor.start(&start);
    monitor
}

fn measured(data: DataMeasurement) -> Monitor {
    let mut monitor = Monitor::new(mlp(Relu, 2));
    monitor.data(&data);
    monitor
}

#[test]
fn k001_names_the_first_operation() {
    type Spoil = fn(&mut StepMeasurement);
    let cases: [(&str, Option<&str>, Spoil); 6] = [
        ("in the output of fc2", Some("fc2"), |step| {
            step.layers[2].output.as_mut().unwrap().non_finite = 3;
            step.layers[4].output.as_mut().unwrap().non_finite = 640;
            step.loss = f32::NAN;
        }),
        ("in the variance of the output of fc1", Some("fc1"), |step| {
            step.layers[0].output.as_mut().unwrap().std = f32::INFINITY;
        }),
        ("loss", None, |step| step.loss = f32::INFINITY),
        ("gradient of the weight of head", Some("head"), |step| {
            step.layers[0].parameters[0].non_finite_gradient = 9;
            step.layers[4].parameters[0].gradient_norm = Some(f32::NAN);
        }),
        ("gradient norm", None, |step| step.gradient_norm = Some(f32::INFINITY)),
        ("weight of fc2", Some("fc2"), |step| step.layers[2].parameters[0].weight_norm = Some(f32::NAN)),
    ];
    for (place, layer, spoil) in cases {
        let monitor = run(&mlp(Relu, 2), 50, |number, step| {
            if number >= 40 {
                spoil(step);
            }
        });
        let finding = only(&monitor, "K001");
        assert!(finding.message.contains(place), "{place}: {}", finding.message);
        assert_eq!((finding.level, finding.layer.as_deref(), finding.first_step), (Level::Error, layer, 40));
    }
}

#[test]
fn k001_finds_nan_in_the_data() {
    let monitor = measured(DataMeasurement { non_finite: 2, first_non_finite_sample: Some(17), ..data(&[(0.0, 1.0)]) });
    assert!(only(&monitor, "K001").message.contains("sample 17"));
    assert_eq!(only(&measured(data(&[(f32::NAN, 1.0)])), "K001").level, Level::Error);
}

#[test]
fn k001_names_split_and_samples_of_an_evaluation() {
    let split = |split: &str, non_finite: u64, first: &[&str]| EvaluationMeasurement {
        split: split.to_owned(),
        samples: 40,
        non_finite,
        first: first.iter().map(|name| (*name).to_owned()).collect(),
        ..EvaluationMeasurement::default()
    };
    let mut monitor = Monitor::new(mlp(Relu, 2));
    assert!(monitor.validation(split("validation", 0, &[])).is_empty());
    assert!(monitor.evaluation(vec![split("train", 0, &[]), split("test", 0, &[])]).is_empty());
    let findings = monitor.evaluation(vec![split("train", 0, &[]), split("test", 2, &["t.csv, line 12"])]);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((finding.code.as_str(), finding.level, finding.measured), ("K001", Level::Error, 2.0));
    let expected = "2 of 40 samples of the test split gave NaN or infinity (t.csv, line 12, …)";
    assert!(finding.message.starts_with(expected), "{}", finding.message);
    let findings = monitor.validation(split("validation", 1, &["t.csv, line 3"]));
    assert!(
        findings[0].message.contains("of the validation split gave NaN or infinity (t.csv, line 3)"),
        "{findings:?}"
    );
}

#[test]
fn features_are_named_where_they_have_names() {
    let names = vec!["age".to_owned(), "year".to_owned()];
    let named = |features| DataMeasurement { feature_names: names.clone(), ..data(features) };
    let constant = measured(named(&[(0.0, 1.0), (3.0, 0.0)]));
    assert!(only(&constant, "K016").message.ends_with("the first is feature `year`"), "{:?}", constant.findings());
    let far = measured(named(&[(0.0, 1.0), (2000.0, 5.0)]));
    assert!(only(&far, "K002").message.contains("feature `year` has mean 2000"), "{:?}", far.findings());
}

#[test]
fn k002_table() {
    for (feature, level) in [
        ((128.0, 60.0), Level::Error),
        ((0.0, 73.0), Level::Error),
        ((2.1, 50.0), Level::Error),
        ((0.5, 0.25), Level::Warn),
        ((1.01, 1.0), Level::Warn),
        ((-1.01, 1.0), Level::Warn),
        ((0.0, 0.09), Level::Warn),
        ((0.0, 4.1), Level::Warn),
        ((1.0, 1.0), Level::Info),
        ((-0.21, 1.0), Level::Info),
        ((0.0, 0.1), Level::Info),
        ((0.0, 4.0), Level::Info),
        ((0.0, 0.49), Level::Info),
        ((0.0, 2.1), Level::Info),
    ] {
        let finding = only(&measured(data(&[feature])), "K002");
        assert_eq!(finding.level, level, "{feature:?}");
        assert_eq!(finding.remedies[0].settings(), ["preprocess.steps=[\"standardize\"]"]);
    }
    let images = DataMeasurement { images: true, preprocessing: vec!["center".into()], ..data(&[(0.0, 63.0); 3]) };
    let finding = only(&measured(images), "K002");
    assert_eq!(finding.remedies[0].settings(), ["preprocess.steps=[\"channel_standardize\"]"]);
    assert!(finding.cause.contains("although center is in use"), "{}", finding.cause);
}

#[test]
fn k003_class_shares() {
    let shares = |shares: &[f32]| DataMeasurement { class_shares: shares.to_vec(), ..data(&[(0.0, 1.0)]) };
    let mut model = mlp(Relu, 1);
    model.classes = Some(3);
    let weighted = DataMeasurement { weighted_classes: true, ..shares(&[0.68, 0.26, 0.06]) };
    assert!(Monitor::new(model.clone()).data(&weighted).is_empty(), "weights in the loss are the remedy");
    for (values, expected) in [
        (&[0.4, 0.3, 0.3][..], None),
        (&[0.65, 0.28, 0.07], None),
        (&[0.68, 0.26, 0.06], Some(Level::Info)),
        (&[0.5, 0.5, 0.0], Some(Level::Error)),
        (&[0.5, 0.5], Some(Level::Error)),
        (&[], None),
    ] {
        let findings = Monitor::new(model.clone()).data(&shares(values));
        assert_eq!(findings.first().map(|finding| finding.level), expected, "{values:?}");
    }
    let class_names = ["ant", "bee", "fly"].map(str::to_owned).to_vec();
    let named = DataMeasurement { class_names, ..shares(&[0.5, 0.5, 0.0]) };
    assert!(Monitor::new(model.clone()).data(&named)[0].message.ends_with("the first is class `fly`"));
}

#[test]
fn k003_shuffled_labels() {
    let epoch = |number: u64, train: f32, validation: f32| EpochMeasurement {
        epoch: number,
        train_loss: Some(train),
        validation_loss: Some(validation),
        ..EpochMeasurement::default()
    };
    let mut monitor = Monitor::new(mlp(Relu, 1));
    for (number, (train, validation)) in
        [(2.2, 2.31), (2.0, 2.33), (1.7, 2.4), (1.5, 2.5), (1.2, 2.8)].into_iter().enumerate()
    {
        monitor.epoch(&epoch(number as u64, train, validation));
    }
    assert_eq!(monitor.findings()[0].code, "K003", "{:?}", all(&monitor.findings()));
    assert_eq!(only(&monitor, "K003").level, Level::Error);
}

#[test]
fn k004_table() {
    let chance = 10f32.ln();
    for (relative, expected) in [
        (0.0, None),
        (0.2, None),
        (0.3, Some(Level::Info)),
        (1.5, Some(Level::Info)),
        (3.9, Some(Level::Info)),
        (4.1, Some(Level::Warn)),
        (-0.05, None),
        (-0.4, None),
        (-0.6, Some(Level::Warn)),
    ] {
        let start = StartMeasurement { loss: Some(chance * (1.0 + relative)), samples: 512, ..Default::default() };
        let monitor = started(&mlp(Relu, 1), start.clone());
        assert_eq!(with_code(&monitor, "K004").first().map(|finding| finding.level), expected, "{relative}");
        let few = started(&mlp(Relu, 1), StartMeasurement { samples: 511, ..start });
        assert!(few.findings().is_empty(), "too few samples");
    }
}

#[test]
fn k004_a_low_loss_that_outputs_of_this_spread_reach_by_luck() {
    for (classes, relative, spread, expected) in [
        (2, -0.3, 1.4, None),
        (2, -0.3, 0.05, Some(Level::Warn)),
        (2, -0.98, 1.4, Some(Level::Warn)),
        (10, -0.3, 1.0, None),
        (10, -0.3, 0.2, Some(Level::Warn)),
        (10, -0.09, 0.01, None),
        (10, -0.95, 1.4, Some(Level::Warn)),
    ] {
        let model = ModelDescription { classes: Some(classes), ..mlp(Relu, 1) };
        let loss = Some((classes as f32).ln() * (1.0 + relative));
        let start = StartMeasurement { loss, samples: 512, ..start_with_stds(&model, &[1.0, spread]) };
        let level = with_code(&started(&model, start), "K004").first().map(|finding| finding.level);
        assert_eq!(level, expected, "{classes} classes, {relative}, {spread}");
    }
}

#[test]
fn k004_weights_that_have_been_trained_may_start_with_a_low_loss() {
    let start = |relative: f32| {
        let loss = Some(10f32.ln() * (1.0 + relative));
        StartMeasurement { loss, samples: 512, ..Default::default() }
    };
    let finding = |pretrained, relative| {
        let model = ModelDescription { pretrained, ..mlp(Relu, 1) };
        with_code(&started(&model, start(relative)), "K004")
            .first()
            .map(|finding| (finding.level, finding.cause.clone()))
    };
    assert_eq!(finding(Some(true), -0.9), None);
    assert!(
        finding(Some(true), 5.0).is_some_and(|(level, _)| level == Level::Warn),
        "a high loss is reported nevertheless"
    );
    let (level, cause) = finding(Some(false), -0.9).unwrap();
    assert!(level == Level::Warn && !cause.contains("trained before"), "{cause}");
    let (level, cause) = finding(None, -0.9).unwrap();
    assert!(level == Level::Warn && cause.contains("trained before"), "{cause}");
}

#[test]
fn k005_the_initialisations_of_the_lecture() {
    let cases: [(&str, ActivationFunction, &[f64]); 5] = [
        ("0.01 with tanh", Tanh, &[0.64, 0.31, 0.185, 0.115, 0.073, 0.046]),
        ("xavier with relu", Relu, &[1.0, 0.707, 0.5, 0.354, 0.25, 0.177]),
        ("torch default with relu", Relu, &[0.577, 0.236, 0.096, 0.039, 0.016, 0.0065]),
        ("0.05 with relu", Relu, &[3.2, 7.2, 16.3, 36.9, 83.5, 189.0]),
        ("1.0 with tanh", Tanh, &[64.0, 62.8, 62.8, 62.8, 62.8, 62.8]),
    ];
    for (name, function, stds) in cases {
        let mut with_head = stds.to_vec();
        with_head.push(1.0);
        let model = mlp(function, stds.len());
        let finding = only(&started(&model, start_with_stds(&model, &with_head)), "K005");
        assert_eq!(finding.level, Level::Error, "{name}");
        let expected = if function == Relu { "kaiming_normal" } else { "xavier_normal" };
        assert_eq!(finding.remedies[0].settings(), [format!("model.init={expected}")], "{name}");
    }
}

#[test]
fn k005_one_layer_off() {
    let model = mlp(Relu, 3);
    let finding = only(&started(&model, start_with_stds(&model, &[1.4, 0.2, 0.9, 1.0])), "K005");
    assert_eq!(finding.layer.as_deref(), Some("fc2"));
}

#[test]
fn k005_is_seen_at_the_first_step_when_no_start_was_measured() {
    let monitor = run(&mlp(Relu, 2), 1, |_, step| step.layers[2].output.as_mut().unwrap().std = 1e-4);
    assert_eq!(only(&monitor, "K005").layer.as_deref(), Some("fc2"));
}

#[test]
fn k006_k007_and_the_gradient_check() {
    let model = mlp(Relu, 2);
    let symmetric = StartLayer { layer: 2, identical_units: Some(100), units: Some(100), ..StartLayer::default() };
    let monitor = started(&model, StartMeasurement { layers: vec![symmetric], ..Default::default() });
    assert_eq!(only(&monitor, "K006").layer.as_deref(), Some("fc2"));

    let tiny = |error: Option<f32>, last_loss| {
        let tiny =
            TinyBatch { samples: 20, steps: 500, training_error: error, first_loss: 2.3, last_loss, learned_at: None };
        with_code(&started(&model, StartMeasurement { tiny_batch: Some(tiny), ..Default::default() }), "K007").len()
    };
    let found = [tiny(Some(0.0), 0.01), tiny(Some(0.05), 0.1), tiny(Some(0.1), 0.1), tiny(None, 0.1), tiny(None, 0.5)];
    assert_eq!(found, [0, 0, 1, 0, 1]);
    assert_eq!(tiny(None, f32::NAN), 1, "NaN is not a learned batch");

    let check = GradientCheck { largest_relative_error: 0.3, layer: Some(0), entries: 100 };
    let monitor = started(&model, StartMeasurement { gradient_check: Some(check), ..Default::default() });
    assert_eq!(only(&monitor, "K007").layer.as_deref(), Some("fc1"));
    let monitor = started(&model, StartMeasurement { batch_mixing: Some(0.2), ..Default::default() });
    assert!(only(&monitor, "K007").message.contains("other samples in the batch"));
}

#[test]
fn k008_table() {
    use LossKind::{Bce, BceProbabilities, CrossEntropy, Hinge, Mse, Nll};
    for (loss, function, faulty) in [
        (CrossEntropy, None, false),
        (CrossEntropy, Some(ActivationFunction::Identity), false),
        (CrossEntropy, Some(Softmax), true),
        (CrossEntropy, Some(Relu), true),
        (Nll, Some(ActivationFunction::LogSoftmax), false),
        (Nll, Some(Softmax), true),
        (Nll, None, true),
        (Bce, Some(Sigmoid), true),
        (Bce, None, false),
        (BceProbabilities, Some(Sigmoid), false),
        (BceProbabilities, None, true),
        (Hinge, Some(Tanh), true),
        (Mse, Some(Softmax), false),
    ] {
        let mut model = mlp(Relu, 1);
        model.loss = Some(loss);
        if let Some(function) = function {
            model.layers.push(LayerDescription::activation("out", function, &[2]));
        }
        let found = Monitor::new(model).findings();
        assert_eq!(found.iter().any(|finding| finding.code == "K008"), faulty, "{loss:?} {function:?}");
    }
    let mut wide = mlp(Relu, 1);
    wide.layers[2].units = Some(11);
    assert!(only(&Monitor::new(wide), "K008").message.contains("11 outputs for 10 classes"));
    let label = measured(DataMeasurement { largest_label: Some(10), ..data(&[(0.0, 1.0)]) });
    assert!(only(&label, "K008").message.contains("0 to 9"));
    let mut regression = mlp(Relu, 1);
    regression.loss = Some(Mse);
    regression.classes = None;
    regression.layers.push(LayerDescription::activation("out", Tanh, &[2]));
    let findings = Monitor::new(regression).data(&DataMeasurement { target_range: Some((-1.0, 5.0)), ..data(&[]) });
    assert_eq!(all(&findings), ["K008 error"]);
}

#[test]
fn k009_table() {
    for (share, expected) in [(0.19, None), (0.3, Some(Level::Warn)), (0.6, Some(Level::Error))] {
        let monitor = stalled(&mlp(Tanh, 2), 200, |_, step| {
            step.layers[3].output.as_mut().unwrap().saturated_fraction = Some(share);
        });
        let found = with_code(&monitor, "K009");
        assert_eq!(found.first().map(|finding| finding.level), expected, "{share}");
        assert!(found.iter().all(|finding| finding.layer.as_deref() == Some("act2")));
    }
    let stuck = run(&mlp(Sigmoid, 2), 400, |_, step| {
        let mut some = units(0);
        some.saturated_counts[..10].fill(63);
        step.layers[1].units = Some(some);
    });
    assert!(only(&stuck, "K009").message.contains("10 units"));
}

#[test]
fn k010_table() {
    for (dead, expected) in [
        (0, None),
        (10, None),
        (15, None),
        (16, Some(Level::Info)),
        (40, Some(Level::Info)),
        (41, Some(Level::Warn)),
        (90, Some(Level::Warn)),
        (91, Some(Level::Error)),
        (100, Some(Level::Error)),
    ] {
        let working = run(&mlp(Relu, 2), 600, |_, step| step.layers[1].units = Some(units(dead)));
        assert!(with_code(&working, "K010").iter().all(|finding| finding.level == Level::Info), "{dead}");
        let monitor = stalled(&mlp(Relu, 2), 600, |_, step| step.layers[1].units = Some(units(dead)));
        let found = with_code(&monitor, "K010");
        assert_eq!(found.first().map(|finding| finding.level), expected, "{dead}");
        assert_eq!(
            found.first().map_or(0.0, |finding| finding.measured),
            if expected.is_some() { dead as f64 / 100.0 } else { 0.0 }
        );
    }
}

#[test]
fn k010_not_k005_leads_where_a_bias_silences_a_layer() {
    let found = |zeros: f32, mean: f32| {
        let model = mlp(Relu, 2);
        let mut start = start_with_stds(&model, &[1.4, 0.001, 1.0]);
        start.samples = 512;
        start.layers[0].output_mean = Some(mean);
        let silent =
            StartLayer { layer: 1, dead_fraction: Some(0.1), zero_fraction: Some(zeros), ..StartLayer::default() };
        start.layers.push(silent);
        started(&model, start).findings()
    };
    let biased = found(0.995, -10.0);
    assert_eq!(all(&biased), ["K010 error"]);
    assert!(biased[0].cause.contains("fc1 lies around -10") && biased[0].message.contains("0.5 %"), "{biased:?}");
    assert_eq!(biased[0].remedies[0], Remedy::ZeroBiases);
    let unbiased = &found(0.995, 0.0)[0];
    assert!(unbiased.cause.contains("from the beginning") && !unbiased.remedies.contains(&Remedy::ZeroBiases));
    assert_eq!(all(&found(0.985, -10.0)), ["K005 error"]);
}

#[test]
fn k010_names_the_units_and_tells_early_from_late_death() {
    let early = only(&stalled(&mlp(Relu, 2), 400, |_, step| step.layers[1].units = Some(units(50))), "K010");
    assert!(early.cause.contains("from the beginning"), "{}", early.cause);
    assert_eq!(early.known_kind().map(|kind| kind.chinese_message), Some("该层有些单元从一开始就对所有样本输出零"));
    let late = stalled(&mlp(Relu, 2), 1500, |number, step| {
        step.layers[3].units = Some(units(if number < 800 { 0 } else { 77 }));
    });
    let late = only(&late, "K010");
    assert!(late.cause.contains("died during training") && late.first_step >= 800, "{late:?}");
    assert_eq!(late.known_kind().map(|kind| kind.chinese_cause), Some("某一步过大，使这些单元对所有样本都落到零以下"));
    let settings = late.remedies[0].settings();
    assert_eq!(settings, ["optimizer.learning_rate=0.005"]);
    let expected = Remedy::ReinitialiseUnits { layer: "act2".into(), units: (0..77).collect() };
    assert!(late.remedies.contains(&expected), "{late:?}");
}

#[test]
fn k011_and_k012_follow_the_gradient_through_the_layers() {
    for (factor, expected) in [
        (0.5, None),
        (0.06, Some(("K011", Level::Error))),
        (0.15, Some(("K011", Level::Warn))),
        (3.0, None),
        (5.0, Some(("K012", Level::Error))),
    ] {
        // Three layers: the ratio is the square of the factor.
        let spoil = |_, step: &mut StepMeasurement| {
            step.layers[0].gradient.as_mut().unwrap().rms = 1e-3 * f32::powi(factor, 3);
            step.layers[2].gradient.as_mut().unwrap().rms = 1e-3 * f32::powi(factor, 2);
        };
        let working = run(&mlp(Relu, 2), 600, spoil).findings();
        assert!(working.iter().all(|finding| finding.first_step < 200), "{factor}: {:?}", all(&working));
        let found = stalled(&mlp(Relu, 2), 400, spoil).findings();
        assert_eq!(found.first().map(|finding| (finding.code.as_str(), finding.level)), expected, "{factor}");
    }
}

#[test]
fn k011_does_not_blame_pooling() {
    // Behind an 8 x 8 average every element has a 64th of the gradient, but there are 64 times as many.
    let monitor = run(&mlp(Relu, 2), 400, |_, step| {
        let gradient = step.layers[0].gradient.as_mut().unwrap();
        (gradient.rms, gradient.count) = (gradient.rms / 256.0, gradient.count * 256);
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
}

#[test]
fn k012_growth_over_time() {
    let monitor = run(&mlp(Relu, 2), 800, |number, step| {
        step.gradient_norm = Some(if (700..730).contains(&number) { 12.0 } else { 1.0 });
    });
    let finding = only(&monitor, "K012");
    assert!(finding.measured > 10.0 && finding.layer.is_none(), "{finding:?}");
}

#[test]
fn k014_zigzag() {
    let spoil = |stalled: bool| {
        move |number: u64, step: &mut StepMeasurement| {
            (step.layers[2].sign_agreement, step.layers[2].input_mean_energy) = (Some(0.8), Some(0.9));
            if stalled {
                step.loss = 2.3 - 0.0005 * number as f32;
            }
        }
    };
    for function in [Sigmoid, Relu] {
        assert_eq!(only(&run(&mlp(function, 2), 400, spoil(false)), "K014").level, Level::Info);
        assert_eq!(only(&run(&mlp(function, 2), 400, spoil(true)), "K014").level, Level::Warn);
    }
}

#[test]
fn k015_table() {
    let norm = |running_mean: f32, momentum: f32| NormStatistics {
        layer: 1,
        running_mean: vec![0.0, 0.0, running_mean],
        running_variance: vec![1.0; 3],
        exact_mean: vec![0.0; 3],
        exact_variance: vec![1.0; 3],
        momentum: Some(momentum),
        updates: 100,
    };
    let mut model = mlp(Relu, 1);
    model.layers[1] = LayerDescription::new("norm", LayerKind::BatchNorm, &[0]);
    let (gap, channels, residue) =
        ("gap between inference and training", "share of channels off", "share of the initial values");
    for (eval_mode_loss, norms, expected) in [
        (1.05, vec![norm(0.1, 0.1)], None),
        (1.8, vec![norm(0.1, 0.1)], Some((Level::Warn, None, gap))),
        (1.2, vec![norm(0.9, 0.1)], Some((Level::Warn, Some("norm"), channels))),
        (1.05, vec![norm(0.9, 0.1)], Some((Level::Info, Some("norm"), channels))),
        (1.2, vec![norm(0.0, 0.001)], Some((Level::Warn, Some("norm"), residue))),
    ] {
        let mut monitor = Monitor::new(model.clone());
        let epoch = EpochMeasurement {
            train_mode_loss: Some(1.0),
            eval_mode_loss: Some(eval_mode_loss),
            norms: norms.clone(),
            ..EpochMeasurement::default()
        };
        assert_eq!(all(&monitor.epoch(&epoch)), [""; 0], "the first epoch is not judged alone");
        let found = monitor.epoch(&epoch);
        assert_eq!(
            found.first().map(|finding| {
                let evidence = finding.evidence.as_ref().map_or("", |evidence| &evidence.statistic);
                (finding.level, finding.layer.as_deref(), evidence)
            }),
            expected,
            "{eval_mode_loss}"
        );
    }
}

#[test]
fn k016_idle_parameters_and_constant_outputs() {
    let monitor = run(&mlp(Relu, 2), 300, |_, step| {
        for parameter in &mut step.layers[0].parameters {
            (parameter.gradient_norm, parameter.update_norm) = (Some(0.0), Some(0.0));
        }
    });
    assert_eq!(only(&monitor, "K016").layer.as_deref(), Some("fc1"));
    let constant = run(&mlp(Relu, 2), 300, |_, step| step.layers[3].output.as_mut().unwrap().std = 0.0);
    assert_eq!(only(&constant, "K016").layer.as_deref(), Some("act2"));
    assert_eq!(only(&measured(data(&[(0.0, 1.0), (3.0, 0.0)])), "K016").level, Level::Info);
}

#[test]
fn k017_stuck_diverging_oscillating() {
    type Loss = fn(u64) -> f32;
    let cases: [(&str, u64, Loss, Option<Level>); 6] = [
        ("stuck for five windows", 500, |_| 2.3, Some(Level::Warn)),
        ("stuck for ten windows", 1000, |_| 2.3, Some(Level::Error)),
        ("slow but falling", 1000, |step| 2.3 - 0.001 * step as f32, None),
        ("diverging", 1500, |step| if step < 500 { 2.3 - 0.003 * step as f32 } else { 2.3 }, Some(Level::Error)),
        ("far above the start", 400, |step| if step < 5 { 2.3 } else { 9.0 }, Some(Level::Error)),
        ("oscillating", 1500, |step| if step / 100 % 2 == 0 { 2.0 } else { 1.4 }, Some(Level::Warn)),
    ];
    for (name, steps, loss, expected) in cases {
        let monitor = run(&mlp(Relu, 2), steps, |number, step| step.loss = loss(number));
        assert_eq!(with_code(&monitor, "K017").first().map(|finding| finding.level), expected, "{name}");
    }
}

#[test]
fn k018_names_the_best_epoch() {
    let mut monitor = Monitor::new(mlp(Relu, 1));
    for (number, validation) in [1.0, 0.8, 0.7, 0.75, 0.8, 0.9, 1.1, 1.2].into_iter().enumerate() {
        monitor.epoch(&EpochMeasurement {
            epoch: number as u64,
            train_loss: Some(0.9 / (1.0 + number as f32)),
            validation_loss: Some(validation),
            validation_accuracy: Some(0.75),
            ..EpochMeasurement::default()
        });
    }
    let finding = only(&monitor, "K018");
    assert!(finding.message.contains("epoch 3,"), "{}", finding.message);
    assert_eq!((finding.first_step, finding.epoch), (0, Some(8)), "no step is known, but the epoch is");
}

#[test]
fn k019_decay_and_dropout() {
    let decaying = |ratio: f32, steps| {
        let monitor = run(&mlp(Relu, 2), steps, |_, step| {
            step.loss = 2.0;
            step.layers[0].parameters[0].decay_norm = Some(ratio);
        });
        with_code(&monitor, "K019").len()
    };
    assert_eq!((decaying(1.9, 600), decaying(2.5, 400), decaying(2.5, 600)), (0, 0, 1));
    let mut model = mlp(Relu, 1);
    for (probability, expected) in [(0.5, None), (0.6, Some(Level::Warn)), (0.9, Some(Level::Error))] {
        model.layers[1] = LayerDescription {
            probability: Some(probability),
            ..LayerDescription::new("drop", LayerKind::Dropout, &[0])
        };
        let found = with_code(&Monitor::new(model.clone()), "K019");
        assert_eq!(found.first().map(|finding| finding.level), expected, "{probability}");
    }
    for (decay, expected) in
        [(5e-4, None), (0.05, None), (0.1, Some(Level::Warn)), (0.2, Some(Level::Error)), (1.0, Some(Level::Error))]
    {
        let model = ModelDescription { weight_decay: Some(decay), ..mlp(Relu, 1) };
        let found = Monitor::new(model).findings();
        assert_eq!(found.first().map(|finding| finding.level), expected, "{decay}");
    }
    // The product is as large where the decay is ordinary and the rate is not: the rate is named.
    for (optimizer, rate, decay, expected) in [
        ("sgd", 20.0, 5e-4, "optimizer.learning_rate=0.1"),
        ("adamw", 3.0, 0.3, "optimizer.learning_rate=0.01"),
        ("sgd", 20.0, 1.0, "optimizer.weight_decay=5e-6"),
        ("adamw", 0.05, 0.3, "optimizer.weight_decay=5e-4"),
    ] {
        let (optimizer, learning_rate) = (Some(optimizer.to_owned()), Some(rate));
        let model = ModelDescription { optimizer, learning_rate, weight_decay: Some(decay), ..mlp(Relu, 1) };
        let finding = only(&Monitor::new(model), "K019");
        assert_eq!(finding.remedies[0].settings(), [expected], "{finding:?}");
    }
}
