//! Frozen layers: their gradient is zero, and gradients needed only for them are not computed.

use keel_nn::layers::LayerSpec;
use keel_nn::observers::Tape;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryPlan, MemoryRequest, Mode, Network, RandomKey, Shape, lower};
use serde_json::json;

const BATCH: usize = 3;
const INPUT: Shape = Shape::Image { height: 5, width: 5, channels: 2 };

fn network(frozen: [bool; 3]) -> Network {
    let layers = json!([
        {"type": "conv2d", "out_channels": 3, "kernel": 2, "padding": "valid", "frozen": frozen[0]},
        {"type": "activation", "function": "gelu"},
        {"type": "conv2d", "out_channels": 4, "frozen": frozen[1]},
        {"type": "activation", "function": "tanh"},
        {"type": "linear", "frozen": frozen[2]},
    ]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    Network::new(Graph::build(INPUT, &layers, 2).unwrap(), RandomKey::new(1))
}

/// Returns the gradients of the sum of the outputs, and the nodes that ran backward.
fn gradients(network: &mut Network) -> (Vec<f32>, Vec<usize>) {
    gradients_in_epoch(network, 0)
}

fn gradients_in_epoch(network: &mut Network, epoch: u64) -> (Vec<f32>, Vec<usize>) {
    let request = MemoryRequest { batch: BATCH, mode: Mode::Train, workers: 1 };
    let program = lower(&network.graph, &Cpu::unfused());
    let mut tape = Tape::of_all(&program);
    let mut executor = Executor::new(program, request);
    executor.begin_epoch(epoch);
    let input: Vec<f32> = (0..BATCH * INPUT.len()).map(|index| (index % 7) as f32 * 0.3 - 0.9).collect();
    let batch = BatchInput { input: &input, random: RandomKey::new(2) };
    let mut gradients = vec![f32::NAN; network.parameters.len()];
    executor.forward(network, batch, &mut ());
    executor.outputs_and_gradient().1.fill(1.0);
    executor.backward(network, batch, &mut gradients, &mut tape);
    let nodes = network.graph.nodes().iter().filter(|node| !tape.gradient(node.id).is_empty());
    (gradients, nodes.map(|node| node.id.index()).collect())
}

#[test]
fn frozen_parameters_have_gradient_zero_and_the_others_keep_theirs() {
    let (all, nodes) = gradients(&mut network([false; 3]));
    assert!(all.iter().all(|gradient| gradient.is_finite()) && nodes.contains(&0));
    for frozen in [[true, false, false], [false, true, false], [false, false, true], [true, true, false], [true; 3]] {
        let mut network = network(frozen);
        let (some, nodes) = gradients(&mut network);
        for parameter in network.graph.parameters() {
            let range = parameter.range.clone();
            match parameter.is_frozen() {
                true => assert!(some[range].iter().all(|gradient| *gradient == 0.0), "{frozen:?} {}", parameter.name),
                false => assert_eq!(some[range.clone()], all[range], "{frozen:?} {}", parameter.name),
            }
        }
        let first_learning = frozen.iter().position(|frozen| !frozen);
        let lowest = nodes.iter().min().copied();
        // The network adds a flatten before the last layer, which runs in neither direction.
        let expected = first_learning.map(|layer| [0, 2, 5][layer]);
        assert_eq!(lowest, expected, "{frozen:?}: the backward pass ends at the first layer that learns");
    }
}

/// Returns a network whose first layer has trained biases for two epochs; a residual block reads it twice.
fn biased(frozen: bool, bias_epochs: u64) -> Network {
    let layers = json!([
        {"type": "conv2d", "out_channels": 3, "kernel": 2, "padding": "valid", "frozen": frozen, "bias_epochs": bias_epochs},
        {"type": "residual", "body": [{"type": "conv2d", "out_channels": 3}]},
        {"type": "batch_norm", "scale": false},
        {"type": "linear"},
    ]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    Network::new(Graph::build(INPUT, &layers, 2).unwrap(), RandomKey::new(1))
}

#[test]
fn biases_get_a_gradient_in_their_epochs_and_what_they_alone_needed_is_left_out_after_them() {
    let (all, _) = gradients(&mut biased(false, 0));
    for frozen in [false, true] {
        for epoch in [0, 1, 2, 5] {
            let mut network = biased(frozen, 2);
            let (some, nodes) = gradients_in_epoch(&mut network, epoch);
            for parameter in network.graph.parameters() {
                let trained = match parameter.name.as_str() {
                    "conv2d_1.weight" => !frozen,
                    "conv2d_1.bias" => epoch < 2,
                    "batch_norm_1.scale" => false,
                    _ => true,
                };
                let (found, case) = (&some[parameter.range.clone()], (frozen, epoch, &parameter.name));
                match trained {
                    true => assert_eq!(found, &all[parameter.range.clone()], "{case:?}"),
                    false => assert!(found.iter().all(|gradient| *gradient == 0.0), "{case:?}"),
                }
            }
            assert_eq!(nodes.contains(&0), !frozen || epoch < 2, "frozen {frozen}, epoch {epoch}");
        }
    }
}

#[test]
fn epochs_of_biases_that_are_not_there_are_refused() {
    let layers = json!([{"type": "conv2d", "out_channels": 3, "bias": false, "bias_epochs": 2}, {"type": "linear"}]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    let message = Graph::build(INPUT, &layers, 2).unwrap_err().to_string();
    assert!(message.contains("bias_epochs of conv2d needs a bias"), "{message}");
}

#[test]
fn nothing_is_planned_for_gradients_nobody_needs() {
    let arena = |frozen| {
        let request = MemoryRequest { batch: 64, mode: Mode::Train, workers: 1 };
        MemoryPlan::new(&lower(&network(frozen).graph, &Cpu::unfused()), request).arena_length()
    };
    assert!(arena([true, true, false]) < arena([false; 3]));
}
