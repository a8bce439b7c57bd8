//! Batch norm at inference: the statistics to use, and the reasons against those of the test batch.
//!
//! Source of the population rule: Ioffe & Szegedy (2015), section 3.1, algorithm 2.

pub(crate) mod neighbourhoods;
pub(crate) mod networks;
pub(crate) mod page;
pub(crate) mod test_batches;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::layers::BatchNormSpec;
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{Digits, Order, Part};
use crate::training::Classifier;
use neighbourhoods::OneImage;
use networks::{Gathering, Networks, cumulative, regathered, running};
use test_batches::{OwnStatistics, StatisticsFigures, Trial};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<BatchNormInference>();

struct BatchNormInference;

impl Experiment for BatchNormInference {
    const NAME: &'static str = "batch_norm_inference";
    const TITLE: [&'static str; 2] =
        ["Batch norm at inference: whose mean, whose deviation?", "推理时的批量归一化：用谁的均值与标准差？"];
    const SUMMARY: [&'static str; 2] = [
        "One trained network, evaluated with running averages, population statistics and the test batch's own, on shuffled, tiny and one-class batches.",
        "同一个训练好的网络，分别用滑动平均、总体统计量与测试批次自身的统计量，在打乱的、极小的、单一类别的批上评估。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let mut networks = Networks::train(config, &digits, seed)?;
        let trial = Trial { config, networks: &networks, test: &digits.test, seed };
        let kinds_of_batches = trial.kinds_of_batches()?;
        let own_statistics =
            config.batches.iter().map(|&batch| trial.own_statistics(batch)).collect::<Result<_, LabError>>()?;
        let warm_up = warm_up(config, &networks, &digits.train, seed)?;
        let units = units(&networks);
        let one_image = OneImage::found(config, &mut networks, &digits.test, seed)?;
        let pixels = pixels(&one_image, seed)?;
        let sources = sources(&mut networks, &digits.test);
        Ok(Document {
            seed,
            width: config.width,
            steps: config.steps,
            batch: config.batch,
            sources,
            units,
            warm_up,
            kinds_of_batches,
            running_accuracy: networks.moving_average.evaluate(&digits.test).accuracy,
            own_statistics,
            one_image,
            pixels,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Numbers of batches after which restarted statistics are compared.
const WARM_UP: [usize; 8] = [1, 2, 5, 10, 20, 30, 50, 100];

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of the three hidden layers.
    #[schemars(extend("zh" = "三个隐藏层各自的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per training step.
    #[schemars(extend("zh" = "每个训练步的样本数。"))]
    #[schemars(range(min = 2, max = 512))]
    batch: usize,
    /// Learning rate.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Sizes of the test batches normalised with their own statistics.
    #[schemars(extend("zh" = "用自身统计量归一化的测试批量大小。"))]
    #[schemars(inner(range(min = 1, max = 4096)))]
    batches: Vec<usize>,
}

impl Default for Config {
    fn default() -> Self {
        let batches = vec![1, 2, 4, 8, 16, 32, 64, 128, 256];
        Config { width: 100, steps: 150, batch: 64, learning_rate: 0.05, batches }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    steps: usize,
    batch: usize,
    sources: Vec<SourceFigures>,
    units: Vec<Unit>,
    warm_up: Vec<WarmUp>,
    kinds_of_batches: Vec<StatisticsFigures>,
    running_accuracy: f64,
    own_statistics: Vec<OwnStatistics>,
    one_image: OneImage,
    /// Images of each neighbourhood as they are in the data set, for the page.
    #[serde(skip)]
    pixels: Vec<Vec<f32>>,
}

/// Evaluation with statistics from one source.
#[derive(Serialize)]
struct SourceFigures {
    source: StatisticsSource,
    test_loss: f64,
    test_accuracy: f64,
    /// Distance of the statistics from those of the whole training set.
    relative_difference: f64,
}

/// Origin of the statistics of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StatisticsSource {
    MovingAverage,
    CumulativeAverage,
    LastBatch,
    #[serde(rename = "population_10_batches")]
    Population10Batches,
    PopulationAllBatches,
    WholeTrainingSet,
}

/// Mean and standard deviation of one unit from three sources.
#[derive(Serialize)]
struct Unit {
    whole_training_set: [f32; 2],
    moving_average: [f32; 2],
    last_batch: [f32; 2],
}

/// Distance of restarted statistics from those of the whole training set.
#[derive(Serialize)]
struct WarmUp {
    batches: usize,
    moving_average: f64,
    cumulative_average: f64,
    /// Weight of the initial value in the moving average.
    missing_weight: f64,
}

/// Loss and accuracy on the test set with each source of statistics.
fn sources(networks: &mut Networks, test: &Part) -> Vec<SourceFigures> {
    let truth = networks.truth();
    let sources = [
        (StatisticsSource::MovingAverage, &mut networks.moving_average),
        (StatisticsSource::CumulativeAverage, &mut networks.cumulative_average),
        (StatisticsSource::LastBatch, &mut networks.last_batch),
        (StatisticsSource::Population10Batches, &mut networks.population_10_batches),
        (StatisticsSource::PopulationAllBatches, &mut networks.population_all_batches),
        (StatisticsSource::WholeTrainingSet, &mut networks.whole_training_set),
    ];
    let figures = |(source, classifier): (StatisticsSource, &mut Classifier)| {
        let score = classifier.evaluate(test);
        let relative_difference = relative_difference(&running(classifier), &truth);
        SourceFigures { source, test_loss: score.loss, test_accuracy: score.accuracy, relative_difference }
    };
    sources.into_iter().map(figures).collect()
}

/// Returns mean and standard deviation of every unit of the last batch norm: over the whole training set, by moving
/// average, and in the last batch. The first batch norm would show little: its means over standardised inputs are 0.
fn units(networks: &Networks) -> Vec<Unit> {
    let of = |classifier: &Classifier, name: &str| -> Vec<f32> {
        let entry = classifier.network.graph.state().iter().rfind(|entry| entry.name.ends_with(name));
        entry.map(|entry| classifier.network.state[entry.range.clone()].to_vec()).unwrap_or_default()
    };
    let pairs = |classifier: &Classifier| -> Vec<[f32; 2]> {
        let moments = of(classifier, "running_mean").into_iter().zip(of(classifier, "running_variance"));
        moments.map(|(mean, variance)| [mean, variance.max(0.0).sqrt()]).collect()
    };
    let (whole, moving) = (pairs(&networks.whole_training_set), pairs(&networks.moving_average));
    let last = pairs(&networks.last_batch);
    let unit =
        |unit: usize| Unit { whole_training_set: whole[unit], moving_average: moving[unit], last_batch: last[unit] };
    (0..whole.len()).map(unit).collect()
}

/// Returns the images of each neighbourhood before preprocessing.
fn pixels(one_image: &OneImage, seed: u64) -> Result<Vec<Vec<f32>>, LabError> {
    let test = Digits::preprocessed(&[], seed)?.test;
    Ok(one_image.neighbourhoods.iter().map(|neighbourhood| test.take(&neighbourhood.images).inputs).collect())
}

/// Returns the distance of statistics restarted at mean 0 and variance 1 from those of the whole training set, by
/// number of batches.
fn warm_up(config: &Config, networks: &Networks, train: &Part, seed: u64) -> Result<Vec<WarmUp>, LabError> {
    let truth = networks.truth();
    let start = |norm| {
        let gathering = Gathering { norm, batch: config.batch, batches: 0 };
        regathered(config, &networks.moving_average, gathering, train, seed)
    };
    let (mut moving, mut plain) = (start(BatchNormSpec::default())?, start(cumulative())?);
    let mut order = Order::new(train.len(), RandomKey::new(seed).named("warm-up"));
    let mut rows = Vec::new();
    for batch in 1..=WARM_UP[WARM_UP.len() - 1] {
        let inputs = train.take(&order.next(config.batch)).inputs;
        moving.gather_statistics(&inputs);
        plain.gather_statistics(&inputs);
        if WARM_UP.contains(&batch) {
            rows.push(WarmUp {
                batches: batch,
                moving_average: relative_difference(&running(&moving), &truth),
                cumulative_average: relative_difference(&running(&plain), &truth),
                missing_weight: (1.0 - f64::from(BatchNormSpec::default().momentum)).powi(batch as i32),
            });
        }
    }
    Ok(rows)
}

fn relative_difference(own: &[f32], truth: &[f32]) -> f64 {
    let difference: f64 = own.iter().zip(truth).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let size: f64 = truth.iter().map(|&value| f64::from(value).powi(2)).sum();
    (difference / size.max(f64::MIN_POSITIVE)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_and_population_statistics_agree_and_company_decides_otherwise() {
        let config = Config { width: 32, batches: vec![1, 4, 64], ..Config::default() };
        let document = BatchNormInference::compute(&config, 0).unwrap();
        let [moving, cumulative, last, ten_batches, all_batches, whole] = &document.sources[..] else {
            panic!("six sources")
        };
        assert!(moving.test_accuracy > 0.93, "{}", moving.test_accuracy);
        for other in [ten_batches, all_batches, whole] {
            assert!((other.test_accuracy - moving.test_accuracy).abs() < 0.03, "{:?}", other.source);
        }
        assert!(all_batches.relative_difference < last.relative_difference, "more batches, better statistics");
        assert!(cumulative.relative_difference > all_batches.relative_difference, "early weights are in the average");
        assert_eq!(whole.relative_difference, 0.0);
        let [fixed @ .., own] = &document.kinds_of_batches[..] else { panic!("four statistics") };
        for kind in fixed.iter().flat_map(|statistics| &statistics.batches) {
            assert_eq!(kind.changing_fraction, 0.0, "{}", kind.kind);
        }
        assert!(own.batches[0].changing_fraction > 0.0 && own.batches[2].test_accuracy < 0.15);
        assert!(own.batches[3].test_accuracy < 0.6, "one class at a time");
        assert!(fixed[0].batches[3].test_accuracy > 0.9, "one class at a time");
        let warm_up = &document.warm_up;
        assert!(warm_up[0].moving_average > 5.0 * warm_up[7].moving_average);
        assert!((warm_up[6].missing_weight - 0.005).abs() < 0.0003, "0.9^50");
        let [alone, four, sixty_four] = &document.own_statistics[..] else { panic!("three sizes") };
        assert_eq!(alone.distinct_answers, 1, "a sample alone always gets the same answer");
        assert!(alone.shuffled_accuracy < 0.15);
        assert!(four.shuffled_accuracy < sixty_four.shuffled_accuracy);
        assert!(four.changing_fraction > sixty_four.changing_fraction);
        assert!(four.sorted_accuracy < 0.5, "batches of one class lose it: {}", four.sorted_accuracy);
        let one = &document.one_image;
        assert!(one.changing_fraction > 0.0, "company decides for some image");
        let first = one.neighbourhoods[0].answer.answer;
        assert!(one.neighbourhoods.iter().any(|other| other.answer.answer != first), "and for the one that is shown");
        for neighbourhood in &one.neighbourhoods {
            assert_eq!((neighbourhood.images[0], neighbourhood.images.len()), (one.image, one.batch));
            assert!((neighbourhood.answer.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        for unit in &document.units {
            let [whole, moving] = [unit.whole_training_set[1], unit.moving_average[1]];
            assert!((moving / whole - 1.0).abs() < 0.6, "the running deviation is near the true one: {moving} {whole}");
        }
    }
}
