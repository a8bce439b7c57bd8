//! One predictor serves many threads: the same bits as one after the other, without a copy of the network.

use keel_data::Dataset;
use keel_train::{Config, Prediction, Predictor, Training, config};

fn trained(folder: &std::path::Path, settings: &[&str]) -> Predictor {
    let mut settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
    settings.push(format!("run.directory=\"{}\"", folder.display()));
    let config: Config = config::load(None, &settings).unwrap();
    let run = Training::new(config).run(&mut ()).unwrap();
    Predictor::load(run.folder.path()).unwrap()
}

const TABLE: [&str; 4] = ["data.source=spiral", "model.preset=mlp", "train.epochs=1", "train.threads=2"];
const IMAGES: [&str; 5] =
    ["data.source=digits", "model.preset=cnn", "train.epochs=1", "train.mirrored_evaluation=true", "train.threads=2"];

#[test]
fn a_predictor_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Predictor>();
}

#[test]
fn threads_predict_with_one_predictor_as_if_alone() {
    for settings in [&TABLE[..], &IMAGES[..]] {
        let folder = tempfile::tempdir().unwrap();
        let predictor = trained(folder.path(), settings);
        let data = predictor.load_data(&predictor.config().data.source.clone()).unwrap();
        let expected = predictor.predict(&data).unwrap();
        let ask = |first: usize| -> Vec<Prediction> { one_by_one(&predictor, &data, first) };
        let answers: Vec<Vec<Prediction>> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..6).map(|first| scope.spawn(move || ask(first))).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (first, answers) in answers.iter().enumerate() {
            for (answer, sample) in answers.iter().zip((first..data.samples()).step_by(7)) {
                assert_eq!(answer, &expected[sample], "sample {sample} of {settings:?}");
            }
        }
    }
}

/// Predicts every seventh sample from `first`, each in a separate call.
fn one_by_one(predictor: &Predictor, data: &Dataset, first: usize) -> Vec<Prediction> {
    let samples = (first..data.samples()).step_by(7).take(40);
    samples.map(|sample| predictor.predict_samples(data, &[sample]).unwrap().remove(0)).collect()
}

#[test]
fn a_call_that_fails_leaves_the_predictor_usable() {
    let folder = tempfile::tempdir().unwrap();
    let predictor = trained(folder.path(), &TABLE);
    let data = predictor.load_data("spiral").unwrap();
    let before = predictor.predict_samples(&data, &[3]).unwrap();
    let digits = Dataset::digits().unwrap();
    assert!(predictor.predict(&digits).is_err());
    assert_eq!(predictor.predict_samples(&data, &[3]).unwrap(), before);
}
