//! The gradients of every reference against central differences of its forward pass, in f64.

use keel_nn::Mode;
use keel_nn::activations::all;
use keel_nn::layers::LayerSpec;
use keel_testkit::deterministic_values;

use crate::reference::operation::{ADD, Operation, Values};
use crate::reference::widened;
use crate::single_layer::shape;

const STEP: f64 = 1e-6;
const RELATIVE_ERROR: f64 = 1e-6;
/// Minimum size that a gradient is compared relative to: below it, rounding of the forward pass dominates.
const FLOOR: f64 = 1e-2;

/// Checks the gradients with respect to all inputs and parameters, in both modes.
fn check(config: &str, dimensions: &[usize], batch: usize) {
    let operation = Operation::new(config, shape(dimensions), batch).unwrap();
    let length = batch * dimensions.iter().product::<usize>();
    let inputs: Vec<Vec<f32>> =
        (0..if config == ADD { 2 } else { 1 }).map(|seed| deterministic_values(5 + seed, length, -2.5, 2.5)).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let grad_output = widened(&deterministic_values(9, operation.single.output_length(), -1.0, 1.0));
    for mode in [Mode::Train, Mode::Evaluate] {
        let mut values = operation.values(mode, &inputs);
        // Running statistics of a batch norm that differ from the initial ones.
        values.state.iter_mut().for_each(|state| *state = 1.3 * *state + 0.2);
        let gradients = values.backward(&operation.op, &grad_output);
        assert_eq!(gradients.parameters.len(), values.parameters.len(), "{config}");
        let slope = |move_by: &dyn Fn(&mut Values, f64)| {
            let output = |step: f64| {
                let mut moved = values.clone();
                move_by(&mut moved, step);
                moved.forward(&operation.op)
            };
            let sum: f64 =
                output(STEP).iter().zip(output(-STEP)).zip(&grad_output).map(|((up, down), g)| (up - down) * g).sum();
            sum / (2.0 * STEP)
        };
        for (number, gradient) in gradients.inputs.iter().enumerate() {
            for (index, &gradient) in gradient.iter().enumerate() {
                let numerical = slope(&|values, step| values.inputs[number][index] += step);
                judge(&format!("{config} {dimensions:?} {mode:?}: input {number}, {index}"), gradient, numerical);
            }
        }
        for (index, &gradient) in gradients.parameters.iter().enumerate() {
            let numerical = slope(&|values, step| values.parameters[index] += step);
            judge(&format!("{config} {dimensions:?} {mode:?}: parameter {index}"), gradient, numerical);
        }
    }
}

pub(crate) fn judge(what: &str, gradient: f64, numerical: f64) {
    let error = (gradient - numerical).abs() / gradient.abs().max(numerical.abs()).max(FLOOR);
    assert!(error < RELATIVE_ERROR, "{what}: {gradient:e} instead of {numerical:e}, relative error {error:e}");
}

#[test]
fn gradients_of_windows_equal_differences() {
    let cases = [
        (r#"{"type": "conv2d", "out_channels": 3}"#, [4, 3, 2], 2),
        (r#"{"type": "conv2d", "out_channels": 2, "kernel": [2, 3], "stride": [2, 1], "padding": 1}"#, [5, 4, 3], 1),
        (r#"{"type": "conv2d", "out_channels": 4, "kernel": 3, "dilation": 2, "groups": 2}"#, [4, 5, 2], 2),
        (
            r#"{"type": "conv2d", "out_channels": 3, "kernel": 3, "stride": 2, "groups": 3, "bias": false}"#,
            [4, 4, 3],
            2,
        ),
        (r#"{"type": "max_pool"}"#, [5, 4, 3], 2),
        (r#"{"type": "max_pool", "kernel": 3, "stride": 2, "padding": 1}"#, [5, 4, 2], 2),
        (r#"{"type": "max_pool", "kernel": [1, 3], "stride": 1, "padding": "same"}"#, [3, 4, 2], 1),
        (r#"{"type": "avg_pool"}"#, [5, 4, 3], 2),
        (r#"{"type": "avg_pool", "kernel": 3, "stride": 2, "padding": 1}"#, [5, 4, 2], 2),
        (r#"{"type": "avg_pool", "kernel": 2, "padding": "same"}"#, [3, 3, 2], 1),
        (r#"{"type": "global_avg_pool"}"#, [3, 5, 4], 2),
    ];
    for (config, dimensions, batch) in cases {
        check(config, &dimensions, batch);
    }
}

#[test]
fn gradients_of_rows_equal_differences() {
    let cases: [(&str, &[usize], usize); 14] = [
        (r#"{"type": "linear", "out_features": 3}"#, &[5], 4),
        (r#"{"type": "linear", "out_features": 6, "groups": 3}"#, &[9], 2),
        (r#"{"type": "linear", "out_features": 2, "groups": 2, "bias": false}"#, &[4], 1),
        (r#"{"type": "maxout", "out_features": 3}"#, &[5], 4),
        (r#"{"type": "maxout", "out_features": 2, "pieces": 4}"#, &[3], 3),
        (r#"{"type": "members", "count": 3}"#, &[5], 4),
        (r#"{"type": "dropout"}"#, &[3, 5, 3], 2),
        (r#"{"type": "dropout", "probability": 0.2}"#, &[7], 3),
        (r#"{"type": "flatten"}"#, &[3, 2, 2], 3),
        (r#"{"type": "rescale", "factor": 0.375}"#, &[3, 2, 5], 2),
        (r#"{"type": "rescale", "factor": -3}"#, &[7], 3),
        (ADD, &[2, 3, 2], 2),
        (ADD, &[5], 1),
        (r#"{"type": "linear", "out_features": 1}"#, &[1], 1),
    ];
    for (config, dimensions, batch) in cases {
        check(config, dimensions, batch);
    }
}

#[test]
fn gradients_of_norms_equal_differences() {
    let cases: [(&str, &[usize], usize); 10] = [
        (r#"{"type": "batch_norm"}"#, &[3], 5),
        (r#"{"type": "batch_norm", "scale": false}"#, &[3, 2, 4], 2),
        (r#"{"type": "batch_norm"}"#, &[3, 2, 4], 2),
        (r#"{"type": "batch_norm", "affine": false, "epsilon": 0.1}"#, &[2, 3, 2], 2),
        (r#"{"type": "batch_norm", "running": "cumulative"}"#, &[2, 2, 3], 3),
        (r#"{"type": "layer_norm"}"#, &[7], 3),
        (r#"{"type": "layer_norm", "epsilon": 0.01}"#, &[3, 2, 3], 2),
        (r#"{"type": "group_norm", "groups": 3}"#, &[2, 2, 6], 2),
        (r#"{"type": "group_norm", "groups": 2}"#, &[6], 2),
        (r#"{"type": "instance_norm"}"#, &[3, 2, 3], 2),
    ];
    for (config, dimensions, batch) in cases {
        check(config, dimensions, batch);
    }
}

#[test]
fn gradients_of_activations_equal_differences() {
    for activation in all() {
        let config = serde_json::to_string(&LayerSpec::Activation(activation)).unwrap();
        check(&config, &[4, 3, 5], 2);
        check(&config, &[7], 3);
    }
}
