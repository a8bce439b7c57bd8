//! The reference against values from PyTorch.

use keel_nn::layers::{BatchNormSpec, Conv2dSpec, LayerSpec, ResidualSpec};
use keel_nn::{Mode, Shape};
use keel_testkit::Tolerance;
use keel_testkit::golden::{self, GoldenCase, GoldenFile, Pass};

use crate::reference::operation::{ADD, Operation};
use crate::reference::{assert_close, widened};
use crate::single_layer::shape;

/// The files hold nine digits; inputs rounded to f32 limit what sums of them can reproduce.
const TOLERANCE: Tolerance = Tolerance::new(1e-5, 1e-6);

fn read(family: &str) -> Vec<GoldenCase> {
    let path = format!("{}/tests/golden/{family}.json", env!("CARGO_MANIFEST_DIR"));
    GoldenFile::<GoldenCase>::read(path).unwrap().cases
}

fn mode(pass: &Pass) -> Mode {
    match pass.mode {
        golden::Mode::Train => Mode::Train,
        golden::Mode::Evaluate => Mode::Evaluate,
    }
}

#[test]
fn operations_give_the_golden_values_gradients_and_statistics() {
    let families = [
        "activations",
        "avg_pool",
        "batch_norm",
        "conv2d",
        "conv2d_groups",
        "conv2d_padding",
        "global_avg_pool",
        "group_norm",
        "instance_norm",
        "layer_norm",
        "linear",
        "max_pool",
        "maxout",
    ];
    for family in families {
        for case in read(family) {
            check_case(&format!("{family}, {}", case.name), &case);
        }
    }
}

fn check_case(what: &str, case: &GoldenCase) {
    let mut operation = Operation::new(&case.layer.to_string(), shape(&case.input_shape), case.batch).unwrap();
    for (name, tensor) in &case.parameters {
        let range = operation.single.parameter_range(name).unwrap();
        operation.single.parameters[range].copy_from_slice(&tensor.values);
    }
    let reference = &operation.op;
    let mut values = operation.values(Mode::Train, &[]);
    for (number, pass) in case.passes.iter().enumerate() {
        let what = format!("{what}, pass {number}");
        (values.mode, values.inputs) = (mode(pass), vec![widened(&pass.input.values)]);
        let output = values.forward(reference);
        assert_close(&format!("{what}: output"), &output, &widened(&pass.output.values), TOLERANCE);
        for (name, tensor) in &pass.state {
            let range = operation.single.state_range(name).unwrap();
            assert_close(&format!("{what}: {name}"), &values.state[range], &widened(&tensor.values), TOLERANCE);
        }
        let (Some(grad_output), Some(grad_input)) = (&pass.grad_output, &pass.grad_input) else { continue };
        let gradients = values.backward(reference, &widened(&grad_output.values));
        let expected = widened(&grad_input.values);
        assert_close(&format!("{what}: input gradient"), &gradients.inputs[0], &expected, TOLERANCE);
        assert_eq!(pass.grad_parameters.len(), case.parameters.len(), "{what}: parameter gradients");
        for (name, tensor) in &pass.grad_parameters {
            let actual = &gradients.parameters[operation.single.parameter_range(name).unwrap()];
            assert_close(&format!("{what}: gradient of {name}"), actual, &widened(&tensor.values), TOLERANCE);
        }
    }
}

/// Consecutive layers, with the range of their parameters in the golden file.
struct Chain {
    layers: Vec<(String, Operation)>,
    inputs: Vec<Vec<f64>>,
}

impl Chain {
    fn new(place: &str, specs: &[LayerSpec], input: Shape, case: &GoldenCase) -> Self {
        let mut chain = Chain { layers: Vec::new(), inputs: Vec::new() };
        let mut shape = input;
        for (index, spec) in specs.iter().enumerate() {
            let place = format!("{place}.{index}");
            let mut operation = Operation::new(&serde_json::to_string(spec).unwrap(), shape, case.batch).unwrap();
            for parameter in operation.single.layer.parameters() {
                let range = operation.single.parameter_range(parameter.name).unwrap();
                let tensor = &case.parameters[&format!("{place}.{}", parameter.name)];
                operation.single.parameters[range].copy_from_slice(&tensor.values);
            }
            shape = operation.single.layer.output_shape();
            chain.layers.push((place, operation));
        }
        chain
    }

