//! Duration of a training step, from a few steps on synthetic samples.

use std::sync::Arc;
use std::time::Instant;

use keel_kernels::Buffer;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, RandomKey, lower};

use crate::optimizers::{Optimizer, OptimizerConfig, ParameterSegment};

/// Maximum number of steps that are measured, after one for warm-up.
pub(super) const MEASURED_STEPS: usize = 6;

/// Seconds after which no further step is measured.
pub(super) const ENOUGH_SECONDS: f64 = 0.3;

/// Parts of a training step, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepSeconds {
    /// Forward pass and loss.
    pub forward: f64,
    /// Backward pass.
    pub backward: f64,
    /// Update of the weights, independent of the number of samples.
    pub update: f64,
}

impl StepSeconds {
    /// Returns the seconds of the whole step.
    pub fn total(self) -> f64 {
        self.forward + self.backward + self.update
    }
}

/// Measures a few steps with batches of `batch` synthetic samples and targets; the update is measured if an `optimizer` is
/// given. Returns at least one measurement.
pub(super) fn measured_steps(
    graph: &Arc<Graph>,
    batch: usize,
    optimizer: Option<&OptimizerConfig>,
) -> Vec<StepSeconds> {
    let mut network = Network::new(Arc::clone(graph), RandomKey::new(0));
    let request = MemoryRequest { batch, mode: Mode::Train, workers: rayon::current_num_threads() };
    let mut executor = Executor::new(lower(graph, &Cpu::fused()), request);
    let input: Vec<f32> =
        (0..batch * network.graph.input_shape().len()).map(|at| (at % 17) as f32 / 8.0 - 1.0).collect();
    let mut gradients = Buffer::zeroed(network.parameters.len());
    let segments: Vec<_> = graph.parameters().iter().map(ParameterSegment::new).collect();
    let mut optimizer = optimizer.map(|config| Optimizer::new(config, &segments, gradients.len()));
    let mut steps: Vec<StepSeconds> = Vec::new();
    for number in 0..=MEASURED_STEPS {
        let batch = BatchInput { input: &input, random: RandomKey::new(number as u64) };
        let began = Instant::now();
        executor.forward(&mut network, batch, &mut ());
        executor.outputs_and_gradient().1.fill(1e-3);
        let forward = began.elapsed().as_secs_f64();
        executor.backward(&network, batch, &mut gradients, &mut ());
        let passes = began.elapsed().as_secs_f64();
        if let Some(optimizer) = &mut optimizer {
            optimizer.step(&mut network.parameters, &gradients, 1e-6);
        }
        // The first step has cold caches and untouched memory.
        if number > 0 {
            let update = began.elapsed().as_secs_f64() - passes;
            steps.push(StepSeconds { forward, backward: passes - forward, update });
        }
        if steps.iter().map(|step| step.total()).sum::<f64>() > ENOUGH_SECONDS {
            break;
        }
    }
    steps
}
