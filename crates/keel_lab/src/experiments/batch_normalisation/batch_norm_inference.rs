//! Batch norm at inference: which statistics to use, and why not those of the test batch itself.
//!
//! Source of the population rule: Ioffe & Szegedy (2015), section 3.1, algorithm 2.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::layers::{BatchNormSpec, RunningStatistics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batch_norm_inference_page::page;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::training::{CLASSES, Classifier, Digits, FEATURES, Order, Part, Schedule, accuracy, answer};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Batch norm at inference: whose mean, whose deviation?", "推理时的批归一化：用谁的均值与标准差？"],
    summary: [
        "One trained network, evaluated with running averages, population statistics and the test batch's own, on shuffled, tiny and one-class batches.",
        "同一个训练好的网络，分别用滑动平均、总体统计量与测试批自身的统计量，在打乱的、极小的、单一类别的批上评估。",
    ],
    chapter: Chapter::BatchNormalisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "batch_norm_inference";
/// Shufflings of the test set over which answers are compared.
const SHUFFLES: u64 = 5;
/// Momentum with which the last batch alone, or a plain average of batches, is the running statistic.
const LAST_BATCH_ALONE: f32 = 1.0;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the three hidden layers.
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Training steps.
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a training step.
    #[schemars(range(min = 2, max = 512))]
    batch: usize,
    /// Step size.
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Sizes of the test batches.
    batches: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        let batches = vec![1, 2, 4, 8, 16, 32, 64, 128, 256];
        Config { width: 100, steps: 150, batch: 64, learning_rate: 0.05, batches }
    }
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    if config.batches.iter().any(|batch| !(1..=4096).contains(batch)) {
        return Err(LabError::KnobValue {
            experiment: NAME,
            knob: "batches".to_owned(),
            value: format!("{:?}", config.batches),
            expected: "sizes from 1 to 4096, like [1, 2, 4]".to_owned(),
        });
    }
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let mut trained = classifier(&config, (BatchNormSpec::default(), config.batch), seed)?;
    let schedule = Schedule {
        learning_rate: config.learning_rate as f32,
        momentum: 0.9,
        batch: config.batch,
        steps: config.steps,
    };
    trained.train(&digits.train, schedule);
    let sources = sources(&config, &mut trained, &digits, seed)?;
    let mut own = Vec::new();
    for &batch in &config.batches {
        own.push(own_statistics(&config, &trained, (&digits.test, batch), seed)?);
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "steps": config.steps, "batch": config.batch,
        "sources": sources, "running_accuracy": trained.evaluate(&digits.test).1, "own_statistics": own,
    });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Three times linear - batch norm - relu, then ten scores.
fn classifier(config: &Config, (norm, batch): (BatchNormSpec, usize), seed: u64) -> Result<Classifier, LabError> {
    let mut layers = keel_nn::model::mlp(config.width, 3);
    for layer in &mut layers {
        if let keel_nn::layers::LayerSpec::BatchNorm(own) = layer {
            *own = norm.clone();
        }
    }
    Classifier::new(&layers, batch, RandomKey::new(seed))
}

/// The trained weights under another rule for the statistics, gathered over `batches` of `batch` samples.
fn regathered(
    config: &Config,
    trained: &Classifier,
    (norm, batch, batches): (BatchNormSpec, usize, usize),
    (data, seed): (&Part, u64),
) -> Result<Classifier, LabError> {
    let mut other = classifier(config, (norm, batch), seed)?;
    other.network.parameters.copy_from_slice(&trained.network.parameters);
    let mut order = Order::new(data.len(), RandomKey::new(seed).named("statistics"));
    for _ in 0..batches {
        other.gather_statistics(&data.take(&order.next(batch)).inputs);
    }
    Ok(other)
}

/// Loss and accuracy on the test set with each source of statistics.
fn sources(config: &Config, trained: &mut Classifier, digits: &Digits, seed: u64) -> Result<Vec<Value>, LabError> {
    let cumulative = || BatchNormSpec { running: RunningStatistics::Cumulative, ..BatchNormSpec::default() };
    let last = BatchNormSpec { momentum: LAST_BATCH_ALONE, ..BatchNormSpec::default() };
    let whole = digits.train.len();
    let cases = [
        ("last_batch", last, config.batch, 1),
        ("population_10_batches", cumulative(), config.batch, 10),
        ("population_all_batches", cumulative(), config.batch, (whole / config.batch).max(1)),
        ("whole_training_set", cumulative(), whole, 1),
    ];
    let mut others = Vec::new();
    for (name, norm, batch, batches) in cases {
        others.push((name, regathered(config, trained, (norm, batch, batches), (&digits.train, seed))?));
    }
    // Only the running statistics are compared; the count a cumulative average keeps is no statistic.
    let truth = running(&others[3].1);
    let mut results = vec![source("moving_average", trained, (&digits.test, &truth))];
    for (name, mut other) in others {
        results.push(source(name, &mut other, (&digits.test, &truth)));
    }
    Ok(results)
}

