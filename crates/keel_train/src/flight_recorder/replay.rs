//! Replays one step, with every tensor kept, up to the first value that is NaN or infinite.

use keel_data::Batch;
use keel_kernels::Buffer;
use keel_nn::graph::Node;
use keel_nn::losses::LossValue;
use keel_nn::observers::Tape;
use keel_nn::{Network, NodeId, Value};
use serde::{Deserialize, Serialize};

use super::tensor_range::{Operand, TensorRange};
use crate::session::Session;

/// Number of samples that are named if the operation mixes the batch and every sample is bad: those with the largest inputs.
const LARGEST_SAMPLES: usize = 3;

/// Phase of a step in which an operation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The batch itself.
    Input,
    /// Computation of outputs from inputs.
    Forward,
    /// The loss.
    Loss,
    /// Computation of gradients from the loss back to the parameters.
    Backward,
}

/// First operation that produced a NaN or an infinity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BadOperation {
    /// Phase in which it runs.
    pub phase: Phase,
    /// Name of its layer; `None` for the batch and the loss.
    pub layer: Option<String>,
    /// Result, such as `output of linear_2` or `gradient of conv2d_1.weight`.
    pub result: Operand,
    /// Operands.
    pub operands: Vec<Operand>,
}

/// A replayed step.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// First operation with a bad result.
    pub first_bad_operation: Option<BadOperation>,
    /// Rows of the batch that are involved.
    pub samples: Vec<usize>,
    /// Maximum absolute value of the gradient and its parameter.
    pub largest_gradient: Option<(String, f64)>,
}

/// A replayed step with all its tensors.
struct Step<'a> {
    network: Network,
    batch: &'a Batch,
    tape: Tape,
    outputs: Vec<f32>,
    loss: f64,
    gradients: Buffer,
}

impl Replay {
    /// Replays `batch` as step `step`, counted from 0, from the weights of `session`, which is not changed. The nodes run one
    /// by one, without fusion.
    pub(super) fn run(session: &Session, batch: &Batch, step: u64) -> Self {
        let step = Step::run(session, batch, step);
        let found = step.in_input().or_else(|| step.in_forward()).or_else(|| step.in_loss());
        let (first_bad_operation, samples) = match found.or_else(|| step.in_backward()) {
            Some((operation, samples)) => (Some(operation), samples),
            None => (None, Vec::new()),
        };
        Replay { first_bad_operation, samples, largest_gradient: step.largest_gradient() }
    }
}

impl<'a> Step<'a> {
    fn run(session: &Session, batch: &'a Batch, step: u64) -> Self {
        let (mut network, mut executor) = session.unfused();
        let mut tape = Tape::of_all(executor.program());
        let input = keel_nn::BatchInput { input: &batch.inputs, random: session.step_key(step) };
        let outputs = executor.forward(&mut network, input, &mut tape).to_vec();
        let mut objective = session.objective().clone();
        let value = objective.targets(batch).map_or_else(LossValue::default, |targets| executor.loss(targets));
        let loss = if value.non_finite { f64::NAN } else { value.mean() };
        let mut gradients = Buffer::zeroed(network.parameters.len());
        executor.backward(&network, input, &mut gradients, &mut tape);
        Step { network, batch, tape, outputs, loss, gradients }
    }

    fn in_input(&self) -> Option<(BadOperation, Vec<usize>)> {
        let range = TensorRange::of(&self.batch.inputs);
        let result = Operand { name: "input of the network".to_owned(), range };
        let operation = BadOperation { phase: Phase::Input, layer: None, result, operands: Vec::new() };
        (!range.is_finite()).then(|| (operation, self.bad_rows(&self.batch.inputs, &self.batch.inputs)))
    }

    fn in_forward(&self) -> Option<(BadOperation, Vec<usize>)> {
        let nodes = self.network.graph.nodes();
        let node = nodes.iter().find(|node| !TensorRange::of(self.tape.output(node.id)).is_finite())?;
        let output = self.tape.output(node.id);
        let mut operands: Vec<Operand> = node.inputs.iter().map(|&value| self.operand(value)).collect();
        operands.extend(self.parameters_of(node.id));
        let result = Operand { name: format!("output of {}", node.name), range: TensorRange::of(output) };
        let operation = BadOperation { phase: Phase::Forward, layer: Some(node.name.clone()), result, operands };
        let given = node.inputs.first().map_or(&[][..], |&value| self.values(value));
        Some((operation, self.bad_rows(output, given)))
    }

