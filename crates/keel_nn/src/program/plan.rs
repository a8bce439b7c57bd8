//! Layout of all intermediate results: one allocation for a program, a batch size and a mode.
//!
//! Each buffer has a lifetime in steps: instruction `i` of `n` runs forward at time `i`, the loss at `n`, and instruction `i`
//! backward at `2n - i`. Buffers whose lifetimes do not overlap share memory; they are placed in descending order of size, each at
//! the lowest free offset.

use std::ops::Range;

use keel_kernels::buffer::ALIGNMENT_FLOATS;

use super::{Program, ValueSource};
use crate::layer::{Memory, MemoryRequest, Mode};

/// A range of the arena, for the maximum batch size.
pub type Slot = Range<usize>;

/// Layout of one arena.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    pub(crate) request: MemoryRequest,
    pub(crate) nodes: Vec<NodePlan>,
    buffers: Vec<Lifetime>,
    arena: usize,
}

/// Buffers of one instruction.
#[derive(Clone, Debug, Default)]
pub struct NodePlan {
    /// Slot of its output; a view has the slot of its input.
    pub output: Slot,
    /// Slot of the gradient with respect to its output.
    pub grad_output: Slot,
    /// Slot of the values kept from forward to backward.
    pub saved: Slot,
    /// Scratch buffer of forward.
    pub forward_scratch: Slot,
    /// Scratch buffer of backward.
    pub backward_scratch: Slot,
    /// Destination of the gradient with respect to each input.
    pub(crate) grad_inputs: [GradInput; 2],
    pub(crate) memory: Memory,
}

/// Destination of the gradient with respect to one input.
#[derive(Clone, Debug, Default)]
pub(crate) enum GradInput {
    /// The gradient is not needed.
    #[default]
    Unused,
    /// The first consumer in backward order writes it.
    Write(Slot),
    /// Later consumers write to `from`, which is then added to `to`,
    Add { from: Slot, to: Slot },
    /// or add to it directly.
    Accumulate(Slot),
}

/// Slot of a buffer, and the steps in which its contents are needed.
#[derive(Clone, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the steps are read by tests"))]
struct Lifetime {
    slot: Slot,
    first: usize,
    last: usize,
}

/// A buffer to be placed.
struct Request {
    length: usize,
    first: usize,
    last: usize,
}

impl MemoryPlan {
    /// Plans the memory of a program.
    pub fn new(program: &Program, request: MemoryRequest) -> MemoryPlan {
        Layout { program, request, requests: Vec::new() }.plan()
    }

    /// Returns the maximum batch size.
    pub fn batch(&self) -> usize {
        self.request.batch
    }

    /// Returns the mode.
    pub fn mode(&self) -> Mode {
        self.request.mode
    }

    /// Returns the buffers of each instruction.
    pub fn nodes(&self) -> &[NodePlan] {
        &self.nodes
    }

    /// Returns the number of floats of the arena.
    pub fn arena_length(&self) -> usize {
        self.arena
    }

    /// Fills all parts of `arena` that are unused at step `time` with NaN.
    #[cfg(test)]
    pub(crate) fn poison(&self, arena: &mut [f32], time: usize) {
        let mut alive = vec![false; arena.len()];
        for buffer in self.buffers.iter().filter(|buffer| (buffer.first..=buffer.last).contains(&time)) {
            alive[buffer.slot.clone()].fill(true);
        }
        arena.iter_mut().zip(alive).filter(|(_, alive)| !alive).for_each(|(value, _)| *value = f32::NAN);
    }

    /// Returns the buffers that overlap during their lifetimes, as pairs of indices.
    #[cfg(test)]
    pub(crate) fn overlapping(&self) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for (i, a) in self.buffers.iter().enumerate() {
            for (j, b) in self.buffers.iter().enumerate().skip(i + 1) {
                let together = a.first <= b.last && b.first <= a.last;
                if together && a.slot.start < b.slot.end && b.slot.start < a.slot.end {
                    pairs.push((i, j));
                }
            }
        }
        pairs
    }

    /// Returns the number of floats that all buffers would take without sharing memory.
    pub fn unshared_length(&self) -> usize {
        self.buffers.iter().map(|buffer| buffer.slot.len()).sum()
    }
}

struct Layout<'a> {
    program: &'a Program,
    request: MemoryRequest,
    requests: Vec<Request>,
}

