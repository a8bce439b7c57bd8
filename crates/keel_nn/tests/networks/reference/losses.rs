//! The losses of the reference against PyTorch and finite differences, and the losses of training against the reference.

use keel_nn::Shape;
use keel_nn::losses::{Loss, LossSpec, TargetKind, Targets, WeightedTargets};
use keel_nn::reference::losses::evaluate;
use keel_testkit::golden::{GoldenFile, LossCase, Targets as GoldenTargets, WeightedLossCase};
use keel_testkit::{Tolerance, deterministic_labels, deterministic_values};
use serde_json::json;

use crate::reference::differences::judge;
use crate::reference::{assert_close, widened};

const GOLDEN: Tolerance = Tolerance::new(1e-6, 1e-7);

fn build(spec: serde_json::Value, width: usize, targets: TargetKind, weights: Option<Vec<f32>>) -> Loss {
    let spec: LossSpec = serde_json::from_value(spec).unwrap();
    let loss = spec.build(Shape::Features(width), targets).unwrap();
    weights.map_or(loss.clone(), |weights| loss.with_class_weights(weights).unwrap())
}

#[test]
fn losses_give_the_golden_values_and_gradients() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/losses.json");
    for mut case in GoldenFile::<LossCase>::read(path).unwrap().cases {
        let width = case.predictions.shape[1];
        let labels: Vec<u32>;
        let (targets, kind) = match &case.targets {
            GoldenTargets::Labels(classes) => {
                labels = classes.iter().map(|&class| class as u32).collect();
                (Targets::Classes(&labels), TargetKind::Classes(width))
            }
            GoldenTargets::Values(values) => (Targets::Values(&values.values), TargetKind::Values(width)),
        };
        let weights = case.loss.as_object_mut().and_then(|loss| loss.remove("class_weights"));
        let weights = weights.map(|weights| serde_json::from_value(weights).unwrap());
        let loss = build(case.loss, width, kind, weights);
        let actual = evaluate(&loss, &widened(&case.predictions.values), targets).unwrap();
        assert_close(&case.name, &[actual.value], &[case.value], GOLDEN);
        assert_close(&case.name, &actual.gradient, &widened(&case.grad_predictions.values), GOLDEN);
    }
}

#[test]
fn weighted_losses_give_the_golden_values_and_gradients() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/weighted_losses.json");
    let cases = WeightedLossCase::read_all(path).unwrap();
    assert!(cases.len() >= 6, "{} cases", cases.len());
    for case in cases {
        let width = case.outputs.len() / case.labels.len();
        let kind = TargetKind::Classes(case.classes);
        let loss = build(json!(case.loss), width, kind, Some(case.class_weights));
        let actual = evaluate(&loss, &widened(&case.outputs), Targets::Classes(&case.labels)).unwrap();
        assert_close(&case.name, &[actual.value], &[case.value], GOLDEN);
        assert_close(&case.name, &actual.gradient, &widened(&case.gradient), GOLDEN);
    }
}

/// Calls `check` with every loss on targets that it accepts, with and without weights of classes and of samples.
fn for_each_loss(check: impl Fn(&str, &Loss, &[f32], WeightedTargets<'_>)) {
    let check = |what: &str, loss: &Loss, outputs: &[f32], targets: Targets<'_>| {
        check(what, loss, outputs, targets.into());
        let mut weights = deterministic_values(8, outputs.len() / loss.outputs(), 0.1, 3.0);
        weights[0] = 0.0;
        check(&format!("{what}, sample weights"), loss, outputs, WeightedTargets { targets, weights: &weights });
    };
    let of_classes = [
        json!("cross_entropy"),
        json!({"type": "cross_entropy", "label_smoothing": 0.2}),
        json!("hinge"),
        json!("bce"),
    ];
    let of_values = [json!("mse"), json!({"type": "huber", "delta": 0.7}), json!("bce")];
    for (batch, width) in [(1, 2), (3, 7), (5, 1), (2, 13), (37, 10), (129, 3)] {
        let outputs = deterministic_values(4, batch * width, -3.0, 3.0);
        let classes = width.max(2);
        let labels: Vec<u32> = deterministic_labels(5, batch, classes).into_iter().map(|label| label as u32).collect();
        for spec in of_classes.iter().filter(|spec| width > 1 || **spec == json!("bce")) {
            for weights in [None, Some(deterministic_values(6, classes, 0.2, 3.0))] {
                let what = format!("{spec}, {batch} x {width}, class weights {weights:?}");
                let loss = build(spec.clone(), width, TargetKind::Classes(classes), weights);
                check(&what, &loss, &outputs, Targets::Classes(&labels));
            }
        }
        let values = deterministic_values(7, batch * width, 0.0, 1.0);
        for spec in &of_values {
            let loss = build(spec.clone(), width, TargetKind::Values(width), None);
            check(&format!("{spec}, {batch} x {width}"), &loss, &outputs, Targets::Values(&values));
        }
    }
}

