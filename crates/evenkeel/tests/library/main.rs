//! The library as its user writes it: build, train, measure, predict.

mod data;
mod dependencies;

use evenkeel::prelude::*;

fn blobs() -> SplitDataset {
    let source = DataConfig { samples: 60, ..DataConfig::of_source("blobs") };
    Dataset::load(&source).unwrap().split(source.split()).unwrap()
}

fn trainer(folder: &tempfile::TempDir) -> Trainer {
    let model = Model::sequential().linear(16).tanh().output();
    Trainer::new(model)
        .preprocess([Preprocess::Standardize])
        .optimizer(AdamW::new(0.01))
        .directory(folder.path().display().to_string())
        .threads(1)
}

#[test]
fn a_run_gives_its_metrics_measurements_findings_and_predictions() {
    let folder = tempfile::tempdir().unwrap();
    let data = blobs();
    let loss = Loss::CrossEntropy { label_smoothing: 0.1 };
    let run = trainer(&folder).loss(loss).epochs(12).fit(&data).unwrap();
    assert!(run.test_metrics().unwrap().accuracy.unwrap() > 0.8);

    let measurements = run.measurements().unwrap();
    let steps = measurements.steps().unwrap();
    assert_eq!(steps.len() as u64, run.summary().steps);
    assert!(steps.last().unwrap().loss < steps[0].loss);
    let layers = measurements.layers().unwrap();
    assert!(layers.iter().any(|series| series.layer == "linear_1"), "{layers:?}");
    assert!(measurements.epochs().unwrap().iter().any(|epoch| epoch.part == "val" && epoch.accuracy.is_some()));
    assert!(run.findings().unwrap().iter().all(|finding| finding.level != evenkeel::health::Level::Error));

    let predictor = run.predictor().unwrap();
    let predictions = predictor.predict_samples(&data.dataset, &data.test).unwrap();
    let Targets::Classes { labels, .. } = data.dataset.targets() else { panic!("blobs are classes") };
    let right = predictions.iter().zip(&data.test).filter(|(prediction, sample)| match prediction {
        Prediction::Class { index, .. } => *index == labels[**sample] as usize,
        Prediction::Values(_) | Prediction::Undefined { .. } => false,
    });
    let share = right.count() as f64 / data.test.len() as f64;
    assert!((share - run.test_metrics().unwrap().accuracy.unwrap()).abs() < 1e-9, "{share}");
}

#[test]
fn early_stopping_ends_a_training_that_no_longer_improves() {
    let folder = tempfile::tempdir().unwrap();
    let run = trainer(&folder).early_stopping(2).epochs(500).fit(&blobs()).unwrap();
    assert!(run.summary().epochs < 500, "{}", run.summary().epochs);
}

#[test]
fn impossible_settings_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let message = |trainer: Trainer| trainer.fit(&blobs()).unwrap_err().to_string();
    assert!(message(trainer(&folder).batch_size(0)).contains("train.batch_size"));
    assert!(message(trainer(&folder).epochs(0)).contains("`train.epochs`: must be at least 1, is 0"));
    assert!(message(trainer(&folder).optimizer(AdamW::new(f64::NAN))).contains("`optimizer.learning_rate`"));
    assert!(message(trainer(&folder).seed(u64::MAX)).starts_with("settings: "));
    assert!(message(trainer(&folder).loss(Loss::Mse {})).contains("mse needs values"));
    let wrong = Trainer::new(Model::sequential().conv2d(4, 3).output()).directory(folder.path().display().to_string());
    assert!(message(wrong).contains("conv2d needs an image"));
}
