//! The loss of a batch by the definitions in f64, as a function of the parameters.

use std::sync::Arc;

use keel_nn::graph::{LossNode, Op};
use keel_nn::losses::{LossSpec, WeightedTargets};
use keel_nn::reference::losses::branches;
use keel_nn::reference::{Numbers, Pass, Reference, ReferenceProgram};
use keel_nn::{BatchInput, Graph, Mode, Network, NodeId, RandomKey, Value, lower};

use super::direction::Direction;
use super::finite_difference::{Line, Sample, Slope};

/// Moves by a few units in the last place that measure the rounding noise of the loss.
const NOISE_SAMPLES: u64 = 3;

/// Units in the last place by which rounding may move a loss in f64; steps are so large that a hundred times more would not
/// matter.
const F64_NOISE: f64 = 16.0;

/// Parameters smaller than this are moved as if they had this size.
const SMALLEST_SCALE: f64 = 0.03;

/// A training pass over one batch, with its random numbers, at one point and around it.
#[derive(Debug)]
pub(super) struct ReferenceLoss<'a> {
    program: ReferenceProgram,
    targets: WeightedTargets<'a>,
    /// Numbers and pass that are moved.
    numbers: Numbers,
    pass: Pass,
    centre: Centre,
}

/// The point whose slopes are measured.
#[derive(Debug, Default)]
struct Centre {
    parameters: Vec<f64>,
    /// Output of each node.
    values: Vec<Vec<f64>>,
    /// Branches of each node.
    branches: Vec<Vec<u32>>,
    /// Branches of the loss.
    loss_branches: Vec<u32>,
    loss: f64,
    noise: f64,
}

impl<'a> ReferenceLoss<'a> {
    /// The loss of `network`, whose graph ends in one, on `batch` and its `targets`.
    pub(super) fn new(network: &Network, batch: BatchInput<'_>, targets: WeightedTargets<'a>) -> Self {
        ReferenceLoss {
            program: lower(&network.graph, &Reference),
            targets,
            numbers: Numbers::of(network),
            pass: Pass::new(Mode::Train, batch.input, batch.random),
            centre: Centre::default(),
        }
    }

    /// The graph it computes.
    pub(super) fn graph(&self) -> &Arc<Graph> {
        self.program.graph()
    }

    /// Makes `parameters` the centre and returns the loss there.
    pub(super) fn go_to(&mut self, parameters: &[f32]) -> f64 {
        let parameters: Vec<f64> = parameters.iter().map(|&value| f64::from(value)).collect();
        let noise = self.measure_noise(&parameters);
        let loss = self.loss_at(&parameters);
        let first = NodeId::new(0);
        self.centre = Centre {
            branches: self.program.branches_from(first, &self.numbers, &self.pass),
            loss_branches: self.loss_branches(),
            values: self.pass.values.clone(),
            parameters,
            loss,
            noise,
        };
        loss
    }

    /// The slope of the loss along `direction`, `expected` by the gradient under test; `None` where kinks lie too close.
    pub(super) fn slope(&mut self, direction: &Direction, expected: f64) -> Option<Slope> {
        let (here, noise, step) = (self.centre.loss, self.centre.noise, self.largest_step(direction));
        let mut sample = |step| self.sample(direction, step);
        Line { sample: &mut sample, here, noise, step }.slope(expected)
    }

    /// The loss `step` along the direction; leaves numbers and pass at the centre.
    fn sample(&mut self, direction: &Direction, step: f64) -> Sample {
        let range = direction.start..direction.start + direction.values.len();
        for (number, value) in self.numbers.parameters[range.clone()].iter_mut().zip(&direction.values) {
            *number += step * f64::from(*value);
        }
        let state = self.numbers.state.clone();
        self.program.forward_from(direction.node, &mut self.numbers, &mut self.pass);
        let first = direction.node.index();
        let branches = self.program.branches_from(direction.node, &self.numbers, &self.pass);
        let same_branches =
            branches == self.centre.branches[first..] && self.loss_branches() == self.centre.loss_branches;
        let sample = Sample { loss: self.loss(), same_branches };
        self.numbers.state = state;
        self.numbers.parameters[range.clone()].copy_from_slice(&self.centre.parameters[range]);
        self.pass.values[first..].clone_from_slice(&self.centre.values[first..]);
        sample
    }

