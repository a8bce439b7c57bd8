//! Measures every layer of the yardstick networks separately, against the machine's limits.

use keel_kernels::Buffer;
use keel_kernels::parallel::workers;
use keel_nn::graph::Graph;
use keel_nn::program::{Instruction, ValueSource};
use keel_nn::{Backward, Cpu, Forward, Fusion, FusionPasses, Layer, MemoryRequest, Mode, Program, RandomKey, lower};
use serde_json::{Value, json};

use super::super::machine::Limits;
use super::super::networks::Spec;
use super::super::turns::median;
use super::super::workload::milliseconds;
use super::super::{Context, SEED};
use crate::failure::Failure;

/// Networks whose layers are measured.
const NETWORKS: [&str; 2] = ["cnn", "resnet20"];

/// Number of turns in which the functions of a layer are called; medians are reported.
const TURNS: usize = 9;

/// One layer with its own buffers.
struct Bench<'a> {
    layer: &'a dyn Layer,
    batch: usize,
    inputs: [Buffer; 2],
    output: Buffer,
    grad_output: Buffer,
    grad_inputs: [Buffer; 2],
    parameters: Buffer,
    grad_parameters: Buffer,
    state: Buffer,
    saved: Buffer,
    scratch: [Buffer; 2],
    /// True if the input is the samples themselves, so that its gradient is not needed.
    reads_samples: bool,
}

/// Names in a measured entry.
struct Names<'a> {
    kernel: &'a str,
    network: &'a str,
}

/// Times of one call of each of `N` functions, and multiply-adds per second of the machine just before.
struct Turn<const N: usize> {
    milliseconds: [f64; N],
    multiply_adds: f64,
}

/// Times forward pass, input gradient and weight gradient of every layer that differs from the previous ones.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    let mut kernels: Vec<Value> = Vec::new();
    for network in NETWORKS {
        let spec = Spec::new(network).description();
        let graph = Graph::build(spec.input, &spec.layers, 10).map_err(|error| Failure::new(error.to_string()))?;
        // Without fusion into norms: otherwise the fraction of the limit would describe both.
        let passes = FusionPasses::all().without(Fusion::ConvolutionNorm);
        let program = lower(&graph.into(), &Cpu::fused().with_passes(passes));
        for instruction in program.instructions().iter().filter(|instruction| !instruction.kernel.layer().is_view()) {
            let layer = instruction.kernel.layer();
            let shapes: Vec<String> =
                instruction.inputs.iter().map(|&input| program.shape(input).to_string()).collect();
            let title = format!("{} {}, {}", layer.kind(), layer.describe(), shapes.join(" and "));
            if kernels.iter().any(|kernel| kernel["kernel"] == title) {
                continue;
            }
            (context.progress)(&format!("  {title}"));
            let mut bench = Bench::new(&program, instruction, spec.batch);
            kernels.push(bench.measure(Names { kernel: &title, network }, context));
        }
    }
    let convolutions = |kernel: &&Value| kernel["multiply_adds"].as_f64().is_some_and(|count| count > 0.0);
    let total = |key: &str| -> f64 {
        let parts = kernels.iter().filter(convolutions).flat_map(|kernel| kernel["parts"].as_array());
        parts.flatten().filter_map(|part| part[key].as_f64()).sum()
    };
    let share = total("least_milliseconds") / total("milliseconds");
    Ok(json!({ "name": name, "roofline": share, "milliseconds": total("milliseconds"), "kernels": kernels }))
}

impl<'a> Bench<'a> {
    fn new(program: &Program, instruction: &'a Instruction, batch: usize) -> Self {
        let layer = instruction.kernel.layer();
        let request = MemoryRequest { batch, mode: Mode::Train, workers: workers() };
        let memory = layer.memory(request, program.simd());
        let length =
            |index: usize| instruction.inputs.get(index).map_or(0, |&input| batch * program.shape(input).len());
        let values = |length: usize, seed: u64| Buffer::from_slice(&super::super::formula::inputs(seed, length));
        let output = batch * layer.output_shape().len();
        let mut state = Buffer::zeroed(instruction.state.len());
        state.fill(1.0);
        Bench {
            inputs: [values(length(0), SEED), values(length(1), SEED + 1)],
            output: Buffer::zeroed(output),
            grad_output: values(output, SEED + 2),
            grad_inputs: [Buffer::zeroed(length(0)), Buffer::zeroed(length(1))],
            parameters: values(instruction.parameters.len(), SEED + 3),
            grad_parameters: Buffer::zeroed(instruction.parameters.len()),
            saved: Buffer::zeroed(memory.saved),
            scratch: [Buffer::zeroed(memory.forward_scratch), Buffer::zeroed(memory.backward_scratch)],
            state,
            layer,
            batch,
            reads_samples: instruction.inputs.first() == Some(&ValueSource::Input),
        }
    }

