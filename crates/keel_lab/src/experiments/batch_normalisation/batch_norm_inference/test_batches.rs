//! Test batches of different size and composition, normalised with given statistics or with their own.

use keel_nn::RandomKey;
use keel_nn::layers::BatchNormSpec;
use serde::Serialize;

use super::Config;
use super::networks::{Gathering, Networks, classifier, cumulative, regathered};
use crate::error::LabError;
use crate::samples::{CLASSES, FEATURES, Order, Part};
use crate::training::{Classifier, accuracy, answer};

/// Number of shuffles of the test set over which predictions are compared.
const SHUFFLES: u64 = 5;

/// Results with one kind of statistics on all kinds of test batches.
#[derive(Serialize)]
pub(super) struct StatisticsFigures {
    pub(super) statistics: Statistics,
    pub(super) batches: Vec<KindFigures>,
}

/// Statistics used to normalise a test batch.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Statistics {
    MovingAverage,
    CumulativeAverage,
    Population,
    /// Those of the test batch itself.
    Own,
}

/// Results on one kind of test batches.
#[derive(Serialize)]
pub(super) struct KindFigures {
    pub(super) kind: &'static str,
    pub(super) batch: usize,
    pub(super) test_accuracy: f64,
    /// Share of images whose prediction depends on the other images in the batch.
    pub(super) changing_fraction: f64,
}

/// Results with the test batch's own statistics.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OwnStatistics {
    pub(crate) batch: usize,
    pub(crate) shuffled_accuracy: f64,
    /// Accuracy with the test set sorted by class.
    pub(crate) sorted_accuracy: f64,
    /// Share of images whose prediction depends on the other images in the batch.
    pub(crate) changing_fraction: f64,
    pub(crate) distinct_answers: usize,
}

/// Kinds of test batches.
const KINDS: [Kind; 4] = [
    Kind { name: "ordinary", batch: 64, mix: Mix::Shuffled },
    Kind { name: "tiny", batch: 4, mix: Mix::Shuffled },
    Kind { name: "single", batch: 1, mix: Mix::Shuffled },
    Kind { name: "one_class", batch: 64, mix: Mix::ByClass },
];

/// Size and composition of test batches.
struct Kind {
    name: &'static str,
    batch: usize,
    mix: Mix,
}

/// Trained networks and the samples they are tested on.
pub(super) struct Trial<'a> {
    /// Knobs of the run.
    pub(super) config: &'a Config,
    /// The networks.
    pub(super) networks: &'a Networks,
    /// The test set.
    pub(super) test: &'a Part,
    /// Seed of the run.
    pub(super) seed: u64,
}

impl Trial<'_> {
    /// Evaluates four kinds of statistics on four kinds of test batches.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(super) fn kinds_of_batches(&self) -> Result<Vec<StatisticsFigures>, LabError> {
        let figures = |statistics: Statistics| {
            let batches = KINDS.iter().map(|kind| self.kind(kind, statistics));
            Ok(StatisticsFigures { statistics, batches: batches.collect::<Result<_, LabError>>()? })
        };
        Statistics::ALL.into_iter().map(figures).collect()
    }

    /// Computes the accuracy, and the share of images whose prediction depends on the other images in the batch.
    fn kind(&self, kind: &Kind, statistics: Statistics) -> Result<KindFigures, LabError> {
        let Trial { config, networks, test, seed } = *self;
        let batch = kind.batch.min(test.len());
        let source = statistics.network(networks);
        let gathering = Gathering { norm: statistics.rule(), batch: batch.max(2), batches: 0 };
        let mut runner = regathered(config, source.unwrap_or(&networks.moving_average), gathering, test, seed)?;
        if let Some(source) = source {
            runner.network.state.copy_from_slice(&source.network.state);
        }
        let mut answers = |shuffle: u64| {
            let order = kind.mix.order(test, shuffle, seed);
            let scores = match source {
                Some(_) => in_evaluation(&mut runner, test, &order, batch),
                None => scores(&mut runner, test, &order, batch),
            };
            let mut answers = vec![None; test.len()];
            scores.chunks(CLASSES).zip(&order).for_each(|(row, &sample)| answers[sample] = Some(answer(row)));
            answers
        };
        let (first, second) = (answers(0), answers(1));
        let judged: Vec<usize> = (0..test.len()).filter(|&sample| first[sample].is_some()).collect();
        let right = judged.iter().filter(|&&sample| first[sample] == Some(test.labels[sample] as usize)).count();
        let both: Vec<usize> = judged.iter().copied().filter(|&sample| second[sample].is_some()).collect();
        let changed = both.iter().filter(|&&sample| first[sample] != second[sample]).count();
        Ok(KindFigures {
            kind: kind.name,
            batch,
            test_accuracy: right as f64 / judged.len().max(1) as f64,
            changing_fraction: changed as f64 / both.len().max(1) as f64,
        })
    }

    /// Evaluates test batches of one size normalised with their own statistics.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(super) fn own_statistics(&self, batch: usize) -> Result<OwnStatistics, LabError> {
        let Trial { config, networks, test, seed } = *self;
        let batch = batch.min(test.len());
        // A single sample is run twice, see `alone`.
        let mut classifier = classifier(config.width, BatchNormSpec::default(), batch.max(2), seed)?;
        classifier.network.parameters.copy_from_slice(&networks.moving_average.network.parameters);
        Ok(OwnStatistics::of(&mut classifier, test, batch, seed))
    }
}