fn source(name: &str, classifier: &mut Classifier, (test, truth): (&Part, &[f32])) -> Value {
    let (loss, accuracy) = classifier.evaluate(test);
    let own = running(classifier);
    let difference: f64 = own.iter().zip(truth).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let size: f64 = truth.iter().map(|&value| f64::from(value).powi(2)).sum();
    json!({
        "source": name, "test_loss": loss, "test_accuracy": accuracy,
        "relative_difference": (difference / size.max(f64::MIN_POSITIVE)).sqrt(),
    })
}

/// All running means and variances.
fn running(classifier: &Classifier) -> Vec<f32> {
    let graph = &classifier.network.graph;
    let entries = graph.state().iter().filter(|entry| entry.name.ends_with("mean") || entry.name.ends_with("variance"));
    entries.flat_map(|entry| classifier.network.state[entry.range.clone()].to_vec()).collect()
}

/// Test batches of one size normalised with their own statistics: shuffled, sorted by class, and how many images change
/// their answer with the company they are in.
fn own_statistics(
    config: &Config,
    trained: &Classifier,
    (test, batch): (&Part, usize),
    seed: u64,
) -> Result<Value, LabError> {
    let batch = batch.min(test.len());
    // A sample alone is run twice, see `alone`.
    let mut classifier = classifier(config, (BatchNormSpec::default(), batch.max(2)), seed)?;
    classifier.network.parameters.copy_from_slice(&trained.network.parameters);
    let mut sorted: Vec<usize> = (0..test.len()).collect();
    sorted.sort_by_key(|&sample| test.labels[sample]);
    let by_class = scores(&mut classifier, test, &sorted, batch);
    let mut answers: Vec<Vec<usize>> = vec![Vec::new(); test.len()];
    let mut correct = 0.0;
    for shuffle in 0..SHUFFLES {
        let order = Order::new(test.len(), RandomKey::new(seed).named("shuffles").child(shuffle)).next(test.len());
        let scores = scores(&mut classifier, test, &order, batch);
        let labels = test.take(&order).labels;
        correct += accuracy(&scores, &labels[..scores.len() / CLASSES]) / SHUFFLES as f64;
        for (row, &sample) in scores.chunks(CLASSES).zip(&order) {
            answers[sample].push(answer(row));
        }
    }
    let changing = answers.iter().filter(|answers| answers.windows(2).any(|pair| pair[0] != pair[1])).count();
    let mut distinct: Vec<usize> = answers.into_iter().flatten().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let labels = test.take(&sorted).labels;
    Ok(json!({
        "batch": batch,
        "shuffled_accuracy": correct,
        "sorted_accuracy": accuracy(&by_class, &labels[..by_class.len() / CLASSES]),
        "changing_fraction": changing as f64 / test.len() as f64,
        "distinct_answers": distinct.len(),
    }))
}

/// Scores of the samples in `order`, batch by batch; a last batch that is not full is left out.
fn scores(classifier: &mut Classifier, data: &Part, order: &[usize], batch: usize) -> Vec<f32> {
    let inputs = data.take(order).inputs;
    let batches = inputs.chunks_exact(batch * FEATURES);
    if batch == 1 {
        return batches.flat_map(|input| alone(classifier, input)).collect();
    }
    batches.flat_map(|input| classifier.scores_with_own_statistics(input)).collect()
}

/// One sample normalised with its own statistics: its deviation from its own mean is 0, so that every batch norm gives its
/// shift. Training refuses such a batch; the sample twice has the same mean and the same variance 0.
fn alone(classifier: &mut Classifier, input: &[f32]) -> Vec<f32> {
    let mut scores = classifier.scores_with_own_statistics(&[input, input].concat());
    scores.truncate(CLASSES);
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_and_population_statistics_agree_and_company_decides_otherwise() {
        let settings = ["width=32", "batches=[1,4,64]"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let source = |index: usize, key: &str| document["sources"][index][key].as_f64().unwrap();
        assert!(source(0, "test_accuracy") > 0.93, "{}", source(0, "test_accuracy"));
        for index in [2, 3, 4] {
            assert!((source(index, "test_accuracy") - source(0, "test_accuracy")).abs() < 0.03, "source {index}");
        }
        assert!(source(3, "relative_difference") < source(1, "relative_difference"), "more batches, better statistics");
        assert_eq!(source(4, "relative_difference"), 0.0);
        let own = |index: usize, key: &str| document["own_statistics"][index][key].as_f64().unwrap();
        assert_eq!(own(0, "distinct_answers"), 1.0, "a sample alone always gets the same answer");
        assert!(own(0, "shuffled_accuracy") < 0.15);
        assert!(own(1, "shuffled_accuracy") < own(2, "shuffled_accuracy"));
        assert!(own(1, "changing_fraction") > own(2, "changing_fraction"));
        assert!(own(1, "sorted_accuracy") < 0.5, "batches of one class lose it: {}", own(1, "sorted_accuracy"));
    }
}
