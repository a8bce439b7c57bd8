//! Branches of operations with kinks, and passes that are rerun in part.

use keel_nn::activations::all;
use keel_nn::layers::LayerSpec;
use keel_nn::losses::{LossSpec, TargetKind, Targets};
use keel_nn::reference::{Numbers, Pass, Reference, losses};
use keel_nn::{Graph, Mode, Network, NodeId, RandomKey, Shape, lower};
use keel_testkit::deterministic_values;
use serde_json::{Value, json};

fn network(shape: Shape, layers: &[Value]) -> Network {
    let layers: Vec<LayerSpec> = layers.iter().map(|layer| serde_json::from_value(layer.clone()).unwrap()).collect();
    Network::new(Graph::build(shape, &layers, 3).unwrap(), RandomKey::new(0))
}

/// Returns the branches of the only layer with kinks, for one sample.
fn branches(layer: Value, shape: Shape, input: &[f32]) -> Vec<u32> {
    let network = network(shape, &[layer, json!({ "type": "linear" })]);
    let (program, mut numbers) = (lower(&network.graph, &Reference), Numbers::of(&network));
    let mut pass = Pass::new(Mode::Train, input, RandomKey::new(1));
    program.forward(&mut numbers, &mut pass);
    program.branches_from(NodeId::new(0), &numbers, &pass).concat()
}

#[test]
fn activations_have_a_branch_for_each_side_of_their_kinks() {
    let input = [-4.0, -3.0, -1.0, 0.0, 1.0, 3.0, 4.0];
    for activation in all() {
        let layer = json!({ "type": "activation", "function": activation.name() });
        let expected: &[u32] = match activation.name() {
            "relu" | "leaky_relu" | "prelu" | "elu" | "selu" => &[0, 0, 0, 0, 1, 1, 1],
            "hard_swish" => &[0, 0, 1, 1, 1, 1, 2],
            _ => &[],
        };
        assert_eq!(branches(layer, Shape::Features(7), &input), expected, "{activation}");
    }
}

#[test]
fn maxima_have_the_winner_as_branch() {
    let shape = Shape::Image { height: 2, width: 4, channels: 1 };
    let pool = json!({ "type": "max_pool", "kernel": 2 });
    assert_eq!(branches(pool, shape, &[1.0, 2.0, 5.0, 5.0, 3.0, 0.0, 5.0, 4.0]), [4, 2]);
    let maxout = json!({ "type": "maxout", "out_features": 4, "pieces": 3 });
    let pieces = branches(maxout, Shape::Features(5), &[1.0, -2.0, 0.5, 0.3, -0.7]);
    assert!(pieces.len() == 4 && pieces.iter().all(|&piece| piece < 3) && pieces != [0; 4], "{pieces:?}");
}

#[test]
fn hinge_has_a_branch_for_each_term() {
    let hinge = LossSpec::Hinge {}.build(Shape::Features(3), TargetKind::Classes(3)).unwrap();
    let outputs = [2.0, 1.0, 0.5, 0.0, 0.5, 1.0];
    assert_eq!(losses::branches(&hinge, &outputs, Targets::Classes(&[0, 1])), [1, 0, 0, 1, 1, 1]);
    let entropy = LossSpec::cross_entropy().build(Shape::Features(3), TargetKind::Classes(3)).unwrap();
    assert_eq!(losses::branches(&entropy, &outputs, Targets::Classes(&[0, 1])), [0; 0]);
}

#[test]
fn a_pass_from_a_node_on_is_the_whole_pass() {
    let layers = [
        json!({ "type": "linear", "out_features": 6 }),
        json!({ "type": "batch_norm" }),
        json!({ "type": "activation", "function": "relu" }),
        json!({ "type": "dropout", "probability": 0.3 }),
        json!({ "type": "linear" }),
    ];
    let network = network(Shape::Features(5), &layers);
    let program = lower(&network.graph, &Reference);
    let input = deterministic_values(3, 4 * 5, -1.0, 1.0);
    let pass = || Pass::new(Mode::Train, &input, RandomKey::new(1));
    for parameter in network.graph.parameters() {
        let (mut numbers, mut again) = (Numbers::of(&network), pass());
        program.forward(&mut numbers, &mut again);
        let mut moved = Numbers::of(&network);
        for numbers in [&mut numbers, &mut moved] {
            numbers.parameters[parameter.range.clone()].iter_mut().for_each(|value| *value += 0.1);
        }
        let mut whole = pass();
        let expected = program.forward(&mut moved, &mut whole).to_vec();
        let outputs = program.forward_from(parameter.node, &mut numbers, &mut again).to_vec();
        assert_eq!(outputs, expected, "{}", parameter.name);
        assert_eq!(numbers.state, moved.state, "{}", parameter.name);
    }
}
