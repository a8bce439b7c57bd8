//! The library on a program's own data: in memory, from rows and columns, with its own loss and loop.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::prelude::*;

const SPLIT: Split = Split { validation: 0.1, test: 0.2, seed: 0 };

/// y = 3 x + 1 with a category that adds 2, and some missing cells.
fn line(samples: u32, shift: f64) -> SplitDataset {
    let rows = (0..samples).map(|index| {
        let x = f64::from(index) / 50.0 + shift;
        let colour = if index % 3 == 0 { "red" } else { "blue" };
        let y = 3.0 * x + 1.0 + if colour == "red" { 2.0 } else { 0.0 } + 0.01 * f64::from(index % 7);
        let x = if index % 20 == 5 { None } else { Some(x) };
        [Cell::from(x), Cell::from(colour), Cell::from(y)]
    });
    let config = DataConfig { task: evenkeel::data::Task::Regression, ..DataConfig::for_target("y") };
    Dataset::from_rows("line", ["x", "colour", "y"], rows, &config).unwrap().split(SPLIT).unwrap()
}

fn trainer() -> Trainer {
    Trainer::new(Model::sequential().linear(16).tanh().output())
        .preprocess([Preprocess::Standardize])
        .optimizer(AdamW::new(0.02))
        .epochs(30)
        .threads(1)
}

fn weights(path: &std::path::Path) -> Vec<u8> {
    let bytes = std::fs::read(path.join("model.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_run_in_memory_writes_nothing_until_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let data = line(300, 0.0);
    let run = trainer().directory(folder.path().display().to_string()).in_memory().fit(&data).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(run.folder().is_none());
    assert!(run.test_metrics().unwrap().regression.as_ref().unwrap().r2 > Some(0.9), "{:?}", run.test_metrics());
    assert_eq!(run.measurements().unwrap().steps().unwrap().len() as u64, run.summary().steps);
    assert!(run.findings().unwrap().iter().all(|finding| finding.level != evenkeel::health::Level::Error));
    let predictions = run.predictor().unwrap().predict(&data.dataset).unwrap();
    assert_eq!(predictions.len(), 300);

    // It ends in the same bits as a run in a folder, and saved it is one.
    let path = folder.path().join("saved");
    run.save(&path).unwrap();
    let written = trainer().directory(folder.path().display().to_string()).fit(&data).unwrap();
    assert!(weights(&path) == weights(written.folder().unwrap()));
    assert_eq!(Predictor::load(&path).unwrap().predict(&data.dataset).unwrap(), predictions);
    let message = run.save(&path).unwrap_err().to_string();
    assert!(message.contains("saved: the folder is not empty"), "{message}");
    written.save(folder.path().join("copied")).unwrap();
    assert!(weights(&folder.path().join("copied")) == weights(&path));
}

/// A program that takes a while after each step, which no measurement before the first epoch can know.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Vec<f64>>>);

impl TrainingObserver for Slow {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Step(step) => {
                self.0.lock().unwrap().push(step.learning_rate);
                std::thread::sleep(Duration::from_millis(10));
            }
            Event::Shortened { total_steps, epochs } => assert!(total_steps < 700 && epochs < 100.0),
            _ => {}
        }
    }
}

#[test]
fn a_training_slower_than_measured_still_ends_with_its_learning_rate_fallen() {
    let slow = Slow::default();
    let cosine = ScheduleConfig::Cosine(evenkeel::train::schedules::CosineConfig::default());
    let settings = trainer().batch_size(32).epochs(100).schedule(cosine).time_limit(Duration::from_secs(2));
    let run = settings.observer(slow.clone()).in_memory().fit(&line(300, 0.0)).unwrap();
    let (summary, rates) = (run.summary(), slow.0.lock().unwrap());
    assert_eq!((format!("{:?}", summary.status).as_str(), &summary.reason), ("Finished", &None));
    assert!((1..100).contains(&summary.epochs) && summary.steps == rates.len() as u64, "{} epochs", summary.epochs);
    assert!(*rates.last().unwrap() < 0.01 * rates[0], "{:?}", rates.last());
    assert!(rates.windows(2).all(|pair| pair[1] <= pair[0]), "a cosine only falls");
    let choice = summary.choices.iter().find(|choice| choice.key == "train.epochs").unwrap();
    assert!(choice.reason.contains("during training, which is slower than measured"), "{}", choice.reason);
}

