//! Runs a program: every kernel's forward function in order, then every backward function in reverse.

use std::ops::Range;
use std::sync::Arc;

use keel_kernels::Buffer;

use super::plan::{GradInput, MemoryPlan, Slot};
use super::{Program, ValueSource};
use crate::graph::LossNode;
use crate::layer::{Backward, BatchPart, BatchShares, Division, Forward, MemoryRequest, Mode};
use crate::losses::{LossValue, WeightedTargets};
use crate::network::Network;
use crate::probe::Observer;
use crate::random::RandomKey;

/// One batch to run.
#[derive(Clone, Copy, Debug)]
pub struct BatchInput<'a> {
    /// Input, `[batch, ...]` of the graph's input shape.
    pub input: &'a [f32],
    /// Key of this step's random numbers.
    pub random: RandomKey,
}

/// A program with its memory.
#[derive(Debug)]
pub struct Executor {
    program: Arc<Program>,
    plan: MemoryPlan,
    arena: Buffer,
    batch: usize,
    /// Epoch of the backward passes, from 0: a parameter that is no longer trained gets no gradient.
    epoch: u64,
    /// For each instruction, true if it takes part in the backward passes of this epoch.
    learning: Vec<bool>,
    /// For each instruction, the ranges of parameters that are not trained in this epoch.
    untrained: Vec<Vec<Range<usize>>>,
    /// Connection to the replicas that hold the other parts of a divided batch.
    shares: Option<Box<dyn BatchShares>>,
    /// Part of a divided batch in the next passes; `None` for a whole batch.
    part: Option<BatchPart>,
    /// Network state during [`Executor::evaluate`], which borrows the network immutably.
    state: Vec<f32>,
    /// True in tests that fill unused memory with NaN.
    #[cfg(test)]
    poisons: bool,
}

/// Numbers of a network during a forward pass.
struct Numbers<'a> {
    parameters: &'a [f32],
    state: &'a mut [f32],
}

impl Executor {
    /// Plans and allocates the memory of `program`; running it allocates nothing.
    pub fn new(program: Arc<Program>, request: MemoryRequest) -> Self {
        let plan = MemoryPlan::new(&program, request);
        let arena = Buffer::zeroed(plan.arena_length());
        Executor {
            epoch: 0,
            learning: program.learning(0),
            untrained: program.untrained(0),
            shares: None,
            part: None,
            program,
            plan,
            arena,
            batch: 0,
            state: Vec::new(),
            #[cfg(test)]
            poisons: false,
        }
    }

    /// Returns the layout of the memory.
    pub fn plan(&self) -> &MemoryPlan {
        &self.plan
    }

    /// Returns the program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Sets the epoch of the backward passes that follow, counted from 0: a parameter that is no longer trained gets a zero
    /// gradient, and computations needed only for it are skipped.
    pub fn begin_epoch(&mut self, epoch: u64) {
        if epoch != self.epoch {
            self.epoch = epoch;
            self.learning = self.program.learning(epoch);
            self.untrained = self.program.untrained(epoch);
        }
    }

    /// Connects this network with the replicas that run the other parts of its batches.
    pub fn share_batches(&mut self, shares: Box<dyn BatchShares>) {
        self.shares = Some(shares);
    }

    /// Sets the part of a divided batch for the passes that follow; `None` for whole batches.
    pub fn begin_part(&mut self, part: Option<BatchPart>) {
        self.part = part;
    }

