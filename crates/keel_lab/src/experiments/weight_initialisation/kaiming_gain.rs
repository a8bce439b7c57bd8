//! Kaiming's factor 2: each step of its derivation measured, forward and backward, and compared with other factors.
//!
//! Source: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015), section 2.2.

mod funnel;
pub(crate) mod page;
pub(crate) mod stacks;

use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use funnel::FunnelFigures;
use stacks::{FirstLayer, HalfIntegral, LayerFigures, Profile, Scanned, SlopeFigures, Steps};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<KaimingGain>();

struct KaimingGain;

impl Experiment for KaimingGain {
    const NAME: &'static str = "kaiming_gain";
    const TITLE: [&'static str; 2] = ["Where Kaiming's factor 2 comes from", "Kaiming 初始化的 2 从何而来"];
    const SUMMARY: [&'static str; 2] = [
        "The whole derivation, each line next to its measurement: the half-integral of relu, the product over layers, the first layer, the backward pass, leaky relu; and only g = 2 keeps the signal.",
        "完整推导，每一步都附实测：ReLU 的半边积分、逐层连乘、第一层、反向传播、Leaky ReLU；只有 g = 2 能保持信号。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let scan =
            config.factors.iter().map(|&factor| stacks::scan(config, factor, seed)).collect::<Result<_, LabError>>()?;
        let Config { width, depth, batch, seeds, .. } = *config;
        let profiles = [XAVIER, KAIMING, if_variance()].map(|factor| stacks::profile(config, factor, seed));
        Ok(Document {
            seed,
            width,
            depth,
            batch,
            seeds,
            scan,
            if_variance: stacks::scan(config, if_variance(), seed)?,
            steps: stacks::steps(config, seed),
            half_integral: stacks::half_integral(),
            profiles: profiles.into(),
            layers: stacks::by_layer(config, seed),
            first_layer: [KAIMING, XAVIER].map(|factor| stacks::first_layer(config, factor, seed)).into(),
            slopes: SLOPES.iter().map(|&slope| stacks::slope(config, slope, seed)).collect(),
            funnel: funnel::figures(config, seed),
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Factors g of Var(w) = g/n.
pub(crate) const XAVIER: f64 = 1.0;
pub(crate) const KAIMING: f64 = 2.0;

/// Slopes of leaky relu below zero: relu, the usual one, that of the lecture's slide, the initial slope of prelu, and
/// the identity.
const SLOPES: [f64; 5] = [0.0, 0.01, 0.1, 0.25, 1.0];

/// Returns the factor that would follow if a layer passed on Var(x) instead of E[x²]: relu leaves 1/2 − 1/2π of the
/// variance of a normal variable.
pub(crate) fn if_variance() -> f64 {
    1.0 / (0.5 - 0.5 / std::f64::consts::PI)
}

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Number of units per layer.
    #[schemars(extend("zh" = "每层的单元数。"))]
    #[schemars(range(min = 2, max = 4096))]
    width: usize,
    /// Number of layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 2, max = 100))]
    depth: usize,
    /// Number of samples of the standard normal input.
    #[schemars(extend("zh" = "标准正态输入的样本数。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Factors g to try.
    #[schemars(extend("zh" = "要尝试的系数 g。"))]
    #[schemars(inner(range(min = 0.01, max = 100.0)))]
    factors: Vec<f64>,
    /// Networks averaged for each factor.
    #[schemars(extend("zh" = "每个系数取平均的网络数。"))]
    #[schemars(range(min = 1, max = 100))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        let factors = vec![0.5, 1.0, 1.5, 1.8, 2.0, 2.2, 2.5, 3.0, 4.0];
        Config { width: 512, depth: 30, batch: 16, factors, seeds: 3 }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    batch: usize,
    seeds: usize,
    scan: Vec<Scanned>,
    /// Factor that Var(x) instead of E[x²] would lead to.
    if_variance: Scanned,
    steps: Steps,
    half_integral: HalfIntegral,
    /// Profiles with Xavier's factor, with Kaiming's and with [`if_variance`].
    profiles: Vec<Profile>,
    /// Layers with Kaiming's factor.
    layers: Vec<LayerFigures>,
    /// Stacks with 2/n and with 1/n in the first layer, and 2/n in all others.
    first_layer: Vec<FirstLayer>,
    slopes: Vec<SlopeFigures>,
    funnel: FunnelFigures,
}

/// Theoretical prediction and measured value.
#[derive(Clone, Copy, Debug, Serialize)]
struct Comparison {
    theory: f64,
    measured: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scan_follows_the_prediction_and_only_two_keeps_the_signal() {
        let references = [(1.0, -4.36), (2.0, 0.0), (if_variance(), 2.40), (4.0, 4.36)];
        for (factor, reference) in references {
            for seed in 0..3 {
                let one = stacks::scan(&Config::default(), factor, seed).unwrap();
                assert!((one.predicted - reference).abs() < 0.02, "{one:?}");
                assert!((one.log10_ratio - one.predicted).abs() < 0.25, "{one:?}");
            }
        }
    }

    #[test]
    fn the_steps_of_the_derivation_hold() {
        let steps = stacks::steps(&Config { depth: 2, width: 1024, ..Config::default() }, 1);
        let cases = [
            ("positive_fraction", steps.positive_fraction, 0.5),
            ("second_moment_over_variance", steps.second_moment_over_variance, 0.5),
            ("variance_over_variance", steps.variance_over_variance, 0.3408),
            ("next_variance_over_prediction", steps.next_variance_over_prediction, 1.0),
        ];
        for (name, measured, expected) in cases {
            assert!((measured - expected).abs() < 0.04 * expected, "{name}: {measured}");
        }
    }

    #[test]
    fn half_of_the_integral_gives_the_moments_of_the_slide() {
        let half = stacks::half_integral();
        for (name, found, expected) in [
            ("whole", half.whole, 1.0),
            ("positive half", half.positive_half, 0.5),
            ("mean", half.mean_at_variance_2, 0.5642),
            ("std", half.std_at_variance_2, 0.8256),
        ] {
            assert!((found - expected).abs() < 1e-4, "{name}: {found}");
        }
        let config = Config { depth: 6, width: 1024, batch: 32, seeds: 8, ..Config::default() };
        for layer in stacks::by_layer(&config, 3) {
            let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.06;
            assert!(near(layer.mean, 0.5642) && near(layer.std, 0.8256) && near(layer.second_moment, 1.0), "{layer:?}");
        }
    }

    #[test]
    fn half_the_variance_in_one_layer_stays_that_half_at_any_depth() {
        let config = Config { seeds: 4, ..Config::default() };
        let [two, one] = [KAIMING, XAVIER].map(|factor| stacks::first_layer(&config, factor, 0));
        for (layers, expected) in [((two.first, one.first), 2.0_f64), ((two.last, one.last), 2.0)] {
            assert!((layers.0 / layers.1 / expected.sqrt() - 1.0).abs() < 1e-4, "{layers:?}");
        }
    }

    #[test]
    fn a_leaky_relu_needs_the_factor_that_its_slope_leaves() {
        for slope in SLOPES {
            let figures = stacks::slope(&Config::default(), slope, 0);
            let Comparison { theory, measured } = figures.kept;
            assert!((measured / theory - 1.0).abs() < 0.05, "{figures:?}");
            assert!(figures.log10_ratio.abs() < 0.3, "{figures:?}");
            let Comparison { theory, measured } = figures.log10_ratio_with_two;
            assert!((measured - theory).abs() < 0.3, "{figures:?}");
        }
    }

    #[test]
    fn either_fan_keeps_the_product_over_layers_to_the_ratio_of_two_widths() {
        let figures = funnel::figures(&Config { seeds: 12, ..Config::default() }, 1);
        for choice in &figures.choices {
            for Comparison { theory, measured } in [choice.forward, choice.backward] {
                assert!((measured / theory).log2().abs() < 0.35, "{choice:?}");
            }
        }
    }
}
