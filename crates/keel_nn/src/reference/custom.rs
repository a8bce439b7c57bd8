//! A custom layer: its formula is unknown here, so its own functions are called, in f32.

use keel_kernels::SimdLevel;

use super::{Call, Definition, Gradients};
use crate::{Backward, Forward, Layer, Memory, MemoryRequest};

/// SIMD level at which the functions are called: the simplest.
const SIMD: SimdLevel = SimdLevel::Scalar;

/// The functions of a layer as its definition. The second input is not passed: such layers have one.
#[derive(Debug)]
pub struct CustomDefinition<'a>(pub &'a dyn Layer);

impl Definition for CustomDefinition<'_> {
    fn forward(&self, call: &mut Call<'_>) -> Vec<f64> {
        let Single { output, state, .. } = self.run(call);
        call.state.iter_mut().zip(&state).for_each(|(to, from)| *to = f64::from(*from));
        output.iter().map(|&value| f64::from(value)).collect()
    }

    fn backward(&self, call: &Call<'_>, grad_output: &[f64]) -> Gradients {
        let Single { input, output, parameters, state, mut saved } = self.run(call);
        let memory = self.memory(call);
        let mut grad_output = narrowed(grad_output);
        let mut grad_input = vec![0.0; input.len()];
        let mut grad_parameters = vec![0.0; parameters.len()];
        let mut scratch = vec![0.0; memory.backward_scratch];
        let backward = Backward::new(call.batch, &mut grad_output)
            .with_simd(SIMD)
            .with_input(&input)
            .with_output(&output)
            .with_grad_input(&mut grad_input)
            .with_parameters(&parameters)
            .with_grad_parameters(&mut grad_parameters)
            .with_state(&state)
            .with_saved(&mut saved)
            .with_scratch(&mut scratch)
            .with_random(call.random);
        self.0.backward(backward);
        let widened = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        Gradients { inputs: vec![widened(grad_input)], parameters: widened(grad_parameters) }
    }
}

/// Buffers after a forward pass.
struct Single {
    input: Vec<f32>,
    output: Vec<f32>,
    parameters: Vec<f32>,
    state: Vec<f32>,
    saved: Vec<f32>,
}

impl CustomDefinition<'_> {
    fn memory(&self, call: &Call<'_>) -> Memory {
        let workers = keel_kernels::parallel::workers();
        self.0.memory(MemoryRequest { batch: call.batch, mode: call.mode, workers }, SIMD)
    }

    fn run(&self, call: &Call<'_>) -> Single {
        let memory = self.memory(call);
        let (input, parameters) = (narrowed(call.inputs[0]), narrowed(call.parameters));
        let (mut state, mut saved) = (narrowed(call.state), vec![0.0; memory.saved]);
        let mut output = vec![0.0; call.batch * self.0.output_shape().len()];
        let mut scratch = vec![0.0; memory.forward_scratch];
        let forward = Forward::new(call.batch, &input, &mut output)
            .with_mode(call.mode)
            .with_simd(SIMD)
            .with_parameters(&parameters)
            .with_state(&mut state)
            .with_saved(&mut saved)
            .with_scratch(&mut scratch)
            .with_random(call.random);
        self.0.forward(forward);
        Single { input, output, parameters, state, saved }
    }
}

fn narrowed(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