    fn measure(&mut self, names: Names, context: &Context) -> Value {
        let multiply_adds = self.layer.multiply_adds() as f64 * self.batch as f64;
        let forward = self.turns([Bench::forward]);
        let backward = self.turns([|bench| bench.backward(false), |bench| bench.backward(true)]);
        let (inputs, output) = (bytes(&self.inputs[0]) + bytes(&self.inputs[1]), bytes(&self.output));
        let once = inputs + output + bytes(&self.parameters);
        let part = |what: &str, (milliseconds, arithmetic): (f64, f64), bytes: f64| {
            let limits = Limits { multiply_adds: arithmetic, ..context.limits };
            let least = limits.seconds(multiply_adds, bytes) * 1000.0;
            json!({ "part": what, "milliseconds": milliseconds, "least_milliseconds": least,
                    "roofline": least / milliseconds })
        };
        let mut parts = vec![part("forward", medians(&forward, |[forward]| forward), once)];
        if multiply_adds > 0.0 {
            parts.push(part("weight gradient", medians(&backward, |[weights, _]| weights), once));
            if !self.reads_samples {
                parts.push(part("input gradient", medians(&backward, |[weights, both]| both - weights), once));
            }
        } else {
            parts.push(part("backward", medians(&backward, |[_, both]| both), 2.0 * inputs + output));
        }
        json!({ "kernel": names.kernel, "network": names.network, "multiply_adds": multiply_adds, "parts": parts })
    }

    /// Calls each function once without counting it, and then all of them in every turn.
    fn turns<const N: usize>(&mut self, calls: [fn(&mut Self); N]) -> Vec<Turn<N>> {
        calls.iter().for_each(|call| call(self));
        let turn = |_| Turn {
            multiply_adds: Limits::multiply_adds_now(),
            milliseconds: calls.map(|call| milliseconds(|| call(self))),
        };
        (0..TURNS).map(turn).collect()
    }

    fn forward(&mut self) {
        let call = Forward::new(self.batch, &self.inputs[0], &mut self.output)
            .with_second_input(&self.inputs[1])
            .with_parameters(&self.parameters)
            .with_state(&mut self.state)
            .with_saved(&mut self.saved)
            .with_scratch(&mut self.scratch[0])
            .with_random(RandomKey::new(SEED));
        self.layer.forward(call);
    }

    fn backward(&mut self, with_inputs: bool) {
        let mut call = Backward::new(self.batch, &mut self.grad_output)
            .with_input(&self.inputs[0])
            .with_output(&self.output)
            .with_parameters(&self.parameters)
            .with_grad_parameters(&mut self.grad_parameters)
            .with_state(&self.state)
            .with_saved(&mut self.saved)
            .with_scratch(&mut self.scratch[1])
            .with_random(RandomKey::new(SEED));
        if with_inputs {
            let [first, second] = &mut self.grad_inputs;
            call = call.with_grad_input(first).with_second_grad_input(second);
        }
        self.layer.backward(call);
    }
}

/// Returns medians over the turns: of a time, and of the machine's multiply-adds per second.
fn medians<const N: usize>(turns: &[Turn<N>], time: fn([f64; N]) -> f64) -> (f64, f64) {
    let median_of = |value: &dyn Fn(&Turn<N>) -> f64| median(&turns.iter().map(value).collect::<Vec<_>>());
    (median_of(&|turn| time(turn.milliseconds)), median_of(&|turn| turn.multiply_adds))
}

fn bytes(buffer: &[f32]) -> f64 {
    size_of_val(buffer) as f64
}
