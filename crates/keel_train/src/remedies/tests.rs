//! Remedies on real runs: what they change, what they leave unchanged, and whether they help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keel_data::PreprocessStep;
use keel_health::{Level, Remedy};

use super::*;
use crate::Training;

fn run_of(directory: &std::path::Path, settings: &[&str]) -> RunFolder {
    let mut settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
    settings.extend(["train.threads=1", "model.width=16", "data.source=digits"].map(str::to_owned));
    settings.push(format!("run.directory=\"{}\"", directory.display()));
    let config = config::load(Some("mlp"), &settings).unwrap_or_else(|error| panic!("{error}"));
    Training::new(config).run(&mut ()).unwrap_or_else(|error| panic!("{error}")).folder
}

fn finding(remedies: Vec<Remedy>) -> Finding {
    Finding {
        code: "K010".into(),
        rule: "dead-relu".into(),
        kind: "died".into(),
        level: Level::Error,
        layer: None,
        measured: 0.5,
        latest: None,
        window: None,
        threshold: 0.1,
        first_step: 100,
        last_step: 200,
        epoch: None,
        message: String::new(),
        cause: String::new(),
        lowered: None,
        remedy: String::new(),
        remedies,
        evidence: None,
        samples: Vec::new(),
        explained_by: None,
        consequences: Vec::new(),
    }
}

#[test]
fn the_first_remedy_that_can_be_applied_is_chosen() {
    let config = Config::default();
    let remedies = vec![
        Remedy::CheckLabels,
        Remedy::ScaleLearningRate { factor: 0.1, value: None },
        Remedy::SetInit { layer: None, init: "kaiming_normal".into(), config_key: None },
    ];
    let first = treatment(&config, &finding(remedies.clone()), None).unwrap().unwrap();
    let rate = config.optimizer.learning_rate();
    assert!((first.config.optimizer.learning_rate() - 0.1 * rate).abs() < 1e-9 * rate);
    let numbers: Vec<usize> =
        treatments(&config, &finding(remedies.clone())).unwrap().iter().map(|treatment| treatment.number).collect();
    assert_eq!((first.number, numbers), (2, vec![2, 3]), "remedies that need a person are omitted");
    let third = treatment(&config, &finding(remedies.clone()), Some(3)).unwrap().unwrap();
    assert_eq!(third.settings, ["model.init=kaiming_normal"]);
    assert_eq!(third.application, Application::FreshRun);
    assert!(treatment(&config, &finding(vec![Remedy::CheckLabels]), None).unwrap().is_none());
    let message = treatment(&config, &finding(remedies), Some(4)).unwrap_err().to_string();
    assert!(message.contains("3 remedies; use --remedy 1 to 3"), "{message}");
}

#[test]
fn every_hidden_sigmoid_is_replaced_and_the_last_layer_is_not() {
    let sigmoid = "{ type = \"activation\", function = \"sigmoid\" }";
    let linear = "{ type = \"linear\", out_features = 4 }";
    let layers = format!("model.layers=[{linear}, {sigmoid}, {linear}, {sigmoid}, {linear}, {sigmoid}]");
    let config = config::load(Some("mlp"), &[layers, "data.source=digits".to_owned()]).unwrap();
    let remedy = Remedy::SetActivation { from: "sigmoid".into(), function: "relu".into() };
    let treatment = treatment(&config, &finding(vec![remedy]), None).unwrap().unwrap();
    assert_eq!(treatment.settings, ["model.layers.1.function=relu", "model.layers.3.function=relu", "model.init=auto"]);
    let changed = treatment.config.to_toml();
    assert_eq!((changed.matches("\"relu\"").count(), changed.matches("\"sigmoid\"").count()), (2, 1), "{changed}");
}

#[test]
fn only_the_named_units_are_drawn_anew_and_the_old_run_stays() {
    let directory = tempfile::tempdir().unwrap();
    let run = run_of(directory.path(), &["train.epochs=1"]);
    let before = std::fs::read(run.last_checkpoint()).unwrap();
    let config = config_of(&run).unwrap();
    let surgery = Surgery::ReinitialiseUnits { layer: "activation_1".into(), units: vec![1, 5] };
    let plain = Fork { run: &run, config: config.clone(), surgery: None, from_start: false };
    let changed = Fork { surgery: Some(&surgery), ..plain.clone() };
    let weights = |fork_of: &Fork<'_>| {
        let folder = fork(fork_of, directory.path(), "fork").unwrap();
        crate::runs::Checkpoint::<crate::runs::TrainingState>::read(&folder.last_checkpoint()).unwrap()
    };
    let (plain, changed) = (weights(&plain), weights(&changed));
    assert!(plain.description.step > 0 && plain.description.health.is_some());
    for (tensor, changed) in plain.tensors.iter().zip(&changed.tensors) {
        let (name, old, new) = (&tensor.name, &tensor.values, &changed.values);
        let width = tensor.shape.last().copied().unwrap_or(1);
        let differing: std::collections::BTreeSet<usize> =
            (0..old.len()).filter(|&index| old[index] != new[index]).map(|index| index % width).collect();
        let allowed =
            name.starts_with("linear_1.") || name.starts_with("batch_norm_1.") || name.starts_with("optimizer.");
        assert!(allowed || differing.is_empty(), "{name} {differing:?}");
        if name == "linear_1.weight" {
            assert_eq!(differing.into_iter().collect::<Vec<_>>(), [1, 5]);
        }
    }
    assert_eq!(std::fs::read(run.last_checkpoint()).unwrap(), before);
}

