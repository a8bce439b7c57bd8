//! The doctor on small training runs that fail, and on one that does not.

use std::sync::atomic::Ordering;

use super::*;
use crate::config;
use crate::loading::load_data;

fn options(trainings: u64, scratch: &std::path::Path) -> DoctorOptions {
    DoctorOptions {
        seconds: f64::INFINITY,
        trainings: Some(trainings),
        scratch: scratch.to_owned(),
        stop: Arc::default(),
    }
}

fn treated(settings: &[&str], trainings: u64) -> Treated {
    let usual = ["data.source=digits", "train.threads=1", "train.epochs=4"];
    let settings: Vec<String> = usual.iter().chain(settings).map(|text| (*text).to_owned()).collect();
    let config = config::load(Some("mlp"), &settings).unwrap_or_else(|error| panic!("{error}"));
    let scratch = tempfile::tempdir().unwrap();
    let data = load_data(&config).unwrap();
    let mut judgements = Judgements::default();
    treat(&config, data, &options(trainings, scratch.path()), &mut judgements).unwrap_or_else(|error| panic!("{error}"))
}

/// Judgements of the attempts as reported so far: only that of a promising one may change.
#[derive(Debug, Default)]
struct Judgements(Vec<Judgement>);

impl DoctorObserver for Judgements {
    fn training(&mut self, _place: &TrainingPlace<'_>) {}

    fn story(&mut self, story: &Story, _config: &Config) {
        for (place, attempt) in story.attempts.iter().enumerate() {
            match self.0.get(place) {
                None => self.0.push(attempt.judgement),
                Some(Judgement::Promising) => self.0[place] = attempt.judgement,
                Some(&before) => assert_eq!(before, attempt.judgement, "{}", attempt.change),
            }
        }
    }
}

/// A plain perceptron, which masks no fault.
const PLAIN: &str =
    "model.layers=[{type=\"linear\",out_features=32},{type=\"activation\",function=\"relu\"},{type=\"linear\"}]";

#[test]
fn a_learning_rate_far_too_high_is_cured() {
    let Treated { story, config } = treated(&[PLAIN, "optimizer.type=sgd", "optimizer.learning_rate=50.0"], 40);
    assert_eq!(story.ending, Some(Ending::Better), "{story:#?}");
    assert!(config.optimizer.learning_rate() < 5.0, "{:?}", config.optimizer);
    assert!(story.trainings <= 40 && story.start.len() == 3 && story.end.len() == 3);
    let mean = |side: &[Measured]| side.iter().filter_map(|run| run.test.score).sum::<f64>() / side.len() as f64;
    assert!(mean(&story.end) > mean(&story.start) + 0.3, "{story:#?}");
    let decided: Vec<u64> = story.start.iter().map(|run| run.seed).collect();
    assert!(decided.iter().all(|&seed| seed >= story.seed + 5), "the comparison has its own seeds: {decided:?}");
}

#[test]
fn zero_weights_are_cured() {
    let Treated { story, .. } = treated(&[PLAIN, "model.init=zeros"], 40);
    assert_eq!(story.ending, Some(Ending::Better), "{story:#?}");
    assert!(story.attempts.iter().any(|attempt| attempt.judgement == Judgement::Helped));
    assert!(story.changes.iter().any(|change| change.key.contains("init")), "{:?}", story.changes);
}

#[test]
fn no_choice_reads_the_test_split() {
    let settings = ["data.source=digits", "train.threads=1", "train.epochs=2", PLAIN, "model.init=zeros"];
    let config = config::load(Some("mlp"), &settings.map(str::to_owned)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let data = load_data(&config).unwrap();
    let mut other = data.clone();
    other.test.truncate(3);
    let [one, two] =
        [data, other].map(|data| treat(&config, data, &options(16, scratch.path()), &mut ()).unwrap().story);
    assert!(!one.attempts.is_empty());
    assert_eq!((&one.attempts, &one.changes, one.comparison), (&two.attempts, &two.changes, two.comparison));
    assert!(one.end.iter().zip(&two.end).any(|(one, two)| one.test != two.test), "the report uses the test split");
}

#[test]
fn a_healthy_training_is_left_alone() {
    let Treated { story, .. } = treated(&["train.epochs=12"], 40);
    assert_eq!(story.found, [], "{story:#?}");
    assert!(story.ending.is_some_and(Ending::is_good), "{story:#?}");
}

#[test]
fn what_cannot_be_trained_is_refused_and_a_stop_leaves_what_there_is() {
    let scratch = tempfile::tempdir().unwrap();
    let broken =
        config::load(Some("mlp"), &["data.source=digits".to_owned(), "train.batch_size=1".to_owned()]).unwrap();
    let data = load_data(&broken).unwrap();
    let error = treat(&broken, data.clone(), &options(20, scratch.path()), &mut ()).unwrap_err().to_string();
    assert!(error.contains("batch"), "{error}");

    let config = config::load(Some("mlp"), &["data.source=digits".to_owned(), "model.init=zeros".to_owned()]).unwrap();
    let options = options(20, scratch.path());
    options.stop.store(true, Ordering::Relaxed);
    let Treated { story, config: left } = treat(&config, data, &options, &mut ()).unwrap();
    assert_eq!((story.ending, story.attempts.len()), (Some(Ending::Stopped), 0));
    assert_eq!(left.model, config.model);
}