    /// Runs all kernels forward and returns the outputs `[batch, outputs]`.
    ///
    /// # Panics
    /// If the network does not belong to the program, or the batch is empty, larger than planned, or not a whole number of samples.
    pub fn forward<'a>(
        &'a mut self,
        network: &mut Network,
        batch: BatchInput<'a>,
        observer: &mut dyn Observer,
    ) -> &'a [f32] {
        let Network { parameters, state, .. } = network;
        self.run(Numbers { parameters, state }, batch, observer);
        self.output(batch.input)
    }

    /// Runs all kernels forward in evaluation mode and returns the outputs `[batch, outputs]`. The network is only read: several
    /// executors may evaluate the same network at the same time.
    ///
    /// # Panics
    /// If the plan is for training, or as described at [`Executor::forward`].
    pub fn evaluate<'a>(&'a mut self, network: &Network, batch: BatchInput<'a>) -> &'a [f32] {
        assert_eq!(self.plan.mode(), Mode::Evaluate, "a training pass changes the network");
        let mut own = std::mem::take(&mut self.state);
        own.clear();
        own.extend_from_slice(&network.state);
        self.run(Numbers { parameters: &network.parameters, state: &mut own }, batch, &mut ());
        self.state = own;
        self.output(batch.input)
    }

    fn run(&mut self, numbers: Numbers<'_>, batch: BatchInput<'_>, observer: &mut dyn Observer) {
        let Numbers { parameters, state } = numbers;
        #[cfg(test)]
        let poisons = self.poisons;
        let Executor { program, plan, arena, shares, part, .. } = self;
        let graph = program.graph();
        let sample = graph.input_shape().len();
        let count = batch.input.len() / sample;
        self.batch = count;
        assert_eq!(parameters.len(), graph.parameter_length(), "parameters");
        assert!(count * sample == batch.input.len() && (1..=plan.batch()).contains(&count), "{count} samples");
        if let Some(probe) = observer.input() {
            probe.measure(program.simd(), batch.input);
        }
        for (index, instruction) in program.instructions().iter().enumerate() {
            let kernel = instruction.kernel.layer();
            if kernel.is_view() {
                continue;
            }
            #[cfg(test)]
            if poisons {
                plan.poison(arena, index);
            }
            let memory = &plan.nodes[index];
            let [first, second] = input_slots(program, plan, index, count);
            let length = kernel.output_shape().len() * count;
            let slots = [
                first.slot(),
                second.slot(),
                shortened(&memory.output, length),
                memory.saved.clone(),
                memory.forward_scratch.clone(),
            ];
            let [first_slice, second_slice, output, saved, scratch] = disjoint(arena, slots);
            kernel.forward(Forward {
                batch: count,
                mode: plan.mode(),
                simd: program.simd(),
                inputs: resolve([first, second], batch.input, [first_slice, second_slice]),
                output,
                parameters: &parameters[instruction.parameters.clone()],
                state: &mut state[instruction.state.clone()],
                saved,
                scratch,
                random: batch.random.child(instruction.random_word(program.graph())),
                division: division(*part, shares),
                probe: observer.probe(index),
            });
            if let Some(probe) = observer.probe(index) {
                probe.measure_output(program.simd(), output, count);
            }
        }
    }

    fn output<'a>(&'a self, input: &'a [f32]) -> &'a [f32] {
        match self.program.storage(self.program.output()) {
            ValueSource::Input => input,
            ValueSource::Instruction(index) => {
                let length = self.program.graph().output_shape().len() * self.batch;
                &self.arena[shortened(&self.plan.nodes[index].output, length)]
            }
        }
    }

    /// Returns the loss of the last forward pass, by the graph's loss, and stores the gradient with respect to the outputs for
    /// [`Executor::backward`]. `targets` has one entry for each prediction of each sample.
    ///
    /// # Panics
    /// If the graph has no loss, `targets` does not fit the batch, or as described at [`Executor::outputs_and_gradient`].
    pub fn loss<'a>(&mut self, targets: impl Into<WeightedTargets<'a>>) -> LossValue {
        let program = Arc::clone(&self.program);
        let (outputs, gradient) = self.outputs_and_gradient();
        loss_of(&program).value_and_gradient(program.simd(), outputs, targets, gradient)
    }

    /// Returns the same as [`Executor::loss`], without a gradient.
    ///
    /// # Panics
    /// As described at [`Executor::loss`].
    pub fn loss_value<'a>(&mut self, targets: impl Into<WeightedTargets<'a>>) -> LossValue {
        let program = Arc::clone(&self.program);
        loss_of(&program).value(program.simd(), self.outputs_and_gradient().0, targets)
    }

    /// Returns the outputs of the last forward pass and the buffer for the gradient with respect to them, for a loss that is not
    /// part of the graph.
    ///
    /// # Panics
    /// If the plan is for evaluation, or the network has no layers.
    pub fn outputs_and_gradient(&mut self) -> (&[f32], &mut [f32]) {
        let ValueSource::Instruction(index) = self.program.storage(self.program.output()) else {
            panic!("a network without layers cannot train")
        };
        assert_eq!(self.plan.mode(), Mode::Train, "only a training plan has gradients");
        let length = self.program.graph().output_shape().len() * self.batch;
        let memory = &self.plan.nodes[index];
        let slots = [shortened(&memory.output, length), shortened(&memory.grad_output, length)];
        let [output, gradient] = disjoint(&mut self.arena, slots);
        (output, gradient)
    }

    /// Runs all kernels backward, from the gradient stored by [`Executor::loss`] or written through
    /// [`Executor::outputs_and_gradient`]; `gradients` is laid out like the network's parameters and overwritten, with zeros for
    /// parameters that are not trained in this epoch.
    pub fn backward(
        &mut self,
        network: &Network,
        batch: BatchInput<'_>,
        gradients: &mut [f32],
        observer: &mut dyn Observer,
    ) {
        #[cfg(test)]
        let poisons = self.poisons;
        let Executor { program, plan, arena, batch: count, learning, untrained, shares, part, .. } = self;
        let count = *count;
        assert_eq!(gradients.len(), program.graph().parameter_length(), "gradients");
        for (index, instruction) in program.instructions().iter().enumerate().rev() {
            let kernel = instruction.kernel.layer();
            let layout = &plan.nodes[index];
            if kernel.is_view() || !learning[index] {
                finish_gradient(gradients, &instruction.parameters, &untrained[index], division(*part, shares));
                continue;
            }
            #[cfg(test)]
            if poisons {
                plan.poison(arena, 2 * program.instructions().len() - index);
            }
            let memory = layout.memory;
            let inputs = match memory.backward_reads_input {
                true => {
                    let [first, _] = input_slots(program, plan, index, count);
                    [first, Place::None]
                }
                false => [Place::None, Place::None],
            };
            let length = kernel.output_shape().len() * count;
            let output = if memory.backward_reads_output { shortened(&layout.output, length) } else { 0..0 };
            let wanted = |input: usize| match instruction.inputs.get(input) {
                Some(&ValueSource::Instruction(from)) => learning[from],
                _ => false,
            };
            let target = |input: usize| match &layout.grad_inputs[input] {
                GradInput::Unused => 0..0,
                _ if !wanted(input) => 0..0,
                GradInput::Write(slot) | GradInput::Add { from: slot, .. } | GradInput::Accumulate(slot) => {
                    shortened(slot, program.shape(instruction.inputs[input]).len() * count)
                }
            };
            let slots = [
                inputs[0].slot(),
                inputs[1].slot(),
                output,
                shortened(&layout.grad_output, length),
                target(0),
                target(1),
                layout.saved.clone(),
                layout.backward_scratch.clone(),
            ];
            let [first, second, output, grad_output, grad_first, grad_second, saved, scratch] = disjoint(arena, slots);
            if let Some(probe) = observer.probe(index) {
                probe.measure_gradient(program.simd(), grad_output, count);
            }
            let grad_parameters = &mut gradients[instruction.parameters.clone()];
            kernel.backward(Backward {
                batch: count,
                simd: program.simd(),
                inputs: resolve(inputs, batch.input, [first, second]),
                output,
                grad_output,
                grad_inputs: [grad_first, grad_second],
                accumulate: wanted(0) && matches!(layout.grad_inputs[0], GradInput::Accumulate(_)),
                parameters: &network.parameters[instruction.parameters.clone()],
                grad_parameters,
                state: &network.state[instruction.state.clone()],
                saved,
                scratch,
                random: batch.random.child(instruction.random_word(program.graph())),
                division: division(*part, shares),
                probe: observer.probe(index),
            });
            if let Some(probe) = observer.probe(index) {
                probe.measure_parameter_gradient(program.simd(), &gradients[instruction.parameters.clone()]);
            }
            finish_gradient(gradients, &instruction.parameters, &untrained[index], division(*part, shares));
            for (input, (target, source)) in layout.grad_inputs.iter().zip(&instruction.inputs).enumerate() {
                if let (true, GradInput::Add { from, to }) = (wanted(input), target) {
                    let length = program.shape(*source).len() * count;
                    let [to, from] = disjoint(arena, [shortened(to, length), shortened(from, length)]);
                    keel_kernels::elementwise::add_assign(program.simd(), to, from);
                }
            }
        }
    }
}

