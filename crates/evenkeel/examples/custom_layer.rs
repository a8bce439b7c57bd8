//! A layer of one's own: its gradient checked, then trained inside a network. `cargo run --release --example custom_layer`.

#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use evenkeel::prelude::*;

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

    fn memory(&self, _request: MemoryRequest, _simd: SimdLevel) -> Memory {
        Memory { backward_reads_input: true, ..Memory::default() }
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
    layer.forward(Forward::new(1, input, &mut output));
    output
}

/// Gradient of the sum of all outputs with respect to the input.
fn gradient(layer: &dyn Layer, input: &[f32]) -> Vec<f32> {
    let (mut grad_output, mut grad_input) = (vec![1.0; input.len()], vec![0.0; input.len()]);
    layer.backward(Backward::new(1, &mut grad_output).with_input(input).with_grad_input(&mut grad_input));
    grad_input
}

fn main() -> Result<(), TrainError> {
    check_gradient();

    let source = DataConfig { samples: 200, ..DataConfig::of_source("spiral") };
    let data = Dataset::load(&source)?.split(source.split())?;
    let sine = |shape: Shape| Ok(Box::new(Sine { frequency: 3.0, shape }) as Box<dyn Layer>);
    let model = Model::sequential().linear(32).custom("sine(3)", sine).linear(32).custom("sine(3)", sine).output();
    let run =
        Trainer::new(model).preprocess([Preprocess::Standardize]).optimizer(AdamW::new(0.005)).epochs(30).fit(&data)?;
    let accuracy = run.test_metrics().and_then(|metrics| metrics.accuracy).unwrap_or_default();
    let Some(folder) = run.folder() else { return Ok(()) };
    println!("test accuracy {accuracy:.3}, written to {}", folder.display());

    // The files of the run hold the layer's name and no code: whoever loads them gives the layer again.
    let predictor = Predictor::load_with(folder, &[CustomLayer::new("sine(3)", sine)])?;
    println!("first sample: {:?}", predictor.predict(&data.dataset)?.first());
    Ok(())
}

fn check_gradient() {
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
