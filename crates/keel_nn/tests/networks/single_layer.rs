//! Runs one layer forward and backward with buffers of the right size.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use keel_nn::layers::LayerSpec;
use keel_nn::{Backward, Forward, Memory, MemoryRequest, Mode, Op, RandomKey, Shape, SimdLevel};
use keel_testkit::golden::{self, GoldenCase, GoldenFile, NamedTensors};
use keel_testkit::{GradientCheck, Tolerance, assert_close, choose_indices, deterministic_values, weighted_sum};

/// One layer with its parameters, state and memory; new buffers contain NaN, so that reading a value before it is written becomes
/// visible.
#[derive(Debug)]
pub struct SingleLayer {
    pub layer: Op,
    pub input: Shape,
    pub batch: usize,
    /// SIMD level of the calls; initially the default.
    pub simd: SimdLevel,
    pub parameters: Vec<f32>,
    pub grad_parameters: Vec<f32>,
    pub state: Vec<f32>,
    pub saved: Vec<f32>,
    pub random: RandomKey,
}

impl SingleLayer {
    /// Builds a layer from the text of its config, e.g. `{"type": "max_pool", "kernel": 2}`.
    pub fn new(config: &str, input: Shape, batch: usize) -> Self {
        let spec: LayerSpec = serde_json::from_str(config).unwrap_or_else(|error| panic!("{config}: {error}"));
        let op = spec.build(input).unwrap_or_else(|error| panic!("{config} on {input}: {error}"));
        Self::of(op, input, batch)
    }

    /// Wraps a layer that was built elsewhere.
    pub fn of(layer: Op, input: Shape, batch: usize) -> Self {
        let length: usize = layer.parameters().iter().map(|parameter| parameter.len()).sum();
        let state = layer.state().iter().flat_map(|state| vec![state.initial; state.len]).collect();
        let mut single = SingleLayer {
            layer,
            input,
            batch,
            simd: keel_kernels::simd::level(),
            parameters: deterministic_values(77, length, -1.0, 1.0),
            grad_parameters: vec![f32::NAN; length],
            state,
            saved: Vec::new(),
            random: RandomKey::new(3),
        };
        // Scales near one, as in training, keep gradient checks well conditioned.
        for (name, value) in [("scale", 1.2), ("shift", 0.1)] {
            single.add_to_parameter(name, value);
        }
        single.saved = vec![f32::NAN; single.memory(Mode::Train).saved];
        single
    }

    /// Returns the memory needed for calls in `mode`.
    fn memory(&self, mode: Mode) -> Memory {
        let workers = keel_kernels::parallel::workers();
        self.layer.layer().memory(MemoryRequest { batch: self.batch, mode, workers }, self.simd)
    }

    fn add_to_parameter(&mut self, name: &str, value: f32) {
        if let Some(range) = self.parameter_range(name) {
            self.parameters[range].iter_mut().for_each(|parameter| *parameter = 0.3 * *parameter + value);
        }
    }

    /// Returns the range of a parameter among all parameters.
    pub fn parameter_range(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let mut start = 0;
        for parameter in self.layer.parameters() {
            if parameter.name == name {
                return Some(start..start + parameter.len());
            }
            start += parameter.len();
        }
        None
    }

    /// Returns the range of a state among all states.
    pub fn state_range(&self, name: &str) -> Option<std::ops::Range<usize>> {
        let mut start = 0;
        for state in self.layer.state() {
            if state.name == name {
                return Some(start..start + state.len);
            }
            start += state.len;
        }
        None
    }

    /// Returns the number of floats of the whole output batch.
    pub fn output_length(&self) -> usize {
        self.batch * self.layer.output_shape().len()
    }

    /// Returns the output of one forward pass.
    pub fn forward(&mut self, mode: Mode, input: &[f32]) -> Vec<f32> {
        self.forward_two(mode, [input, &[]])
    }

    /// Returns the output of one forward pass over two inputs.
    pub fn forward_two(&mut self, mode: Mode, inputs: [&[f32]; 2]) -> Vec<f32> {
        assert_eq!(inputs[0].len(), self.batch * self.input.len(), "input");
        let memory = self.memory(mode);
        let mut output = vec![f32::NAN; self.output_length()];
        let mut scratch = vec![f32::NAN; memory.forward_scratch];
        let mut unread = vec![f32::NAN; memory.saved];
        let saved = if mode == Mode::Train { &mut self.saved } else { &mut unread };
        let call = Forward::new(self.batch, inputs[0], &mut output)
            .with_simd(self.simd)
            .with_second_input(inputs[1])
            .with_mode(mode)
            .with_parameters(&self.parameters)
            .with_state(&mut self.state)
            .with_saved(saved)
            .with_scratch(&mut scratch)
            .with_random(self.random);
        self.layer.layer().forward(call);
        output
    }

    /// Returns the gradient with respect to the input; those of the parameters are left in `grad_parameters`. The layer gets input
    /// and output only if it has requested them.
    pub fn backward(&mut self, input: &[f32], output: &[f32], grad_output: &[f32]) -> Vec<f32> {
        let [grad_input, _] = self.backward_two([input, &[]], output, grad_output);
        grad_input
    }

