//! Forward and backward pass of the yardstick networks, without loss and optimiser.

use criterion::{Criterion, criterion_group, criterion_main};
use keel_nn::layers::LayerSpec;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, RandomKey, Shape, lower, model};

fn steps(criterion: &mut Criterion) {
    let image = Shape::Image { height: 32, width: 32, channels: 3 };
    let cases: [(&str, Shape, Vec<LayerSpec>, usize); 3] = [
        ("cnn", image, model::cnn(32, 2), 128),
        ("resnet20", image, model::resnet(16, 3), 128),
        ("mlp", Shape::Features(64), model::mlp(128, 1), 32),
    ];
    for (name, shape, layers, batch) in cases {
        let graph = Graph::build(shape, &layers, 10).expect("the presets fit");
        let mut network = Network::new(graph, RandomKey::new(0));
        let workers = keel_kernels::parallel::workers();
        let request = MemoryRequest { batch, mode: Mode::Train, workers };
        let mut executor = Executor::new(lower(&network.graph, &Cpu::fused()), request);
        let input: Vec<f32> = (0..batch * shape.len()).map(|i| (i % 255) as f32 / 128.0 - 1.0).collect();
        let mut gradients = vec![0.0; network.parameters.len()];
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let batch = BatchInput { input: &input, random: RandomKey::new(0) };
                executor.forward(&mut network, batch, &mut ());
                executor.outputs_and_gradient().1.fill(0.01);
                executor.backward(&network, batch, &mut gradients, &mut ());
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = steps
}
criterion_main!(benches);