#[test]
fn a_missing_preprocessing_step_is_proved_and_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let run = run_of(directory.path(), &["train.epochs=1", "preprocess.steps=[]"]);
    let found = finding_of(&run, "K002").unwrap();
    let config = config_of(&run).unwrap();
    let treatment = treatment(&config, &found, None).unwrap().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let options =
        ProofOptions { seeds: 3, steps: Some(20), scratch: scratch.path().to_owned(), stop: Arc::clone(&stop) };
    let mut begun = Vec::new();
    let proof = prove(&run, &found, &treatment, &options, &mut |text| begun.push(text.to_owned())).unwrap().unwrap();
    assert_eq!((proof.from_step, begun.len(), proof.steps), (0, 6, 20), "{proof:?}");
    assert!(proof.without.iter().all(|arm| arm.statistic.is_some()), "{proof:?}");
    assert!(proof.with.iter().all(|arm| arm.statistic.is_none() && arm.loss.is_some()), "{proof:?}");
    assert!(proof.without.iter().chain(&proof.with).all(|arm| arm.result.is_finite()), "{proof:?}");
    record_proof(&run, &proof).unwrap();
    let summary = run.read_summary().unwrap();
    let recorded = summary.findings.iter().find(|finding| finding["code"] == "K002").unwrap();
    assert_eq!(recorded["proof"]["verdict"], serde_json::to_value(proof.verdict).unwrap());
    let level = finding_of(&run, "K002").unwrap().level;
    assert_eq!(level == found.level, proof.verdict == Verdict::Confirmed, "the level follows: {proof:?}");
    let whole = ProofOptions { steps: None, ..options.clone() };
    let whole = prove(&run, &found, &treatment, &whole, &mut |_| ()).unwrap().unwrap();
    assert!(whole.steps > 0 && whole.with.iter().all(|arm| arm.result.score.is_some()), "a whole epoch: {whole:?}");
    stop.store(true, Ordering::Relaxed);
    let stopped = prove(&run, &found, &treatment, &options, &mut |_| ()).unwrap();
    assert_eq!((stopped, std::fs::read_dir(scratch.path()).unwrap().count()), (None, 0), "stopped, no files left");
    let message = finding_of(&run, "K018").unwrap_err().to_string();
    assert!(message.contains("no finding K018; it has") && message.contains("K002"), "{message}");
}

#[test]
fn another_initialiser_reaches_layers_that_name_their_own() {
    let settings = [concat!(
        "model.layers=[{ type = \"conv2d\", out_channels = 4, kernel = 3, init = \"zeros\" }, ",
        "{ type = \"residual\", body = [{ type = \"conv2d\", out_channels = 4, kernel = 3, padding = \"same\", init = \"zeros\" }] }, ",
        "{ type = \"linear\", out_features = 8 }, { type = \"linear\", init = { type = \"normal\", std = 0.01 } }]"
    )
    .to_owned()];
    let config = config::load(None, &settings).unwrap_or_else(|error| panic!("{error}"));
    let remedy = Remedy::SetInit { layer: None, init: "kaiming_normal".into(), config_key: None };
    let treatment = treatment(&config, &finding(vec![remedy]), None).unwrap().unwrap();
    let expected = ["model.init=kaiming_normal", "model.layers.0.init=auto", "model.layers.1.body.0.init=auto"];
    assert_eq!(treatment.settings, expected, "the last layer may start with small weights");
    let again = initialisers(&treatment.config, "kaiming_normal");
    assert_eq!(again, ["model.init=kaiming_normal"], "the changed config holds no other initialiser in a hidden layer");
}

#[test]
fn remedies_about_the_data_change_its_section() {
    let config = config::load(Some("mlp"), &["data.ignore_columns=[\"a\"]".to_owned()]).unwrap();
    let treated = |remedy| treatment(&config, &finding(vec![remedy]), None).unwrap().unwrap().config;
    let ignored = treated(Remedy::IgnoreColumns { columns: vec!["b c".into(), "a".into()] });
    assert_eq!(ignored.data.ignore_columns, ["a", "b c"]);
    assert!(treated(Remedy::KeepDuplicatesTogether).data.keep_duplicates_together);
    let clipped = treated(Remedy::AddPreprocess { step: "clip".into() });
    assert_eq!(clipped.preprocess.steps.iter().map(PreprocessStep::name).collect::<Vec<_>>(), ["clip", "standardize"]);
}