#[test]
fn classes_are_weighted_and_judged_as_the_program_says() {
    let digits = Dataset::digits().unwrap().split(SPLIT).unwrap();
    let settings = || trainer().epochs(2).metric(MetricName::LogLoss).in_memory();
    let run = settings().class_weights(WeightRule::Balanced).fit(&digits).unwrap();
    let folder = tempfile::tempdir().unwrap();
    run.save(folder.path().join("r")).unwrap();
    let config = std::fs::read_to_string(folder.path().join("r/config.toml")).unwrap();
    assert!(config.contains("metric = \"log_loss\"") && config.contains("class_weights = \"balanced\""), "{config}");
    let error = settings().class_weights(ClassWeights::Listed(vec![1.0, 2.0])).fit(&digits).unwrap_err().to_string();
    assert!(error.contains("train.class_weights"), "{error}");
}

/// Every input twice, with opposite labels.
fn contradictions() -> Dataset {
    let inputs = (0..200u32).map(|index| f64::from(index / 2).sin() as f32).collect::<Vec<_>>();
    let labels = (0..200usize).map(|index| usize::from(inputs[index] > 0.0) ^ (index % 2));
    let targets = Targets::classes(labels.collect::<Vec<_>>());
    Dataset::from_memory("contradictions", SampleShape::Features(1), Inputs::Floats(inputs.clone()), targets).unwrap()
}

#[test]
fn samples_of_weight_zero_teach_nothing() {
    let learned = |first: f32, second: f32| {
        let weights = (0..200).map(|index| if index % 2 == 0 { first } else { second }).collect();
        let data = contradictions().with_weights(weights).unwrap();
        let data = data.split(Split { validation: 0.0, test: 0.0, seed: 0 }).unwrap();
        let run = trainer().in_memory().fit(&data).unwrap();
        let inputs = Inputs::Floats(vec![-0.8, 0.8]);
        let asked = Dataset::from_memory("asked", SampleShape::Features(1), inputs, Targets::Unlabelled).unwrap();
        let predictions = run.predictor().unwrap().predict(&asked).unwrap();
        let name = |prediction: &Prediction| match prediction {
            Prediction::Class { name, .. } => name.clone(),
            other => panic!("{other:?}"),
        };
        predictions.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(learned(1.0, 0.0), ["0", "1"]);
    assert_eq!(learned(0.0, 1.0), ["1", "0"]);
    assert_eq!(learned(3.0, 1.0), ["0", "1"]);
}

#[test]
fn data_in_memory_is_named_truthfully_and_has_to_be_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = line(200, 0.0);
    let run = trainer().directory(folder.path().display().to_string()).fit(&data).unwrap();
    let path = run.folder().unwrap();
    let config = std::fs::read_to_string(path.join("config.toml")).unwrap();
    assert!(config.contains("source = \"memory:line\""), "{config}");
    assert_eq!(run.summary().data_fingerprint, Some(data.fingerprint()));

    let message = Trainer::resume(path).unwrap().run().unwrap_err().to_string();
    assert!(message.contains("memory of a program (\"line\")"), "{message}");
    let other = Trainer::resume(path).unwrap().with_data(&line(200, 0.5)).run().unwrap_err().to_string();
    assert!(other.contains("was trained on other samples"), "{other}");
    let split = SplitDataset { train: data.test.clone(), test: data.train.clone(), ..data.clone() };
    let other = Trainer::resume(path).unwrap().with_data(&split).run().unwrap_err().to_string();
    assert!(other.contains("a different split into training, validation and test"), "{other}");

    let resumed = Trainer::resume(path).unwrap().with_data(&data).threads(2).run().unwrap();
    assert_eq!(resumed.summary().metrics, run.summary().metrics);

    let digits = Dataset::digits().unwrap().split(Split { seed: 3, ..SPLIT }).unwrap();
    let run = trainer().epochs(1).directory(folder.path().display().to_string()).fit(&digits).unwrap();
    let config = std::fs::read_to_string(run.folder().unwrap().join("config.toml")).unwrap();
    assert!(config.contains("source = \"digits\"") && config.contains("seed = 3"), "{config}");
}

