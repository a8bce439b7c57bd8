//! Values computed from data before the first step and after the last: lsuv, exact statistics of batch norm.

use keel_data::{Batches, Position};
use keel_nn::graph::Value;
use keel_nn::observers::Tape;
use keel_nn::{Cpu, Executor, MemoryRequest, Mode, lower};
use keel_train::{Config, Session, Training, config, load_data, threads};

fn configured(overrides: &[&str]) -> Config {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn session(config: &Config) -> Session {
    Session::new(config, load_data(config).unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

const LSUV: [&str; 3] = [
    "model.init=lsuv",
    "train.batch_size=96",
    "model.layers=[{type=\"conv2d\", out_channels=6}, {type=\"activation\", function=\"relu\"}, {type=\"dropout\", \
     probability=0.2}, {type=\"conv2d\", out_channels=5, init={type=\"normal\", std=0.3}}, {type=\"residual\", \
     body=[{type=\"conv2d\", out_channels=5}]}, {type=\"linear\", init={type=\"lsuv\", target=0.25}}]",
];

#[test]
fn lsuv_gives_every_layer_that_asks_for_it_the_variance_it_asks_for() {
    let config = configured(&LSUV);
    let session = session(&config);
    let mut batches = Batches::new(session.training_batches().clone(), Position::default());
    let batch = batches.next().unwrap().unwrap();
    let mut network = session.network().clone();
    let request = MemoryRequest { batch: batch.samples(), mode: Mode::Evaluate, workers: 2 };
    let program = lower(&network.graph, &Cpu::unfused());
    let mut tape = Tape::of_all(&program);
    let mut executor = Executor::new(program, request);
    let input = keel_nn::BatchInput { input: &batch.inputs, random: keel_nn::RandomKey::new(0) };
    executor.forward(&mut network, input, &mut tape);
    // Evaluation drops nothing, so only the first layer sees the same values that it was scaled on.
    let first = &network.graph.nodes()[0];
    assert_eq!(first.inputs, [Value::Input]);
    let output = tape.output(first.id);
    let mean = output.iter().map(|&value| f64::from(value)).sum::<f64>() / output.len() as f64;
    let squares = output.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    assert!((squares / output.len() as f64 - 1.0).abs() < 0.03, "{mean} {squares}");
    let notes = session.inferred();
    let scaled: Vec<&String> = notes.iter().filter(|note| note.starts_with("lsuv: ")).collect();
    assert_eq!(scaled.len(), 3, "{notes:?}");
    assert!(scaled[0].starts_with("lsuv: conv2d_1.weight multiplied by "), "{notes:?}");
    assert!(scaled[0].ends_with("-> 1.0000") || scaled[0].contains("-> 0.99") || scaled[0].contains("-> 1.0"));
    assert!(scaled[2].contains("linear_1.weight") && scaled[2].contains("-> 0.2"), "{notes:?}");
}

#[test]
fn lsuv_does_not_depend_on_the_number_of_threads() {
    let weights = |threads: usize| {
        let pool = threads::pool(threads).unwrap();
        pool.install(|| session(&configured(&LSUV)).network().parameters.to_vec())
    };
    let one = weights(1);
    for threads in [2, 3, 5] {
        assert!(weights(threads) == one, "{threads} threads");
    }
}

#[test]
fn exact_statistics_are_the_averages_over_the_batches() {
    let overrides = ["data.source=blobs", "model.preset=mlp", "model.width=5", "train.batch_size=20"];
    let config = configured(&overrides);
    let mut session = session(&config);
    let batches = 3;
    session.recompute_batch_norm(batches).unwrap();
    let entry = |session: &Session, name: &str| {
        let network = session.network();
        let entry = network.graph.state().iter().find(|entry| entry.name == name).unwrap();
        network.state[entry.range.clone()].to_vec()
    };
    // The first norm reads x W, so its statistics can be computed by hand.
    let parameter = |name: &str| {
        let network = session.network();
        let parameter = network.graph.parameters().iter().find(|parameter| parameter.name == name).unwrap();
        network.parameters[parameter.range.clone()].to_vec()
    };
    let weight = parameter("linear_1.weight");
    let mut source = Batches::new(session.training_batches().clone(), Position::default());
    let (mut means, mut variances) = ([0.0_f64; 5], [0.0_f64; 5]);
    for _ in 0..batches {
        let batch = source.next().unwrap().unwrap();
        let count = batch.samples() as f64;
        for unit in 0..5 {
            let value = |row: &[f32]| f64::from(row[0] * weight[unit] + row[1] * weight[5 + unit]);
            let values: Vec<f64> = batch.inputs.chunks_exact(2).map(value).collect();
            let mean = values.iter().sum::<f64>() / count;
            means[unit] += mean / batches as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            variances[unit] += squares / (count - 1.0) / batches as f64;
        }
    }
    let close = |actual: Vec<f32>, expected: [f64; 5]| {
        for (actual, expected) in actual.iter().zip(expected) {
            assert!((f64::from(*actual) - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{actual} {expected}");
        }
    };
    close(entry(&session, "batch_norm_1.running_mean"), means);
    close(entry(&session, "batch_norm_1.running_variance"), variances);
    assert_eq!(entry(&session, "batch_norm_1.updates"), [3.0]);
}

#[test]
fn the_key_for_exact_statistics_changes_the_finished_model() {
    let directory = tempfile::tempdir().unwrap();
    let losses = [0, 1, 50].map(|batches| {
        let place = format!("run.directory=\"{}\"", directory.path().display());
        let exact = format!("train.exact_batch_norm_batches={batches}");
        let overrides = ["data.source=spiral", "model.preset=mlp", "train.epochs=2", &place, &exact];
        Training::new(configured(&overrides)).run(&mut ()).unwrap().summary.metrics.test.unwrap().loss
    });
    assert!(losses[0] != losses[1] && losses[1] != losses[2], "{losses:?}");
}
