//! Programs of random small networks against each other.

use std::sync::{Arc, OnceLock};

use keel_nn::{BatchInput, Cpu, Executor, Fusion, FusionPasses, MemoryRequest, Mode, Network, RandomKey, lower};
use keel_testkit::deterministic_values;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::random_network::RandomNetwork;

#[path = "../../crates/keel_nn/tests/networks/reference/comparison.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of keel_nn use all of it")]
mod comparison;

use comparison::{Case, OUTPUTS, agrees_with_reference, every_level};

/// Threads a plan is made for, whatever the pool has.
const WORKERS: usize = 3;

/// Compares the CPU's programs, joined and not, on every SIMD level with the reference in f64.
pub fn network_reference(input: &[u8]) {
    compare(input, &every_level());
}

/// Compares the program without fusion and that of the passes that the last byte chooses with the reference.
pub fn network_fusion(input: &[u8]) {
    let chosen = input.last().copied().unwrap_or(255);
    let passes = Fusion::ALL.iter().enumerate().filter(|(index, _)| chosen >> index & 1 != 0);
    let passes = passes.fold(FusionPasses::none(), |passes, (_, (pass, ..))| passes.with(*pass));
    compare(input, &[Cpu::unfused(), Cpu::fused().with_passes(passes)]);
}

fn compare(input: &[u8], targets: &[Cpu]) {
    let Some(RandomNetwork { graph, text, samples, seed, ensemble, .. }) = RandomNetwork::of(input, OUTPUTS) else {
        return;
    };
    // A batch norm needs two samples to compare.
    let case = Case { ensemble, samples: samples.max(2), seed };
    on_threads(1, || agrees_with_reference(graph, case, targets, &text));
}

/// Compares one thread with three: the same bits.
pub fn network_threads(input: &[u8]) {
    let Some(random) = RandomNetwork::of(input, OUTPUTS) else { return };
    let network = network_of(&random);
    let bits = |threads: usize| {
        let results = on_threads(threads, || results(&network, &random));
        results.all().map(|value| value.to_bits()).collect::<Vec<u32>>()
    };
    assert_eq!(bits(1), bits(3), "one thread and three: {}", random.text);
}

/// Results of two training steps and an evaluation.
struct Results {
    outputs: Vec<f32>,
    gradients: Vec<f32>,
    state: Vec<f32>,
    evaluated: Vec<f32>,
}

impl Results {
    fn all(&self) -> impl Iterator<Item = f32> {
        [&self.outputs, &self.gradients, &self.state, &self.evaluated].into_iter().flatten().copied()
    }
}

fn network_of(random: &RandomNetwork) -> Network {
    Network::new(Arc::new(random.graph.clone()), RandomKey::new(random.seed))
}

fn results(network: &Network, random: &RandomNetwork) -> Results {
    let mut network = network.clone();
    let request = MemoryRequest { batch: random.samples + 1, mode: Mode::Train, workers: WORKERS };
    let program = lower(&network.graph, &Cpu::fused());
    let mut executor = Executor::new(Arc::clone(&program), request);
    let input = deterministic_values(random.seed, random.samples * random.shape.len(), -1.0, 2.0);
    let grad_outputs = deterministic_values(random.seed + 1, random.samples * OUTPUTS, -1.0, 1.0);
    let mut gradients = vec![f32::NAN; network.parameters.len()];
    let mut outputs = Vec::new();
    for step in 0..2 {
        let batch = BatchInput { input: &input, random: RandomKey::new(step) };
        outputs = executor.forward(&mut network, batch, &mut ()).to_vec();
        executor.outputs_and_gradient().1.copy_from_slice(&grad_outputs);
        executor.backward(&network, batch, &mut gradients, &mut ());
    }
    let mut evaluator = Executor::new(program, MemoryRequest { mode: Mode::Evaluate, ..request });
    let evaluated = evaluator.evaluate(&network, BatchInput { input: &input, random: RandomKey::new(0) }).to_vec();
    Results { outputs, gradients, state: network.state.to_vec(), evaluated }
}

/// Runs `work` in a pool that is made once.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    static POOLS: [OnceLock<ThreadPool>; 4] = [const { OnceLock::new() }; 4];
    let pool = POOLS[threads].get_or_init(|| {
        ThreadPoolBuilder::new().num_threads(threads).build().expect("the system can start a few threads")
    });
    pool.install(work)
}
