//! The layers against the reference, over shapes that leave a remainder in every kernel.

use keel_nn::activations::{Activation, all};
use keel_nn::layers::LayerSpec;
use keel_nn::reference::Gradients;
use keel_nn::{Mode, Shape, SimdLevel};
use keel_testkit::{Tolerance, deterministic_labels, deterministic_values};

use crate::reference::operation::{ADD, Operation, Values};
use crate::reference::{assert_close, widened};
use crate::single_layer::shape;

/// Allowed difference in units of the largest sum of magnitudes: about thirty roundings to f32.
const TOLERANCE: f64 = 2e-6;

/// Maximum magnitudes that are summed for a value of each kind: rounding is in proportion to them, not to the sum, in which they
/// may cancel.
struct Magnitudes {
    output: f64,
    grad_input: f64,
    grad_parameters: f64,
}

/// Runs forward in both modes and backward on deterministic numbers, at every SIMD level of the processor, and compares all outputs
/// of the layer. Returns false if the layer does not fit the shape.
fn check(config: &str, dimensions: &[usize], batch: usize) -> bool {
    let Ok(mut operation) = Operation::new(config, shape(dimensions), batch) else { return false };
    let length = batch * dimensions.iter().product::<usize>();
    let mut data = [1, 2].map(|seed| deterministic_values(seed, length, -2.0, 2.0));
    if config.contains("_norm") {
        data[0].iter_mut().for_each(|value| *value += 0.5);
    }
    let inputs: Vec<&[f32]> = data[..if config == ADD { 2 } else { 1 }].iter().map(Vec::as_slice).collect();
    compare(&format!("{config} {dimensions:?} x {batch}"), &mut operation, &inputs);
    true
}

fn compare(what: &str, operation: &mut Operation, inputs: &[&[f32]]) {
    let grad_output = deterministic_values(3, operation.single.output_length(), -1.0, 1.0);
    let mut values = operation.values(Mode::Train, inputs);
    let magnitudes = magnitudes(operation, &values, &widened(&grad_output));
    let output = values.forward(&operation.op);
    let gradients = values.backward(&operation.op, &widened(&grad_output));
    let expected = Expected { output, state: values.state, gradients, magnitudes };
    let state = operation.single.state.clone();
    for simd in SimdLevel::available() {
        operation.single.simd = simd;
        operation.single.state.copy_from_slice(&state);
        let what = format!("{what}, {}", simd.name());
        compare_training(&what, operation, inputs, &expected);
        compare_evaluation(&what, operation, inputs, expected.magnitudes.output);
    }
}

/// Results of a training call, from the reference.
struct Expected {
    output: Vec<f64>,
    state: Vec<f64>,
    gradients: Gradients,
    magnitudes: Magnitudes,
}

fn compare_training(what: &str, operation: &mut Operation, inputs: &[&[f32]], expected: &Expected) {
    let Expected { output: expected_output, state, gradients, magnitudes } = expected;
    let grad_output = deterministic_values(3, operation.single.output_length(), -1.0, 1.0);
    let two = [inputs[0], inputs.get(1).copied().unwrap_or(&[])];
    let output = operation.single.forward_two(Mode::Train, two);
    assert_near(&format!("{what}: output"), &output, expected_output, magnitudes.output);
    assert_near(&format!("{what}: state"), &operation.single.state, state, 1.0);
    let grad_inputs = operation.single.backward_two(two, &output, &grad_output);
    for (actual, expected) in grad_inputs.iter().zip(&gradients.inputs) {
        assert_near(&format!("{what}: input gradient"), actual, expected, magnitudes.grad_input);
    }
    let (actual, magnitude) = (&operation.single.grad_parameters, magnitudes.grad_parameters);
    assert_near(&format!("{what}: parameter gradient"), actual, &gradients.parameters, magnitude);
}

/// Compares an evaluation, which reads the state that the layer's own training call left.
fn compare_evaluation(what: &str, operation: &mut Operation, inputs: &[&[f32]], magnitude: f64) {
    let two = [inputs[0], inputs.get(1).copied().unwrap_or(&[])];
    let mut values = operation.values(Mode::Evaluate, inputs);
    let output = operation.single.forward_two(Mode::Evaluate, two);
    assert_near(&format!("{what}: evaluated output"), &output, &values.forward(&operation.op), magnitude);
    assert_near(&format!("{what}: evaluated state"), &operation.single.state, &values.state, 0.0);
}

