//! Losses against PyTorch, finite differences and hand-made cases; config forms, mismatches, extremes, threads.

use keel_nn::Shape;
use keel_nn::losses::{Loss, LossError, LossSpec, LossValue, TargetKind, Targets, catalog};
use keel_testkit::golden::{GoldenFile, LossCase, Targets as GoldenTargets, WeightedLossCase};
use keel_testkit::{GradientCheck, Tolerance, assert_close, choose_indices, deterministic_values};
use serde_json::json;

/// Builds the loss of a spec, with the class weights in it.
fn build(mut spec: serde_json::Value, outputs: usize, targets: TargetKind) -> Loss {
    let weights = spec.as_object_mut().and_then(|spec| spec.remove("class_weights"));
    let spec: LossSpec = serde_json::from_value(spec).unwrap();
    let loss = spec.build(Shape::Features(outputs), targets).unwrap();
    match weights {
        Some(weights) => loss.with_class_weights(serde_json::from_value(weights).unwrap()).unwrap(),
        None => loss,
    }
}

#[test]
fn class_weights_make_a_weighted_mean_for_every_loss_of_classes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/weighted_losses.json");
    let cases = WeightedLossCase::read_all(path).unwrap();
    assert!(cases.len() >= 6, "{}", cases.len());
    for case in cases {
        let width = case.outputs.len() / case.labels.len();
        let spec = json!({"type": case.loss, "class_weights": case.class_weights});
        let loss = build(spec, width, TargetKind::Classes(case.classes));
        let mut gradient = vec![f32::NAN; case.outputs.len()];
        let value = loss.forward_backward(&case.outputs, Targets::Classes(&case.labels), &mut gradient);
        assert!((value.mean() - case.value).abs() <= 1e-6 * case.value.abs(), "{}: {value:?}", case.name);
        for (ours, theirs) in gradient.iter().zip(&case.gradient) {
            assert!((ours - theirs).abs() < 1e-6, "{}: {gradient:?}", case.name);
        }
    }
}

#[test]
fn values_and_gradients_equal_the_golden_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/losses.json");
    let file = GoldenFile::<LossCase>::read(path).unwrap();
    assert!(file.cases.len() >= 30, "{} cases", file.cases.len());
    for case in file.cases {
        let width = case.predictions.shape[1];
        let labels: Vec<u32>;
        let (targets, kind) = match &case.targets {
            GoldenTargets::Labels(classes) => {
                labels = classes.iter().map(|&class| class as u32).collect();
                (Targets::Classes(&labels), TargetKind::Classes(width))
            }
            GoldenTargets::Values(values) => (Targets::Values(&values.values), TargetKind::Values(width)),
        };
        let loss = build(case.loss.clone(), width, kind);
        let mut grad = vec![f32::NAN; case.predictions.values.len()];
        let value = loss.forward_backward(&case.predictions.values, targets, &mut grad);
        let relative = (value.mean() - case.value).abs() / case.value.abs();
        assert!(relative < 1e-6, "{}: {} instead of {}", case.name, value.mean(), case.value);
        assert_close(&grad, &case.grad_predictions.values, Tolerance::new(2e-6, 2e-7), &case.name);
        let alone = loss.evaluate(&case.predictions.values, targets);
        assert!((alone.mean() - value.mean()).abs() <= 1e-7 * value.mean().abs(), "{}", case.name);
        assert_eq!((alone.correct, alone.non_finite), (value.correct, false), "{}", case.name);
    }
}

