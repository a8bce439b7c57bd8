//! Runs a plan: every layer's forward function in order, then every backward function in reverse.

use keel_kernels::Buffer;

use crate::graph::{Graph, Value};
use crate::layer::{Backward, Forward, Mode};
use crate::network::Network;
use crate::plan::{GradInput, Plan, Slot};
use crate::probe::Probe;
use crate::random::RandomKey;

/// Sees the values of a step as they are computed, for measurements; the unit type sees nothing.
pub trait Observer {
    /// Where node `node` may note statistics by itself (see [`crate::probe`]); asked before its forward and its backward.
    fn probe(&mut self, node: usize) -> Option<&mut Probe> {
        let _ = node;
        None
    }
    /// Node `node` has computed its output, `[batch, ...]`.
    fn output(&mut self, node: usize, output: &[f32]);
    /// The gradient by the output of node `node` is complete, `[batch, ...]`. Nodes before everything that learns have
    /// none.
    fn gradient(&mut self, node: usize, grad_output: &[f32]);
}

impl Observer for () {
    fn output(&mut self, _node: usize, _output: &[f32]) {}
    fn gradient(&mut self, _node: usize, _grad_output: &[f32]) {}
}

/// One batch to run.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[batch, ...]` of the graph's input shape.
    pub input: &'a [f32],
    /// Key of this step's random numbers.
    pub random: RandomKey,
}

/// A plan with its memory.
#[derive(Debug)]
pub struct Executor {
    plan: Plan,
    arena: Buffer,
    batch: usize,
    /// The network's state during [`Executor::evaluate`], which shares the network itself.
    state: Vec<f32>,
}

/// A network as a forward pass uses it.
struct Borrowed<'a> {
    graph: &'a Graph,
    parameters: &'a [f32],
    state: &'a mut [f32],
}

impl Executor {
    /// Allocates the arena; running allocates nothing.
    pub fn new(plan: Plan) -> Self {
        let arena = Buffer::zeroed(plan.arena_length());
        Executor { plan, arena, batch: 0, state: Vec::new() }
    }