impl OwnStatistics {
    /// Evaluates test batches of one size normalised with their own statistics: shuffled, sorted by class, and the
    /// share of images whose prediction depends on the other images in the batch.
    pub(crate) fn of(classifier: &mut Classifier, test: &Part, batch: usize, seed: u64) -> Self {
        let mut sorted: Vec<usize> = (0..test.len()).collect();
        sorted.sort_by_key(|&sample| test.labels[sample]);
        let by_class = scores(classifier, test, &sorted, batch);
        let mut answers: Vec<Vec<usize>> = vec![Vec::new(); test.len()];
        let mut correct = 0.0;
        for shuffle in 0..SHUFFLES {
            let order = Order::new(test.len(), RandomKey::new(seed).named("shuffles").child(shuffle)).next(test.len());
            let scores = scores(classifier, test, &order, batch);
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
        OwnStatistics {
            batch,
            shuffled_accuracy: correct,
            sorted_accuracy: accuracy(&by_class, &labels[..by_class.len() / CLASSES]),
            changing_fraction: changing as f64 / test.len() as f64,
            distinct_answers: distinct.len(),
        }
    }
}

impl Statistics {
    const ALL: [Statistics; 4] =
        [Statistics::MovingAverage, Statistics::CumulativeAverage, Statistics::Population, Statistics::Own];

    /// Returns the network with these statistics, or `None` for those of the test batch itself.
    fn network(self, networks: &Networks) -> Option<&Classifier> {
        match self {
            Statistics::MovingAverage => Some(&networks.moving_average),
            Statistics::CumulativeAverage => Some(&networks.cumulative_average),
            Statistics::Population => Some(&networks.population_all_batches),
            Statistics::Own => None,
        }
    }

    /// Returns the rule that computes them.
    fn rule(self) -> BatchNormSpec {
        match self {
            Statistics::MovingAverage | Statistics::Own => BatchNormSpec::default(),
            Statistics::CumulativeAverage | Statistics::Population => cumulative(),
        }
    }
}

/// Choice of the samples that share a batch.
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

/// Returns scores of the samples in `order`, batch by batch, with the evaluation statistics.
fn in_evaluation(classifier: &mut Classifier, data: &Part, order: &[usize], batch: usize) -> Vec<f32> {
    order.chunks_exact(batch).flat_map(|samples| classifier.scores(&data.take(samples).inputs)).collect()
}

/// Returns scores of the samples in `order`, batch by batch; an incomplete last batch is left out.
pub(crate) fn scores(classifier: &mut Classifier, data: &Part, order: &[usize], batch: usize) -> Vec<f32> {
    let inputs = data.take(order).inputs;
    let batches = inputs.chunks_exact(batch * FEATURES);
    if batch == 1 {
        return batches.flat_map(|input| alone(classifier, input)).collect();
    }
    batches.flat_map(|input| classifier.scores_with_own_statistics(input)).collect()
}

/// Normalises one sample with its own statistics: its deviation from its own mean is 0, so every batch norm outputs its
/// shift. Training rejects such a batch; the same sample twice has the same mean and the same variance 0.
fn alone(classifier: &mut Classifier, input: &[f32]) -> Vec<f32> {
    let mut scores = classifier.scores_with_own_statistics(&[input, input].concat());
    scores.truncate(CLASSES);
    scores
}
