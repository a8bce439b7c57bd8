//! Tests of the plan with the executor: unused memory may contain anything.

use super::*;
use crate::layers::LayerSpec;
use crate::program::{Cpu, Fusion, FusionPasses, lower};
use crate::{Graph, RandomKey, Shape, model};

const CUSTOM: &str = r#"[
    {"type": "conv2d", "out_channels": 6}, {"type": "layer_norm"}, {"type": "activation", "function": "gelu"},
    {"type": "residual", "body": [
        {"type": "conv2d", "out_channels": 6}, {"type": "batch_norm"}, {"type": "activation", "function": "tanh"},
        {"type": "dropout", "probability": 0.2},
        {"type": "residual", "body": [{"type": "conv2d", "out_channels": 6, "frozen": true}, {"type": "batch_norm"}]}]},
    {"type": "avg_pool"}, {"type": "max_pool", "kernel": 3, "stride": 1, "padding": "same"},
    {"type": "linear", "out_features": 9}, {"type": "batch_norm"}, {"type": "activation", "function": "relu"},
    {"type": "maxout", "out_features": 5}, {"type": "linear"}]"#;

fn networks() -> Vec<(&'static str, Vec<LayerSpec>)> {
    vec![("cnn", model::cnn(8, 2)), ("resnet", model::resnet(4, 1)), ("custom", serde_json::from_str(CUSTOM).unwrap())]
}

/// Returns outputs and gradients of two steps, and the outputs of an evaluation.
fn run(layers: &[LayerSpec], passes: FusionPasses, poisons: bool) -> [Vec<f32>; 3] {
    let shape = Shape::Image { height: 12, width: 11, channels: 3 };
    let graph = Graph::build(shape, layers, 4).unwrap();
    let mut network = Network::new(graph, RandomKey::new(1));
    let program = lower(&network.graph, &Cpu::fused().with_passes(passes));
    let request = MemoryRequest { batch: 4, mode: Mode::Train, workers: rayon::current_num_threads() };
    let mut executor = Executor { poisons, ..Executor::new(Arc::clone(&program), request) };
    assert_eq!(executor.plan().overlapping(), [], "buffers alive together");
    let input: Vec<f32> = (0..3 * shape.len()).map(|at| ((at * 37 % 101) as f32 / 50.0) - 1.0).collect();
    let mut gradients = vec![f32::NAN; network.parameters.len()];
    let mut outputs = Vec::new();
    for step in 0..2 {
        let batch = BatchInput { input: &input, random: RandomKey::new(step) };
        outputs = executor.forward(&mut network, batch, &mut ()).to_vec();
        let weights: Vec<f32> = (0..outputs.len()).map(|at| (at as f32).cos()).collect();
        executor.outputs_and_gradient().1.copy_from_slice(&weights);
        executor.backward(&network, batch, &mut gradients, &mut ());
    }
    let request = MemoryRequest { mode: Mode::Evaluate, ..request };
    let mut evaluator = Executor { poisons, ..Executor::new(program, request) };
    assert_eq!(evaluator.plan().overlapping(), [], "buffers alive together in evaluation");
    let evaluated = evaluator.evaluate(&network, BatchInput { input: &input, random: RandomKey::new(0) }).to_vec();
    [outputs, gradients, evaluated]
}

#[test]
fn memory_that_holds_nothing_may_hold_anything() {
    let mut sets = vec![FusionPasses::none(), FusionPasses::all()];
    sets.extend(Fusion::ALL.iter().map(|(pass, ..)| FusionPasses::all().without(*pass)));
    for (name, layers) in networks() {
        for &passes in &sets {
            let clean = run(&layers, passes, false);
            assert!(clean.iter().flatten().all(|value| value.is_finite()), "{name} {passes:?}");
            assert!(run(&layers, passes, true) == clean, "{name} {passes:?}: NaN in unused memory reached a result");
        }
    }
}