/// Squared error, which the built-in loss of values is as well.
struct Squared;

impl LossFunction for Squared {
    fn value_and_gradient(&self, outputs: &[f32], targets: LossTargets<'_>, gradient: &mut [f32]) -> f64 {
        let scale = 1.0 / outputs.len() as f32;
        let mut sum = 0.0;
        for ((gradient, output), target) in gradient.iter_mut().zip(outputs).zip(targets.values()) {
            sum += f64::from(output - target).powi(2);
            *gradient = 2.0 * scale * (output - target);
        }
        sum / outputs.len() as f64
    }
}

#[test]
fn a_loss_of_ones_own_trains_and_predicts_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = line(200, 0.0);
    let run = trainer().custom_loss("squared", Squared).directory(folder.path().display().to_string()).fit(&data);
    let run = run.unwrap();
    let path = run.folder().unwrap();
    let config = std::fs::read_to_string(path.join("config.toml")).unwrap();
    assert!(config.contains("name = \"squared\""), "{config}");
    let r2 = |run: &FittedRun| run.test_metrics().and_then(|metrics| metrics.regression.as_ref()?.r2).unwrap();
    let (own, built_in) = (r2(&run), r2(&trainer().in_memory().fit(&data).unwrap()));
    assert!((own - built_in).abs() < 0.02, "{own} {built_in}");

    let predictor = Predictor::load(path).unwrap();
    assert_eq!(predictor.predict(&data.dataset).unwrap().len(), 200);
    let message = predictor.evaluate(&data.dataset, &data.test).unwrap_err().to_string();
    assert!(message.contains("the loss `squared` is code of the program"), "{message}");
    let message = Trainer::resume(path).unwrap().with_data(&data).run().unwrap_err().to_string();
    assert!(message.contains("the loss `squared` is code of the program"), "{message}");
    let loss = CustomLoss::new("squared", Squared);
    let resumed = Trainer::resume(path).unwrap().with_data(&data).custom_loss(loss).run().unwrap();
    assert_eq!(resumed.summary().metrics, run.summary().metrics);
}

#[test]
fn a_loop_of_ones_own_saves_what_a_predictor_loads() {
    let folder = tempfile::tempdir().unwrap();
    let data = line(200, 0.0);
    let mut session = trainer().session(&data).unwrap();
    let mut step = 0;
    for epoch in 0..20 {
        let mut batches = session.batches(epoch);
        while let Some(batch) = batches.next() {
            session.step(batch.unwrap(), step, 0.02);
            step += 1;
        }
    }
    let metrics = session.evaluate(&data.test).unwrap().unwrap();
    assert!(metrics.regression.as_ref().unwrap().r2 > Some(0.8), "{metrics:?}");
    let norm = session.with(|inner| inner.network().parameters.iter().map(|value| value * value).sum::<f32>());
    assert!(norm > 0.0);

    let file = folder.path().join("line.safetensors");
    session.save(&file).unwrap();
    let predictor = Predictor::load(&file).unwrap();
    let expected = session.predictor().unwrap().predict(&data.dataset).unwrap();
    assert_eq!(predictor.predict(&data.dataset).unwrap(), expected);
    let evaluated = predictor.evaluate(&data.dataset, &data.test).unwrap();
    assert!((evaluated.loss - metrics.loss).abs() < 1e-6);
    assert!(session.save(folder.path().join("no/such/folder.safetensors")).is_err());
}