fn assert_near(what: &str, actual: &[f32], expected: &[f64], magnitude: f64) {
    assert_close(what, &widened(actual), expected, Tolerance::new(TOLERANCE, TOLERANCE * magnitude));
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Returns the magnitudes: sums of products are at most as large as those of the absolute values; values divided by a standard
/// deviation are compared relative to the smallest one.
fn magnitudes(operation: &Operation, values: &Values, grad_output: &[f64]) -> Magnitudes {
    let reference = &operation.op;
    if operation.single.layer.kind().ends_with("_norm") {
        let (x, scale) = (&values.inputs[0], largest(&values.parameters).max(1.0));
        let share = 1.0 / smallest_deviation(operation, x);
        let normalized = 1.0 + largest(x) * share;
        return Magnitudes {
            output: scale * normalized,
            grad_input: largest(grad_output) * scale * share * normalized,
            grad_parameters: largest(grad_output) * normalized * (x.len() as f64).sqrt(),
        };
    }
    let absolute = |values: &[f64]| values.iter().map(|value| value.abs()).collect::<Vec<f64>>();
    let mut values = values.clone();
    values.inputs = values.inputs.iter().map(|input| absolute(input)).collect();
    values.parameters = absolute(&values.parameters);
    let output = values.forward(reference);
    let gradients = values.backward(reference, &absolute(grad_output));
    Magnitudes {
        output: largest(&output),
        grad_input: largest(&gradients.inputs[0]),
        // The slope of prelu sums over negative inputs only.
        grad_parameters: largest(&gradients.parameters).max(largest(grad_output) * largest(&values.inputs[0])),
    }
}

/// Returns the smallest standard deviation that a norm divides by.
fn smallest_deviation(operation: &Operation, x: &[f64]) -> f64 {
    let input = operation.single.input;
    let channels = input.channels();
    let groups = match operation.single.layer.kind() {
        "layer_norm" => 1,
        "group_norm" => operation.single.layer.describe().split(' ').next().unwrap().parse().unwrap(),
        _ => channels,
    };
    let per_sample = operation.single.layer.kind() != "batch_norm";
    let sets = if per_sample { operation.single.batch * groups } else { groups };
    let set = |k: usize| k % channels / (channels / groups) + if per_sample { k / input.len() * groups } else { 0 };
    let variance = |wanted: usize| {
        let members: Vec<f64> = (0..x.len()).filter(|&k| set(k) == wanted).map(|k| x[k]).collect();
        let mean = members.iter().sum::<f64>() / members.len() as f64;
        members.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / members.len() as f64
    };
    ((0..sets).map(variance).fold(f64::INFINITY, f64::min) + 1e-5).sqrt()
}

/// Sequence of random sizes: the same on every machine.
struct Sizes(u64);

impl Sizes {
    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        self.0 += 1;
        choices[deterministic_labels(self.0, 1, choices.len())[0]]
    }

    fn image(&mut self) -> [usize; 3] {
        let sides = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        [self.one_of(&sides), self.one_of(&sides), self.one_of(&CHANNELS)]
    }
}

const CHANNELS: [usize; 6] = [1, 3, 8, 17, 24, 33];
const BATCHES: [usize; 3] = [1, 2, 5];

#[test]
fn convolutions_equal_the_reference_on_odd_shapes() {
    let mut sizes = Sizes(1000);
    let mut checked = 0;
    for _ in 0..500 {
        let [height, width, mut channels] = sizes.image();
        let (mut out_channels, mut groups) = (sizes.one_of(&CHANNELS), 1);
        match sizes.one_of(&["dense", "dense", "depthwise", "groups"]) {
            "depthwise" => (out_channels, groups) = (channels, channels),
            "groups" => (channels, out_channels, groups) = (sizes.one_of(&[6, 24, 48]), sizes.one_of(&[3, 24, 33]), 3),
            _ => {}
        }
        let kernel = [sizes.one_of(&[1, 2, 3, 3, 5]), sizes.one_of(&[1, 2, 3, 3, 5])];
        let stride = [sizes.one_of(&[1, 1, 2, 3]), sizes.one_of(&[1, 1, 2, 3])];
        let padding = sizes.one_of(&["\"same\"", "\"valid\"", "1", "2"]);
        let (dilation, bias) = (sizes.one_of(&[1, 1, 1, 2]), sizes.one_of(&[true, false]));
        let config = format!(
            r#"{{"type": "conv2d", "out_channels": {out_channels}, "kernel": {kernel:?}, "stride": {stride:?},
            "padding": {padding}, "dilation": {dilation}, "groups": {groups}, "bias": {bias}}}"#
        );
        checked += usize::from(check(&config, &[height, width, channels], sizes.one_of(&BATCHES)));
    }
    assert!(checked > 300, "{checked} convolutions fit their images");
}

