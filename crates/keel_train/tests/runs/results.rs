//! Results: metrics and their baseline, samples without a result, the metric that decides, class weights, importance of columns.

use std::path::Path;
use std::sync::Arc;

use keel_data::{Dataset, Inputs, SampleShape, SplitDataset, Targets};
use keel_train::metrics::MetricName;
use keel_train::runs::Status;
use keel_train::{
    Config, Importance, ImportanceOptions, Prediction, Predictor, TrainedRun, Training, config, load_data,
};

fn configured(directory: &Path, overrides: &[&str]) -> Config {
    let mut overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    overrides.push(format!("run.directory=\"{}\"", directory.display()));
    config::load(Some("mlp"), &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn train(config: Config) -> TrainedRun {
    Training::new(config).run(&mut ()).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns 60 rows with y = 2 a - b, split in order into 40 for training, 10 for validation, 10 for testing; those in `extreme`
/// have a value that no network can process.
fn rows(extreme: &[usize]) -> SplitDataset {
    let row = |row: usize| match extreme.contains(&row) {
        true => [3e38, -3e38],
        false => [(row as f32 * 0.7).sin(), (row as f32 * 1.3).cos()],
    };
    let inputs: Vec<[f32; 2]> = (0..60).map(row).collect();
    let values = (0..60).map(|row| 2.0 * (row as f32 * 0.7).sin() - (row as f32 * 1.3).cos()).collect();
    let targets = Targets::Values { values, target_names: vec!["y".to_owned()] };
    let dataset =
        Dataset::from_memory("rows", SampleShape::Features(2), Inputs::Floats(inputs.concat()), targets).unwrap();
    let part = |range: std::ops::Range<usize>| range.collect::<Vec<_>>();
    let (train, validation, test) = (part(0..40), part(40..50), part(50..60));
    SplitDataset { dataset: Arc::new(dataset), train, validation, test, split: None }
}

#[test]
fn a_sample_without_a_result_is_left_out_named_and_found() {
    let directory = tempfile::tempdir().unwrap();
    for (extreme, validation, test) in [(&[52][..], 0, 1), (&[41, 52, 53], 1, 2)] {
        let config = configured(directory.path(), &["train.epochs=3", "run.name=r"]);
        let run = Training::new(config).with_data(rows(extreme)).run(&mut ()).unwrap();
        let read = run.folder.read_summary().unwrap();
        assert_eq!(read.status, Status::Finished);
        let left_out = |metrics: &Option<keel_train::metrics::Metrics>| {
            metrics.as_ref().unwrap().left_out.as_ref().map_or(0, |left_out| left_out.samples)
        };
        assert_eq!((left_out(&read.metrics.validation), left_out(&read.metrics.test)), (validation, test));
        let metrics = read.metrics.test.unwrap();
        assert_eq!(metrics.samples, 10 - test);
        assert!(metrics.loss.is_finite() && metrics.regression.unwrap().rmse.is_finite());
        let messages: Vec<&str> = read
            .findings
            .iter()
            .filter(|finding| finding["code"] == "K001" && finding["level"] == "error")
            .filter_map(|finding| finding["message"].as_str())
            .collect();
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(message.contains("of the test split") && message.contains("sample 52: feature"), "{message}");
        assert!(
            message.contains("3e38") && message.contains("of the validation split") == (validation > 0),
            "{message}"
        );
    }
}

#[test]
fn a_run_without_any_finite_validation_result_fails_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let config = configured(directory.path(), &["train.epochs=2", "run.name=r"]);
    let all: Vec<usize> = (40..50).collect();
    let message = Training::new(config).with_data(rows(&all)).run(&mut ()).unwrap_err().to_string();
    assert!(message.starts_with("K001: no epoch has a finite validation result: 10 samples gave NaN"), "{message}");
    let summary = keel_train::runs::RunFolder::open(&directory.path().join("r")).unwrap().read_summary().unwrap();
    assert_eq!((summary.status, summary.best_epoch), (Status::Failed, 0));
}

#[test]
fn a_prediction_is_never_nan() {
    let directory = tempfile::tempdir().unwrap();
    let config = configured(directory.path(), &["train.epochs=2"]);
    let data = rows(&[52]);
    let run = Training::new(config).with_data(data.clone()).run(&mut ()).unwrap();
    let predictions = Predictor::load(run.folder.path()).unwrap().predict_samples(&data.dataset, &[51, 52]).unwrap();
    assert!(matches!(&predictions[0], Prediction::Values(values) if values[0].is_finite()), "{predictions:?}");
    assert!(matches!(&predictions[1], Prediction::Undefined { sample } if sample.contains("52")), "{predictions:?}");
}

/// Writes a table of two classes determined by `a`, one of them rare; `b` is irrelevant, `kind` is the class under another name for
/// one row of four.
fn table(directory: &Path) -> String {
    let mut text = "a,b,kind,label\n".to_owned();
    for row in 0..400 {
        let rare = row % 10 == 0;
        let noise = ((row * 37 % 101) as f32 / 101.0 - 0.5) * 3.0;
        let a = noise + if rare { 1.0 } else { -0.5 };
        let kind = ["x", "y", "z"][row * 7 % 3];
        text.push_str(&format!(
            "{a:.3},{:.3},{kind},{}\n",
            (row * 53 % 97) as f32,
            if rare { "rare" } else { "usual" }
        ));
    }
    let path = directory.join("t.csv");
    std::fs::write(&path, text).unwrap();
    format!("data.source=\"{}\"", path.display())
}

#[test]
fn metrics_stand_beside_what_a_guess_scores() {
    let directory = tempfile::tempdir().unwrap();
    let source = table(directory.path());
    let run = train(configured(directory.path(), &[&source, "train.epochs=3"]));
    let test = run.summary.metrics.test.clone().unwrap();
    let guess = test.baseline.clone().unwrap();
    assert_eq!(guess.class.as_deref(), Some("usual"));
    let usual = test.classes.iter().find(|class| class.name == "usual").unwrap().samples as f64;
    assert_eq!(guess.value(MetricName::Accuracy), Some(usual / test.samples as f64));
    assert_eq!(guess.value(MetricName::RocAuc), Some(0.5));
    for metric in MetricName::shown(true).filter(|&metric| metric != MetricName::TopAccuracy) {
        assert!(metric.value(&test).is_some(), "{}", metric.name());
    }
    let calibrated: u64 = test.calibration.iter().map(|bin| bin.samples).sum();
    assert_eq!((calibrated, test.roc_curve.last()), (test.samples, Some(&(1.0, 1.0))));
    // The stored model gives the same result, with nothing but the file.
    let data = load_data(Predictor::load(run.folder.path()).unwrap().config()).unwrap();
    let again = Predictor::load(&run.folder.model()).unwrap().evaluate(&data.dataset, &data.test).unwrap();
    assert_eq!((again.roc_auc, again.baseline), (test.roc_auc, test.baseline));
}

#[test]
fn the_metric_of_the_config_decides_and_must_fit() {
    let directory = tempfile::tempdir().unwrap();
    let source = table(directory.path());
    let best = |metric: &str| {
        let metric = format!("train.metric={metric}");
        let run = train(configured(directory.path(), &[&source, "train.epochs=6", "data.validation=0.3", &metric]));
        run.summary.metrics.validation.unwrap()
    };
    let (by_loss, by_auc) = (best("log_loss"), best("roc_auc"));
    assert!(by_auc.roc_auc >= by_loss.roc_auc && by_loss.log_loss <= by_auc.log_loss, "{by_auc:?} {by_loss:?}");
    let refused = [
        (&["train.metric=rmse"][..], "train.metric: rmse cannot be computed for classes; use one of auto, accuracy"),
        (&["train.metric=roc_auc", "data.validation=0.0"], "roc_auc needs a validation split"),
        (&["train.class_weights=[1.0]"], "train.class_weights: there are 1 class weights"),
        (&["train.class_weights.rar=2.0"], "`rar` is not a class of the data; did you mean `rare`?"),
    ];
    for (overrides, expected) in refused {
        let overrides = [&[source.as_str()], overrides].concat();
        let error = Training::new(configured(directory.path(), &overrides)).run(&mut ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.key().is_some_and(|key| overrides[1].starts_with(&key)), "{error}");
    }
}

#[test]
fn balanced_weights_find_more_of_the_rare_class() {
    let directory = tempfile::tempdir().unwrap();
    let source = table(directory.path());
    for loss in ["cross_entropy", "bce", "hinge"] {
        let recall = |weights: &str| {
            let (loss, weights) = (format!("train.loss={loss}"), format!("train.class_weights={weights}"));
            let run = train(configured(directory.path(), &[&source, "train.epochs=8", &loss, &weights]));
            let metrics = run.summary.metrics.train.unwrap();
            metrics.classes.iter().find(|class| class.name == "rare").unwrap().recall
        };
        let (plain, balanced) = (recall("none"), recall("balanced"));
        assert!(balanced > plain + 0.2, "{loss}: {plain} {balanced}");
    }
}

#[test]
fn the_column_that_decides_is_the_most_important_one() {
    let directory = tempfile::tempdir().unwrap();
    let source = table(directory.path());
    let run = train(configured(directory.path(), &[&source, "train.epochs=10", "train.class_weights=balanced"]));
    let predictor = Predictor::load(run.folder.path()).unwrap();
    let data = load_data(predictor.config()).unwrap();
    let options = ImportanceOptions { metric: MetricName::RocAuc, ..ImportanceOptions::default() };
    let measure = |options| Importance::measure(&predictor, &data.dataset, &data.test, "test", options).unwrap();
    let importance = measure(options);
    let names: Vec<&str> = importance.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((names.len(), names[0]), (3, "a"), "a category is one column: {names:?}");
    assert!(importance.columns[0].mean > 0.1 && importance.columns[1].mean < 0.1, "{importance:?}");
    assert_eq!(importance.columns[0].drops.len(), 5);
    assert_eq!(measure(options), importance, "the same seed");
    assert_ne!(measure(ImportanceOptions { seed: 1, ..options }), importance);
    let auto = measure(ImportanceOptions::default());
    assert_eq!(auto.metric, MetricName::Accuracy);
    importance.write(&run.folder).unwrap();
    assert_eq!(Importance::read(&run.folder).unwrap(), Some(importance));
}

#[test]
fn importance_is_refused_where_there_are_no_columns() {
    let directory = tempfile::tempdir().unwrap();
    let run = train(configured(directory.path(), &["data.source=digits", "train.epochs=1"]));
    let predictor = Predictor::load(run.folder.path()).unwrap();
    let data = load_data(predictor.config()).unwrap();
    let measured = Importance::measure(&predictor, &data.dataset, &data.test, "test", ImportanceOptions::default());
    assert!(measured.unwrap_err().to_string().contains("trained on images"));
}

#[test]
fn targets_that_are_not_the_models_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let run = train(configured(directory.path(), &["data.source=digits", "train.epochs=1"]));
    let predictor = Predictor::load(run.folder.path()).unwrap();
    let data = load_data(predictor.config()).unwrap().dataset;
    let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    let samples = data.samples();
    let reversed: Vec<String> = names(10).into_iter().rev().collect();
    let classes = |class_names: Vec<String>| Targets::Classes { labels: vec![9; samples], class_names };
    let values = Targets::Values { values: vec![0.5; samples], target_names: vec!["y".to_owned()] };
    let cases = [
        (
            classes(names(11)),
            "data: this data has the classes 0, 1, 2, 3, 4, 5, 6, 7 and 3 more, but the model the classes 0",
        ),
        (classes(reversed), "data: this data has the classes 9, 8"),
        (values, "data: this data has the values y, but the model the classes 0"),
        (Targets::Unlabelled, "data: this data has no targets to compare with"),
    ];
    for (targets, expected) in cases {
        let other = Dataset::from_memory("other", *data.sample_shape(), data.inputs().clone(), targets).unwrap();
        for refused in [predictor.evaluate(&other, &[0, 1]), predictor.evaluate_all(&[&other])] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
