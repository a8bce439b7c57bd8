//! All activation functions: curve, derivative, flat zones, and outputs for a standard normal input.

mod page;

use std::time::Instant;

use keel_kernels::activation::{self, ActivationGradient};
use keel_kernels::simd;
use keel_nn::activations::{Activation, all};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::signal::normal_moments;
use crate::statistics::Moments;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Activations>();

struct Activations;

impl Experiment for Activations {
    const NAME: &'static str = "activations";
    const TITLE: [&'static str; 2] = ["Activation functions and their derivatives", "激活函数及其导数"];
    const SUMMARY: [&'static str; 2] = [
        "Each activation as a gate for the gradient: curve, derivative, flat zones, output mean and variance for a standard normal input, and cost.",
        "把激活函数看作梯度的“门”：曲线、导数、平坦区、标准正态输入下的输出均值与方差，以及计算代价。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, _seed: u64) -> Result<Document, LabError> {
        let activations = all().map(|activation| describe(activation, config)).collect();
        let chains = CHAINS.into_iter().map(chain).collect();
        Ok(Document { x: config.x, reach: config.reach, activations, chains })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Share of the largest derivative below which a function is flat.
const FLAT: f64 = 0.02;
/// Number of values per timing.
const TIMED: usize = 1 << 16;
/// Inputs at which every function is evaluated, before the one of the config.
const READ_AT: [f64; 5] = [-10.0, -3.0, 0.0, 3.0, 10.0];

/// Chained functions, each with the input of every gate in its chain.
const CHAINS: [(Activation, f64); 4] =
    [(Activation::Sigmoid, 0.0), (Activation::Sigmoid, 3.0), (Activation::Tanh, 1.0), (Activation::Relu, 1.0)];
/// Number of gates in a chain.
const GATES: usize = 12;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The curves go from -reach to reach.
    #[schemars(extend("zh" = "曲线的横轴范围，从 -reach 到 reach。"))]
    #[schemars(range(min = 1.0, max = 50.0))]
    reach: f64,
    /// Points of each curve.
    #[schemars(extend("zh" = "每条曲线的点数。"))]
    #[schemars(range(min = 11, max = 2001))]
    points: usize,
    /// An input to read every function and its derivative at.
    #[schemars(extend("zh" = "在该输入处读出每个函数及其导数。"))]
    #[schemars(range(min = -100.0, max = 100.0))]
    x: f64,
    /// True to measure the time of each; these are the only numbers that differ from run to run.
    #[schemars(extend("zh" = "是否测量计算时间；只有这些数每次运行会不同。"))]
    cost: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config { reach: 6.0, points: 241, x: 10.0, cost: true }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    x: f64,
    /// Curves go from -reach to reach.
    #[serde(skip)]
    reach: f64,
    activations: Vec<ActivationFigures>,
    chains: Vec<Chain>,
}

/// Gradient on its way back through a row of gates with the same input.
#[derive(Serialize)]
struct Chain {
    activation: &'static str,
    x: f64,
    derivative: f64,
    /// Share of the gradient after 0, 1, 2, … gates.
    remaining: Vec<f64>,
}

/// Numbers of one activation.
#[derive(Serialize)]
struct ActivationFigures {
    activation: &'static str,
    at: [Reading; READ_AT.len() + 1],
    largest_derivative: f64,
    /// Low and high end of each flat zone.
    flat_zones: Vec<[f64; 2]>,
    standard_normal_input: OutputMoments,
    zero_centred: bool,
    curve: Curve,
    /// Time for value and derivative, if measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    nanoseconds_per_value: Option<f64>,
}

/// A function and its derivative at one input.
#[derive(Serialize)]
struct Reading {
    x: f64,
    value: f64,
    derivative: f64,
}

/// Moments of the outputs for a standard normal input.
#[derive(Serialize)]
struct OutputMoments {
    mean: f64,
    variance: f64,
    second_moment: f64,
}

/// A function and its derivative over evenly spaced inputs.
#[derive(Serialize)]
struct Curve {
    x: Vec<f64>,
    value: Vec<f64>,
    derivative: Vec<f64>,
}

impl ActivationFigures {
    fn at_zero(&self) -> &Reading {
        &self.at[2]
    }

    /// Returns the reading at one of [`READ_AT`].
    fn at_input(&self, x: f64) -> &Reading {
        self.at.iter().find(|reading| reading.x == x).unwrap_or(&self.at[0])
    }

    /// Returns the reading at the input given in the config.
    fn at_chosen_input(&self) -> &Reading {
        &self.at[READ_AT.len()]
    }
}

fn chain((activation, x): (Activation, f64)) -> Chain {
    let derivative = f64::from(activation.initial_function().derivative(x as f32));
    let remaining = (0..=GATES as i32).map(|gates| derivative.powi(gates)).collect();
    Chain { activation: activation.name(), x, derivative, remaining }
}

fn describe(activation: Activation, config: &Config) -> ActivationFigures {
    let function = activation.initial_function();
    let value = |x: f64| f64::from(function.value(x as f32));
    let slope = |x: f64| f64::from(function.derivative(x as f32));
    let step = 2.0 * config.reach / (config.points - 1) as f64;
    let inputs: Vec<f64> = (0..config.points).map(|index| index as f64 * step - config.reach).collect();
    let Moments { mean, second_moment, .. } = normal_moments(activation, 1.0);
    let [a, b, c, d, e] = READ_AT;
    ActivationFigures {
        activation: activation.name(),
        at: [a, b, c, d, e, config.x].map(|x| Reading { x, value: value(x), derivative: slope(x) }),
        largest_derivative: largest_derivative(activation),
        flat_zones: flat_zones(activation),
        standard_normal_input: OutputMoments { mean, variance: second_moment - mean * mean, second_moment },
        zero_centred: activation.entry().zero_centred,
        curve: Curve {
            value: inputs.iter().map(|&x| value(x)).collect(),
            derivative: inputs.iter().map(|&x| slope(x)).collect(),
            x: inputs,
        },
        nanoseconds_per_value: config.cost.then(|| cost(activation)),
    }
}

fn grid() -> impl Iterator<Item = f64> {
    (-2000..=2000).map(|index| f64::from(index) * 0.01)
}

fn largest_derivative(activation: Activation) -> f64 {
    let function = activation.initial_function();
    grid().map(|x| f64::from(function.derivative(x as f32)).abs()).fold(0.0, f64::max)
}

/// Returns the intervals of [-20, 20] of length at least 1 in which hardly any gradient passes.
fn flat_zones(activation: Activation) -> Vec<[f64; 2]> {
    let function = activation.initial_function();
    let limit = FLAT * largest_derivative(activation);
    let mut zones: Vec<[f64; 2]> = Vec::new();
    let mut open = false;
    for x in grid() {
        let flat = f64::from(function.derivative(x as f32)).abs() < limit;
        match (flat, open, zones.last_mut()) {
            (true, true, Some(zone)) => zone[1] = x,
            (true, _, _) => zones.push([x, x]),
            _ => {}
        }
        open = flat;
    }
    zones.retain(|zone| zone[1] - zone[0] >= 1.0);
    zones
}

/// Measures the nanoseconds for value and derivative of one input, best of several rounds.
fn cost(activation: Activation) -> f64 {
    let function = activation.initial_function();
    let input: Vec<f32> = (0..TIMED).map(|index| (index % 97) as f32 * 0.1 - 4.8).collect();
    let (mut output, mut gradient) = (vec![0.0; TIMED], vec![0.0; TIMED]);
    let round = |output: &mut [f32], gradient: &mut [f32]| {
        let start = Instant::now();
        activation::forward(simd::level(), function, &input, output);
        let given = ActivationGradient { saved: &input, grad_output: output };
        activation::backward(simd::level(), function, given, gradient);
        start.elapsed().as_secs_f64()
    };
    let best = (0..9).map(|_| round(&mut output, &mut gradient)).fold(f64::MAX, f64::min);
    best / TIMED as f64 * 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> ActivationFigures {
        let activation = all().find(|activation| activation.name() == name).unwrap();
        describe(activation, &Config { cost: false, ..Config::default() })
    }

    #[test]
    fn values_and_slopes_of_the_lecture() {
        let (sigmoid, tanh, relu, selu) = (of("sigmoid"), of("tanh"), of("relu"), of("selu"));
        let cases = [
            ("sigmoid(-10)", sigmoid.at[0].value, 4.54e-5),
            ("sigmoid(0)", sigmoid.at_zero().value, 0.5),
            ("sigmoid(10)", sigmoid.at[4].value, 0.99995),
            ("sigmoid'(-10)", sigmoid.at[0].derivative, 4.54e-5),
            ("sigmoid'(10)", sigmoid.at[4].derivative, 4.54e-5),
            ("largest sigmoid'", sigmoid.largest_derivative, 0.25),
            ("tanh'(0)", tanh.at_zero().derivative, 1.0),
            ("tanh'(-3)", tanh.at[1].derivative, 0.00987),
            ("tanh'(3)", tanh.at[3].derivative, 0.00987),
            ("relu, mean", relu.standard_normal_input.mean, 0.39894),
            ("relu, second moment", relu.standard_normal_input.second_moment, 0.5),
            ("relu, variance", relu.standard_normal_input.variance, 0.34085),
            ("selu, variance", selu.standard_normal_input.variance, 1.0),
        ];
        for (name, actual, expected) in cases {
            assert!((actual - expected).abs() <= 1e-3 * expected, "{name}: {actual} for {expected}");
        }
        assert!(selu.standard_normal_input.mean.abs() < 1e-4);
    }

    #[test]
    fn flat_zones_are_where_gradient_stops() {
        assert_eq!(of("relu").flat_zones.len(), 1);
        assert_eq!(of("leaky_relu").flat_zones.len(), 1, "its slope of 1 % is below 2 %");
        assert_eq!(of("identity").flat_zones.len(), 0);
        let zones = of("tanh").flat_zones;
        assert_eq!(zones.len(), 2);
        assert!((zones[1][0] - 2.65).abs() < 0.03, "{zones:?}");
    }

    #[test]
    fn a_chain_of_gates_multiplies_their_local_gradients() {
        let [steepest, flat, tanh, relu] = CHAINS.map(chain);
        assert_eq!((steepest.derivative, relu.derivative), (0.25, 1.0));
        assert!((steepest.remaining[6] * 4096.0 - 1.0).abs() < 1e-9, "a quarter to the sixth is 1/4096");
        assert!((flat.derivative - 0.04518).abs() < 1e-4 && (tanh.derivative - 0.41997).abs() < 1e-4);
        assert_eq!(relu.remaining, vec![1.0; GATES + 1]);
    }

    #[test]
    fn tanh_is_a_stretched_sigmoid() {
        let (tanh, sigmoid) = (Activation::Tanh.initial_function(), Activation::Sigmoid.initial_function());
        for x in grid() {
            let x = x as f32;
            assert!((tanh.value(x) - (2.0 * sigmoid.value(2.0 * x) - 1.0)).abs() < 3e-7, "x = {x}");
        }
    }
}