    fn in_loss(&self) -> Option<(BadOperation, Vec<usize>)> {
        if self.loss.is_finite() {
            return None;
        }
        let name = "loss".to_owned();
        let infinite = u64::from(self.loss.is_infinite());
        let range = TensorRange { count: 1, nan: 1 - infinite, infinite, ..TensorRange::default() };
        let operands =
            vec![Operand { name: "outputs of the network".to_owned(), range: TensorRange::of(&self.outputs) }];
        let operation = BadOperation { phase: Phase::Loss, layer: None, result: Operand { name, range }, operands };
        Some((operation, self.largest_rows(&self.outputs)))
    }

    fn in_backward(&self) -> Option<(BadOperation, Vec<usize>)> {
        let nodes = self.network.graph.nodes();
        for node in nodes.iter().rev() {
            let arriving = self.tape.gradient(node.id);
            let range = TensorRange::of(arriving);
            let result = |name: String, range| BadOperation {
                phase: Phase::Backward,
                layer: Some(node.name.clone()),
                result: Operand { name, range },
                operands: self.backward_operands(node),
            };
            if !range.is_finite() {
                let name = format!("gradient with respect to the output of {}", node.name);
                return Some((result(name, range), self.bad_rows(arriving, arriving)));
            }
            for parameter in self.network.graph.parameters_of(node.id) {
                let range = TensorRange::of(&self.gradients[parameter.range.clone()]);
                if !range.is_finite() {
                    let name = format!("gradient of {}", parameter.name);
                    return Some((result(name, range), self.largest_rows(arriving)));
                }
            }
        }
        None
    }

    /// Returns the output and the parameters of the layer, and the gradients with respect to the outputs of its consumers.
    fn backward_operands(&self, node: &Node) -> Vec<Operand> {
        let mut operands = vec![self.operand(Value::Node(node.id))];
        for reader in self.network.graph.readers(node.id) {
            let arriving = self.tape.gradient(reader.id);
            if !arriving.is_empty() {
                let name = format!("gradient with respect to the output of {}", reader.name);
                operands.push(Operand { name, range: TensorRange::of(arriving) });
            }
        }
        operands.extend(self.parameters_of(node.id));
        operands
    }

    fn operand(&self, value: Value) -> Operand {
        let name = match value {
            Value::Input => "input of the network".to_owned(),
            Value::Node(node) => format!("output of {}", self.network.graph.node(node).name),
        };
        Operand { name, range: TensorRange::of(self.values(value)) }
    }

    /// Returns the values of a node; for a view, those that it shows.
    fn values(&self, value: Value) -> &[f32] {
        match self.network.graph.storage(value) {
            Value::Input => &self.batch.inputs,
            Value::Node(node) => self.tape.output(node),
        }
    }

    fn parameters_of(&self, node: NodeId) -> Vec<Operand> {
        let parameters = self.network.graph.parameters_of(node);
        let operand = |parameter: &keel_nn::graph::Parameter| Operand {
            name: parameter.name.clone(),
            range: TensorRange::of(&self.network.parameters[parameter.range.clone()]),
        };
        parameters.map(operand).collect()
    }

    /// Returns the rows of the batch with a bad value in `result`; if all are bad, which means that one of them affected the
    /// others or that the weights are the cause, those with the largest values in `given`.
    fn bad_rows(&self, result: &[f32], given: &[f32]) -> Vec<usize> {
        let samples = self.batch.samples();
        let length = (result.len() / samples).max(1);
        let rows = result.chunks(length).enumerate();
        let bad: Vec<usize> =
            rows.filter(|(_, row)| row.iter().any(|value| !value.is_finite())).map(|(row, _)| row).collect();
        if bad.len() < samples { bad } else { self.largest_rows(given) }
    }

    fn largest_rows(&self, values: &[f32]) -> Vec<usize> {
        let samples = self.batch.samples();
        let length = (values.len() / samples).max(1);
        let size = |row: &[f32]| row.iter().fold(0.0f32, |size, value| size.max(value.abs()));
        let mut rows: Vec<(usize, f32)> = values.chunks(length).map(size).enumerate().collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        rows.iter().take(LARGEST_SAMPLES).map(|row| row.0).collect()
    }

    fn largest_gradient(&self) -> Option<(String, f64)> {
        let parameters = self.network.graph.parameters().iter();
        let largest = parameters.map(|parameter| {
            let range = TensorRange::of(&self.gradients[parameter.range.clone()]);
            (parameter.name.clone(), f64::from(range.max.abs().max(range.min.abs())))
        });
        largest.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl BadOperation {
    /// Describes the operation and its operands in a sentence.
    pub fn describe(&self) -> String {
        let operands: Vec<String> =
            self.operands.iter().map(|operand| format!("{} ({})", operand.name, operand.range.describe())).collect();
        let given = if operands.is_empty() { String::new() } else { format!(", given {}", operands.join(" and ")) };
        format!("the first bad value is in the {} ({}){given}", self.result.name, self.result.range.describe())
    }
}
