//! The loss of a batch by the definitions in f64, as a function of the parameters.

use std::sync::Arc;

use keel_nn::graph::{LossNode, Op};
use keel_nn::losses::{LossSpec, WeightedTargets};
use keel_nn::reference::losses::branches;
use keel_nn::reference::{Numbers, Pass, Reference, ReferenceProgram};
use keel_nn::{BatchInput, Graph, Mode, Network, NodeId, RandomKey, Value, lower};

use super::direction::Direction;
use super::finite_difference::{Line, Sample, Slope};

/// Number of perturbations by a few units in the last place that measure the rounding error of the loss.
const NOISE_SAMPLES: u64 = 3;

/// Rounding error of a loss in f64, in units in the last place; steps are so large that an error a hundred times larger would
/// not matter.
const F64_NOISE: f64 = 16.0;

/// Minimum size by which a step is scaled; smaller parameters are moved as if they had this size.
const SMALLEST_SCALE: f64 = 0.03;

/// A training pass over one batch, with its random numbers, at one point and in its neighbourhood.
#[derive(Debug)]
pub(super) struct ReferenceLoss<'a> {
    program: ReferenceProgram,
    targets: WeightedTargets<'a>,
    /// Numbers and pass that are changed.
    numbers: Numbers,
    pass: Pass,
    centre: Centre,
}

/// Point at which slopes are measured.
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
    /// Creates the loss of `network`, whose graph ends in a loss, on `batch` and its `targets`.
    pub(super) fn new(network: &Network, batch: BatchInput<'_>, targets: WeightedTargets<'a>) -> Self {
        ReferenceLoss {
            program: lower(&network.graph, &Reference),
            targets,
            numbers: Numbers::of(network),
            pass: Pass::new(Mode::Train, batch.input, batch.random),
            centre: Centre::default(),
        }
    }

    /// Returns the graph.
    pub(super) fn graph(&self) -> &Arc<Graph> {
        self.program.graph()
    }

    /// Moves the centre to `parameters` and returns the loss there.
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

    /// Returns the slope of the loss along `direction`, where the gradient under test predicts `expected`; `None` if kinks are
    /// too close.
    pub(super) fn slope(&mut self, direction: &Direction, expected: f64) -> Option<Slope> {
        let (here, noise, step) = (self.centre.loss, self.centre.noise, self.largest_step(direction));
        let mut sample = |step| self.sample(direction, step);
        Line { sample: &mut sample, here, noise, step }.slope(expected)
    }

    /// Returns the loss at distance `step` along the direction; leaves numbers and pass at the centre.
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

    /// Returns the step for which truncation and rounding of a central difference are about equal, for parameters of the size
    /// of those that move.
    fn largest_step(&self, direction: &Direction) -> f64 {
        let centre = &self.centre.parameters[direction.start..][..direction.values.len()];
        let mean_square = centre.iter().map(|value| value.powi(2)).sum::<f64>() / centre.len() as f64;
        let spread: f64 = direction.values.iter().map(|value| f64::from(value.abs())).sum();
        let energy: f64 = direction.values.iter().map(|value| f64::from(*value).powi(2)).sum();
        self.unit().cbrt() * mean_square.sqrt().max(SMALLEST_SCALE) * spread / energy
    }

    /// Returns the rounding error of the loss at `parameters`. With functions in f32, it is the maximum second difference of
    /// the loss when every parameter moves by a few units in the last place and back: the smooth part cancels and rounding
    /// remains.
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

    /// Returns the unit roundoff: that of f32 if the program has custom functions.
    fn unit(&self) -> f64 {
        if self.has_own_functions() { f64::from(f32::EPSILON) } else { f64::EPSILON }
    }

    /// Returns true if the program has custom layers or a custom loss, which compute in f32.
    fn has_own_functions(&self) -> bool {
        let graph = self.program.graph();
        let is_custom = |loss: &LossNode| matches!(loss.loss.spec(), LossSpec::Custom(_));
        graph.nodes().iter().any(|node| matches!(node.op, Op::Custom(_))) || graph.loss().is_some_and(is_custom)
    }

    /// Returns the loss at `parameters`; leaves the pass there, and the state as before it.
    fn loss_at(&mut self, parameters: &[f64]) -> f64 {
        let state = self.numbers.state.clone();
        self.numbers.parameters.copy_from_slice(parameters);
        self.program.forward(&mut self.numbers, &mut self.pass);
        self.numbers.state = state;
        self.loss()
    }

    /// Returns the sum of the members' mean losses, whose gradient a step uses.
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

    /// Returns the outputs of the network, `[batch, outputs]`.
    fn outputs(&self) -> &[f64] {
        match self.program.graph().output() {
            Value::Input => &self.pass.input,
            Value::Node(node) => &self.pass.values[node.index()],
        }
    }
}
