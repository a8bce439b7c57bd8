//! The yardstick networks with weights, inputs and labels from one formula that the peer computes too
//! (`bench/peers/workloads.py`).

use std::time::Instant;

use keel_kernels::Buffer;
use keel_kernels::parallel::workers;
use keel_nn::graph::Graph;
use keel_nn::layers::LayerSpec;
use keel_nn::losses::{LossSpec, TargetKind, Targets};
use keel_nn::{Batch, Executor, MemoryRequest, Mode, Network, ParameterRole, Plan, RandomKey, Shape, Value, model};
use keel_train::optimizers::{Optimizer, OptimizerConfig, ParameterSegment, SgdConfig};

const CLASSES: usize = 10;
const LEARNING_RATE: f64 = 0.001;
const INPUT_LIMIT: f32 = 1.732_050_8;

/// Names of the workloads, as the peer knows them.
pub(crate) const NAMES: [&str; 3] = ["cnn", "resnet20", "mlp"];

/// A network with its batch, ready for training steps.
pub(crate) struct Workload {
    network: Network,
    executor: Executor,
    gradients: Buffer,
    optimizer: Optimizer,
    loss: keel_nn::losses::Loss,
    inputs: Vec<f32>,
    labels: Vec<u32>,
}

impl Workload {
    /// The workload `name` with the weights and the batch of `seed`.
    ///
    /// # Panics
    /// If `name` is none of [`NAMES`].
    pub(crate) fn new(name: &str, seed: u64) -> Self {
        let image = Shape::Image { height: 32, width: 32, channels: 3 };
        let (shape, layers, batch): (Shape, Vec<LayerSpec>, usize) = match name {
            "cnn" => (image, model::cnn(32, 2), 128),
            "resnet20" => (image, model::resnet(16, 3), 128),
            "mlp" => (Shape::Features(64), model::mlp(128, 1), 32),
            other => unreachable!("{other} is no workload"),
        };
        let graph = Graph::build(shape, &layers, CLASSES).expect("the yardsticks fit their inputs");
        let values = initial_values(&graph, seed);
        let mut network = Network::new(graph.fuse(), RandomKey::new(seed));
        network.parameters.copy_from_slice(&values);
        let request = MemoryRequest { batch, mode: Mode::Train, workers: workers() };
        let config = OptimizerConfig::Sgd(SgdConfig { momentum: 0.9, weight_decay: 0.0, ..SgdConfig::default() });
        let segments: Vec<_> = network.graph.parameters().iter().map(segment).collect();
        let classes = TargetKind::Classes(CLASSES);
        Workload {
            executor: Executor::new(Plan::new(&network.graph, request)),
            gradients: Buffer::zeroed(network.parameters.len()),
            optimizer: Optimizer::new(&config, &segments, network.parameters.len()),
            loss: LossSpec::cross_entropy().build(Shape::Features(CLASSES), classes).expect("classes suit the loss"),
            inputs: uniform(seed * 1000 + 900, batch * shape.len(), INPUT_LIMIT),
            labels: labels(seed * 1000 + 901, batch),
            network,
        }
    }

    /// One full training step: forward, loss, backward, update; returns the loss before it.
    pub(crate) fn step(&mut self) -> f64 {
        let batch = Batch { input: &self.inputs, random: RandomKey::new(0) };
        self.executor.forward(&mut self.network, batch, &mut ());
        let (outputs, gradient) = self.executor.outputs_and_gradient(&self.network.graph);
        let loss = self.loss.forward_backward(outputs, Targets::Classes(&self.labels), gradient).mean();
        self.executor.backward(&self.network, batch, &mut self.gradients, &mut ());
        self.optimizer.step(&mut self.network.parameters, &self.gradients, LEARNING_RATE);
        loss
    }

    /// Milliseconds of each of `count` steps.
    pub(crate) fn timed_steps(&mut self, count: usize) -> Vec<f64> {
        let timed = |_| {
            let start = Instant::now();
            self.step();
            start.elapsed().as_secs_f64() * 1000.0
        };
        (0..count).map(timed).collect()
    }

