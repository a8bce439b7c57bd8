//! Statistics of the nodes of a program, requested node by node.

use keel_kernels::statistics::{GradientSignal, Limits, Signal, UnitCounts};

use crate::graph::{Graph, Node, NodeId};
use crate::init::ParameterRole;
use crate::probe::{InputProbe, LayerProbe, Measures, Observer, OutputRequest, Probe, SignProbe, mean_energy};
use crate::program::{Instruction, Program, ValueSource};

/// Statistics requested for one node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Statistics of the output.
    pub output: bool,
    /// Number of units whose activity is counted with the output; 0 for none.
    pub units: usize,
    /// Limits beyond which outputs count as saturated; `None` if the node does not saturate.
    pub limits: Option<Limits>,
    /// Statistics of the gradient with respect to the output.
    pub gradient: bool,
    /// Mean energy of the first input.
    pub input_energy: bool,
    /// Minimum agreement of the signs of a weight's gradient for a unit to count; `None` if signs are not measured.
    pub sign_limit: Option<f64>,
}

/// Measured statistics of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodeStatistics {
    /// Statistics of the output, `[batch, ...]`. Inside a fused kernel only those that the kernel measures.
    pub output: Option<Signal>,
    /// Statistics of the gradient with respect to the output, `[batch, ...]`.
    pub gradient: Option<GradientSignal>,
    /// Mean energy of the first input.
    pub input_energy: Option<f32>,
    /// Fraction of the units whose weight gradient has one sign.
    pub sign_agreement: Option<f64>,
}

/// Observer that measures the nodes of one program: call [`Statistics::begin`] before a step, [`Statistics::finish`] after it.
/// Nothing is measured twice: the measurements of kernels are reused, and a value that several nodes share is measured once.
/// Allocates nothing after the first step, except for histograms.
#[derive(Debug)]
pub struct Statistics {
    probes: Vec<Probe>,
    /// For each instruction, the node whose output is its first input.
    sources: Vec<Option<NodeId>>,
    /// For each node, its slot.
    slots: Vec<Slot>,
    nodes: Vec<NodeStatistics>,
    energies: Vec<InputEnergy>,
    input: InputProbe,
    measures_input: bool,
}

/// Slot of a node: the instruction that computes it and its index among the layers of the instruction.
#[derive(Clone, Copy, Debug)]
struct Slot {
    instruction: usize,
    layer: usize,
}

/// Source of the mean energy of a node's first input.
#[derive(Clone, Copy, Debug)]
struct InputEnergy {
    node: NodeId,
    source: EnergySource,
}

#[derive(Clone, Copy, Debug)]
enum EnergySource {
    Network,
    /// Measured output of this node.
    Output(NodeId),
    /// Sample taken at this instruction.
    Sample(usize),
}

impl Statistics {
    /// Creates the slots for `program`, for the requests that `wanted` returns for each node.
    pub fn new(program: &Program, wanted: impl Fn(&Node) -> Wanted) -> Self {
        let graph = program.graph();
        let wanted: Vec<Wanted> = graph.nodes().iter().map(wanted).collect();
        let mut slots = vec![Slot { instruction: 0, layer: 0 }; wanted.len()];
        for (instruction, joined) in program.instructions().iter().enumerate() {
            for (layer, id) in joined.nodes.iter().enumerate() {
                slots[id.index()] = Slot { instruction, layer };
            }
        }
        let instructions = 0..program.instructions().len();
        let mut probes: Vec<Probe> = instructions.clone().map(|index| probe(program, index, &wanted)).collect();
        let energies = input_energies(program, &wanted, &mut probes);
        Statistics {
            sources: instructions.map(|index| source_node(program, index)).collect(),
            slots,
            nodes: vec![NodeStatistics::default(); wanted.len()],
            measures_input: energies.iter().any(|energy| matches!(energy.source, EnergySource::Network)),
            energies,
            input: InputProbe::default(),
            probes,
        }
    }

