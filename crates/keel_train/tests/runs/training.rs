//! Complete training runs on small data: results, resuming, threads, rejected configs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_health::rules::augmentation;
use keel_train::runs::Status;
use keel_train::{
    Config, Event, Prediction, Predictor, StepPlace, TrainError, TrainedRun, Training, TrainingObserver, config,
};

fn configured(preset: Option<&str>, directory: &Path, overrides: &[&str]) -> Config {
    let mut overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    overrides.push(format!("run.directory=\"{}\"", directory.display()));
    config::load(preset, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn train(config: Config) -> TrainedRun {
    Training::new(config).run(&mut ()).unwrap_or_else(|error| panic!("{error}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the tensors of a run's model file, as bytes.
fn weights(run: &TrainedRun) -> Vec<u8> {
    let bytes = std::fs::read(run.folder.model()).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

const SMALL: [&str; 6] = [
    "data.source=spiral",
    "data.noise=0.2",
    "model.preset=mlp",
    "model.width=16",
    "train.epochs=4",
    "train.batch_size=17",
];

#[test]
fn digits_reach_their_accuracy_and_leave_a_whole_run() {
    let directory = tempfile::tempdir().unwrap();
    let run = train(configured(None, directory.path(), &[]));
    let test = run.summary.metrics.test.clone().unwrap();
    assert!(test.accuracy.unwrap() >= 0.97, "{:?}", test.accuracy);
    assert_eq!(run.summary.status, Status::Finished);
    assert_eq!(run.folder.read_summary().unwrap(), run.summary);
    for file in [run.folder.config(), run.folder.best_checkpoint(), run.folder.samples_picture()] {
        assert!(file.is_file(), "{}", file.display());
    }
    assert_eq!(run.folder.metrics().is_file(), cfg!(feature = "sqlite"));
    assert_eq!(run.measurements().unwrap().last_step().unwrap(), Some(run.summary.steps));
    let predictor = Predictor::load(run.folder.path()).unwrap();
    let dataset = predictor.load_data("digits").unwrap();
    let predictions = predictor.predict(&dataset).unwrap();
    let right = predictions.iter().zip(0..).filter(|(prediction, sample)| match prediction {
        Prediction::Class { index, probabilities, .. } => {
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let keel_data::Targets::Classes { labels, .. } = dataset.targets() else { panic!("digits have classes") };
            labels[*sample] as usize == *index
        }
        Prediction::Values(_) | Prediction::Undefined { .. } => false,
    });
    assert!(right.count() as f64 >= 0.97 * dataset.samples() as f64);
}

#[test]
fn tables_reach_their_targets_as_median_of_seeds() {
    let cases = [("wine.csv", 0.95), ("breast_cancer.csv", 0.95), ("diabetes.csv", 0.40)];
    for (file, target) in cases {
        let Some(path) = keel_testkit::shared_data_or_skip(file, "tables_reach_their_targets") else { continue };
        let source = format!("data.source=\"{}\"", path.display());
        let results = (0..5).map(|seed| {
            let directory = tempfile::tempdir().unwrap();
            // The split follows the seed, and on small tables it has more effect than the weights.
            let seed = format!("train.seed={seed}");
            let run = train(configured(Some("mlp"), directory.path(), &[&source, &seed]));
            let test = run.summary.metrics.test.unwrap();
            test.accuracy.or(test.regression.and_then(|regression| regression.r2)).unwrap()
        });
        let results: Vec<f64> = results.collect();
        assert!(median(results.clone()) >= target, "{file}: {results:?}");
    }
}

/// Requests a stop after a number of steps.
struct StopAfter {
    steps: u64,
    stop: Arc<AtomicBool>,
}

impl TrainingObserver for StopAfter {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Step(step) = event {
            self.stop.store(step.step >= self.steps, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_stopped_run_resumes_to_the_same_bits_from_any_step() {
    let directory = tempfile::tempdir().unwrap();
    for optimizer in ["optimizer.type=sgd", "optimizer.type=adam"] {
        let overrides = [&SMALL[..], &[optimizer, "schedule.type=reduce_on_plateau", "schedule.patience=0"]].concat();
        let whole = train(configured(None, directory.path(), &overrides));
        let total = whole.summary.steps;
        assert!(total > 30, "{total} steps");
        for stop_at in [1, 2, total / 4, total / 4 + 1, total / 2 + 3, total - 1] {
            let stop = Arc::new(AtomicBool::new(false));
            let mut observer = StopAfter { steps: stop_at, stop: Arc::clone(&stop) };
            let trainer = Training::new(configured(None, directory.path(), &overrides)).with_stop(stop);
            let first = trainer.run(&mut observer).unwrap();
            assert_eq!((first.summary.status, first.summary.steps), (Status::Stopped, stop_at));
            let resumed = Training::resume(first.folder.path()).unwrap().run(&mut ()).unwrap();
            assert_eq!(resumed.summary.status, Status::Finished);
            assert_eq!(resumed.summary.metrics, whole.summary.metrics, "stopped at {stop_at}");
            assert!(weights(&resumed) == weights(&whole), "{optimizer}, stopped at {stop_at}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let directory = tempfile::tempdir().unwrap();
    let run = |threads: usize| {
        let threads = format!("train.threads={threads}");
        train(configured(None, directory.path(), &["train.epochs=1", "model.width=8", &threads]))
    };
    let one = weights(&run(1));
    for threads in [2, 3, 5] {
        assert!(weights(&run(threads)) == one, "{threads} threads");
    }
}

#[test]
fn impossible_trainings_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["train.batch_size=1", "model.preset=mlp"], "set train.batch_size to 2 or more"),
        (&["train.loss=mse"], "use cross_entropy or hinge"),
        (&["data.source=no/such/place"], "no/such/place"),
        (&["run.name=a/b"], "is not a valid folder name"),
        (&["model.layers=[{type=\"conv2d\", out_channels=4, kernel=11, padding=\"valid\"}]"], "conv2d"),
        (&["run.directory=/dev/null/runs"], "/dev/null/runs"),
    ];
    for (overrides, expected) in cases {
        let mut config = configured(None, directory.path(), overrides);
        if overrides[0].starts_with("run.directory") {
            config.run.directory = "/dev/null/runs".to_owned();
        }
        let message = Training::new(config).run(&mut ()).unwrap_err().to_string();
        assert!(message.contains(expected), "{overrides:?}: {message}");
    }
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_as_failed() {
    let directory = tempfile::tempdir().unwrap();
    let overrides = [
        "data.source=blobs",
        "model.preset=mlp",
        "optimizer.learning_rate=1e30",
        "schedule.type=constant",
        "run.name=bad",
    ];
    let error = Training::new(configured(None, directory.path(), &overrides)).run(&mut ()).unwrap_err();
    assert!(matches!(error, TrainError::NonFinite { .. }), "{error}");
    assert!(error.to_string().starts_with("K001"), "{error}");
    let folder = keel_train::runs::RunFolder::open(&directory.path().join("bad")).unwrap();
    assert_eq!(folder.read_summary().unwrap().status, Status::Failed);
}

#[test]
fn damaged_and_foreign_files_of_a_run_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let run = train(configured(None, directory.path(), &SMALL));
    let last = run.folder.last_checkpoint();
    let bytes = std::fs::read(&last).unwrap();
    std::fs::write(&last, &bytes[..bytes.len() / 2]).unwrap();
    let message = Training::resume(run.folder.path()).unwrap().run(&mut ()).unwrap_err().to_string();
    assert!(message.contains("last.safetensors is damaged"), "{message}");
    std::fs::copy(run.folder.best_checkpoint(), &last).unwrap();
    let message = Training::resume(run.folder.path()).unwrap().run(&mut ()).unwrap_err().to_string();
    assert!(message.contains("last.safetensors is not a checkpoint"), "{message}");
    let message = Predictor::load(&directory.path().join("absent")).unwrap_err().to_string();
    assert!(message.contains("absent"), "{message}");
}

/// Returns settings of a small training run like those of a short one on photos, on the images of the digits.
fn fast_settings(epochs: &str) -> Vec<String> {
    let layers = "model.layers=[{type=\"conv2d\", out_channels=8, kernel=2, padding=\"valid\", bias=false, \
                  init=\"patch_whitening\", frozen=true}, {type=\"activation\", function=\"gelu\"}, \
                  {type=\"conv2d\", out_channels=8, bias=false}, {type=\"max_pool\"}, {type=\"batch_norm\"}, \
                  {type=\"activation\", function=\"gelu\"}, {type=\"linear\"}]";
    let epochs = format!("train.epochs={epochs}");
    let settings = [
        layers,
        &epochs,
        "preprocess.steps=[\"channel_standardize\"]",
        "train.averaging={type=\"ema\", decay=0.9}",
        "train.mirrored_evaluation=true",
        "train.shifted_evaluation=1",
    ];
    settings.map(str::to_owned).to_vec()
}

#[test]
fn whitening_filters_stay_as_they_were_computed_and_averaged_weights_resume_bit_for_bit() {
    let directory = tempfile::tempdir().unwrap();
    let settings = fast_settings("2");
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let config = configured(None, directory.path(), &settings);
    let session = keel_train::Session::new(&config, keel_train::load_data(&config).unwrap()).unwrap();
    let filters = session.network().parameters[..2 * 2 * 8].to_vec();
    let flipped = |channel: usize| filters.chunks_exact(8).all(|row| row[channel] == -row[channel + 4]);
    assert!((0..4).all(flipped), "each axis has both signs: {filters:?}");

    let whole = train(config.clone());
    let bytes = weights(&whole);
    let stored = filters.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    assert!(bytes.windows(stored.len()).any(|window| window == stored), "the filters are in the model as computed");

    for steps in [1, 7, 20] {
        let stop = Arc::new(AtomicBool::new(false));
        let mut observer = StopAfter { steps, stop: Arc::clone(&stop) };
        let stopped = Training::new(config.clone()).with_stop(stop).run(&mut observer).unwrap();
        assert_eq!(stopped.summary.status, Status::Stopped);
        let resumed = Training::resume(stopped.folder.path()).unwrap().run(&mut ()).unwrap();
        assert!(weights(&resumed) == bytes, "stopped after {steps} steps");
        assert_eq!(resumed.summary.metrics, whole.summary.metrics);
    }
}

/// A small training run with everything that the preset `cifar10-fast` uses; in three epochs.
const LIKE_THE_PRESET: [&str; 13] = [
    "model.layers=[{type=\"conv2d\", out_channels=8, kernel=2, padding=\"valid\", init=\"patch_whitening\", frozen=true, \
     bias_epochs=1}, {type=\"activation\", function=\"gelu\"}, {type=\"conv2d\", out_channels=8, bias=false, \
     init=\"dirac\"}, {type=\"max_pool\"}, {type=\"batch_norm\", scale=false, momentum=0.4}, \
     {type=\"activation\", function=\"gelu\"}, {type=\"linear\", bias=false}, {type=\"rescale\", factor=0.125}]",
    "train.epochs=3",
    "train.averaging={type=\"lookahead\", every=4, decay=0.8, power=2}",
    "train.evaluated_training_samples=100",
    "train.shifted_evaluation=1",
    "preprocess.steps=[\"channel_standardize\"]",
    "augment.crop_padding=1",
    "augment.crop_border=reflect",
    "optimizer.learning_rate=0.5",
    "optimizer.momentum=0.85",
    "optimizer.nesterov=true",
    "optimizer.shift_learning_rate_factor=16",
    "schedule={type=\"one_cycle\", shape=\"linear\", rising_share=0.25, start_divisor=5, final_divisor=3}",
];

#[test]
fn a_training_like_the_preset_learns_and_gives_the_same_bits_stopped_or_not_on_any_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| configured(None, directory.path(), &[&LIKE_THE_PRESET, more].concat());
    let whole = train(run(&["train.threads=1"]));
    let metrics = &whole.summary.metrics;
    assert!(metrics.test.as_ref().unwrap().accuracy.unwrap() > 0.8, "{:?}", metrics.test);
    assert_eq!(metrics.train.as_ref().unwrap().samples, 100);
    let bytes = weights(&whole);
    assert!(weights(&train(run(&["train.threads=2"]))) == bytes, "two threads");
    // In the first epoch, at its end, and in the epochs in which the biases are constant; between synchronisations of slow and
    // trained weights.
    let steps = whole.summary.steps / 3;
    for stopped_after in [3, steps, steps + 2, 2 * steps + 1] {
        let stop = Arc::new(AtomicBool::new(false));
        let mut observer = StopAfter { steps: stopped_after, stop: Arc::clone(&stop) };
        let stopped = Training::new(run(&[])).with_stop(stop).run(&mut observer).unwrap();
        assert_eq!(stopped.summary.status, Status::Stopped);
        let resumed = Training::resume(stopped.folder.path()).unwrap().run(&mut ()).unwrap();
        assert!(weights(&resumed) == bytes, "stopped after {stopped_after} steps");
    }
}

#[test]
fn parameters_that_rest_on_purpose_keep_their_values_and_are_no_warning() {
    let directory = tempfile::tempdir().unwrap();
    let settings = [&LIKE_THE_PRESET[..], &["train.averaging={type=\"off\"}"]].concat();
    let config = configured(None, directory.path(), &settings);
    let mut session = keel_train::Session::new(&config, keel_train::load_data(&config).unwrap()).unwrap();
    let values = |session: &keel_train::Session, name: &str| {
        let network = session.network();
        let parameter = network.graph.parameters().iter().find(|parameter| parameter.name == name).unwrap();
        network.parameters[parameter.range.clone()].to_vec()
    };
    let mut batches = keel_data::Batches::new(session.training_batches().clone(), keel_data::Position::default());
    let batch = batches.next().unwrap().unwrap().clone();
    for epoch in 0..3 {
        let names = ["conv2d_1.bias", "batch_norm_1.shift", "batch_norm_1.scale"];
        let before = names.map(|name| values(&session, name));
        session.step_observed(&batch, StepPlace { step: epoch, epoch, learning_rate: 0.1 }, &mut ());
        let after = names.map(|name| values(&session, name));
        let moved = [0, 1, 2].map(|index| before[index] != after[index]);
        assert_eq!(moved, [epoch == 0, true, false], "epoch {epoch}");
    }
    let run = train(config);
    let findings = run.summary.findings.iter();
    let warned: Vec<_> = findings.filter(|finding| finding["code"] == "K016" && finding["level"] != "info").collect();
    assert!(warned.is_empty(), "{warned:?}");
}

#[test]
fn frozen_parts_keep_weights_and_running_statistics_and_slow_parts_move_less() {
    let directory = tempfile::tempdir().unwrap();
    let settings = ["model.preset=cnn", "model.width=8", "train.batch_size=32", "optimizer.momentum=0"];
    let moved = |more: &[&str]| {
        let config = configured(None, directory.path(), &[&settings[..], more].concat());
        let mut session = keel_train::Session::new(&config, keel_train::load_data(&config).unwrap()).unwrap();
        let mut batches = keel_data::Batches::new(session.training_batches().clone(), keel_data::Position::default());
        let batch = batches.next().unwrap().unwrap().clone();
        let before = session.network().clone();
        session.step_observed(&batch, StepPlace { step: 0, epoch: 0, learning_rate: 0.1 }, &mut ());
        let after = session.network();
        let largest = |before: &[f32], after: &[f32]| {
            before.iter().zip(after).fold(0.0f32, |largest, (before, after)| largest.max((before - after).abs()))
        };
        let parameters = after.graph.parameters().iter().map(|parameter| {
            let range = parameter.range.clone();
            (parameter.name.clone(), largest(&before.parameters[range.clone()], &after.parameters[range]))
        });
        let state = after.graph.state().iter().map(|entry| {
            (entry.name.clone(), largest(&before.state[entry.range.clone()], &after.state[entry.range.clone()]))
        });
        parameters.chain(state).collect::<std::collections::BTreeMap<String, f32>>()
    };
    let free = moved(&[]);
    assert!(free.values().all(|change| *change > 0.0), "{free:?}");
    let frozen = moved(&["model.frozen=[\"stage1\"]", "model.learning_rate_factors={head=0.5}"]);
    for (name, change) in &frozen {
        let is_first = ["conv2d_1.", "batch_norm_1."].iter().any(|first| name.starts_with(first));
        assert_eq!(*change == 0.0, is_first, "{name}: {change}");
    }
    // The first batch norm works with different statistics than in training, so that only the order of magnitude is the same.
    let last = "linear_1.weight";
    assert!(frozen[last] < 0.9 * free[last], "{} {}", frozen[last], free[last]);
    let config = configured(None, directory.path(), &["model.preset=cnn", "model.frozen=[\"stge1\"]"]);
    let message = Training::new(config).run(&mut ()).unwrap_err().to_string();
    let expected = "model.frozen: the model has no part `stge1`, did you mean `stage1`?; its parts are stage1, stage2, head, body, \
                    layers.0 to layers.";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn weights_of_a_file_are_where_training_starts_and_a_head_of_another_task_is_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let small = ["model.preset=cnn", "model.width=8", "train.epochs=2", "train.batch_size=64"];
    let first = train(configured(None, directory.path(), &small));
    let model = first.folder.model().display().to_string();
    let set = format!("model.weights={model:?}");
    let session = |more: &[&str]| {
        let config = configured(None, directory.path(), &[&small[..], &[set.as_str()], more].concat());
        keel_train::Session::new(&config, keel_train::load_data(&config).unwrap())
    };
    let mut same = session(&[]).unwrap();
    let test = same.data().test.clone();
    let accuracy = same.evaluate(&test).unwrap().unwrap().accuracy.unwrap();
    assert_eq!(Some(accuracy), first.summary.metrics.test.as_ref().unwrap().accuracy);
    assert!(same.inferred().iter().any(|note| note.contains("tensors taken from")), "{:?}", same.inferred());
    // A head with a different number of outputs.
    let layers =
        "model.layers=[{type=\"conv2d\", out_channels=8, bias=false}, {type=\"batch_norm\"}, {type=\"linear\"}]";
    let other = session(&[layers]).unwrap();
    let notes = other.inferred().join("\n");
    assert!(
        notes.contains("drawn at random, since the file does not have them: linear_1.weight (the file has"),
        "{notes}"
    );
    assert!(notes.contains("unused tensors of the file: "), "{notes}");
    let refused = [
        ("model.width=9", "tensor `conv2d_1.weight` has the shape [3, 3, 1, 8], the network's [3, 3, 1, 9]"),
        ("model.preset=mlp", "tensor `linear_1.weight` has the shape"),
        ("model.layers=[{type=\"maxout\", out_features=10}]", "no tensor name matches one of the network's"),
        ("model.weights=\"absent.safetensors\"", "absent.safetensors"),
    ];
    for (setting, expected) in refused {
        let message = match session(&[setting]) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{setting} was accepted"),
        };
        assert!(message.contains(expected), "{setting}: {message}");
    }
}

#[test]
fn whitening_and_mirroring_are_refused_where_there_is_no_image() {
    let directory = tempfile::tempdir().unwrap();
    let wide =
        "model.layers=[{type=\"conv2d\", out_channels=9, kernel=2, init=\"patch_whitening\"}, {type=\"linear\"}]";
    let late = "model.layers=[{type=\"conv2d\", out_channels=2}, {type=\"conv2d\", out_channels=2, \
                init=\"patch_whitening\"}, {type=\"linear\"}]";
    let table = "model.layers=[{type=\"linear\", out_features=4, init=\"patch_whitening\"}, {type=\"linear\"}]";
    let cases: [(&[&str], &str); 6] = [
        (&[wide], "makes 1 to 8 channels of a 2x2 window, not 9"),
        (&[late], "on the network's input"),
        (&["data.source=spiral", table], "needs images"),
        (&["data.source=spiral", "model.preset=mlp", "train.mirrored_evaluation=true"], "have no mirror image"),
        (&["data.source=spiral", "model.preset=mlp", "train.shifted_evaluation=1"], "cannot be shifted"),
        (&["train.shifted_evaluation=8"], "a shift of 8 pixels moves images of 8 x 8 out of view"),
    ];
    for (settings, expected) in cases {
        let config = configured(None, directory.path(), settings);
        let error = Training::new(config).run(&mut ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn shifting_pixels_that_are_scaled_one_by_one_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let warned = |settings: &[&str]| {
        let settings = [settings, &["train.epochs=1", "model.preset=mlp", "model.width=4"]].concat();
        let run = Training::new(configured(None, directory.path(), &settings)).run(&mut ()).unwrap();
        run.summary.findings.iter().any(|finding| finding["code"] == augmentation::CODE)
    };
    assert!(warned(&["augment.crop_padding=1"]));
    assert!(!warned(&["augment.crop_padding=1", "preprocess.steps=[\"channel_standardize\"]"]));
    assert!(!warned(&[]));
}