#[test]
fn gradients_equal_differences() {
    let configs = [
        json!("cross_entropy"),
        json!({"type": "cross_entropy", "label_smoothing": 0.2, "class_weights": "weights"}),
        json!("hinge"),
        json!({"type": "hinge", "class_weights": "weights"}),
        json!({"type": "bce", "class_weights": "weights"}),
        json!("mse"),
        json!({"type": "huber", "delta": 0.7}),
        json!("bce"),
    ];
    for (batch, width) in [(1, 2), (3, 7), (5, 1), (2, 13)] {
        for config in &configs {
            let mut config = config.clone();
            if config["class_weights"] == "weights" {
                config["class_weights"] = deterministic_values(2, width, 0.5, 2.0).into();
            }
            let weights = config.as_object_mut().and_then(|config| config.remove("class_weights"));
            let spec: LossSpec = serde_json::from_value(config).unwrap();
            let labels: Vec<u32> = (0..batch).map(|sample| (sample * 5 % width) as u32).collect();
            let values: Vec<f32> = deterministic_values(3, batch * width, 0.0, 1.0);
            let candidates = [
                (TargetKind::Classes(width), Targets::Classes(&labels)),
                (TargetKind::Values(width), Targets::Values(&values)),
            ];
            for (kind, targets) in candidates {
                let Ok(mut loss) = spec.build(Shape::Features(width), kind) else { continue };
                if let Some(weights) = &weights {
                    let weights = serde_json::from_value(weights.clone()).unwrap();
                    let Ok(weighted) = loss.with_class_weights(weights) else { continue };
                    loss = weighted;
                }
                let outputs = deterministic_values(4, batch * width, -2.0, 2.0);
                let mut grad = vec![f32::NAN; outputs.len()];
                loss.forward_backward(&outputs, targets, &mut grad);
                let what = format!("{} {batch} x {width}", spec.name());
                let indices = choose_indices(outputs.len(), 12);
                let value = |outputs: &[f32]| loss.evaluate(outputs, targets).mean();
                GradientCheck::default().run(&outputs, &grad, &indices, value).assert_passed(&what);
            }
        }
    }
}

#[test]
fn cases_worked_out_by_hand() {
    let cross_entropy = build(json!("cross_entropy"), 10, TargetKind::Classes(10));
    let value = cross_entropy.evaluate(&[0.0; 40], Targets::Classes(&[0, 3, 9, 0]));
    assert!((value.mean() - 10f64.ln()).abs() < 1e-7, "{value:?}");
    assert_eq!((value.correct, value.weight), (2, 4.0), "ties go to the first class");

    let hinge = build(json!("hinge"), 3, TargetKind::Classes(3));
    let mut grad = [f32::NAN; 3];
    // The cat of CS231n: scores 3.2, 5.1, -1.7 of which the first is right give a loss of 2.9.
    let value = hinge.forward_backward(&[3.2, 5.1, -1.7], Targets::Classes(&[0]), &mut grad);
    assert!((value.mean() - 2.9).abs() < 1e-6, "{value:?}");
    assert_eq!(grad, [-1.0, 1.0, 0.0]);

    let huber = build(json!({"type": "huber", "delta": 2.0}), 2, TargetKind::Values(2));
    let mut grad = [f32::NAN; 2];
    let value = huber.forward_backward(&[1.0, 5.0], Targets::Values(&[0.0, 0.0]), &mut grad);
    assert_eq!((value.mean(), grad), ((0.5 + 2.0 * 4.0) / 2.0, [0.5, 1.0]));

    let bce = build(json!("bce"), 1, TargetKind::Classes(2));
    let value = bce.evaluate(&[0.0, 3.0, -3.0], Targets::Classes(&[0, 1, 1]));
    let expected = (2f64.ln() + (-3f64).exp().ln_1p() + 3.0 + (-3f64).exp().ln_1p()) / 3.0;
    assert!((value.mean() - expected).abs() < 1e-6, "{value:?}");
    assert_eq!(value.correct, 2, "a logit of 0 predicts class 0");
    let several = build(json!("bce"), 3, TargetKind::Classes(3));
    let same = build(json!("bce"), 3, TargetKind::Values(3));
    let outputs = [0.3, -1.0, 2.0];
    let one_hot = same.evaluate(&outputs, Targets::Values(&[0.0, 0.0, 1.0]));
    assert_eq!(several.evaluate(&outputs, Targets::Classes(&[2])).mean(), one_hot.mean());
}