/// Clears the gradients of an instruction's parameters that are not trained, and reports all of its gradients as ready.
fn finish_gradient(
    gradients: &mut [f32],
    own: &Range<usize>,
    untrained: &[Range<usize>],
    division: Option<Division<'_>>,
) {
    untrained.iter().for_each(|range| gradients[range.clone()].fill(0.0));
    if let Some(Division { shares, .. }) = division.filter(|_| !own.is_empty()) {
        shares.gradients_ready(gradients, own.clone());
    }
}

fn division(part: Option<BatchPart>, shares: &mut Option<Box<dyn BatchShares>>) -> Option<Division<'_>> {
    Some(Division { part: part?, shares: &mut **shares.as_mut()? })
}

fn loss_of(program: &Program) -> &LossNode {
    program.graph().loss().expect("a training graph ends in its loss, see `Graph::with_loss`")
}

/// Location of an input.
#[derive(Clone)]
enum Place {
    None,
    Network,
    Arena(Slot),
    /// Same value as the first input.
    First,
}

impl Place {
    fn slot(&self) -> Slot {
        match self {
            Place::Arena(slot) => slot.clone(),
            _ => 0..0,
        }
    }
}

fn input_slots(program: &Program, plan: &MemoryPlan, instruction: usize, count: usize) -> [Place; 2] {
    let inputs = &program.instructions()[instruction].inputs;
    let place = |source: ValueSource| match program.storage(source) {
        ValueSource::Input => Place::Network,
        ValueSource::Instruction(from) => {
            Place::Arena(shortened(&plan.nodes[from].output, program.shape(source).len() * count))
        }
    };
    let first = inputs.first().map_or(Place::None, |&source| place(source));
    let second = match inputs.get(1) {
        None => Place::None,
        Some(&source) if program.storage(source) == program.storage(inputs[0]) => Place::First,
        Some(&source) => place(source),
    };
    [first, second]
}

fn resolve<'a>(places: [Place; 2], input: &'a [f32], slices: [&'a mut [f32]; 2]) -> [&'a [f32]; 2] {
    let [first_slice, second_slice] = slices;
    let pick = |place: &Place, slice: &'a mut [f32]| -> &'a [f32] {
        match place {
            Place::Network => input,
            _ => slice,
        }
    };
    let first = pick(&places[0], first_slice);
    let second = if matches!(places[1], Place::First) { first } else { pick(&places[1], second_slice) };
    [first, second]
}

/// Returns the part of a slot that a smaller batch uses.
fn shortened(slot: &Slot, length: usize) -> Slot {
    slot.start..slot.start + length
}

fn disjoint<const N: usize>(arena: &mut [f32], slots: [Slot; N]) -> [&mut [f32]; N] {
    let slots = slots.map(|slot| if slot.is_empty() { 0..0 } else { slot });
    arena.get_disjoint_mut(slots).expect("the plan gives buffers used together disjoint memory")
}

#[cfg(test)]
mod tests;
