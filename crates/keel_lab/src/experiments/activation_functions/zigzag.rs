//! All-positive inputs force the gradients of a unit's weights to one sign: the path to the optimum zigzags.

pub(crate) mod page;

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, LayerSpec, LinearSpec};
use keel_page::page::Page;
use rand_distr::{Distribution, Uniform};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Order, Part};
use crate::signal::normal_values;
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Zigzag>();

struct Zigzag;

impl Experiment for Zigzag {
    const NAME: &'static str = "zigzag";
    const TITLE: [&'static str; 2] = ["Zigzag: inputs that are all positive", "锯齿路径：输入恒为正时"];
    const SUMMARY: [&'static str; 2] = [
        "The directions and the path of a neuron with two weights for positive and for centred inputs, the learning rates they allow, and how many units have gradients of one sign.",
        "两个权重的神经元在恒正输入与零中心输入下允许的更新方向、更新路径与可用的学习率，以及梯度同号的单元比例。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let key = RandomKey::new(seed);
        Ok(Document {
            seed,
            learning_rate: config.learning_rate,
            target: TARGET,
            positive_inputs: paths(config, 0.0, key.named("paths")),
            centred_inputs: paths(config, -0.5, key.named("paths")),
            one_signed_units: one_signed_units(config, key.named("network")),
            real_network: real_network(config, seed)?,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Target weights: one up, the other down.
const TARGET: [f64; 2] = [1.0, -1.0];
/// Number of units whose gradients are measured, and of inputs of each.
const UNITS: usize = 400;
const INPUTS: usize = 100;
/// Number of units of each hidden layer of the real network, of samples per training step, and of batches whose signs
/// are counted.
const HIDDEN: usize = 100;
const TRAINING_BATCH: usize = 64;
const BATCHES: usize = 20;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Learning rate of the two-weight neuron.
    #[schemars(extend("zh" = "两权重神经元的学习率。"))]
    #[schemars(range(min = 0.001, max = 2.0))]
    learning_rate: f64,
    /// Distance from the target at which a path ends.
    #[schemars(extend("zh" = "路径结束时与目标的距离。"))]
    #[schemars(range(min = 0.001, max = 1.0))]
    tolerance: f64,
    /// Paths whose lengths are averaged.
    #[schemars(extend("zh" = "参与平均的路径条数。"))]
    #[schemars(range(min = 1, max = 1000))]
    paths: usize,
    /// Step sizes at which the steps to the target are counted.
    #[schemars(extend("zh" = "统计到达目标所需步数的各个学习率。"))]
    #[schemars(inner(range(min = 0.001, max = 100.0)))]
    learning_rates: Vec<f64>,
    /// Batch sizes at which signs are counted.
    #[schemars(extend("zh" = "统计同号比例的批量大小。"))]
    #[schemars(inner(range(min = 1, max = 4096)))]
    batches: Vec<usize>,
    /// Steps the real network is trained before its signs are counted.
    #[schemars(extend("zh" = "真实网络在统计符号之前的训练步数。"))]
    #[schemars(range(min = 0, max = 5000))]
    steps: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            learning_rate: 0.5,
            tolerance: 0.05,
            paths: 50,
            learning_rates: vec![0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
            batches: vec![1, 2, 4, 8, 16, 32, 64, 128],
            steps: 100,
        }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    learning_rate: f64,
    target: [f64; 2],
    positive_inputs: Paths,
    centred_inputs: Paths,
    one_signed_units: Vec<SignCurve>,
    real_network: Vec<SignCurve>,
}

/// Means over all paths with one kind of inputs, and the first path.
#[derive(Serialize)]
struct Paths {
    /// Share of steps that move both weights in the same direction.
    same_sign_fraction: f64,
    length_over_straight_line: f64,
    mean_steps: f64,
    path: Vec<[f64; 2]>,
    by_rate: Vec<RateFigures>,
}

/// Means over all paths at one learning rate; `None` if a path does not arrive.
#[derive(Serialize)]
struct RateFigures {
    learning_rate: f64,
    mean_steps: Option<f64>,
    length_over_straight_line: Option<f64>,
}

impl Paths {
    /// Returns the learning rate with the fewest steps.
    fn fastest(&self) -> Option<(&RateFigures, f64)> {
        let arriving = self.by_rate.iter().filter_map(|one| Some((one, one.mean_steps?)));
        arriving.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Returns the smallest of the learning rates at which a path does not arrive.
    fn first_that_fails(&self) -> Option<f64> {
        let failing = self.by_rate.iter().filter(|one| one.mean_steps.is_none());
        failing.map(|one| one.learning_rate).min_by(f64::total_cmp)
    }
}

/// Share of units with weight gradients of one sign, by batch size.
#[derive(Serialize)]
struct SignCurve {
    inputs: &'static str,
    points: Vec<SignPoint>,
}

/// Share of units at one batch size.
#[derive(Serialize)]
struct SignPoint {
    batch: usize,
    one_signed_fraction: f64,
}

/// Inputs of the units whose signs are counted.
struct Case {
    inputs: &'static str,
    activation: Activation,
    /// Offset added to the outputs of the activation.
    shift: f32,
    /// Normalisation after the linear layer of the units.
    norm: Norm,
}

const CASES: [Case; 5] = [
    Case { inputs: "sigmoid", activation: Activation::Sigmoid, shift: 0.0, norm: Norm::Absent },
    Case { inputs: "relu", activation: Activation::Relu, shift: 0.0, norm: Norm::Absent },
    Case { inputs: "tanh", activation: Activation::Tanh, shift: 0.0, norm: Norm::Absent },
    Case { inputs: "sigmoid - 0.5", activation: Activation::Sigmoid, shift: -0.5, norm: Norm::Absent },
    Case { inputs: "relu + batch norm", activation: Activation::Relu, shift: 0.0, norm: Norm::Batch },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Norm {
    Absent,
    Batch,
}

impl Case {
    /// Returns one curve over the `batches` supported by the norm: batch norm needs two samples.
    fn curve(&self, batches: &[usize], mut share: impl FnMut(usize) -> f64) -> SignCurve {
        let smallest = if self.norm == Norm::Batch { 2 } else { 1 };
        let batches = batches.iter().copied().filter(|batch| *batch >= smallest);
        let points = batches.map(|batch| SignPoint { batch, one_signed_fraction: share(batch) }).collect();
        SignCurve { inputs: self.inputs, points }
    }
}

/// Computes the paths with inputs uniform in `[low, low + 1)`.
fn paths(config: &Config, low: f64, key: RandomKey) -> Paths {
    let walks = |learning_rate: f64| -> Vec<Walk> {
        let Config { tolerance, paths, .. } = *config;
        let descent = Descent { target: TARGET, low, learning_rate, batch: 1, tolerance, longest: LONGEST };
        (0..paths).map(|path| descent.walk(key.child(path as u64))).collect()
    };
    let by_rate = |&learning_rate: &f64| {
        let walks = walks(learning_rate);
        let all_arrive = walks.iter().all(|walk| walk.arrives);
        RateFigures {
            learning_rate,
            mean_steps: all_arrive.then(|| mean(walks.iter().map(Walk::steps))),
            length_over_straight_line: all_arrive.then(|| mean(walks.iter().map(Walk::length_over_straight_line))),
        }
    };
    let mut all = walks(config.learning_rate);
    Paths {
        same_sign_fraction: same_sign_fraction(&all),
        length_over_straight_line: mean(all.iter().map(Walk::length_over_straight_line)),
        mean_steps: mean(all.iter().map(Walk::steps)),
        by_rate: config.learning_rates.iter().map(by_rate).collect(),
        path: all.swap_remove(0).path,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    Moments::of(values).mean
}

/// Returns the share of the steps of all `walks` that move both weights in the same direction; 0 without steps.
pub(crate) fn same_sign_fraction(walks: &[Walk]) -> f64 {
    let steps = || walks.iter().flat_map(Walk::differences);
    steps().filter(|step| step[0] * step[1] >= 0.0).count() as f64 / steps().count().max(1) as f64
}

/// One path.
pub(crate) struct Walk {
    pub(crate) path: Vec<[f64; 2]>,
    pub(crate) arrives: bool,
}

impl Walk {
    /// Returns the number of steps.
    pub(crate) fn steps(&self) -> f64 {
        (self.path.len() - 1) as f64
    }

    fn differences(&self) -> impl Iterator<Item = [f64; 2]> {
        self.path.windows(2).map(|pair| [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]])
    }

    /// Returns the length of the path relative to the distance between its ends.
    pub(crate) fn length_over_straight_line(&self) -> f64 {
        let length = self.differences().map(|[x, y]| x.hypot(y)).sum::<f64>();
        let direct = self.path.last().map_or(0.0, |&last| distance(self.path[0], last));
        length / direct.max(f64::MIN_POSITIVE)
    }
}

/// Number of steps after which a path counts as not arriving.
const LONGEST: usize = 10_000;
/// Distance from the target beyond which a path does not return.
const LOST: f64 = 1e6;

/// Stochastic gradient descent of `(w x - target x)^2 / 2` from 0 until close to the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Descent {
    /// Target weights.
    pub(crate) target: [f64; 2],
    /// Inputs are uniform in `[low, low + 1)`.
    pub(crate) low: f64,
    /// Learning rate.
    pub(crate) learning_rate: f64,
    /// Number of samples averaged per step.
    pub(crate) batch: usize,
    /// Distance from the target at which the path ends.
    pub(crate) tolerance: f64,
    /// Maximum number of steps.
    pub(crate) longest: usize,
}

impl Descent {
    /// Computes the path with the samples drawn from `key`.
    pub(crate) fn walk(&self, key: RandomKey) -> Walk {
        let Descent { target, low, learning_rate, batch, tolerance, longest } = *self;
        let draws = Uniform::new(low, low + 1.0).expect("the range is not empty");
        let mut generator = key.generator();
        let mut path = vec![[0.0, 0.0]];
        let mut weights = [0.0_f64; 2];
        while distance(weights, target) > tolerance && path.len() <= longest && distance(weights, target) < LOST {
            let mut step = [0.0; 2];
            for _ in 0..batch {
                let x = [draws.sample(&mut generator), draws.sample(&mut generator)];
                let error = (weights[0] - target[0]) * x[0] + (weights[1] - target[1]) * x[1];
                for index in 0..2 {
                    step[index] += learning_rate * error * x[index] / batch as f64;
                }
            }
            for index in 0..2 {
                weights[index] -= step[index];
            }
            path.push(weights);
        }
        Walk { path, arrives: distance(weights, target) <= tolerance }
    }
}

/// Returns the distance between two points.
pub(crate) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Returns the share of units whose non-zero weight gradients all have one sign: after sigmoid, relu, tanh and centred
/// sigmoid, and after relu with batch norm after the linear layer.
fn one_signed_units(config: &Config, key: RandomKey) -> Vec<SignCurve> {
    let curve = |case: &Case| case.curve(&config.batches, |batch| one_signed(case, batch, key.child(batch as u64)));
    CASES.iter().map(curve).collect()
}

/// Returns the same share in the second hidden layer of networks that were trained on the digits for a while.
fn real_network(config: &Config, seed: u64) -> Result<Vec<SignCurve>, LabError> {
    let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
    let mut curves = Vec::new();
    for case in CASES.iter().filter(|case| case.shift == 0.0) {
        let linear = LinearSpec { bias: case.norm == Norm::Absent, ..LinearSpec::new(HIDDEN) };
        let mut block = vec![LayerSpec::Linear(linear)];
        if case.norm == Norm::Batch {
            block.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
        }
        block.push(LayerSpec::Activation(case.activation));
        let mut layers = repeated(&block, 2);
        layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
        let largest = config.batches.iter().copied().max().unwrap_or(1).max(TRAINING_BATCH);
        let mut classifier = Classifier::new(&layers, largest, RandomKey::new(seed))?;
        let schedule = Schedule { learning_rate: 0.05, momentum: 0.9, batch: TRAINING_BATCH, steps: config.steps };
        classifier.train(&digits.train, schedule);
        curves.push(case.curve(&config.batches, |batch| measured(&mut classifier, &digits.train, batch, seed)));
    }
    Ok(curves)
}

/// Returns the mean share over several batches of live units whose weight gradients all have one sign.
fn measured(classifier: &mut Classifier, data: &Part, batch: usize, seed: u64) -> f64 {
    let mut order = Order::new(data.len(), RandomKey::new(seed).named("signs"));
    let parameters = classifier.network.graph.parameters().iter();
    let weights: Vec<usize> =
        parameters.enumerate().filter(|(_, one)| one.spec.name == "weight").map(|(index, _)| index).collect();
    let (mut one_signed, mut units) = (0, 0);
    for step in 0..BATCHES {
        classifier.differentiate(&data.take(&order.next(batch)), step);
        let gradient = classifier.gradient(weights[1]);
        // Where batch norm cancels a gradient, rounding leaves a residue whose sign is meaningless.
        let trace = gradient.iter().fold(0.0_f32, |largest, value| largest.max(value.abs())) * 1e-5;
        for unit in 0..HIDDEN {
            let column = || gradient.iter().skip(unit).step_by(HIDDEN);
            let (positive, negative) = (column().any(|value| *value > trace), column().any(|value| *value < -trace));
            units += usize::from(positive || negative);
            one_signed += usize::from(positive != negative);
        }
    }
    one_signed as f64 / units.max(1) as f64
}

/// The inputs of a linear layer are `f(z) + shift` with standard normal z; the gradients with respect to its outputs
/// are standard normal.
fn one_signed(case: &Case, batch: usize, key: RandomKey) -> f64 {
    let function = case.activation.initial_function();
    let inputs: Vec<f32> =
        normal_values(batch * INPUTS, key.named("input")).into_iter().map(|z| function.value(z) + case.shift).collect();
    let mut gradient = normal_values(batch * UNITS, key.named("gradient"));
    if case.norm == Norm::Batch {
        let weights = normal_values(INPUTS * UNITS, key.named("weights"));
        through_batch_norm(&inputs, &weights, &mut gradient, batch);
    }
    let one_sign = |unit: &usize| {
        let entry = |input: usize| -> f64 {
            (0..batch).map(|n| f64::from(inputs[n * INPUTS + input]) * f64::from(gradient[n * UNITS + unit])).sum()
        };
        let (mut positive, mut negative) = (0, 0);
        (0..INPUTS).map(entry).for_each(|entry| match entry.total_cmp(&0.0) {
            _ if entry == 0.0 => {}
            std::cmp::Ordering::Greater => positive += 1,
            _ => negative += 1,
        });
        (positive == 0) != (negative == 0)
    };
    (0..UNITS).filter(one_sign).count() as f64 / UNITS as f64
}

/// Converts the gradient with respect to the outputs of batch norm to that with respect to its inputs
/// `z = inputs weights`, unit by unit: `dz = (dy - mean(dy) - y mean(dy y)) / std`.
fn through_batch_norm(inputs: &[f32], weights: &[f32], gradient: &mut [f32], batch: usize) {
    let count = batch as f64;
    for unit in 0..UNITS {
        let weighted = |n: usize| -> f64 {
            (0..INPUTS).map(|i| f64::from(inputs[n * INPUTS + i]) * f64::from(weights[i * UNITS + unit])).sum()
        };
        let z: Vec<f64> = (0..batch).map(weighted).collect();
        let mean = z.iter().sum::<f64>() / count;
        let std = (z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / count + 1e-5).sqrt();
        let y: Vec<f64> = z.iter().map(|z| (z - mean) / std).collect();
        let dy: Vec<f64> = (0..batch).map(|n| f64::from(gradient[n * UNITS + unit])).collect();
        let mean_dy = dy.iter().sum::<f64>() / count;
        let mean_product = dy.iter().zip(&y).map(|(dy, y)| dy * y).sum::<f64>() / count;
        for n in 0..batch {
            gradient[n * UNITS + unit] = ((dy[n] - mean_dy - y[n] * mean_product) / std) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positive_inputs_zigzag_and_centred_ones_do_not() {
        for seed in 0..6 {
            let key = RandomKey::new(seed).named("paths");
            let (positive, centred) = (paths(&Config::default(), 0.0, key), paths(&Config::default(), -0.5, key));
            assert_eq!(positive.same_sign_fraction, 1.0);
            assert!((0.4..0.62).contains(&centred.same_sign_fraction), "{}", centred.same_sign_fraction);
            // The lecture's own measurement: 2.34 and 1.17, over twenty paths.
            let (long, short) = (positive.length_over_straight_line, centred.length_over_straight_line);
            assert!((2.1..2.9).contains(&long) && (1.1..1.35).contains(&short), "seed {seed}: {long} against {short}");
            // At one rate both need about the same number of steps; centred inputs allow larger rates and then need fewer.
            let ratio = positive.mean_steps / centred.mean_steps;
            assert!((0.8..1.25).contains(&ratio), "seed {seed}: {ratio}");
            let (positive_best, centred_best) = (positive.fastest().unwrap(), centred.fastest().unwrap());
            assert!(centred_best.0.learning_rate >= 2.0 * positive_best.0.learning_rate, "seed {seed}");
            assert!(centred_best.1 < 0.65 * positive_best.1, "seed {seed}: {} {}", centred_best.1, positive_best.1);
            let fails = positive.first_that_fails().expect("positive inputs run away at the larger rates");
            assert!(centred.by_rate.iter().any(|one| one.learning_rate >= fails && one.mean_steps.is_some()));
        }
    }

    #[test]
    fn signs_of_one_sample_agree_behind_positive_inputs_and_never_behind_batch_norm() {
        let config = Config { batches: vec![1, 2, 16], ..Config::default() };
        let units = one_signed_units(&config, RandomKey::new(3).named("network"));
        let share = |case: usize, point: usize| units[case].points[point].one_signed_fraction;
        assert_eq!((share(0, 0), share(1, 0)), (1.0, 1.0));
        assert_eq!((share(2, 0), share(3, 0)), (0.0, 0.0));
        assert!(share(0, 2) > 0.1 && share(1, 2) < 0.05, "{} {}", share(0, 2), share(1, 2));
        // With two samples batch norm leaves almost no gradient, and its sign is due to rounding. From sixteen samples
        // on it is exact.
        assert!(share(4, 1) < 0.02, "{}", share(4, 1));
    }

    #[test]
    fn a_real_network_shows_the_same_signs() {
        let config = Config { batches: vec![1, 64], steps: 30, ..Config::default() };
        let curves = real_network(&config, 0).unwrap();
        let share = |case: usize, point: usize| curves[case].points[point].one_signed_fraction;
        assert_eq!((share(0, 0), share(1, 0)), (1.0, 1.0), "sigmoid and relu, one sample");
        assert!(share(2, 0) < 0.01, "tanh {}", share(2, 0));
        assert!(share(0, 1) > share(1, 1), "{} {}", share(0, 1), share(1, 1));
        assert!(share(3, 0) < 0.02, "batch norm, 64 samples {}", share(3, 0));
    }

    #[test]
    fn batch_norm_leaves_no_sum_over_the_batch() {
        let batch = 7;
        let (inputs, weights) =
            (normal_values(batch * INPUTS, RandomKey::new(1)), normal_values(INPUTS * UNITS, RandomKey::new(2)));
        let mut gradient = normal_values(batch * UNITS, RandomKey::new(3));
        through_batch_norm(&inputs, &weights, &mut gradient, batch);
        for unit in 0..UNITS {
            let sum: f32 = (0..batch).map(|n| gradient[n * UNITS + unit]).sum();
            assert!(sum.abs() < 1e-5, "unit {unit}: {sum}");
        }
    }
}