#[test]
fn extreme_outputs_stay_finite_and_not_a_number_is_reported() {
    let outputs = [1e4f32, -1e4, 0.0, -1e4, 1e4, 0.0, 3e4, 3e4, 3e4];
    for name in ["cross_entropy", "hinge", "bce"] {
        let loss = build(json!(name), 3, TargetKind::Classes(3));
        let mut grad = [f32::NAN; 9];
        let value = loss.forward_backward(&outputs, Targets::Classes(&[1, 1, 0]), &mut grad);
        assert!(!value.non_finite && value.mean().is_finite(), "{name}: {value:?}");
        assert!(grad.iter().all(|value| value.is_finite()), "{name}: {grad:?}");
    }
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in 0..9 {
            let mut outputs = deterministic_values(1, 9, -1.0, 1.0);
            outputs[place] = wrong;
            for name in ["cross_entropy", "hinge", "bce"] {
                let loss = build(json!(name), 3, TargetKind::Classes(3));
                let targets = Targets::Classes(&[0, 1, 2]);
                assert!(loss.evaluate(&outputs, targets).non_finite, "{name}, {wrong} at {place}");
                assert!(loss.forward_backward(&outputs, targets, &mut [0.0; 9]).non_finite, "{name}");
            }
            for name in ["mse", "huber", "bce"] {
                let loss = build(json!(name), 3, TargetKind::Values(3));
                assert!(loss.evaluate(&outputs, Targets::Values(&[0.5; 9])).non_finite, "{name}, {wrong} at {place}");
            }
        }
    }
}

#[test]
fn probabilities_are_softmax_sigmoid_or_the_values() {
    let outputs = deterministic_values(8, 5 * 3, -30.0, 30.0);
    let mut probabilities = vec![f32::NAN; outputs.len()];
    build(json!("cross_entropy"), 3, TargetKind::Classes(3)).probabilities(&outputs, &mut probabilities);
    for (row, scores) in probabilities.chunks(3).zip(outputs.chunks(3)) {
        let total: f64 = scores.iter().map(|&score| f64::from(score).exp()).sum();
        for (&probability, &score) in row.iter().zip(scores) {
            let expected = f64::from(score).exp() / total;
            assert!((f64::from(probability) - expected).abs() < 1e-6, "{probability} {expected}");
        }
    }
    build(json!("bce"), 3, TargetKind::Values(3)).probabilities(&[0.0, 100.0, -100.0], &mut probabilities[..3]);
    assert_eq!(probabilities[..3], [0.5, 1.0, 0.0]);
    build(json!("mse"), 3, TargetKind::Values(3)).probabilities(&outputs, &mut probabilities);
    assert_eq!(probabilities, outputs);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (batch, width) = (9001, 17);
    let outputs = deterministic_values(5, batch * width, -5.0, 5.0);
    let labels: Vec<u32> = (0..batch).map(|sample| (sample * 7 % width) as u32).collect();
    let values = deterministic_values(6, batch * width, 0.0, 1.0);
    let run = |threads: usize| -> Vec<(LossValue, Vec<f32>)> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let all = ["cross_entropy", "hinge", "mse", "huber", "bce"].into_iter().map(|name| {
            let classes = matches!(name, "cross_entropy" | "hinge");
            let kind = if classes { TargetKind::Classes(width) } else { TargetKind::Values(width) };
            let targets = if classes { Targets::Classes(&labels) } else { Targets::Values(&values) };
            let loss = build(json!(name), width, kind);
            let mut grad = vec![f32::NAN; outputs.len()];
            let value = pool.install(|| loss.forward_backward(&outputs, targets, &mut grad));
            (value, grad)
        });
        all.collect()
    };
    let alone = run(1);
    for threads in [2, 3, 5] {
        assert!(run(threads) == alone, "{threads} threads");
    }
}

#[test]
fn batches_add_up_with_class_weights() {
    let config = json!({"type": "cross_entropy", "class_weights": [1.0, 3.0, 0.5]});
    let loss = build(config, 3, TargetKind::Classes(3));
    let outputs = deterministic_values(5, 21, -2.0, 2.0);
    let labels = [0, 1, 2, 2, 1, 0, 1];
    let whole = loss.evaluate(&outputs, Targets::Classes(&labels));
    let mut sum = loss.evaluate(&outputs[..12], Targets::Classes(&labels[..4]));
    sum.add(loss.evaluate(&outputs[12..], Targets::Classes(&labels[4..])));
    assert!((sum.mean() - whole.mean()).abs() < 1e-9 && sum.correct == whole.correct, "{sum:?} {whole:?}");
    assert_eq!(whole.weight, 2.0 + 9.0 + 1.0);
    assert_eq!(loss.evaluate(&[], Targets::Classes(&[])), LossValue::default());
}

