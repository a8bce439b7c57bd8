//! The predicted duration of a step, and that of ranks with simulated links of that network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_data::{Batches, Position, Share};
use keel_ranks::cost::Network;
use keel_ranks::{Communicator, Links, Threads};
use keel_train::planning::{Outline, RankWork, Scaling};
use keel_train::{Config, Session, config, load_data, threads};

/// Two full buckets of gradients and a partial one, and two batch norms, the second of which sends while the first bucket does.
const LAYERS: &str = r#"model.layers=[{type="linear", out_features=1024}, {type="batch_norm"}, {type="activation", function="relu"}, {type="linear", out_features=1024}, {type="batch_norm"}, {type="activation", function="relu"}, {type="linear", out_features=1024}, {type="activation", function="relu"}, {type="linear"}]"#;

/// Slow enough that messages take most of a step with vector instructions.
const NETWORK: Network = Network { latency: Duration::from_millis(5), bytes_per_second: 2e7 };

/// Minimum ratio of the time of gradient sums to that of computation: processors are shared by ranks and by other processes.
const MESSAGES_OVER_COMPUTING: f64 = 4.0;

/// Number of steps of which the fastest counts.
const TRIES: usize = 2;

/// Maximum difference between prediction and measurement, relative to the measurement.
const TOLERANCE: f64 = 0.35;

fn settings() -> Config {
    let overrides = ["data.source=digits", "train.batch_size=16", "train.threads=1", "optimizer.type=sgd", LAYERS];
    config::load(None, &overrides.map(str::to_owned)).unwrap_or_else(|error| panic!("{error}"))
}

/// Seconds of the fastest step of a rank.
fn fastest_step(config: &Config, communicator: Threads) -> f64 {
    threads::pool(1).unwrap().install(|| {
        let share = Share { rank: communicator.rank(), size: communicator.size() };
        let communicator: Arc<dyn Communicator> = Arc::new(communicator);
        let session = Session::new(config, load_data(config).unwrap()).unwrap();
        let mut session = session.with_ranks(Arc::clone(&communicator));
        let source = session.training_batches().clone().with_share(share);
        let mut batches = Batches::new(source, Position::default());
        let mut fastest = f64::INFINITY;
        for step in 0..=TRIES {
            let batch = batches.next().unwrap().unwrap().clone();
            communicator.barrier().unwrap();
            let began = Instant::now();
            assert!(session.step(&batch, step as u64, 0.01).is_finite());
            // The first step meets untouched memory.
            if step > 0 {
                fastest = fastest.min(began.elapsed().as_secs_f64());
            }
        }
        fastest
    })
}

/// Returns [`NETWORK`], slower if computation takes long: without vector instructions, or on a busy machine.
fn network_for(work: &RankWork) -> Network {
    let step = work.step(Scaling::Strong, &NETWORK, 2);
    let share = step.gradients / (MESSAGES_OVER_COMPUTING * step.compute);
    Network { bytes_per_second: NETWORK.bytes_per_second * share.min(1.0), ..NETWORK }
}

fn measured(config: &Config, network: Network, ranks: usize) -> f64 {
    std::thread::scope(|scope| {
        let group = Threads::group_with(ranks, Links::from(network));
        let started: Vec<_> = group.into_iter().map(|rank| scope.spawn(|| fastest_step(config, rank))).collect();
        started.into_iter().map(|rank| rank.join().unwrap()).fold(0.0, f64::max)
    })
}

#[test]
fn a_step_on_ranks_takes_as_long_as_on_paper() {
    let config = settings();
    let work: RankWork = threads::pool(1).unwrap().install(|| Outline::of(&config).unwrap().rank_work(8).unwrap());
    assert_eq!(work.norms, [1024, 1024]);
    assert_eq!(work.buckets.len(), 3, "{:?}", work.buckets);
    let network = network_for(&work);
    for ranks in [2, 4, 8] {
        let (step, seconds) = (work.step(Scaling::Strong, &network, ranks), measured(&config, network, ranks));
        let difference = (step.step - seconds).abs() / seconds;
        println!("{ranks} ranks: {:.1} ms modelled, {:.1} ms measured", 1e3 * step.step, 1e3 * seconds);
        assert!(difference < TOLERANCE, "{ranks} ranks: {seconds} s, modelled {step:?}");
    }
}