    /// The layout.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs all layers forward and returns the outputs `[batch, outputs]`.
    ///
    /// # Panics
    /// If the batch is empty, larger than planned, or no whole number of samples.
    pub fn forward<'a>(
        &'a mut self,
        network: &mut Network,
        batch: Batch<'a>,
        observer: &mut impl Observer,
    ) -> &'a [f32] {
        let Network { graph, parameters, state } = network;
        self.run(Borrowed { graph, parameters, state }, batch, observer);
        self.output(graph, batch.input)
    }

    /// Runs all layers forward in evaluation mode and returns the outputs `[batch, outputs]`. The network is only read:
    /// several executors may evaluate one network at the same time.
    ///
    /// # Panics
    /// If the plan is for training, or as [`Executor::forward`].
    pub fn evaluate<'a>(&'a mut self, network: &Network, batch: Batch<'a>) -> &'a [f32] {
        assert_eq!(self.plan.mode(), Mode::Evaluate, "a training pass changes the network");
        let Network { graph, parameters, state } = network;
        let mut own = std::mem::take(&mut self.state);
        own.clear();
        own.extend_from_slice(state);
        self.run(Borrowed { graph, parameters, state: &mut own }, batch, &mut ());
        self.state = own;
        self.output(graph, batch.input)
    }

    fn run(&mut self, network: Borrowed<'_>, batch: Batch<'_>, observer: &mut impl Observer) {
        let Borrowed { graph, parameters, state } = network;
        let sample = graph.input_shape().len();
        self.batch = batch.input.len() / sample;
        let count = self.batch;
        assert!(count * sample == batch.input.len() && (1..=self.plan.batch()).contains(&count), "{count} samples");
        for (index, node) in graph.nodes().iter().enumerate() {
            if node.layer.is_view() {
                continue;
            }
            let plan = &self.plan.nodes[index];
            let [first, second] = input_slots(graph, &self.plan, index, count);
            let length = node.layer.output_shape().len() * count;
            let slots = [
                first.slot(),
                second.slot(),
                shortened(&plan.output, length),
                plan.saved.clone(),
                plan.forward_scratch.clone(),
            ];
            let [first_slice, second_slice, output, saved, scratch] = disjoint(&mut self.arena, slots);
            node.layer.forward(Forward {
                batch: count,
                mode: self.plan.mode(),
                inputs: resolve([first, second], batch.input, [first_slice, second_slice]),
                output,
                parameters: &parameters[node.parameters.clone()],
                state: &mut state[node.state.clone()],
                saved,
                scratch,
                random: batch.random.child(node.random_word),
                probe: observer.probe(index),
            });
            observer.output(index, output);
        }
    }

    fn output<'a>(&'a self, graph: &Graph, input: &'a [f32]) -> &'a [f32] {
        match graph.storage(graph.output()) {
            Value::Input => input,
            Value::Node(node) => {
                let length = graph.output_shape().len() * self.batch;
                &self.arena[shortened(&self.plan.nodes[node].output, length)]
            }
        }
    }

    /// The outputs of the last forward run and the place for the gradient by them.
    ///
    /// # Panics
    /// If the plan is for evaluation, or the network has no layer.
    pub fn outputs_and_gradient(&mut self, graph: &Graph) -> (&[f32], &mut [f32]) {
        let Value::Node(node) = graph.storage(graph.output()) else { panic!("a network without layers cannot train") };
        assert_eq!(self.plan.mode(), Mode::Train, "only a training plan has gradients");
        let length = graph.output_shape().len() * self.batch;
        let plan = &self.plan.nodes[node];
        let slots = [shortened(&plan.output, length), shortened(&plan.grad_output, length)];
        let [output, gradient] = disjoint(&mut self.arena, slots);
        (output, gradient)
    }

    /// Runs all layers backward, from the gradient written through [`Executor::outputs_and_gradient`]; `gradients` is
    /// laid out as the network's parameters and overwritten, with zeros where a parameter is frozen.
    pub fn backward(
        &mut self,
        network: &Network,
        batch: Batch<'_>,
        gradients: &mut [f32],
        observer: &mut impl Observer,
    ) {
        let (graph, count) = (&network.graph, self.batch);
        assert_eq!(gradients.len(), graph.parameter_length(), "gradients");
        for (index, node) in graph.nodes().iter().enumerate().rev() {
            if node.layer.is_view() {
                continue;
            }
            let plan = &self.plan.nodes[index];
            if !plan.learns {
                continue;
            }
            let memory = plan.memory;
            let inputs = match memory.backward_reads_input {
                true => {
                    let [first, _] = input_slots(graph, &self.plan, index, count);
                    [first, Source::None]
                }
                false => [Source::None, Source::None],
            };
            let length = node.layer.output_shape().len() * count;
            let output = if memory.backward_reads_output { shortened(&plan.output, length) } else { 0..0 };
            let target = |input: usize| match &plan.grad_inputs[input] {
                GradInput::Unused => 0..0,
                GradInput::Write(slot) | GradInput::Add { from: slot, .. } | GradInput::Accumulate(slot) => {
                    shortened(slot, graph.shape(node.inputs[input]).len() * count)
                }
            };
            let slots = [
                inputs[0].slot(),
                inputs[1].slot(),
                output,
                shortened(&plan.grad_output, length),
                target(0),
                target(1),
                plan.saved.clone(),
                plan.backward_scratch.clone(),
            ];
            let [first, second, output, grad_output, grad_first, grad_second, saved, scratch] =
                disjoint(&mut self.arena, slots);
            observer.gradient(index, grad_output);
            node.layer.backward(Backward {
                batch: count,
                inputs: resolve(inputs, batch.input, [first, second]),
                output,
                grad_output,
                grad_inputs: [grad_first, grad_second],
                accumulate: matches!(plan.grad_inputs[0], GradInput::Accumulate(_)),
                parameters: &network.parameters[node.parameters.clone()],
                grad_parameters: &mut gradients[node.parameters.clone()],
                state: &network.state[node.state.clone()],
                saved,
                scratch,
                random: batch.random.child(node.random_word),
                probe: observer.probe(index),
            });
            for (input, target) in plan.grad_inputs.iter().enumerate() {
                if let GradInput::Add { from, to } = target
                    && let Some(value) = node.inputs.get(input)
                {
                    let length = graph.shape(*value).len() * count;
                    let [to, from] = disjoint(&mut self.arena, [shortened(to, length), shortened(from, length)]);
                    keel_kernels::elementwise::add_assign(to, from);
                }
            }
        }
        for parameter in graph.parameters().iter().filter(|parameter| parameter.frozen) {
            gradients[parameter.range.clone()].fill(0.0);
        }
    }
}

/// Where an input comes from.
#[derive(Clone)]
enum Source {
    None,
    Network,
    Arena(Slot),
    /// The same value as the first input.
    First,
}

impl Source {
    fn slot(&self) -> Slot {
        match self {
            Source::Arena(slot) => slot.clone(),
            _ => 0..0,
        }
    }
}

fn input_slots(graph: &Graph, plan: &Plan, node: usize, count: usize) -> [Source; 2] {
    let inputs = &graph.nodes()[node].inputs;
    let source = |value: Value| match graph.storage(value) {
        Value::Input => Source::Network,
        Value::Node(from) => Source::Arena(shortened(&plan.nodes[from].output, graph.shape(value).len() * count)),
    };
    let first = inputs.first().map_or(Source::None, |&value| source(value));
    let second = match inputs.get(1) {
        None => Source::None,
        Some(&value) if graph.storage(value) == graph.storage(inputs[0]) => Source::First,
        Some(&value) => source(value),
    };
    [first, second]
}

fn resolve<'a>(sources: [Source; 2], input: &'a [f32], slices: [&'a mut [f32]; 2]) -> [&'a [f32]; 2] {
    let [first_slice, second_slice] = slices;
    let pick = |source: &Source, slice: &'a mut [f32]| -> &'a [f32] {
        match source {
            Source::Network => input,
            _ => slice,
        }
    };
    let first = pick(&sources[0], first_slice);
    let second = if matches!(sources[1], Source::First) { first } else { pick(&sources[1], second_slice) };
    [first, second]
}

/// The part of a slot a smaller batch uses.
fn shortened(slot: &Slot, length: usize) -> Slot {
    slot.start..slot.start + length
}

fn disjoint<const N: usize>(arena: &mut [f32], slots: [Slot; N]) -> [&mut [f32]; N] {
    let slots = slots.map(|slot| if slot.is_empty() { 0..0 } else { slot });
    arena.get_disjoint_mut(slots).expect("the plan gives buffers used together disjoint memory")
}