impl Layout<'_> {
    fn plan(mut self) -> MemoryPlan {
        let (program, count) = (self.program, self.program.instructions().len());
        let trains = self.request.mode == Mode::Train;
        let memory = |instruction: &super::Instruction| instruction.kernel.layer().memory(self.request, program.simd());
        let memories: Vec<Memory> = program.instructions().iter().map(memory).collect();
        let learning = program.learning(0);
        let backward = |node: usize| 2 * count - node;

        let mut output_requests = vec![None; count];
        let mut gradient_requests = vec![None; count];
        for node in 0..count {
            if program.storage(ValueSource::Instruction(node)) != ValueSource::Instruction(node) {
                continue;
            }
            let readers = self.readers(node);
            let mut last = readers.iter().copied().max().unwrap_or(node);
            let is_output = program.storage(program.output()) == ValueSource::Instruction(node);
            if is_output {
                last = count;
            }
            if trains {
                let again = |reader: usize| {
                    let first = program.instructions()[reader].inputs[0];
                    learning[reader]
                        && memories[reader].backward_reads_input
                        && program.storage(first) == ValueSource::Instruction(node)
                };
                let read_again = readers.iter().copied().filter(|&reader| again(reader));
                last = read_again.map(backward).max().unwrap_or(0).max(last);
                if learning[node] && memories[node].backward_reads_output {
                    last = backward(node);
                }
                let first = readers.iter().copied().max().map_or(count, backward);
                if learning[node] || is_output {
                    gradient_requests[node] =
                        Some(self.buffer(self.samples(node), first.min(backward(node)), backward(node)));
                }
            }
            output_requests[node] = Some(self.buffer(self.samples(node), node, last));
        }

        let mut nodes = Vec::new();
        for (node, memory) in memories.iter().enumerate() {
            let view = program.instructions()[node].kernel.layer().is_view();
            let kept = if trains { backward(node) } else { node };
            let saved = self.buffer(if view { 0 } else { memory.saved }, node, kept);
            let forward_scratch = self.buffer(memory.forward_scratch, node, node);
            let backward_length = if trains { memory.backward_scratch } else { 0 };
            let backward_scratch = self.buffer(backward_length, backward(node), backward(node));
            nodes.push((saved, forward_scratch, backward_scratch));
        }
        let temporaries = match trains {
            true => self.gradient_targets(&memories, &learning, &mut gradient_requests),
            false => vec![Default::default(); count],
        };
        let (slots, arena) = place(&self.requests);
        let slot = |index: Option<usize>| index.map_or(0..0, |index| slots[index].clone());

        let resolve = |source: ValueSource, requests: &[Option<usize>]| match program.storage(source) {
            ValueSource::Input => 0..0,
            ValueSource::Instruction(node) => slot(requests[node]),
        };
        let plans = nodes.iter().enumerate().map(|(node, &(saved, forward_scratch, backward_scratch))| {
            let mut grad_inputs = [GradInput::Unused, GradInput::Unused];
            for (index, &input) in program.instructions()[node].inputs.iter().enumerate() {
                let to = resolve(input, &gradient_requests);
                grad_inputs[index] = match temporaries[node][index] {
                    Target::None | Target::InPlace => GradInput::Unused,
                    Target::Direct => GradInput::Write(to),
                    Target::Accumulate => GradInput::Accumulate(to),
                    Target::Temporary(temporary) => GradInput::Add { from: slots[temporary].clone(), to },
                };
            }
            NodePlan {
                output: resolve(ValueSource::Instruction(node), &output_requests),
                grad_output: resolve(ValueSource::Instruction(node), &gradient_requests),
                saved: slots[saved].clone(),
                forward_scratch: slots[forward_scratch].clone(),
                backward_scratch: slots[backward_scratch].clone(),
                grad_inputs,
                memory: memories[node],
            }
        });
        let nodes = plans.collect();
        let lifetime = |(slot, request): (&Slot, &Request)| Lifetime {
            slot: slot.clone(),
            first: request.first,
            last: request.last,
        };
        let buffers = slots.iter().zip(&self.requests).map(lifetime).collect();
        MemoryPlan { request: self.request, nodes, buffers, arena }
    }

    fn samples(&self, node: usize) -> usize {
        self.request.batch * self.program.instructions()[node].kernel.layer().output_shape().len()
    }

    /// Returns the nodes, except views, that read the memory of `node`'s output.
    fn readers(&self, node: usize) -> Vec<usize> {
        let reads = |input: &ValueSource| self.program.storage(*input) == ValueSource::Instruction(node);
        let nodes = self.program.instructions().iter().enumerate();
        nodes
            .filter(|(_, other)| !other.kernel.layer().is_view() && other.inputs.iter().any(reads))
            .map(|(index, _)| index)
            .collect()
    }

    fn buffer(&mut self, length: usize, first: usize, last: usize) -> usize {
        self.requests.push(Request { length: length.next_multiple_of(ALIGNMENT_FLOATS), first, last });
        self.requests.len() - 1
    }

    /// Chooses the destinations of gradients: in backward order, the first node to reach a value writes its gradient; the others
    /// add to it directly or through a temporary buffer. A node that passes its gradient on unchanged shares the buffer with its
    /// second input.
    fn gradient_targets(
        &mut self,
        memories: &[Memory],
        learning: &[bool],
        gradients: &mut [Option<usize>],
    ) -> Vec<[Target; 2]> {
        let program = self.program;
        let count = program.instructions().len();
        let mut written = vec![false; count];
        let mut targets = vec![[Target::None, Target::None]; count];
        for node in (0..count).rev() {
            if program.instructions()[node].kernel.layer().is_view() {
                continue;
            }
            for (index, &input) in program.instructions()[node].inputs.iter().enumerate() {
                let ValueSource::Instruction(source) = program.storage(input) else { continue };
                if !learning[source] {
                    continue;
                }
                let first = !std::mem::replace(&mut written[source], true);
                targets[node][index] = match (first, index) {
                    (true, 1) if memories[node].passes_gradient => {
                        self.share(gradients, node, source);
                        Target::InPlace
                    }
                    (true, _) => Target::Direct,
                    (false, 0) if memories[node].accumulates => Target::Accumulate,
                    (false, _) => {
                        let time = 2 * count - node;
                        Target::Temporary(self.buffer(self.samples(source), time, time))
                    }
                };
            }
        }
        targets
    }

    /// Gives the gradient of `source` the buffer of the gradient of `node`, for both lifetimes.
    fn share(&mut self, gradients: &mut [Option<usize>], node: usize, source: usize) {
        if let (Some(kept), Some(given_up)) = (gradients[node], gradients[source]) {
            self.requests[given_up].length = 0;
            self.requests[kept].last = self.requests[kept].last.max(self.requests[given_up].last);
            gradients[source] = Some(kept);
        }
    }
}