    /// Measures only the first samples of large outputs and gradients, which is cheaper for a large network. Training batches are
    /// shuffled, so the first samples represent all.
    #[must_use]
    pub fn sampled(mut self) -> Self {
        self.probes.iter_mut().for_each(|probe| probe.requests.sampled = true);
        self
    }

    /// Prepares for a step. With `signs`, the signs of weight gradients are measured; with `histograms`, histograms of outputs and
    /// gradients are kept.
    pub fn begin(&mut self, signs: bool, histograms: bool) {
        for probe in &mut self.probes {
            probe.clear();
            (probe.requests.signs, probe.requests.histograms) = (signs, histograms);
        }
        self.nodes.fill(NodeStatistics::default());
    }

    /// Collects the measurements of the step.
    pub fn finish(&mut self) {
        let Statistics { probes, sources, slots, nodes, energies, input, .. } = self;
        for (slot, node) in slots.iter().zip(nodes.iter_mut()) {
            let layer = &probes[slot.instruction].layers[slot.layer];
            (node.output, node.gradient) = (layer.output, layer.gradient);
        }
        for (probe, source) in probes.iter().zip(sources) {
            let Some(source) = source else { continue };
            let node = &mut nodes[source.index()];
            // A kernel that reads a value does not know its saturation limits.
            node.output = probe.input.map(|input| Signal { saturated: None, ..input }).or(node.output);
            node.gradient = probe.grad_input.or(node.gradient);
        }
        for energy in energies {
            let measured = match energy.source {
                EnergySource::Network => Some(input.energy),
                EnergySource::Output(node) => nodes[node.index()].output.as_ref().map(mean_energy),
                EnergySource::Sample(instruction) => probes[instruction].energy,
            };
            nodes[energy.node.index()].input_energy = measured;
        }
        for (slot, node) in slots.iter().zip(nodes.iter_mut()) {
            let signs = probes[slot.instruction].signs.iter().find(|signs| signs.layer == slot.layer);
            node.sign_agreement = signs.and_then(|signs| signs.agreement);
        }
    }

    /// Returns the statistics of a node, after [`Statistics::finish`].
    pub fn node(&self, id: NodeId) -> &NodeStatistics {
        &self.nodes[id.index()]
    }

    /// Returns the counts of the units of a node.
    pub fn units(&mut self, id: NodeId) -> &mut UnitCounts {
        let slot = self.slots[id.index()];
        &mut self.probes[slot.instruction].layers[slot.layer].units
    }

    /// Iterates over the histograms of this step: each node with its probe, which has [`Probe::histograms`].
    pub fn histograms(&self) -> impl Iterator<Item = (NodeId, &Probe)> {
        let last = |index: usize| self.slots.iter().rposition(|slot| slot.instruction == index).map(NodeId);
        let shown = self.probes.iter().enumerate().filter(|(_, probe)| probe.requests.histograms);
        shown.filter_map(move |(index, probe)| Some((last(index)?, probe)))
    }
}

impl Observer for Statistics {
    fn input(&mut self) -> Option<&mut InputProbe> {
        self.measures_input.then_some(&mut self.input)
    }

    fn probe(&mut self, instruction: usize) -> Option<&mut Probe> {
        Some(&mut self.probes[instruction])
    }
}

/// Returns the instruction that owns the memory of `source`, following views; `None` for the network's input.
fn producer(program: &Program, source: ValueSource) -> Option<usize> {
    match program.storage(source) {
        ValueSource::Input => None,
        ValueSource::Instruction(index) => Some(index),
    }
}

fn first_input(program: &Program, instruction: usize) -> Option<usize> {
    program.instructions()[instruction].inputs.first().and_then(|&source| producer(program, source))
}

fn source_node(program: &Program, instruction: usize) -> Option<NodeId> {
    first_input(program, instruction).and_then(|from| program.instructions()[from].nodes.last().copied())
}