#[test]
fn convolutions_of_three_by_three_equal_the_reference_on_every_small_image() {
    let config = r#"{"type": "conv2d", "out_channels": 16}"#;
    for height in 1..=9 {
        for width in 1..=9 {
            for channels in [3, 16] {
                assert!(check(config, &[height, width, channels], 2));
            }
        }
    }
}

#[test]
fn convolutions_with_many_channels_equal_the_reference() {
    let images = [[8, 8], [7, 7], [14, 14], [5, 9], [16, 3]];
    for (index, [height, width]) in images.into_iter().enumerate() {
        for (number, channels) in [16, 24, 32, 64].into_iter().enumerate() {
            for out_channels in [channels, 48] {
                let padding = ["\"same\"", "\"valid\""][(index + number) % 2];
                let config = format!(r#"{{"type": "conv2d", "out_channels": {out_channels}, "padding": {padding}}}"#);
                assert!(check(&config, &[height, width, channels], BATCHES[(index + number) % 3]));
            }
        }
    }
    // More images than a strip covers, more channels than a panel, a pointwise and a large kernel.
    assert!(check(r#"{"type": "conv2d", "out_channels": 32}"#, &[4, 4, 32], 19));
    assert!(check(r#"{"type": "conv2d", "out_channels": 128}"#, &[6, 6, 128], 3));
    assert!(check(r#"{"type": "conv2d", "out_channels": 65, "kernel": 1}"#, &[9, 9, 130], 3));
    assert!(check(r#"{"type": "conv2d", "out_channels": 33, "kernel": 7, "stride": 2}"#, &[14, 15, 3], 3));
}

#[test]
fn pools_equal_the_reference_on_odd_shapes() {
    let mut sizes = Sizes(2000);
    let mut checked = 0;
    for _ in 0..400 {
        let kernel = [sizes.one_of(&[1, 2, 2, 3]), sizes.one_of(&[1, 2, 2, 3])];
        let stride = [sizes.one_of(&[1, 2, 3]), sizes.one_of(&[1, 2, 3])];
        let padding = sizes.one_of(&["0", "1", "\"same\"", "\"valid\""]);
        let (kind, image, batch) = (sizes.one_of(&["max_pool", "avg_pool"]), sizes.image(), sizes.one_of(&BATCHES));
        let config =
            format!(r#"{{"type": "{kind}", "kernel": {kernel:?}, "stride": {stride:?}, "padding": {padding}}}"#);
        checked += usize::from(check(&config, &image, batch));
    }
    assert!(checked > 200, "{checked} pools fit their images");
    for kind in ["max_pool", "avg_pool", "global_avg_pool", "flatten"] {
        for height in 2..=9 {
            for width in 2..=9 {
                for channels in [1, 8, 33] {
                    assert!(check(&format!(r#"{{"type": "{kind}"}}"#), &[height, width, channels], 2));
                }
            }
        }
    }
    assert!(check(r#"{"type": "max_pool", "kernel": 17, "stride": 1}"#, &[18, 19, 3], 2));
}

#[test]
fn max_pool_and_maxout_choose_as_the_reference_does_among_equal_values_and_not_a_number() {
    let pools = [
        r#"{"type": "max_pool"}"#,
        r#"{"type": "max_pool", "kernel": 3, "stride": 1, "padding": 1}"#,
        r#"{"type": "max_pool", "kernel": [2, 3], "stride": [1, 2], "padding": "same"}"#,
    ];
    for config in pools {
        for channels in [1, 4, 17, 33] {
            let mut operation = Operation::new(config, shape(&[6, 7, channels]), 2).unwrap();
            // Few distinct values, so that most windows contain equal ones, some of them infinite or NaN.
            let choices = [-1.0, 0.0, -0.0, 2.0, f32::NEG_INFINITY, f32::NAN];
            let input: Vec<f32> =
                deterministic_labels(8, 84 * channels, choices.len()).into_iter().map(|label| choices[label]).collect();
            compare_exactly(config, &mut operation, &input);
        }
    }
    let config = r#"{"type": "maxout", "out_features": 5, "pieces": 4}"#;
    let mut operation = Operation::new(config, Shape::Features(3), 4).unwrap();
    let weights = deterministic_labels(4, operation.single.parameters.len(), 3);
    operation.single.parameters = weights.into_iter().map(|label| label as f32 - 1.0).collect();
    let input: Vec<f32> = deterministic_labels(5, 12, 3).into_iter().map(|label| label as f32 - 1.0).collect();
    compare_exactly(config, &mut operation, &input);
}

fn compare_exactly(what: &str, operation: &mut Operation, input: &[f32]) {
    for simd in SimdLevel::available() {
        operation.single.simd = simd;
        compare_exactly_at_level(&format!("{what}, {}", simd.name()), operation, input);
    }
}

fn compare_exactly_at_level(what: &str, operation: &mut Operation, input: &[f32]) {
    let grad_output: Vec<f32> = deterministic_labels(3, operation.single.output_length(), 9)
        .into_iter()
        .map(|label| label as f32 + 1.0)
        .collect();
    let mut values = operation.values(Mode::Train, &[input]);
    let output = operation.single.forward(Mode::Train, input);
    for (actual, expected) in output.iter().zip(values.forward(&operation.op)) {
        assert!(
            f64::from(*actual) == expected || (actual.is_nan() && expected.is_nan()),
            "{what}: {actual} {expected}"
        );
    }
    let grad_input = operation.single.backward(input, &output, &grad_output);
    let gradients = values.backward(&operation.op, &widened(&grad_output));
    assert_eq!(widened(&grad_input), gradients.inputs[0], "{what}");
    assert_eq!(widened(&operation.single.grad_parameters), gradients.parameters, "{what}");
}

#[test]
fn layers_of_rows_equal_the_reference_on_odd_sizes() {
    let widths = [1, 2, 3, 8, 17, 24, 33, 130];
    for in_features in widths {
        for out_features in widths {
            for batch in [1, 2, 5, 37] {
                let input = &[in_features];
                let bias = (in_features + out_features) % 2 == 0;
                let config = format!(r#"{{"type": "linear", "out_features": {out_features}, "bias": {bias}}}"#);
                assert!(check(&config, input, batch));
                let pieces = 1 + (in_features + batch) % 4;
                let config = format!(r#"{{"type": "maxout", "out_features": {out_features}, "pieces": {pieces}}}"#);
                assert!(check(&config, input, batch));
                for groups in [2, 3, 8] {
                    let (inputs, outputs) = (&[groups * in_features], groups * out_features);
                    let config = format!(
                        r#"{{"type": "linear", "out_features": {outputs}, "groups": {groups}, "bias": {bias}}}"#
                    );
                    assert!(in_features > 33 || out_features > 33 || check(&config, inputs, batch));
                }
            }
        }
        for (batch, count) in [(1, 8), (2, 1), (5, 3)] {
            assert!(check(&format!(r#"{{"type": "members", "count": {count}}}"#), &[in_features], batch));
        }
    }
}

#[test]
fn norms_equal_the_reference_on_odd_shapes() {
    let mut sizes = Sizes(3000);
    let mut checked = 0;
    for _ in 0..300 {
        let [height, width, channels] = sizes.image();
        let (batch, epsilon) = (sizes.one_of(&BATCHES), sizes.one_of(&["1e-5", "0.1"]));
        let groups = sizes.one_of(&[1, 3, 4, 8]);
        let config = match sizes.one_of(&["batch", "batch", "layer", "group", "instance"]) {
            "batch" if height * width * batch == 1 => continue,
            "batch" => {
                let affine = sizes.one_of(&[true, true, false]);
                let running = sizes.one_of(&["ema", "cumulative"]);
                let frozen = sizes.one_of(&[false, false, true]);
                format!(
                    r#"{{"type": "batch_norm", "epsilon": {epsilon}, "affine": {affine}, "running": "{running}", "frozen": {frozen}}}"#
                )
            }
            "group" => format!(r#"{{"type": "group_norm", "epsilon": {epsilon}, "groups": {groups}}}"#),
            kind => format!(r#"{{"type": "{kind}_norm", "epsilon": {epsilon}}}"#),
        };
        checked += usize::from(check(&config, &[height, width, channels], batch));
    }
    assert!(checked > 200, "{checked} norms fit their images");
    for features in [2, 3, 8, 17, 24, 33, 130] {
        for batch in [2, 5, 37] {
            assert!(check(r#"{"type": "batch_norm"}"#, &[features], batch));
            assert!(check(r#"{"type": "batch_norm", "frozen": true}"#, &[features], batch));
            assert!(check(r#"{"type": "layer_norm"}"#, &[features], batch));
        }
    }
}

#[test]
fn layers_of_single_values_equal_the_reference_on_odd_sizes() {
    let shapes: [&[usize]; 6] = [&[1], &[7], &[33], &[3, 5, 3], &[1, 9, 17], &[4, 4, 24]];
    for dimensions in shapes {
        for batch in BATCHES {
            assert!(check(ADD, dimensions, batch));
            for factor in [0.125, -1.7] {
                assert!(check(&format!(r#"{{"type": "rescale", "factor": {factor}}}"#), dimensions, batch));
            }
            for probability in [0.0, 0.25, 0.5, 0.9] {
                assert!(check(&format!(r#"{{"type": "dropout", "probability": {probability}}}"#), dimensions, batch));
            }
            for activation in all() {
                let config = serde_json::to_string(&LayerSpec::Activation(activation)).unwrap();
                assert!(check(&config, dimensions, batch));
            }
        }
    }
}

#[test]
fn large_batches_equal_the_reference() {
    // Longer than the chunks in which the work is shared among threads.
    assert!(check(r#"{"type": "dropout", "probability": 0.3}"#, &[40_001], 2));
    assert!(check(r#"{"type": "batch_norm"}"#, &[31, 29, 3], 21));
    assert!(check(r#"{"type": "layer_norm"}"#, &[31, 29, 3], 21));
    assert!(check(r#"{"type": "group_norm", "groups": 3}"#, &[31, 29, 3], 21));
    assert!(check(r#"{"type": "global_avg_pool"}"#, &[31, 29, 33], 5));
    assert!(check(r#"{"type": "max_pool"}"#, &[31, 29, 33], 5));
    assert!(check(r#"{"type": "activation", "function": "prelu"}"#, &[31, 29, 33], 5));
    assert!(check(r#"{"type": "activation", "function": "gelu"}"#, &[31, 29, 33], 5));
    assert!(check(r#"{"type": "linear", "out_features": 257}"#, &[300], 129));
    assert!(check(r#"{"type": "members", "count": 8}"#, &[300], 65));
}

#[test]
fn activations_equal_the_reference_at_kinks_and_far_out() {
    for activation in all() {
        SimdLevel::available().into_iter().for_each(|simd| check_kinks_and_far_out(activation, simd));
    }
}

fn check_kinks_and_far_out(activation: Activation, simd: SimdLevel) {
    let mut input = vec![0.0, -0.0, f32::MIN_POSITIVE];
    for distance in [1e-30, 1e-6, 2.5, 3.0, 3.5, 10.0, 30.0, 88.0, 100.0, 1e4, 1e30] {
        input.extend([distance, -distance]);
    }
    let config = serde_json::to_string(&LayerSpec::Activation(activation)).unwrap();
    let mut operation = Operation::new(&config, Shape::Features(input.len()), 1).unwrap();
    operation.single.simd = simd;
    let mut values = operation.values(Mode::Train, &[&input]);
    let output = operation.single.forward(Mode::Train, &input);
    let expected = values.forward(&operation.op);
    assert_close(&config, &widened(&output), &expected, Tolerance::new(TOLERANCE, 1e-6));
    let ones = vec![1.0; input.len()];
    let grad_input = operation.single.backward(&input, &output, &ones);
    let gradients = values.backward(&operation.op, &widened(&ones));
    assert_close(&config, &widened(&grad_input), &gradients.inputs[0], Tolerance::new(TOLERANCE, 2e-6));
    let not_a_number = vec![f32::NAN; input.len()];
    let mut values = operation.values(Mode::Train, &[&not_a_number]);
    assert!(values.forward(&operation.op).iter().all(|value| value.is_nan()), "{config}");
    assert!(operation.single.forward(Mode::Train, &not_a_number).iter().all(|value| value.is_nan()), "{config}");
}
