//! Training runs with health rules: no findings if healthy, findings if not, and identical results in either case.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_data::{Dataset, Split, Targets};
use keel_health::rules::stopped_early;
use keel_health::{Finding, Level};
use keel_train::runs::{FindingRecord, Status, Summary};
use keel_train::{Config, Event, TrainError, TrainedRun, Training, TrainingObserver, config};

fn configured(directory: &Path, overrides: &[&str]) -> Config {
    let mut overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    overrides.push(format!("run.directory=\"{}\"", directory.display()));
    config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn findings(summary: &Summary) -> Vec<Finding> {
    summary.findings.iter().map(|value| serde_json::from_value(value.clone()).unwrap()).collect()
}

fn listed(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let by = finding.explained_by.as_ref().map(|by| format!(" <- {}", by.code)).unwrap_or_default();
        let (level, code) = (finding.level.name(), &finding.code);
        format!("{level} {code} {} {}{by}", finding.layer.as_deref().unwrap_or("-"), finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the findings of a training run on the embedded digits, however it ends.
fn diagnosed(overrides: &[&str]) -> Vec<Finding> {
    let directory = tempfile::tempdir().unwrap();
    let config = configured(directory.path(), &[overrides, &["run.name=r"]].concat());
    let _ = Training::new(config).run(&mut ());
    let folder = keel_train::runs::RunFolder::open(&directory.path().join("r")).unwrap();
    findings(&folder.read_summary().unwrap())
}

const MLP: [&str; 3] = ["model.preset=mlp", "train.epochs=4", "data.source=digits"];

/// Returns the layers of a plain network of the given function, with three hidden layers of 32 units.
fn plain(function: &str, extra: &str) -> String {
    let hidden = format!(
        "{{ type = \"linear\", out_features = 32{extra} }}, {{ type = \"activation\", function = \"{function}\" }}"
    );
    format!("model.layers=[{hidden}, {hidden}, {hidden}, {{ type = \"linear\" }}]")
}

#[test]
fn healthy_trainings_raise_no_alarm() {
    let (relu, tanh) = (plain("relu", ""), plain("tanh", ""));
    let cases: [&[&str]; 4] = [
        &["model.preset=cnn", "model.width=8", "train.epochs=4"],
        &MLP,
        &[&relu, "train.epochs=6", "optimizer.learning_rate=0.02"],
        &[&tanh, "train.epochs=6", "optimizer.learning_rate=0.02"],
    ];
    for overrides in cases {
        let found = diagnosed(overrides);
        let alarms: Vec<Finding> = found.into_iter().filter(|finding| finding.level > Level::Info).collect();
        assert!(alarms.is_empty(), "{overrides:?}\n{}", listed(&alarms));
    }
}

#[test]
fn obvious_faults_are_named_with_their_cause() {
    let constant = plain("relu", ", init = { type = \"constant\", value = 0.1 }");
    let dead = plain("relu", ", bias_init = { type = \"constant\", value = -10.0 }");
    let sigmoid = plain("sigmoid", ", init = { type = \"normal\", std = 0.01 }");
    let (relu, saturated) = (plain("relu", ""), plain("tanh", ", init = { type = \"normal\", std = 2.0 }"));
    let cases: [(&str, &[&str]); 7] = [
        ("K002", &[&relu, "preprocess.steps=[]", "train.epochs=3"]),
        ("K006", &[&constant, "train.epochs=3"]),
        ("K010", &[&dead, "train.epochs=8"]),
        ("K005", &[&sigmoid, "train.epochs=3"]),
        ("K005", &[&saturated, "train.epochs=3"]),
        ("K013", &[&relu, "optimizer.learning_rate=3.0", "train.epochs=3"]),
        ("K013", &[&relu, "optimizer.learning_rate=1.5", "train.epochs=3", "train.seed=1"]),
    ];
    for (code, overrides) in cases {
        let found = diagnosed(overrides);
        let first = found.first().map(|finding| (finding.code.as_str(), finding.level > Level::Info));
        assert_eq!(first, Some((code, true)), "{overrides:?}\n{}", listed(&found));
    }
}

/// Returns the weights of a run's model file, as bytes.
fn weights(run: &TrainedRun) -> Vec<u8> {
    let bytes = std::fs::read(run.folder.model()).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn watching_changes_no_bit_and_full_keeps_distributions() {
    let directory = tempfile::tempdir().unwrap();
    let run = |level: &str| {
        let level = format!("health.level={level}");
        let overrides = ["model.preset=cnn", "model.width=4", "train.epochs=2", &level];
        Training::new(configured(directory.path(), &overrides)).run(&mut ()).unwrap()
    };
    let (off, standard, full) = (run("off"), run("standard"), run("full"));
    assert!(weights(&off) == weights(&standard) && weights(&off) == weights(&full));
    let rows = |run: &TrainedRun| {
        let reader = run.measurements().unwrap();
        (reader.layers().unwrap().len(), reader.histograms().unwrap().len())
    };
    assert_eq!(rows(&off), (0, 0));
    let (layers, histograms) = rows(&standard);
    assert!(layers > 20 && histograms == 0, "{layers} {histograms}");
    let (layers, histograms) = rows(&full);
    assert!(layers > 20 && histograms > 20, "{layers} {histograms}");
}

/// Raises a flag after some steps and counts the reported findings.
struct StopAfter(u64, Arc<AtomicBool>, Vec<String>);

impl TrainingObserver for StopAfter {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Step(step) if step.step == self.0 => self.1.store(true, Ordering::Relaxed),
            Event::Finding(finding) => self.2.push(finding.code.clone()),
            _ => {}
        }
    }
}

#[test]
fn findings_survive_an_interruption_and_are_not_told_twice() {
    let directory = tempfile::tempdir().unwrap();
    let layers = plain("relu", "");
    let config = configured(directory.path(), &[&layers, "preprocess.steps=[]", "train.epochs=3"]);
    let stop = Arc::new(AtomicBool::new(false));
    let mut observer = StopAfter(7, Arc::clone(&stop), Vec::new());
    let stopped = Training::new(config).with_stop(stop).run(&mut observer).unwrap();
    assert_eq!(stopped.summary.status, Status::Stopped);
    let before = findings(&stopped.summary);
    assert!(before.iter().any(|finding| finding.code == "K002"), "{}", listed(&before));
    let mut observer = StopAfter(0, Arc::default(), Vec::new());
    let resumed = Training::resume(stopped.folder.path()).unwrap().run(&mut observer).unwrap();
    let after = findings(&resumed.summary);
    assert!(after.iter().any(|finding| finding.code == "K002"), "{}", listed(&after));
    assert!(!observer.2.contains(&"K002".to_owned()), "{:?}", observer.2);
    let rows = findings_kept(&resumed);
    assert!(rows.is_none_or(|rows| rows.iter().filter(|row| row.code == "K002").count() == 1));
}

/// Returns the findings in the database of a run; `None` in a build without SQLite, where a resumed run has only those since
/// it was resumed.
fn findings_kept(run: &TrainedRun) -> Option<Vec<FindingRecord>> {
    cfg!(feature = "sqlite").then(|| run.measurements().unwrap().findings().unwrap())
}

/// Returns the summary of a run without its times and speeds, and its rows of findings.
fn judged(run: &TrainedRun) -> (Summary, Option<Vec<FindingRecord>>) {
    let summary = Summary { seconds: 0.0, samples_per_second: 0.0, first_step_at: None, ..run.summary.clone() };
    (summary, findings_kept(run))
}

/// A run stopped at any step, also twice, and resumed: findings, levels and rows are the same.
#[test]
fn an_interrupted_run_is_judged_as_one_that_never_stopped() {
    let still = plain("relu", ", init = \"zeros\"");
    for (layers, more) in [(plain("relu", ""), "preprocess.steps=[]"), (still, "optimizer.learning_rate=0.3")] {
        let train = |steps: &[u64]| {
            let directory = tempfile::tempdir().unwrap();
            let overrides =
                [layers.as_str(), more, "train.epochs=3", "train.batch_size=48", "health.level=full", "run.name=run"];
            let mut run = None;
            for stop_at in steps.iter().copied().chain([0]) {
                let stop = Arc::new(AtomicBool::new(false));
                let mut observer = StopAfter(stop_at, Arc::clone(&stop), Vec::new());
                let training = match run {
                    None => Training::new(configured(directory.path(), &overrides)),
                    Some(_) => Training::resume(&directory.path().join("run")).unwrap(),
                };
                run = Some(training.with_stop(stop).run(&mut observer).unwrap());
            }
            judged(&run.unwrap())
        };
        let whole = train(&[]);
        assert!(whole.0.findings.len() > 1, "{:?}", whole.0.findings);
        for steps in [&[1][..], &[2], &[29], &[30], &[31], &[45, 46], &[60], &[89], &[90], &[1000, 1000]] {
            let (summary, rows) = train(steps);
            assert_eq!(summary.findings, whole.0.findings, "stopped after {steps:?}");
            assert_eq!((&summary, &rows), (&whole.0, &whole.1), "stopped after {steps:?}");
        }
    }
}

#[test]
fn stop_on_error_ends_at_a_step_with_a_checkpoint_and_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let layers = plain("relu", "");
    let overrides = [layers.as_str(), "preprocess.steps=[]", "health.on_error=stop", "train.epochs=3"];
    let run = Training::new(configured(directory.path(), &overrides)).run(&mut ()).unwrap();
    assert_eq!(run.summary.status, Status::Stopped);
    let reason = run.summary.reason.unwrap();
    assert!(reason.contains("K002") && reason.contains("health.on_error"), "{reason}");
    assert!(run.folder.last_checkpoint().is_file());
    assert!(run.summary.steps < 10, "{}", run.summary.steps);
}

#[test]
fn a_loss_that_is_no_number_is_traced_to_its_layer() {
    let directory = tempfile::tempdir().unwrap();
    let layers = plain("relu", "");
    let overrides = [layers.as_str(), "optimizer.learning_rate=1e12", "run.name=r"];
    let error = Training::new(configured(directory.path(), &overrides)).run(&mut ()).unwrap_err();
    assert!(matches!(error, TrainError::NonFinite { .. }), "{error}");
    let summary = keel_train::runs::RunFolder::open(&directory.path().join("r")).unwrap().read_summary().unwrap();
    let found = findings(&summary);
    assert_eq!(summary.status, Status::Failed);
    assert!(found.iter().any(|finding| finding.code == "K001" && finding.level == Level::Error), "{}", listed(&found));
}

/// Coloured squares on noise, 16x16, whose position is their class.
fn pictures(samples: usize) -> Dataset {
    let (side, channels) = (16, 3);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for sample in 0..samples {
        let class = sample % 4;
        labels.push(class as u32);
        for place in 0..side * side * channels {
            let (row, column) = (place / channels / side, place / channels % side);
            let inside = row / 8 == class / 2 && column / 8 == class % 2;
            let noise = (((sample * 7919 + place) as f32 * 12.9898).sin() * 43758.547).fract();
            values.push(noise + if inside { 1.0 } else { 0.0 });
        }
    }
    let shape = keel_data::SampleShape::Image { height: side, width: side, channels };
    let names = (0..4).map(|class| format!("corner {class}")).collect();
    let targets = Targets::Classes { labels, class_names: names };
    Dataset::from_memory("corners", shape, keel_data::Inputs::Floats(values), targets).unwrap()
}

#[test]
fn a_residual_network_is_healthy_and_its_joined_layers_are_known_by_their_own_names() {
    let directory = tempfile::tempdir().unwrap();
    let overrides = ["model.preset=resnet20", "model.width=4", "model.depth=1", "train.epochs=2"];
    let data = pictures(400).split(Split { validation: 0.2, test: 0.2, seed: 0 }).unwrap();
    let run = Training::new(configured(directory.path(), &overrides)).with_data(data).run(&mut ()).unwrap();
    let alarms: Vec<Finding> =
        findings(&run.summary).into_iter().filter(|finding| finding.level > Level::Info).collect();
    // Eight steps are too few, which is the only finding.
    assert!(alarms.iter().all(|finding| finding.code == stopped_early::CODE), "{}", listed(&alarms));
    let layers = run.measurements().unwrap().layers().unwrap();
    let has = |layer: &str, name: &str| layers.iter().any(|series| series.layer == layer && series.name == name);
    assert!(has("conv2d_1", "output_std"), "what batch norm knows of its input");
    assert!(has("activation_1", "dead_fraction") && has("batch_norm_1", "scale_norm"));
    assert!(has("conv2d_1", "gradient_rms") && has("linear_1", "weight_update_ratio"));
}

/// One number per sample, drawn without a pattern, for `targets`.
fn noise(samples: usize, targets: Targets) -> keel_data::SplitDataset {
    let values = (0..samples).map(|sample| ((sample as f32 * 12.9898).sin() * 43758.547).fract()).collect();
    let shape = keel_data::SampleShape::Features(1);
    let data = Dataset::from_memory("noise", shape, keel_data::Inputs::Floats(values), targets).unwrap();
    data.split(Split { validation: 0.2, test: 0.2, seed: 0 }).unwrap()
}

#[test]
fn the_loss_of_guessing_is_that_of_the_loss_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let guessing = |overrides: &[&str]| {
        let labels: Vec<u32> = (0..1000).map(|sample| u32::from(sample % 10 == 0)).collect();
        let class_names = vec!["often".to_owned(), "rare".to_owned()];
        let config = configured(directory.path(), &[&["model.preset=mlp"], overrides].concat());
        let data = noise(1000, Targets::Classes { labels, class_names });
        let share = data.train.iter().filter(|&&sample| sample % 10 == 0).count() as f64 / data.train.len() as f64;
        let session = keel_train::Session::new(&config, data).unwrap_or_else(|error| panic!("{error}"));
        (f64::from(keel_train::health::guessing_loss(&session).unwrap()), share)
    };
    let entropy = |share: f64| -share * share.ln() - (1.0 - share) * (1.0 - share).ln();
    let near = |(loss, share): (f64, f64), expected: fn(f64) -> f64| {
        assert!((loss - entropy(expected(share))).abs() < 1e-3, "{loss} for {share}");
    };
    near(guessing(&[]), |share| share);
    near(guessing(&["train.class_weights=balanced"]), |_| 0.5);
    near(guessing(&["train.class_weights=[1.0, 10.0]"]), |share| 10.0 * share / (1.0 + 9.0 * share));
    near(guessing(&["train.class_weights=balanced", "train.loss=bce"]), |_| 0.5);
    near(guessing(&["train.loss={ type = \"cross_entropy\", label_smoothing = 0.2 }"]), |share| 0.8 * share + 0.1);
}

#[test]
fn a_constant_target_among_others_is_noted_and_constant_targets_alone_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let trained = |of: fn(usize) -> [f32; 2]| {
        let values = (0..400).flat_map(of).collect();
        let target_names = vec!["ink".to_owned(), "border".to_owned()];
        let config = configured(directory.path(), &["model.preset=mlp", "train.epochs=1"]);
        let data = noise(400, Targets::Values { values, target_names });
        Training::new(config).with_data(data).run(&mut ()).map(|run| findings(&run.summary))
    };
    let found = trained(|sample| [sample as f32, 0.0]).unwrap_or_else(|error| panic!("{error}"));
    let noted =
        found.iter().find(|finding| finding.kind == "constant-targets").unwrap_or_else(|| panic!("{}", listed(&found)));
    assert!(noted.level == Level::Info && noted.message.contains("`border`"), "{}", noted.message);
    let refused = trained(|_| [3.0, 0.0]).unwrap_err().to_string();
    assert!(refused.contains("every training sample has the same targets"), "{refused}");
}