    /// The step at which truncation and rounding of a central difference are about the same, for parameters of the size of
    /// those that move.
    fn largest_step(&self, direction: &Direction) -> f64 {
        let centre = &self.centre.parameters[direction.start..][..direction.values.len()];
        let mean_square = centre.iter().map(|value| value.powi(2)).sum::<f64>() / centre.len() as f64;
        let spread: f64 = direction.values.iter().map(|value| f64::from(value.abs())).sum();
        let energy: f64 = direction.values.iter().map(|value| f64::from(*value).powi(2)).sum();
        self.unit().cbrt() * mean_square.sqrt().max(SMALLEST_SCALE) * spread / energy
    }

    /// How far rounding moves the loss at `parameters`. With functions in f32, the largest second difference of the loss when
    /// every parameter moves by a few units in the last place and back: its smooth part vanishes, and what is left is rounding.
    fn measure_noise(&mut self, parameters: &[f64]) -> f64 {
        let here = self.loss_at(parameters);
        let mut noise = F64_NOISE * f64::EPSILON * here.abs();
        if !self.has_own_functions() {
            return noise;
        }
        for sample in 0..NOISE_SAMPLES {
            let key = RandomKey::new(0).named("rounding").child(sample);
            let units = |index: usize| (key.bits(index as u64) % 5) as f64 - 2.0;
            let [above, below] = [self.unit(), -self.unit()].map(|unit| {
                let moved = parameters.iter().enumerate().map(|(index, value)| value * (1.0 + units(index) * unit));
                self.loss_at(&moved.collect::<Vec<_>>())
            });
            let change = (above + below - 2.0 * here).abs();
            noise = if change <= noise { noise } else { change };
        }
        noise
    }

    /// Rounding of the arithmetic: that of f32 where the program brings functions of its own along.
    fn unit(&self) -> f64 {
        if self.has_own_functions() { f64::from(f32::EPSILON) } else { f64::EPSILON }
    }

    /// Layers or a loss of the program's own, which compute in f32.
    fn has_own_functions(&self) -> bool {
        let graph = self.program.graph();
        let is_custom = |loss: &LossNode| matches!(loss.loss.spec(), LossSpec::Custom(_));
        graph.nodes().iter().any(|node| matches!(node.op, Op::Custom(_))) || graph.loss().is_some_and(is_custom)
    }

    /// The loss at `parameters`; leaves the pass there, and the state as before it.
    fn loss_at(&mut self, parameters: &[f64]) -> f64 {
        let state = self.numbers.state.clone();
        self.numbers.parameters.copy_from_slice(parameters);
        self.program.forward(&mut self.numbers, &mut self.pass);
        self.numbers.state = state;
        self.loss()
    }

    /// The sum of the members' mean losses, whose gradient a step takes.
    fn loss(&self) -> f64 {
        let Some(node) = self.program.graph().loss() else { return f64::NAN };
        let mean = match self.program.loss(&self.pass, self.targets) {
            Some(loss) => loss.value,
            None => {
                let outputs: Vec<f32> = self.outputs().iter().map(|&output| output as f32).collect();
                node.loss.evaluate(&outputs, self.targets).mean()
            }
        };
        mean * node.members as f64
    }

    fn loss_branches(&self) -> Vec<u32> {
        let loss = self.program.graph().loss();
        loss.map_or_else(Vec::new, |node| branches(&node.loss, self.outputs(), self.targets))
    }

    /// Outputs of the network, `[batch, outputs]`.
    fn outputs(&self) -> &[f64] {
        match self.program.graph().output() {
            Value::Input => &self.pass.input,
            Value::Node(node) => &self.pass.values[node.index()],
        }
    }
}