    /// Returns the gradients with respect to two inputs, like [`SingleLayer::backward`].
    pub fn backward_two(&mut self, inputs: [&[f32]; 2], output: &[f32], grad_output: &[f32]) -> [Vec<f32>; 2] {
        let memory = self.memory(Mode::Train);
        let mut grad_output = grad_output.to_vec();
        let [mut grad_first, mut grad_second] = inputs.map(|input| vec![f32::NAN; input.len()]);
        let mut scratch = vec![f32::NAN; memory.backward_scratch];
        self.grad_parameters.fill(f32::NAN);
        let call = Backward::new(self.batch, &mut grad_output)
            .with_simd(self.simd)
            .with_input(if memory.backward_reads_input { inputs[0] } else { &[] })
            .with_output(if memory.backward_reads_output { output } else { &[] })
            .with_grad_input(&mut grad_first)
            .with_second_grad_input(&mut grad_second)
            .with_parameters(&self.parameters)
            .with_grad_parameters(&mut self.grad_parameters)
            .with_state(&self.state)
            .with_saved(&mut self.saved)
            .with_scratch(&mut scratch)
            .with_random(self.random);
        self.layer.layer().backward(call);
        [grad_first, grad_second]
    }

    /// Compares the gradients with respect to input and parameters with finite differences of the forward pass in training mode.
    pub fn check_gradients(&mut self, what: &str, input: &[f32], check: GradientCheck) {
        let weights = deterministic_values(99, self.output_length(), -1.0, 1.0);
        let state = self.state.clone();
        let output = self.forward(Mode::Train, input);
        let grad_input = self.backward(input, &output, &weights);
        let grad_parameters = self.grad_parameters.clone();
        let indices = choose_indices(input.len(), 60);
        let report = check.run(input, &grad_input, &indices, |moved| {
            self.state.copy_from_slice(&state);
            weighted_sum(&self.forward(Mode::Train, moved), &weights)
        });
        report.assert_passed(&format!("{what}: input"));
        let parameters = self.parameters.clone();
        let indices = choose_indices(parameters.len(), 60);
        let report = check.run(&parameters, &grad_parameters, &indices, |moved| {
            self.state.copy_from_slice(&state);
            self.parameters.copy_from_slice(moved);
            weighted_sum(&self.forward(Mode::Train, input), &weights)
        });
        report.assert_passed(&format!("{what}: parameters"));
        self.parameters.copy_from_slice(&parameters);
    }
}

/// Returns the shape with these dimensions.
pub fn shape(dimensions: &[usize]) -> Shape {
    match *dimensions {
        [features] => Shape::Features(features),
        [height, width, channels] => Shape::Image { height, width, channels },
        _ => panic!("{dimensions:?} is not a valid shape"),
    }
}

/// Runs every case of `tests/golden/<family>.json` and compares outputs, gradients and state.
pub fn check_golden(family: &str, tolerance: Tolerance) {
    let path = format!("{}/tests/golden/{family}.json", env!("CARGO_MANIFEST_DIR"));
    let file = GoldenFile::<GoldenCase>::read(path).unwrap();
    for case in &file.cases {
        check_case(&format!("{family}, {}", case.name), case, tolerance);
    }
}

fn check_case(what: &str, case: &GoldenCase, tolerance: Tolerance) {
    let mut single = SingleLayer::new(&case.layer.to_string(), shape(&case.input_shape), case.batch);
    assert_eq!(single.layer.output_shape(), shape(&case.output_shape), "{what}: output shape");
    assert_eq!(case.parameters.len(), single.layer.parameters().len(), "{what}: parameters");
    for (name, tensor) in &case.parameters {
        let range = single.parameter_range(name).unwrap_or_else(|| panic!("{what}: no parameter {name}"));
        single.parameters[range].copy_from_slice(&tensor.values);
    }
    for (number, pass) in case.passes.iter().enumerate() {
        let what = format!("{what}, pass {number}");
        let mode = match pass.mode {
            golden::Mode::Train => Mode::Train,
            golden::Mode::Evaluate => Mode::Evaluate,
        };
        let output = single.forward(mode, &pass.input.values);
        assert_close(&output, &pass.output.values, tolerance, &format!("{what}: output"));
        check_state(&what, &single, &pass.state, tolerance);
        let (Some(grad_output), Some(grad_input)) = (&pass.grad_output, &pass.grad_input) else { continue };
        let actual = single.backward(&pass.input.values, &output, &grad_output.values);
        assert_close(&actual, &grad_input.values, tolerance, &format!("{what}: input gradient"));
        for (name, tensor) in &pass.grad_parameters {
            let range = single.parameter_range(name).unwrap();
            let actual = &single.grad_parameters[range];
            assert_close(actual, &tensor.values, tolerance, &format!("{what}: gradient of {name}"));
        }
    }
}

fn check_state(what: &str, single: &SingleLayer, expected: &NamedTensors, tolerance: Tolerance) {
    for (name, tensor) in expected {
        let range = single.state_range(name).unwrap_or_else(|| panic!("{what}: no state {name}"));
        assert_close(&single.state[range], &tensor.values, tolerance, &format!("{what}: {name}"));
    }
}