/// Returns the requests for one instruction: everything requested that no kernel measures.
fn probe(program: &Program, index: usize, wanted: &[Wanted]) -> Probe {
    let instruction = &program.instructions()[index];
    let kernel = instruction.kernel.layer();
    let own = kernel.measures();
    let shown = instruction.nodes.last().map(|id| wanted[id.index()]).unwrap_or_default();
    let readers = readers(program, index);
    let measured_by_reader = |promise: fn(Measures) -> bool| {
        readers.iter().any(|&reader| {
            promise(program.instructions()[reader].kernel.layer().measures())
                && first_input(program, reader) == Some(index)
        })
    };
    let gradient_by_reader = readers.len() == 1 && measured_by_reader(|measures| measures.grad_input);
    let mut probe = Probe {
        layers: instruction.nodes.iter().map(|id| slots(wanted[id.index()])).collect(),
        limits: instruction.nodes.iter().find_map(|id| wanted[id.index()].limits),
        signs: signs(program.graph(), instruction, wanted),
        ..Probe::default()
    };
    if kernel.is_view() {
        return probe;
    }
    probe.requests.output = match shown.output {
        true if own.output || measured_by_reader(|measures| measures.input) => OutputRequest::None,
        true if shown.units > 0 => OutputRequest::Units,
        true => OutputRequest::Signal,
        false => OutputRequest::None,
    };
    probe.requests.gradient = shown.gradient && !own.gradient && !gradient_by_reader;
    if let [hidden, _, ..] = instruction.nodes[..] {
        let hidden = wanted[hidden.index()];
        (probe.requests.hidden_output, probe.requests.hidden_gradient) = (hidden.output, hidden.gradient);
    }
    probe
}

/// Returns the instructions that compute something from the output of instruction `index`, directly or through views.
fn readers(program: &Program, index: usize) -> Vec<usize> {
    let reads = |other: &Instruction| other.inputs.iter().any(|&source| producer(program, source) == Some(index));
    let instructions = program.instructions().iter().enumerate();
    instructions.filter(|(_, other)| !other.kernel.layer().is_view() && reads(other)).map(|(place, _)| place).collect()
}

fn slots(wanted: Wanted) -> LayerProbe {
    LayerProbe { units: UnitCounts::new(wanted.units), ..LayerProbe::default() }
}

/// Returns slots for the weights of the nodes of an instruction whose signs are requested.
fn signs(graph: &Graph, instruction: &Instruction, wanted: &[Wanted]) -> Vec<SignProbe> {
    let mut signs = Vec::new();
    for (layer, &id) in instruction.nodes.iter().enumerate() {
        let Some(limit) = wanted[id.index()].sign_limit else { continue };
        let weights = graph.parameters_of(id).filter(|own| own.spec.role == ParameterRole::Weight && !own.is_frozen());
        for weight in weights {
            let units = weight.spec.shape.last().copied().unwrap_or(1).max(1);
            let first = weight.range.start - instruction.parameters.start;
            signs.push(SignProbe::new(layer, first..first + weight.range.len(), units, limit));
        }
    }
    signs
}

/// Returns the source of each mean energy; requests a sample if no measured output gives it.
fn input_energies(program: &Program, wanted: &[Wanted], probes: &mut [Probe]) -> Vec<InputEnergy> {
    let mut energies = Vec::new();
    for instruction in program.instructions() {
        for &node in instruction.nodes.iter().filter(|id| wanted[id.index()].input_energy) {
            let first = instruction.inputs.first().copied().unwrap_or(ValueSource::Input);
            let source = match producer(program, first) {
                None => EnergySource::Network,
                Some(from) => match program.instructions()[from].nodes.last() {
                    Some(&shown) if wanted[shown.index()].units > 0 => EnergySource::Output(shown),
                    _ => {
                        probes[from].requests.energy = true;
                        EnergySource::Sample(from)
                    }
                },
            };
            energies.push(InputEnergy { node, source });
        }
    }
    energies
}
