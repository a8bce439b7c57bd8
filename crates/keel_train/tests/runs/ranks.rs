//! Several ranks train one network: each has a share of every batch, and the result is that of one rank with the whole batch.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_data::{Batch, Batches, Position, Share};
use keel_ranks::{Communicator, Threads};
use keel_train::{
    Config, Event, Session, StepResult, TrainError, TrainedRun, Training, TrainingObserver, config, load_data, threads,
};

/// Layers of the networks, by what they need of the whole batch.
const NETWORKS: [(&str, &str); 5] = [
    ("nothing", r#"[{type="linear", out_features=20}, {type="activation", function="tanh"}, {type="linear"}]"#),
    (
        "features",
        r#"[{type="linear", out_features=20}, {type="batch_norm"}, {type="activation", function="relu"}, {type="linear"}]"#,
    ),
    (
        "channels",
        r#"[{type="conv2d", out_channels=6, kernel=3, padding=1}, {type="batch_norm"}, {type="activation", function="relu"}, {type="max_pool", kernel=2}, {type="conv2d", out_channels=8, kernel=3}, {type="activation", function="gelu"}, {type="batch_norm"}, {type="global_avg_pool"}, {type="linear"}]"#,
    ),
    (
        "shortcuts",
        r#"[{type="conv2d", out_channels=6, kernel=3, padding=1}, {type="residual", body=[{type="batch_norm"}, {type="activation", function="relu"}, {type="conv2d", out_channels=6, kernel=3, padding=1}, {type="batch_norm"}]}, {type="activation", function="relu"}, {type="global_avg_pool"}, {type="linear"}]"#,
    ),
    (
        "random numbers",
        r#"[{type="linear", out_features=21}, {type="activation", function="relu"}, {type="dropout", probability=0.4}, {type="layer_norm"}, {type="linear"}]"#,
    ),
];

/// Number of samples of a batch: odd, and in the last batch fewer than there are ranks with their own pairs.
const BATCH: usize = 25;

fn settings(layers: &str, more: &[&str]) -> Config {
    let layers = format!("model.layers={layers}");
    let mut overrides: Vec<String> =
        ["data.source=digits", "train.batch_size=25", "optimizer.type=sgd", "augment.crop_padding=1"]
            .map(str::to_owned)
            .to_vec();
    overrides.push(layers);
    overrides.extend(more.iter().map(|&setting| setting.to_owned()));
    config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

/// Weights and state after some steps, with the results of each.
#[derive(Debug, Clone)]
struct Trained {
    parameters: Vec<f32>,
    state: Vec<f32>,
    results: Vec<StepResult>,
}

/// Trains the first batches, each truncated to its first samples if a number is given.
fn train(config: &Config, threads: usize, communicator: Option<Threads>, sizes: &[usize]) -> Trained {
    threads::pool(threads).unwrap().install(|| {
        let mut session = Session::new(config, load_data(config).unwrap()).unwrap();
        let share = communicator.as_ref().map_or(Share::WHOLE, |own| Share { rank: own.rank(), size: own.size() });
        if let Some(communicator) = communicator {
            session = session.with_ranks(Arc::new(communicator));
        }
        let mut results = Vec::new();
        for (step, &size) in sizes.iter().enumerate() {
            let first: Vec<usize> = session.data().train[step * BATCH..step * BATCH + size].to_vec();
            let options = keel_data::BatchOptions::shuffled(size, 7);
            let source = session.training_batches().of_samples(&first, options).unwrap().with_share(share);
            let batch: Batch = Batches::new(source, Position::default()).next().unwrap().unwrap().clone();
            results.push(session.step(&batch, step as u64, 0.1));
        }
        session.check_ranks().unwrap();
        let network = session.network();
        Trained { parameters: network.parameters.to_vec(), state: network.state.to_vec(), results }
    })
}

fn train_on_ranks(config: &Config, ranks: usize, sizes: &[usize]) -> Vec<Trained> {
    std::thread::scope(|scope| {
        let started: Vec<_> = Threads::group(ranks)
            .into_iter()
            .map(|communicator| scope.spawn(move || train(config, 1, Some(communicator), sizes)))
            .collect();
        started.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

pub(crate) fn assert_near(actual: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
    for (at, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!((actual - expected).abs() <= tolerance * largest, "{what} [{at}]: {actual} {expected}");
    }
}

#[test]
fn ranks_train_as_one_with_the_whole_batch() {
    for (needs, layers) in NETWORKS {
        for loss in ["train.loss=cross_entropy", "train.class_weights=[1, 2, 1, 3, 1, 1, 4, 1, 1, 2]"] {
            let config = settings(layers, &[loss]);
            let sizes = [BATCH, BATCH, 24, 3, BATCH];
            let alone = train(&config, 2, None, &sizes);
            for ranks in 1..=4 {
                let what = format!("{needs}, {loss}, {ranks} ranks");
                let trained = train_on_ranks(&config, ranks, &sizes);
                for rank in &trained {
                    assert!(rank.parameters == trained[0].parameters, "{what}: weights drift apart");
                    assert!(rank.state == trained[0].state, "{what}: running statistics drift apart");
                    assert_eq!(rank.results, trained[0].results, "{what}");
                }
                assert_near(&trained[0].parameters, &alone.parameters, 2e-6, &what);
                assert_near(&trained[0].state, &alone.state, 2e-6, &what);
                for (result, expected) in trained[0].results.iter().zip(&alone.results) {
                    assert!(
                        (result.loss - expected.loss).abs() < 2e-6 * expected.loss,
                        "{what}: {result:?} {expected:?}"
                    );
                    assert_eq!(result.right, expected.right, "{what}");
                }
                if ranks == 1 {
                    assert!(trained[0].parameters == alone.parameters, "{what}: one rank computes as none");
                }
            }
        }
    }
}

#[test]
fn ranks_with_norms_of_their_own_differ_from_the_whole_batch() {
    let layers = |synchronised: bool| {
        format!(
            r#"[{{type="linear", out_features=20}}, {{type="batch_norm", synchronised={synchronised}}}, {{type="linear"}}]"#
        )
    };
    let sizes = [BATCH; 3];
    let own = train_on_ranks(&settings(&layers(false), &[]), 3, &sizes);
    let shared = train_on_ranks(&settings(&layers(true), &[]), 3, &sizes);
    assert!(own.iter().all(|rank| rank.parameters == own[0].parameters), "weights are the same nevertheless");
    assert!(own[0].state != own[1].state, "running statistics differ before they are averaged");
    let difference =
        |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
    assert!(difference(&own[0].parameters, &shared[0].parameters) > 1e-3);
}

/// Records the losses of epochs, and stops after a number of steps.
#[derive(Debug, Default)]
struct Watcher {
    losses: Vec<(f64, Option<f64>)>,
    stop_at: Option<u64>,
    stop: Arc<AtomicBool>,
}

impl TrainingObserver for Watcher {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Epoch(epoch) => self.losses.push((epoch.train.loss, epoch.validation.map(|metrics| metrics.loss))),
            Event::Step(step) if Some(step.step) == self.stop_at => self.stop.store(true, Ordering::Relaxed),
            _ => {}
        }
    }
}

/// Runs training on ranks; the rank `stopper` is asked to stop after some steps.
fn run(
    ranks: usize,
    first: impl Fn() -> Result<Training, TrainError> + Sync,
    stopper: Option<(usize, u64)>,
) -> Vec<Result<(TrainedRun, Watcher), TrainError>> {
    let first = &first;
    std::thread::scope(|scope| {
        let rank = move |communicator: Threads| {
            let mut watcher = Watcher::default();
            if let Some((rank, step)) = stopper
                && rank == communicator.rank()
            {
                watcher.stop_at = Some(step);
            }
            let training = Training::of_ranks(Arc::new(communicator), first)?.with_stop(Arc::clone(&watcher.stop));
            let run = training.run(&mut watcher)?;
            Ok((run, watcher))
        };
        let started: Vec<_> = Threads::group(ranks).into_iter().map(|own| scope.spawn(move || rank(own))).collect();
        started.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn whole_config(folder: &Path, name: &str) -> Config {
    let directory = format!("run.directory={}", folder.display());
    let name = format!("run.name={name}");
    let layers = NETWORKS[2].1;
    settings(
        layers,
        &[
            "train.epochs=3",
            "train.threads=1",
            "train.metric=accuracy",
            "optimizer.learning_rate=0.05",
            &directory,
            &name,
        ],
    )
}

fn weights(run: &TrainedRun) -> Vec<u8> {
    std::fs::read(run.folder.model()).unwrap()
}

#[test]
fn a_whole_training_on_ranks_has_the_results_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let alone = whole_config(folder.path(), "alone");
    let mut watcher = Watcher::default();
    let expected = Training::new(alone).run(&mut watcher).unwrap();
    let summary = |run: &TrainedRun| run.summary.metrics.test.clone().unwrap();
    for ranks in [2, 3] {
        let name = format!("ranks-{ranks}");
        let config = whole_config(folder.path(), &name);
        let runs = run(ranks, || Ok(Training::new(config.clone())), None);
        for (rank, run) in runs.into_iter().enumerate() {
            let (run, seen) = run.unwrap();
            assert_eq!(run.folder.path(), folder.path().join(&name), "every rank knows the folder of the run");
            assert_eq!(seen.losses.len(), 3);
            for (loss, expected) in seen.losses.iter().zip(&watcher.losses) {
                assert!((loss.0 - expected.0).abs() < 2e-3 * expected.0, "rank {rank}: {loss:?} {expected:?}");
                assert!(
                    (loss.1.unwrap() - expected.1.unwrap()).abs() < 2e-2 * expected.1.unwrap(),
                    "{loss:?} {expected:?}"
                );
            }
            let (own, expected) = (summary(&run), summary(&expected));
            assert_eq!(own.samples, expected.samples, "all test samples count, on every rank");
            assert!((own.loss - expected.loss).abs() < 2e-2, "{} {}", own.loss, expected.loss);
        }
        let written: Vec<_> =
            std::fs::read_dir(folder.path().join(&name)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(written.contains(&"model.safetensors".into()), "{written:?}");
    }
}

#[test]
fn a_training_stopped_on_any_rank_goes_on_with_the_same_bits_and_on_another_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole_config(folder.path(), "whole");
    let expected = run(2, || Ok(Training::new(whole.clone())), None).remove(0).unwrap().0;
    let stopped = whole_config(folder.path(), "stopped");
    for result in run(2, || Ok(Training::new(stopped.clone())), Some((1, 71))) {
        let (run, _) = result.unwrap();
        assert_eq!(run.summary.reason.as_deref(), Some("stopped on request"));
    }
    let path = folder.path().join("stopped");
    let copy = folder.path().join("copy");
    copy_folder(&path, &copy);
    let resumed = run(2, || Training::resume(&path), None).remove(0).unwrap().0;
    assert_eq!(weights_alone(&resumed), weights_alone(&expected), "two ranks continue as if never stopped");
    let other = run(3, || Training::resume(&copy), None).remove(0).unwrap().0;
    assert_eq!(other.summary.steps, expected.summary.steps);
    let (own, expected) = (other.summary.metrics.test.unwrap(), expected.summary.metrics.test.clone().unwrap());
    assert!((own.loss - expected.loss).abs() < 2e-2, "{} {}", own.loss, expected.loss);
}

/// Returns the tensors of a model file: its description contains the name of the run.
fn weights_alone(run: &TrainedRun) -> Vec<u8> {
    let bytes = weights(run);
    let header = u64::from_le_bytes(*bytes.first_chunk::<8>().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy_folder(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
fn ranks_that_would_compute_something_else_are_refused_on_every_rank() {
    let results: Vec<_> = std::thread::scope(|scope| {
        let rank = |communicator: Threads| {
            let folder = tempfile::tempdir().unwrap();
            let mut config = whole_config(folder.path(), "refused");
            config.train.batch_size += communicator.rank();
            let batch_size = config.train.batch_size;
            let training = Training::of_ranks(Arc::new(communicator), || Ok(Training::new(config)))?;
            assert_eq!(
                training.config().train.batch_size,
                BATCH,
                "the config is that of the first rank, not {batch_size}"
            );
            let mut data = load_data(training.config())?;
            if batch_size > BATCH {
                data.train.truncate(400);
            }
            training.with_data(data).run(&mut Watcher::default()).map(drop)
        };
        let started: Vec<_> = Threads::group(2).into_iter().map(|own| scope.spawn(move || rank(own))).collect();
        started.into_iter().map(|rank| rank.join().unwrap()).collect()
    });
    for result in results {
        let message = result.unwrap_err().to_string();
        assert!(message.contains("rank 1 differs from rank 0: its data has the fingerprint"), "{message}");
    }
}

#[test]
fn a_rank_that_ends_ends_the_others_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = whole_config(folder.path(), "lost");
    let results: Vec<_> = std::thread::scope(|scope| {
        let config = &config;
        let rank = move |communicator: Threads| {
            let rank = communicator.rank();
            let training = Training::of_ranks(Arc::new(communicator), || Ok(Training::new(config.clone())))?;
            if rank == 2 {
                return Ok(());
            }
            training.run(&mut Watcher::default()).map(drop)
        };
        let started: Vec<_> = Threads::group(3).into_iter().map(|own| scope.spawn(move || rank(own))).collect();
        started.into_iter().map(|rank| rank.join().unwrap()).collect()
    });
    for result in &results[..2] {
        let message = result.as_ref().unwrap_err().to_string();
        assert!(message.starts_with("rank 2 ended before the others"), "{message}");
    }
}

#[test]
fn a_timeline_has_the_parts_of_the_first_steps_of_every_rank() {
    let folder = tempfile::tempdir().unwrap();
    let config = whole_config(folder.path(), "traced");
    let runs = run(2, || Ok(Training::new(config.clone()).with_timeline()), None);
    let path = runs[0].as_ref().unwrap().0.folder.timeline();
    let trace: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let parts = |rank: u64, name: &str| {
        let events = trace["traceEvents"].as_array().unwrap();
        events.iter().filter(|event| event["pid"] == rank && event["name"] == name).count()
    };
    for rank in 0..2 {
        let steps = parts(rank, "forward");
        assert_eq!(steps, 100);
        for name in ["backward", "wait for losses", "wait for gradients"] {
            assert_eq!(parts(rank, name), steps, "{name}");
        }
        assert!(parts(rank, "wait for batch norm") >= 4 * steps, "two norms, forward and backward");
        assert!(parts(rank, "update") > 0);
    }
    let alone = Training::new(whole_config(folder.path(), "alone-traced")).with_timeline().run(&mut ()).unwrap();
    assert!(std::fs::read_to_string(alone.folder.timeline()).unwrap().contains("\"forward\""));
    let without = Training::new(whole_config(folder.path(), "untraced")).run(&mut ()).unwrap();
    assert!(!without.folder.timeline().exists());
}
