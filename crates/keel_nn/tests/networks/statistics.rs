//! Statistics requested node by node, compared with the tensors themselves.

use keel_kernels::statistics::Limits;
use keel_nn::graph::Node;
use keel_nn::layers::LayerSpec;
use keel_nn::observers::{Statistics, Tape, Wanted};
use keel_nn::{
    BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, NodeId, Observer, Op, ParameterRole, RandomKey,
    Shape, lower,
};
use serde_json::json;

const SAMPLES: usize = 6;
const INPUT: Shape = Shape::Image { height: 9, width: 7, channels: 3 };
const SIGN_LIMIT: f64 = 0.6;
const LIMITS: Limits = Limits { low: -0.5, high: 0.5 };

fn network() -> Network {
    let layers = json!([
        {"type": "conv2d", "out_channels": 5}, {"type": "batch_norm"}, {"type": "activation", "function": "relu"},
        {"type": "conv2d", "out_channels": 6, "stride": 2}, {"type": "activation", "function": "tanh"},
        {"type": "global_avg_pool"}, {"type": "linear", "out_features": 11}, {"type": "linear"},
    ]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    Network::new(Graph::build(INPUT, &layers, 4).unwrap(), RandomKey::new(3))
}

/// Runs a step of a program of `target` and returns the gradient with respect to all parameters.
fn step(network: &Network, target: Cpu, observer: &mut impl Observer) -> Vec<f32> {
    let mut network = network.clone();
    let request = MemoryRequest { batch: SAMPLES, mode: Mode::Train, workers: 1 };
    let mut executor = Executor::new(lower(&network.graph, &target), request);
    let input: Vec<f32> = (0..SAMPLES * INPUT.len()).map(|index| ((index * 37) % 101) as f32 / 30.0 - 1.0).collect();
    let batch = BatchInput { input: &input, random: RandomKey::new(2) };
    executor.forward(&mut network, batch, observer);
    let gradient = executor.outputs_and_gradient().1;
    gradient.iter_mut().enumerate().for_each(|(index, value)| *value = (index % 5) as f32 - 1.5);
    let mut gradients = vec![0.0; network.parameters.len()];
    executor.backward(&network, batch, &mut gradients, observer);
    gradients
}

fn everything(node: &Node) -> Wanted {
    let units = if node.op.activation().is_some() { node.op.output_shape().channels() } else { 0 };
    let weights = node.op.has_weight_matrix();
    Wanted {
        output: true,
        units,
        limits: matches!(node.op, Op::Activation(_)).then_some(LIMITS),
        gradient: true,
        input_energy: weights,
        sign_limit: weights.then_some(SIGN_LIMIT),
    }
}

fn statistics(network: &Network, target: Cpu) -> Statistics {
    let mut statistics = Statistics::new(&lower(&network.graph, &target), everything);
    statistics.begin(true, true);
    step(network, target, &mut statistics);
    statistics.finish();
    statistics
}

fn mean_and_variance(values: &[f32]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    [mean, values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count]
}

fn assert_close(actual: f64, expected: f64, what: &str) {
    assert!((actual - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{what}: {actual} instead of {expected}");
}

#[test]
fn statistics_of_single_nodes_are_those_of_their_tensors() {
    let network = network();
    let program = lower(&network.graph, &Cpu::unfused());
    let mut tape = Tape::of_all(&program);
    let gradients = step(&network, Cpu::unfused(), &mut tape);
    let mut statistics = statistics(&network, Cpu::unfused());
    for node in network.graph.nodes() {
        let (output, gradient) = (tape.output(node.id), tape.gradient(node.id));
        let measured = *statistics.node(node.id);
        let [mean, variance] = mean_and_variance(output);
        let signal = measured.output.unwrap_or_else(|| panic!("{}", node.name));
        assert_eq!(signal.count as usize, output.len(), "{}", node.name);
        assert_close(signal.mean, mean, &node.name);
        assert_close(signal.variance, variance, &node.name);
        let [mean, variance] = mean_and_variance(gradient);
        assert_close(measured.gradient.unwrap().rms(), (mean * mean + variance).sqrt(), &node.name);
        if let Op::Activation(_) = node.op {
            let outside = output.iter().filter(|value| !(LIMITS.low..=LIMITS.high).contains(*value)).count();
            assert_eq!(signal.saturated, Some(outside as u64), "{}", node.name);
            let units = node.op.output_shape().channels();
            let fired: Vec<u32> = statistics.units(node.id).fired().collect();
            for (unit, &fired) in fired.iter().enumerate() {
                let above = output.iter().skip(unit).step_by(units).filter(|&&value| value > 0.0).count();
                assert_eq!(fired as usize, above, "{} unit {unit}", node.name);
            }
        }
        for weight in network.graph.parameters_of(node.id).filter(|own| own.spec.role == ParameterRole::Weight) {
            let units = *weight.spec.shape.last().unwrap();
            let share = agreement(&gradients[weight.range.clone()], units);
            assert_close(measured.sign_agreement.unwrap(), share, &weight.name);
        }
    }
    let energy = |id: NodeId| {
        let [mean, variance] = mean_and_variance(tape.output(id));
        mean * mean / (mean * mean + variance)
    };
    let nodes = network.graph.nodes();
    for (node, input) in [(3, 2), (6, 5), (7, 6)] {
        let measured = statistics.node(nodes[node].id).input_energy.unwrap();
        assert_close(f64::from(measured), energy(nodes[input].id), &nodes[node].name);
    }
}

/// Returns the fraction of the units whose gradient has a sign agreement of at least [`SIGN_LIMIT`].
fn agreement(gradient: &[f32], units: usize) -> f64 {
    let agrees = |unit: usize| {
        let column = || gradient.iter().skip(unit).step_by(units);
        let (above, below) = (column().filter(|&&g| g > 0.0).count(), column().filter(|&&g| g < 0.0).count());
        (above + below > 0).then(|| above.abs_diff(below) as f64 / (above + below) as f64 >= SIGN_LIMIT)
    };
    let judged: Vec<bool> = (0..units).filter_map(agrees).collect();
    judged.iter().filter(|&&agrees| agrees).count() as f64 / judged.len().max(1) as f64
}

/// Kernels of fused nodes may measure some images of a batch that represent all: fewer values.
#[test]
fn joined_nodes_answer_as_single_ones_or_from_some_images() {
    let network = network();
    let (single, joined) = (statistics(&network, Cpu::unfused()), statistics(&network, Cpu::fused()));
    let (mut whole, mut sampled) = (0, 0);
    let mut compare = |counts: [u64; 2], sizes: [f64; 2], what: &str| {
        if counts[0] == counts[1] {
            assert_close(sizes[1], sizes[0], what);
            whole += 1;
        } else {
            assert!(0 < counts[1] && counts[1] < counts[0], "{what}: {counts:?}");
            assert!((0.5..2.0).contains(&(sizes[1] / sizes[0])), "{what}: {sizes:?}");
            sampled += 1;
        }
    };
    for node in network.graph.nodes() {
        let (single, joined) = (single.node(node.id), joined.node(node.id));
        if let (Some(one), Some(other)) = (single.output, joined.output) {
            compare([one.count, other.count], [one.std(), other.std()], &node.name);
        }
        if let (Some(one), Some(other)) = (single.gradient, joined.gradient) {
            compare([one.count, other.count], [one.rms(), other.rms()], &node.name);
        }
        assert_eq!(single.sign_agreement.is_some(), joined.sign_agreement.is_some(), "{}", node.name);
    }
    assert!(whole >= network.graph.nodes().len() && sampled > 0, "{whole} measured whole, {sampled} on some images");
}

#[test]
fn nothing_is_answered_that_was_not_asked() {
    let network = network();
    let mut silent = Statistics::new(&lower(&network.graph, &Cpu::unfused()), |_| Wanted::default());
    silent.begin(false, false);
    step(&network, Cpu::unfused(), &mut silent);
    silent.finish();
    assert_eq!(silent.histograms().count(), 0);
    for node in network.graph.nodes() {
        let measured = silent.node(node.id);
        assert_eq!((measured.input_energy, measured.sign_agreement), (None, None), "{}", node.name);
    }
    let mut shown = statistics(&network, Cpu::unfused());
    assert_eq!(shown.histograms().count(), network.graph.nodes().len());
    shown.begin(false, false);
    assert_eq!(shown.node(network.graph.nodes()[0].id).output, None, "a new step starts empty");
}

/// A linear layer and its activation are one kernel, which measures what lies between them.
#[test]
fn values_between_a_linear_layer_and_its_activation_are_measured() {
    let layers = json!([
        {"type": "flatten"}, {"type": "linear", "out_features": 7}, {"type": "activation", "function": "tanh"},
        {"type": "linear"},
    ]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    let network = Network::new(Graph::build(INPUT, &layers, 4).unwrap(), RandomKey::new(3));
    let (single, joined) = (statistics(&network, Cpu::unfused()), statistics(&network, Cpu::fused()));
    for node in network.graph.nodes().iter().filter(|node| node.op.has_weight_matrix()) {
        assert_eq!(*joined.node(node.id), *single.node(node.id), "{}", node.name);
        assert!(joined.node(node.id).output.is_some() && joined.node(node.id).gradient.is_some(), "{}", node.name);
    }
}

/// Of a large batch, only the first samples of the pre-activations are measured, and the outputs are those without an observer.
#[test]
fn hidden_values_of_a_large_batch_are_sampled_and_change_nothing() {
    let layers = json!([
        {"type": "linear", "out_features": 600}, {"type": "activation", "function": "relu"}, {"type": "linear"},
    ]);
    let layers: Vec<LayerSpec> = serde_json::from_value(layers).unwrap();
    let mut network = Network::new(Graph::build(Shape::Features(3), &layers, 4).unwrap(), RandomKey::new(3));
    let samples = 40;
    let input: Vec<f32> = (0..samples * 3).map(|index| ((index * 37) % 101) as f32 / 30.0 - 1.0).collect();
    let batch = BatchInput { input: &input, random: RandomKey::new(2) };
    let request = MemoryRequest { batch: samples, mode: Mode::Train, workers: 1 };
    let mut outputs = |target: Cpu, observer: &mut dyn Observer| {
        let mut executor = Executor::new(lower(&network.graph, &target), request);
        executor.forward(&mut network, batch, observer).to_vec()
    };
    let silent = outputs(Cpu::fused(), &mut ());
    let graph = Graph::build(Shape::Features(3), &layers, 4).unwrap().into();
    let mut counts = Vec::new();
    for target in [Cpu::unfused(), Cpu::fused()] {
        let mut statistics = Statistics::new(&lower(&graph, &target), everything).sampled();
        statistics.begin(false, false);
        assert_eq!(outputs(target, &mut statistics), silent);
        statistics.finish();
        let node = *statistics.node(graph.nodes()[0].id);
        counts.push((node.output.map(|output| (output.count, output.mean, output.zeros)), node.gradient));
    }
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0].0.map(|output| output.0), Some(16 * 600));
}
