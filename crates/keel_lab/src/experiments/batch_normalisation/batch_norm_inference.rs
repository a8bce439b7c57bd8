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
/// Batches after which statistics that start anew are looked at.
const WARM_UP: [usize; 8] = [1, 2, 5, 10, 20, 30, 50, 100];

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the three hidden layers.
    #[schemars(extend("zh" = "三个隐层各自的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a training step.
    #[schemars(extend("zh" = "每个训练步的样本数。"))]
    #[schemars(range(min = 2, max = 512))]
    batch: usize,
    /// Step size.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Sizes of the test batches normalised with their own statistics.
    #[schemars(extend("zh" = "用自身统计量归一化的测试批大小。"))]
    #[schemars(inner(range(min = 1, max = 4096)))]
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
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let mut trained = classifier(&config, (BatchNormSpec::default(), config.batch), seed)?;
    trained.train(&digits.train, schedule(&config));
    let statistics = statistics(&config, &trained, &digits, seed)?;
    let matrix = kinds_of_batches(&config, (&trained, &statistics), &digits.test, seed)?;
    let warm_up = warm_up(&config, (&trained, &statistics), &digits.train, seed)?;
    let units = units(&trained, &statistics);
    let sources = sources(&mut trained, statistics, &digits.test);
    let mut own = Vec::new();
    for &batch in &config.batches {
        own.push(own_statistics(&config, &trained, (&digits.test, batch), seed)?);
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "steps": config.steps, "batch": config.batch,
        "sources": sources, "units": units, "warm_up": warm_up, "kinds_of_batches": matrix, "running_accuracy": trained.evaluate(&digits.test).1, "own_statistics": own,
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

/// The trained weights with statistics from four other sources; the last is the whole training set.
type Statistics = Vec<(&'static str, Classifier)>;

fn statistics(config: &Config, trained: &Classifier, digits: &Digits, seed: u64) -> Result<Statistics, LabError> {
    let last = BatchNormSpec { momentum: LAST_BATCH_ALONE, ..BatchNormSpec::default() };
    let whole = digits.train.len();
    // Training does not read the running statistics: the same seed gives the same weights.
    let mut averaged = classifier(config, (cumulative(), config.batch), seed)?;
    averaged.train(&digits.train, schedule(config));
    let mut statistics = vec![("cumulative_average", averaged)];
    for (name, norm, batch, batches) in [
        ("last_batch", last, config.batch, 1),
        ("population_10_batches", cumulative(), config.batch, 10),
        ("population_all_batches", cumulative(), config.batch, (whole / config.batch).max(1)),
        ("whole_training_set", cumulative(), whole, 1),
    ] {
        statistics.push((name, regathered(config, trained, (norm, batch, batches), (&digits.train, seed))?));
    }
    Ok(statistics)
}

fn cumulative() -> BatchNormSpec {
    BatchNormSpec { running: RunningStatistics::Cumulative, ..BatchNormSpec::default() }
}

fn schedule(config: &Config) -> Schedule {
    Schedule { learning_rate: config.learning_rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps }
}

/// Loss and accuracy on the test set with each source of statistics.
fn sources(trained: &mut Classifier, statistics: Statistics, test: &Part) -> Vec<Value> {
    let truth = running(&statistics[statistics.len() - 1].1);
    let mut results = vec![source("moving_average", trained, (test, &truth))];
    for (name, mut other) in statistics {
        results.push(source(name, &mut other, (test, &truth)));
    }
    results
}

/// Mean and standard deviation of every unit of the last batch norm: over the whole training set, by moving average, and in
/// the last batch. The first one would show little: its means over standardised inputs are 0.
fn units(trained: &Classifier, statistics: &Statistics) -> Vec<Value> {
    let of = |classifier: &Classifier, name: &str| -> Vec<f32> {
        let entry = classifier.network.graph.state().iter().rfind(|entry| entry.name.ends_with(name));
        entry.map(|entry| classifier.network.state[entry.range.clone()].to_vec()).unwrap_or_default()
    };
    let named = |name: &str| statistics.iter().find(|one| one.0 == name).map_or(trained, |one| &one.1);
    let sources = [named("whole_training_set"), trained, named("last_batch")];
    let [means, variances] = ["running_mean", "running_variance"].map(|name| sources.map(|one| of(one, name)));
    (0..means[0].len())
        .map(|unit| {
            let pair = |source: usize| [means[source][unit], variances[source][unit].max(0.0).sqrt()];
            json!({ "whole_training_set": pair(0), "moving_average": pair(1), "last_batch": pair(2) })
        })
        .collect()
}

/// How far statistics that start anew at mean 0 and variance 1 are from those of the whole training set, by batches seen.
fn warm_up(
    config: &Config,
    (trained, statistics): (&Classifier, &Statistics),
    train: &Part,
    seed: u64,
) -> Result<Vec<Value>, LabError> {
    let truth = running(&statistics[statistics.len() - 1].1);
    let start = |norm| regathered(config, trained, (norm, config.batch, 0), (train, seed));
    let (mut moving, mut plain) = (start(BatchNormSpec::default())?, start(cumulative())?);
    let mut order = Order::new(train.len(), RandomKey::new(seed).named("warm-up"));
    let mut rows = Vec::new();
    for batch in 1..=WARM_UP[WARM_UP.len() - 1] {
        let inputs = train.take(&order.next(config.batch)).inputs;
        moving.gather_statistics(&inputs);
        plain.gather_statistics(&inputs);
        if WARM_UP.contains(&batch) {
            rows.push(json!({
                "batches": batch,
                "moving_average": relative_difference(&running(&moving), &truth),
                "cumulative_average": relative_difference(&running(&plain), &truth),
                "missing_weight": (1.0 - f64::from(BatchNormSpec::default().momentum)).powi(batch as i32),
            }));
        }
    }
    Ok(rows)
}

/// Accuracy, and the share of images whose answer changes with the company they are in, for four statistics on four kinds
/// of test batches.
fn kinds_of_batches(
    config: &Config,
    (trained, statistics): (&Classifier, &Statistics),
    test: &Part,
    seed: u64,
) -> Result<Vec<Value>, LabError> {
    let kinds = [
        ("ordinary", 64, Mix::Shuffled),
        ("tiny", 4, Mix::Shuffled),
        ("single", 1, Mix::Shuffled),
        ("one_class", 64, Mix::ByClass),
    ];
    let fixed = |name: &str| statistics.iter().find(|one| one.0 == name).map_or(trained, |one| &one.1);
    let rows = [
        ("moving_average", Some(trained)),
        ("cumulative_average", Some(fixed("cumulative_average"))),
        ("population", Some(fixed("population_all_batches"))),
        ("own", None),
    ];
    let mut results = Vec::new();
    for (name, source) in rows {
        let mut cells = Vec::new();
        for (kind, batch, mix) in kinds {
            let batch = batch.min(test.len());
            let mut runner = regathered(config, trained, (BatchNormSpec::default(), batch.max(2), 0), (test, seed))?;
            if let Some(source) = source {
                runner = regathered(config, source, (source_rule(name), batch.max(2), 0), (test, seed))?;
                runner.network.state.copy_from_slice(&source.network.state);
            }
            let answers = |runner: &mut Classifier, shuffle: u64| {
                let order = mix.order(test, shuffle, seed);
                let scores = match source {
                    Some(_) => in_evaluation(runner, test, &order, batch),
                    None => scores(runner, test, &order, batch),
                };
                let mut answers = vec![None; test.len()];
                scores.chunks(CLASSES).zip(&order).for_each(|(row, &sample)| answers[sample] = Some(answer(row)));
                answers
            };
            let (first, second) = (answers(&mut runner, 0), answers(&mut runner, 1));
            let judged: Vec<usize> = (0..test.len()).filter(|&sample| first[sample].is_some()).collect();
            let right = judged.iter().filter(|&&sample| first[sample] == Some(test.labels[sample] as usize)).count();
            let both: Vec<usize> = judged.iter().copied().filter(|&sample| second[sample].is_some()).collect();
            let changed = both.iter().filter(|&&sample| first[sample] != second[sample]).count();
            cells.push(json!({
                "kind": kind, "batch": batch,
                "test_accuracy": right as f64 / judged.len().max(1) as f64,
                "changing_fraction": changed as f64 / both.len().max(1) as f64,
            }));
        }
        results.push(json!({ "statistics": name, "batches": cells }));
    }
    Ok(results)
}

/// The rule whose state a source has.
fn source_rule(name: &str) -> BatchNormSpec {
    if name == "moving_average" { BatchNormSpec::default() } else { cumulative() }
}

/// Which samples share a batch.
#[derive(Clone, Copy)]
enum Mix {
    Shuffled,
    ByClass,
}

impl Mix {
    fn order(self, test: &Part, shuffle: u64, seed: u64) -> Vec<usize> {
        let mut order = Order::new(test.len(), RandomKey::new(seed).named("company").child(shuffle)).next(test.len());
        if let Mix::ByClass = self {
            order.sort_by_key(|&sample| test.labels[sample]);
        }
        order
    }
}

/// Scores of the samples in `order`, batch by batch, with the statistics for evaluation.
fn in_evaluation(classifier: &mut Classifier, data: &Part, order: &[usize], batch: usize) -> Vec<f32> {
    order.chunks_exact(batch).flat_map(|samples| classifier.scores(&data.take(samples).inputs)).collect()
}

fn relative_difference(own: &[f32], truth: &[f32]) -> f64 {
    let difference: f64 = own.iter().zip(truth).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let size: f64 = truth.iter().map(|&value| f64::from(value).powi(2)).sum();
    (difference / size.max(f64::MIN_POSITIVE)).sqrt()
}

fn source(name: &str, classifier: &mut Classifier, (test, truth): (&Part, &[f32])) -> Value {
    let (loss, accuracy) = classifier.evaluate(test);
    json!({
        "source": name, "test_loss": loss, "test_accuracy": accuracy,
        "relative_difference": relative_difference(&running(classifier), truth),
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
        for index in [3, 4, 5] {
            assert!((source(index, "test_accuracy") - source(0, "test_accuracy")).abs() < 0.03, "source {index}");
        }
        assert!(source(4, "relative_difference") < source(2, "relative_difference"), "more batches, better statistics");
        assert!(
            source(1, "relative_difference") > source(4, "relative_difference"),
            "early weights are in the average"
        );
        assert_eq!(source(5, "relative_difference"), 0.0);
        let cell = |statistics: usize, kind: usize, key: &str| {
            document["kinds_of_batches"][statistics]["batches"][kind][key].as_f64().unwrap()
        };
        for statistics in [0, 1, 2] {
            for kind in 0..4 {
                assert_eq!(cell(statistics, kind, "changing_fraction"), 0.0, "{statistics} {kind}");
            }
        }
        assert!(cell(3, 0, "changing_fraction") > 0.0 && cell(3, 2, "test_accuracy") < 0.15);
        assert!(cell(3, 3, "test_accuracy") < 0.6 && cell(0, 3, "test_accuracy") > 0.9, "one class at a time");
        let warm = |row: usize, key: &str| document["warm_up"][row][key].as_f64().unwrap();
        assert!(warm(0, "moving_average") > 5.0 * warm(7, "moving_average"));
        assert!((warm(6, "missing_weight") - 0.005).abs() < 0.0003, "0.9^50");
        let own = |index: usize, key: &str| document["own_statistics"][index][key].as_f64().unwrap();
        assert_eq!(own(0, "distinct_answers"), 1.0, "a sample alone always gets the same answer");
        assert!(own(0, "shuffled_accuracy") < 0.15);
        assert!(own(1, "shuffled_accuracy") < own(2, "shuffled_accuracy"));
        assert!(own(1, "changing_fraction") > own(2, "changing_fraction"));
        assert!(own(1, "sorted_accuracy") < 0.5, "batches of one class lose it: {}", own(1, "sorted_accuracy"));
    }
}