    fn forward(&mut self, input: &[f64], pass: &Pass) -> Vec<f64> {
        let mut value = input.to_vec();
        self.inputs.clear();
        for (place, operation) in &mut self.layers {
            self.inputs.push(value.clone());
            let mut values = operation.values(mode(pass), &[]);
            values.inputs = vec![value];
            value = values.forward(&operation.op);
            for (state, at) in operation.single.layer.state().iter().map(|state| (state, state.name)) {
                let range = operation.single.state_range(state.name).unwrap();
                let Some(tensor) = pass.state.get(&format!("{place}.{at}")) else { continue };
                assert_close(&format!("{place}.{at}"), &values.state[range], &widened(&tensor.values), TOLERANCE);
            }
            operation.single.state = values.state.iter().map(|&value| value as f32).collect();
        }
        value
    }

    fn backward(&self, grad_output: &[f64], pass: &Pass) -> Vec<f64> {
        let mut gradient = grad_output.to_vec();
        for ((place, operation), input) in self.layers.iter().zip(&self.inputs).rev() {
            let mut values = operation.values(mode(pass), &[]);
            values.inputs = vec![input.clone()];
            let gradients = values.backward(&operation.op, &gradient);
            for parameter in operation.single.layer.parameters() {
                let actual = &gradients.parameters[operation.single.parameter_range(parameter.name).unwrap()];
                let what = format!("{place}.{}", parameter.name);
                assert_close(&what, actual, &widened(&pass.grad_parameters[&what].values), TOLERANCE);
            }
            gradient.clone_from(&gradients.inputs[0]);
        }
        gradient
    }
}

/// Returns the layers of the shortcut: none, or a 1x1 convolution and a batch norm.
fn shortcut(residual: &ResidualSpec, case: &GoldenCase) -> Vec<LayerSpec> {
    if residual.shortcut == keel_nn::layers::Shortcut::Identity {
        return Vec::new();
    }
    let mut projection = Conv2dSpec::new(case.output_shape[2], 1);
    let stride = [0, 1].map(|side| case.input_shape[side].div_ceil(case.output_shape[side]));
    (projection.stride, projection.bias) = (stride.into(), false);
    vec![LayerSpec::Conv2d(projection), LayerSpec::BatchNorm(BatchNormSpec::default())]
}

#[test]
fn a_residual_block_of_references_gives_the_golden_values() {
    for case in read("residual") {
        let LayerSpec::Residual(residual) = serde_json::from_value(case.layer.clone()).unwrap() else {
            panic!("{}: no residual block", case.name)
        };
        let input = shape(&case.input_shape);
        let mut body = Chain::new("body", &residual.body, input, &case);
        let mut around = Chain::new("shortcut", &shortcut(&residual, &case), input, &case);
        let sum = Operation::new(ADD, shape(&case.output_shape), case.batch).unwrap();
        let after = serde_json::to_string(&LayerSpec::Activation(residual.after)).unwrap();
        let after = Operation::new(&after, shape(&case.output_shape), case.batch).unwrap();
        for pass in &case.passes {
            let input = widened(&pass.input.values);
            let mut summed = sum.values(mode(pass), &[]);
            summed.inputs = vec![body.forward(&input, pass), around.forward(&input, pass)];
            let mut activated = after.values(mode(pass), &[]);
            activated.inputs = vec![summed.forward(&sum.op)];
            let output = activated.forward(&after.op);
            assert_close(&case.name, &output, &widened(&pass.output.values), TOLERANCE);
            let (Some(grad_output), Some(grad_input)) = (&pass.grad_output, &pass.grad_input) else { continue };
            let gradient = activated.backward(&after.op, &widened(&grad_output.values));
            let both = summed.backward(&sum.op, &gradient.inputs[0]).inputs;
            let [first, second] = [body.backward(&both[0], pass), around.backward(&both[1], pass)];
            let actual: Vec<f64> = first.iter().zip(&second).map(|(first, second)| first + second).collect();
            assert_close(&case.name, &actual, &widened(&grad_input.values), TOLERANCE);
        }
    }
}
