//! Forward and backward pass of the yardstick networks, without loss and optimizer: the fastest of many steps, and the median.
//!
//! `cargo bench -p keel_nn [-- WORDS...]` runs the networks whose names contain one of the words.

#![allow(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use std::time::{Duration, Instant};

use keel_nn::layers::LayerSpec;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, RandomKey, Shape, lower, model};

/// Time budget for each network.
const BUDGET: Duration = Duration::from_secs(5);

/// Minimum number of steps, regardless of the time they take.
const FEWEST_STEPS: usize = 10;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let image = Shape::Image { height: 32, width: 32, channels: 3 };
    let cases: [(&str, Shape, Vec<LayerSpec>, usize); 3] = [
        ("cnn", image, model::cnn(32, 2), 128),
        ("resnet20", image, model::resnet(16, 3), 128),
        ("mlp", Shape::Features(64), model::mlp(128, 1), 32),
    ];
    println!("{:<10} {:>6} {:>12} {:>12}", "network", "steps", "fastest us", "median us");
    for (name, shape, layers, batch) in cases {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            let microseconds = times(shape, &layers, batch);
            let (fastest, median) = (microseconds[0], microseconds[microseconds.len() / 2]);
            println!("{name:<10} {:>6} {fastest:>12.1} {median:>12.1}", microseconds.len());
        }
    }
}

/// Returns the microseconds of each step, in ascending order; the first step, which starts the worker threads, is not counted.
fn times(shape: Shape, layers: &[LayerSpec], batch: usize) -> Vec<f64> {
    let graph = Graph::build(shape, layers, 10).expect("the presets fit");
    let mut network = Network::new(graph, RandomKey::new(0));
    let workers = keel_kernels::parallel::workers();
    let request = MemoryRequest { batch, mode: Mode::Train, workers };
    let mut executor = Executor::new(lower(&network.graph, &Cpu::fused()), request);
    let input: Vec<f32> = (0..batch * shape.len()).map(|i| (i % 255) as f32 / 128.0 - 1.0).collect();
    let mut gradients = vec![0.0; network.parameters.len()];
    let mut step = || {
        let start = Instant::now();
        let batch = BatchInput { input: &input, random: RandomKey::new(0) };
        executor.forward(&mut network, batch, &mut ());
        executor.outputs_and_gradient().1.fill(0.01);
        executor.backward(&network, batch, &mut gradients, &mut ());
        start.elapsed().as_secs_f64() * 1e6
    };
    step();
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < FEWEST_STEPS || start.elapsed() < BUDGET {
        times.push(step());
    }
    times.sort_by(f64::total_cmp);
    times
}