    pub(crate) fn samples(&self) -> usize {
        self.labels.len()
    }

    /// Multiply-adds of a step: the backward pass counts twice the forward pass.
    pub(crate) fn multiply_adds(&self) -> f64 {
        3.0 * self.network.graph.multiply_adds() as f64 * self.samples() as f64
    }

    /// Bytes of arena, parameters, gradients, optimiser slots and batch.
    pub(crate) fn bytes(&self) -> usize {
        let floats = self.executor.plan().arena_length() + 3 * self.network.parameters.len() + self.inputs.len();
        floats * size_of::<f32>()
    }
}

fn segment(parameter: &keel_nn::graph::Parameter) -> ParameterSegment {
    let decay = parameter.spec.role == ParameterRole::Weight;
    ParameterSegment { name: parameter.name.clone(), range: parameter.range.clone(), decay, frozen: parameter.frozen }
}

/// All parameters in buffer order, by the formula of `bench/peers/workloads.py`.
fn initial_values(graph: &Graph, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; graph.parameter_length()];
    let last_weight = graph.parameters().iter().rposition(|parameter| parameter.spec.role == ParameterRole::Weight);
    for (number, &index) in peer_order(graph).iter().enumerate() {
        let parameter = &graph.parameters()[index];
        let target = &mut values[parameter.range.clone()];
        match parameter.spec.role {
            ParameterRole::Weight => {
                let limit = (6.0 / parameter.spec.fan_in as f64).sqrt() as f32;
                let limit = if Some(index) == last_weight { limit / 8.0 } else { limit };
                target.copy_from_slice(&uniform(seed * 1000 + number as u64, target.len(), limit));
            }
            ParameterRole::Scale => target.fill(if ends_a_body(graph, parameter.node) { 0.25 } else { 1.0 }),
            _ => {}
        }
    }
    values
}

/// Whether the node's output is what a residual block adds to its shortcut.
fn ends_a_body(graph: &Graph, node: usize) -> bool {
    graph.nodes().iter().any(|other| other.layer.kind() == "add" && other.inputs[0] == Value::Node(node))
}

/// Indices of the parameters in the peer's order: it counts a block's body before its shortcut, which runs first here.
fn peer_order(graph: &Graph) -> Vec<usize> {
    const SHORTCUT: usize = 3;
    const BODY: usize = 6;
    let mut order = Vec::new();
    let mut index = 0;
    while index < graph.parameters().len() {
        if graph.parameters()[index].spec.shape.starts_with(&[1, 1]) {
            order.extend(index + SHORTCUT..index + SHORTCUT + BODY);
            order.extend(index..index + SHORTCUT);
            index += SHORTCUT + BODY;
        } else {
            order.push(index);
            index += 1;
        }
    }
    order
}

/// Values uniform in plus and minus `limit`: outputs of splitmix64 (Steele, Lea & Flood 2014) started at `seed`.
fn uniform(seed: u64, length: usize, limit: f32) -> Vec<f32> {
    let (low, width) = (f64::from(-limit), 2.0 * f64::from(limit));
    (0..length).map(|index| (low + width * top_bits(seed, index) as f64 / f64::from(1 << 24)) as f32).collect()
}

fn labels(seed: u64, length: usize) -> Vec<u32> {
    (0..length).map(|index| ((top_bits(seed, index) * CLASSES as u64) >> 24) as u32).collect()
}

fn top_bits(seed: u64, index: usize) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(index as u64 + 1));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits ^ (bits >> 31)) >> 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_losses_are_those_the_peer_computes() {
        // From `bench/peers/pytorch_peer.py`: {"prepare": "cnn"} and {"loss_check": {"seed": 1}}.
        let expected = [2.327_639, 2.271_953, 2.232_480];
        let mut workload = Workload::new("cnn", 1);
        for (step, expected) in expected.into_iter().enumerate() {
            let loss = workload.step();
            assert!((loss - expected).abs() < 2e-4, "step {step}: {loss} for {expected}");
        }
    }
}