#[derive(Clone, Copy, Default)]
enum Target {
    #[default]
    None,
    Direct,
    /// The gradient with respect to the output becomes the gradient with respect to the input.
    InPlace,
    Accumulate,
    Temporary(usize),
}

/// Returns the offsets of all requests and the total number of floats.
fn place(requests: &[Request]) -> (Vec<Slot>, usize) {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(requests[index].length), index));
    let mut slots = vec![0..0; requests.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut arena = 0;
    for index in order {
        let request = &requests[index];
        if request.length == 0 {
            continue;
        }
        let meets = |other: &&usize| requests[**other].first <= request.last && request.first <= requests[**other].last;
        let mut busy: Vec<Slot> = placed.iter().filter(meets).map(|&other| slots[other].clone()).collect();
        busy.sort_by_key(|slot| slot.start);
        let mut offset = 0;
        for slot in busy {
            if offset + request.length <= slot.start {
                break;
            }
            offset = offset.max(slot.end);
        }
        slots[index] = offset..offset + request.length;
        arena = arena.max(offset + request.length);
        placed.push(index);
    }
    (slots, arena)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_alive_together_never_overlap_and_others_share() {
        let request = |length, first, last| Request { length, first, last };
        let requests = [request(16, 0, 3), request(32, 1, 2), request(16, 4, 5), request(48, 2, 4), request(0, 0, 9)];
        let (slots, arena) = place(&requests);
        for (i, a) in requests.iter().enumerate() {
            for (j, b) in requests.iter().enumerate().skip(i + 1) {
                let together = a.first <= b.last && b.first <= a.last;
                let overlap = slots[i].start < slots[j].end && slots[j].start < slots[i].end;
                assert!(!(together && overlap), "{i} {:?} and {j} {:?}", slots[i], slots[j]);
            }
        }
        assert_eq!(arena, 96, "the two 16-float buffers share");
    }
}