#[test]
fn config_gives_a_name_or_a_table() {
    let smooth = LossSpec::CrossEntropy { label_smoothing: 0.1 };
    let cases = [
        (json!("cross_entropy"), LossSpec::cross_entropy()),
        (json!({"type": "cross_entropy"}), LossSpec::cross_entropy()),
        (json!({"type": "cross_entropy", "label_smoothing": 0.1}), smooth),
        (json!("huber"), LossSpec::Huber { delta: 1.0 }),
        (json!({"type": "mse"}), LossSpec::Mse {}),
    ];
    for (config, spec) in cases {
        assert_eq!(serde_json::from_value::<LossSpec>(config).unwrap(), spec);
        assert_eq!(serde_json::from_value::<LossSpec>(serde_json::to_value(&spec).unwrap()).unwrap(), spec);
    }
    let wrong = [
        (json!("cross_entropi"), "unknown variant `cross_entropi`, expected one of `cross_entropy`, `hinge`"),
        (json!({"type": "mse", "delta": 1}), "unknown field `delta`"),
        (json!({"delta": 1}), "missing field `type`"),
        (json!(3), "expected the name of a loss, or a table with its type and settings"),
    ];
    for (config, message) in wrong {
        let error = serde_json::from_value::<LossSpec>(config).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    for entry in catalog().into_iter().filter(|entry| entry.name != "custom") {
        assert_eq!(serde_json::from_value::<LossSpec>(json!(entry.name)).unwrap().name(), entry.name);
    }
    let schema = schemars::schema_for!(LossSpec).to_value();
    assert_eq!(schema["anyOf"][0]["enum"], json!(["cross_entropy", "hinge", "mse", "huber", "bce"]));
    assert_eq!(schema["anyOf"][1]["oneOf"].as_array().unwrap().len(), 6);
}

#[test]
fn mismatches_are_refused_with_what_to_do() {
    use TargetKind::{Classes, Values};
    let cases = [
        (
            json!("cross_entropy"),
            3,
            Values(3),
            "cross_entropy needs classes, but the targets are values; use mse or huber",
        ),
        (json!("mse"), 3, Classes(3), "mse needs values, but the targets are classes; use cross_entropy or hinge"),
        (
            json!("hinge"),
            4,
            Classes(3),
            "hinge needs 3 outputs, but the network gives 4; set out_features of the last linear layer to 3",
        ),
        (json!("hinge"), 1, Classes(1), "hinge needs at least 2 classes, but the data has 1; check the labels"),
        (
            json!("bce"),
            1,
            Classes(3),
            "bce needs 3 outputs, but the network gives 1; set out_features of the last linear layer to 3",
        ),
        (
            json!({"type": "cross_entropy", "label_smoothing": 1.0}),
            2,
            Classes(2),
            "label_smoothing of cross_entropy is 1; it must be 0 or more and below 1",
        ),
        (json!({"type": "huber", "delta": 0.0}), 1, Values(1), "delta of huber is 0; it must be above 0"),
    ];
    for (config, outputs, targets, message) in cases {
        let spec: LossSpec = serde_json::from_value(config).unwrap();
        assert_eq!(spec.build(Shape::Features(outputs), targets).unwrap_err().to_string(), message);
    }
    let loss = build(json!("cross_entropy"), 3, Classes(3));
    let weights = [
        (vec![1.0], "there are 1 class weights, but the data has 3 classes; give one per class"),
        (vec![1.0, 0.0, 1.0], "the weight of class 1 is 0; it must be above 0"),
        (vec![1.0, 1.0, f32::NAN], "the weight of class 2 is NaN; it must be above 0"),
    ];
    for (weights, message) in weights {
        assert_eq!(loss.clone().with_class_weights(weights).unwrap_err().to_string(), message);
    }
    let values = build(json!("bce"), 3, Values(3)).with_class_weights(vec![1.0; 3]);
    assert_eq!(values, Err(LossError::WeightsOfValues));
    let wrong = LossError::Label { sample: 1, label: 3, classes: 3 };
    assert_eq!(loss.check_targets(Targets::Classes(&[2, 3, 0])), Err(wrong));
    let bce = build(json!("bce"), 2, Values(2));
    assert_eq!(
        bce.check_targets(Targets::Values(&[0.0, 1.0, 0.5, 1.5])).unwrap_err().to_string(),
        "target 1.5 of sample 1 cannot be used by bce; it must be from 0 to 1"
    );
    assert!(build(json!("mse"), 1, Values(1)).check_targets(Targets::Values(&[f32::NAN])).is_err());
}