#[test]
fn gradients_of_losses_equal_differences() {
    for_each_loss(|what, loss, outputs, targets| {
        // The value of a large batch is too imprecise for steps this small.
        if outputs.len() > 40 {
            return;
        }
        let mut outputs = widened(outputs);
        let gradient = evaluate(loss, &outputs, targets).unwrap().gradient;
        let value = |outputs: &[f64]| evaluate(loss, outputs, targets).unwrap().value;
        let terms = targets.targets.labels().len().max(targets.targets.values().len()) as f64;
        for index in 0..outputs.len() {
            let (step, here) = (1e-6, outputs[index]);
            let [up, down] = [step, -step].map(|step| {
                outputs[index] = here + step;
                value(&outputs)
            });
            outputs[index] = here;
            // Multiplied by the number of terms of the mean, to be of order one.
            judge(&format!("{what}: {index}"), terms * gradient[index], terms * (up - down) / (2.0 * step));
        }
    });
}

#[test]
fn losses_of_training_equal_the_reference() {
    for_each_loss(|what, loss, outputs, targets| {
        for factor in [1.0, 100.0] {
            let outputs: Vec<f32> = outputs.iter().map(|output| factor * output).collect();
            let mut gradient = vec![f32::NAN; outputs.len()];
            let value = loss.forward_backward(&outputs, targets, &mut gradient);
            let expected = evaluate(loss, &widened(&outputs), targets).unwrap();
            assert_close(what, &[value.mean()], &[expected.value], Tolerance::new(1e-6, 1e-7));
            let largest = expected.gradient.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
            assert_close(what, &widened(&gradient), &expected.gradient, Tolerance::new(1e-6, 1e-6 * largest));
        }
    });
}

#[test]
fn a_sample_of_weight_two_counts_as_two_samples() {
    let (outputs, width) = (deterministic_values(9, 3 * 4, -2.0, 2.0), 4);
    let (labels, values) = ([1, 3, 0], deterministic_values(10, 3 * 4, 0.0, 1.0));
    let repeated = [0, 0, 2];
    let rows = |values: &[f32]| {
        repeated.iter().flat_map(|&row| &values[row * width..(row + 1) * width]).copied().collect::<Vec<_>>()
    };
    let (repeated_outputs, repeated_values) = (rows(&outputs), rows(&values));
    let repeated_labels = repeated.map(|row| labels[row]);
    let cases = [
        ("cross_entropy", TargetKind::Classes(width), Targets::Classes(&labels), Targets::Classes(&repeated_labels)),
        ("hinge", TargetKind::Classes(width), Targets::Classes(&labels), Targets::Classes(&repeated_labels)),
        ("bce", TargetKind::Values(width), Targets::Values(&values), Targets::Values(&repeated_values)),
        ("mse", TargetKind::Values(width), Targets::Values(&values), Targets::Values(&repeated_values)),
        ("huber", TargetKind::Values(width), Targets::Values(&values), Targets::Values(&repeated_values)),
    ];
    for (name, kind, targets, repeated_targets) in cases {
        let loss = build(json!(name), width, kind, None);
        let (mut gradient, mut expected) = ([f32::NAN; 12], [f32::NAN; 12]);
        let weighted = WeightedTargets { targets, weights: &[2.0, 0.0, 1.0] };
        let value = loss.forward_backward(&outputs, weighted, &mut gradient);
        let twice = loss.forward_backward(&repeated_outputs, repeated_targets, &mut expected);
        let tolerance = Tolerance::new(1e-6, 1e-7);
        assert_close(name, &[value.mean()], &[twice.mean()], tolerance);
        let sums: Vec<f64> = (0..width).map(|k| f64::from(expected[k]) + f64::from(expected[width + k])).collect();
        assert_close(name, &widened(&gradient[..width]), &sums, tolerance);
        assert!(gradient[width..2 * width].iter().all(|&value| value == 0.0), "{name}: {gradient:?}");
        assert_close(name, &widened(&gradient[2 * width..]), &widened(&expected[2 * width..]), tolerance);
    }
}
