//! Training on two ranks against PyTorch: DistributedDataParallel, and batch norm over the whole batch.

use std::sync::Arc;

use keel_data::{BatchOptions, Batches, Dataset, Inputs, Position, SampleShape, Share, Split, Targets};
use keel_ranks::{Communicator, Threads};
use keel_testkit::deterministic::{deterministic_labels, deterministic_values};
use keel_train::{Config, Session, config, threads};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Debug, Clone, Deserialize)]
struct Case {
    name: String,
    layers: Vec<serde_json::Value>,
    samples: usize,
    shape: [usize; 3],
    classes: usize,
    learning_rate: f64,
    momentum: f64,
    start: Vec<Tensor>,
    losses: Vec<f64>,
    trained: Vec<Tensor>,
    state: Vec<Tensor>,
}

#[derive(Debug, Clone, Deserialize)]
struct Tensor {
    values: Vec<f32>,
}

fn joined(tensors: &[Tensor]) -> Vec<f32> {
    tensors.iter().flat_map(|tensor| tensor.values.iter().copied()).collect()
}

fn settings(case: &Case) -> Config {
    let overrides = [
        format!("train.batch_size={}", case.samples),
        "preprocess.steps=[]".to_owned(),
        "optimizer.type=sgd".to_owned(),
        format!("optimizer.momentum={}", case.momentum),
        "optimizer.weight_decay=0".to_owned(),
    ];
    let mut config = config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"));
    config.model.layers = serde_json::from_value(case.layers.clone().into()).unwrap();
    config
}

fn data(case: &Case) -> Dataset {
    let [height, width, channels] = case.shape;
    let values = deterministic_values(600, case.samples * height * width * channels, -1.0, 1.0);
    let labels = deterministic_labels(601, case.samples, case.classes).into_iter().map(|label| label as u32).collect();
    let class_names = (0..case.classes).map(|class| class.to_string()).collect();
    let shape = SampleShape::Image { height, width, channels };
    Dataset::from_memory("golden", shape, Inputs::Floats(values), Targets::Classes { labels, class_names }).unwrap()
}

/// Returns losses, weights and running statistics of one rank after all steps.
fn train(case: &Case, communicator: Threads) -> (Vec<f64>, Vec<f32>, Vec<f32>) {
    threads::pool(1).unwrap().install(|| {
        let share = Share { rank: communicator.rank(), size: communicator.size() };
        let data = data(case).split(Split { validation: 0.0, test: 0.0, seed: 0 }).unwrap();
        let mut session = Session::new(&settings(case), data).unwrap().with_ranks(Arc::new(communicator));
        session.network_mut().parameters.copy_from_slice(&joined(&case.start));
        let every: Vec<usize> = (0..case.samples).collect();
        let mut losses = Vec::new();
        for step in 0..case.losses.len() {
            let options = BatchOptions::in_order(case.samples);
            let source = session.training_batches().of_samples(&every, options).unwrap().with_share(share);
            let batch = Batches::new(source, Position::default()).next().unwrap().unwrap().clone();
            losses.push(session.step(&batch, step as u64, case.learning_rate).loss);
        }
        let network = session.network();
        // Counts of updates are stored between the statistics, and are not floats in PyTorch.
        let statistics = network.graph.nodes().iter().flat_map(|node| {
            let own = &network.state[node.state.clone()];
            own[..own.len().saturating_sub(1)].to_vec()
        });
        (losses, network.parameters.to_vec(), statistics.collect())
    })
}

#[test]
fn two_ranks_train_as_pytorch_does() {
    let text = include_str!("../golden/distributed.json");
    let file: File = serde_json::from_str(text).unwrap();
    for case in file.cases {
        for ranks in [1, 2, 3] {
            let results: Vec<_> = std::thread::scope(|scope| {
                let case = &case;
                let rank = |own| scope.spawn(move || train(case, own));
                let started: Vec<_> = Threads::group(ranks).into_iter().map(rank).collect();
                started.into_iter().map(|rank| rank.join().unwrap()).collect()
            });
            for (losses, parameters, state) in results {
                let what = format!("{}, {ranks} ranks", case.name);
                for (loss, expected) in losses.iter().zip(&case.losses) {
                    assert!((loss - expected).abs() < 2e-6, "{what}: {losses:?} {:?}", case.losses);
                }
                super::ranks::assert_near(&parameters, &joined(&case.trained), 2e-6, &what);
                super::ranks::assert_near(&state, &joined(&case.state), 2e-6, &what);
            }
        }
    }
}
