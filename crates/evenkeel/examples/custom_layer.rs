//! A layer of one's own, with its gradient checked: `cargo run --release --example custom_layer`.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use evenkeel::prelude::*;
use keel_nn::{Mode, RandomKey};

/// sin(frequency x), after Sitzmann et al. 2020.
#[derive(Debug)]
struct Sine {
    frequency: f32,
    shape: Shape,
}

impl Layer for Sine {
    fn kind(&self) -> &'static str {
        "sine"
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn memory(&self, _: keel_nn::MemoryRequest) -> keel_nn::Memory {
        keel_nn::Memory { backward_reads_input: true, ..keel_nn::Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        for (output, input) in context.output.iter_mut().zip(context.inputs[0]) {
            *output = (self.frequency * input).sin();
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        for ((gradient, input), above) in grad_input.iter_mut().zip(context.inputs[0]).zip(context.grad_output.iter()) {
            *gradient = above * self.frequency * (self.frequency * input).cos();
        }
    }
}

fn forward(layer: &dyn Layer, input: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    layer.forward(Forward {
        batch: 1,
        mode: Mode::Train,
        inputs: [input, &[]],
        output: &mut output,
        parameters: &[],
        state: &mut [],
        saved: &mut [],
        scratch: &mut [],
        random: RandomKey::new(0),
        probe: None,
    });
    output
}

/// Gradient of the sum of all outputs by the input.
fn gradient(layer: &dyn Layer, input: &[f32]) -> Vec<f32> {
    let mut grad_input = vec![0.0; input.len()];
    layer.backward(Backward {
        batch: 1,
        inputs: [input, &[]],
        output: &[],
        grad_output: &mut vec![1.0; input.len()],
        grad_inputs: [&mut grad_input, &mut []],
        parameters: &[],
        grad_parameters: &mut [],
        state: &[],
        saved: &mut [],
        scratch: &mut [],
        random: RandomKey::new(0),
        probe: None,
    });
    grad_input
}

fn main() {
    let input = [-1.5, -0.4, 0.0, 0.3, 2.0];
    let layer = Sine { frequency: 3.0, shape: Shape::Features(input.len()) };
    let step = 1e-3;
    for (index, analytic) in gradient(&layer, &input).into_iter().enumerate() {
        let shifted = |by: f32| {
            let mut moved = input;
            moved[index] += by;
            forward(&layer, &moved).iter().sum::<f32>()
        };
        let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
        println!("x = {:>4}: gradient {analytic:.4}, measured {numeric:.4}", input[index]);
        assert!((analytic - numeric).abs() < 1e-2, "backward does not match forward");
    }
}
