//! Where Kaiming's factor 2 comes from: each step of the derivation measured, and other factors tried.
//!
//! Source: He, Zhang, Ren, Sun: Delving deep into rectifiers (2015), section 2.2.

use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::charts::{Marks, Plot, Series, points};
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::language::Text;
use crate::page::{Page, Table};
use crate::signal::{LayerSignal, Stack};
use crate::statistics::{Moments, fraction};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<KaimingGain>();

struct KaimingGain;

impl Experiment for KaimingGain {
    const NAME: &'static str = "kaiming_gain";
    const TITLE: [&'static str; 2] = ["Where Kaiming's factor 2 comes from", "Kaiming 初始化的 2 从何而来"];
    const SUMMARY: [&'static str; 2] = [
        "Deep relu stacks with weights of variance g/n: only g = 2 keeps the signal, and each step of the derivation is measured.",
        "权重方差为 g/n 的深层 ReLU 网络：只有 g = 2 能保持信号，推导的每一步都有实测。",
    ];
    const CHAPTER: Chapter = Chapter::Initialisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let scan = config.factors.iter().map(|&factor| scan(config, factor, seed)).collect::<Result<_, LabError>>()?;
        let Config { width, depth, batch, .. } = *config;
        Ok(Document { seed, width, depth, batch, scan, steps: steps(config, seed) })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of every layer.
    #[schemars(extend("zh" = "每层的单元数。"))]
    #[schemars(range(min = 2, max = 4096))]
    width: usize,
    /// Layers.
    #[schemars(extend("zh" = "层数。"))]
    #[schemars(range(min = 2, max = 100))]
    depth: usize,
    /// Samples of the standard normal input.
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
    scan: Vec<Scanned>,
    steps: Steps,
}

/// Signal of the last layer over that of the first, with one factor.
#[derive(Debug, Serialize)]
struct Scanned {
    factor: f64,
    log10_ratio: f64,
    /// Standard deviation over networks.
    spread: f64,
    predicted: f64,
}

/// Steps of the derivation, measured.
#[derive(Serialize)]
struct Steps {
    positive_fraction: f64,
    second_moment_over_variance: f64,
    variance_over_variance: f64,
    next_variance_over_prediction: f64,
}

fn signals(config: &Config, factor: f64, seed: u64) -> Vec<LayerSignal> {
    let init = InitSpec::normal((factor / config.width as f64).sqrt() as f32);
    let stack =
        Stack { width: config.width, depth: config.depth, batch: config.batch, activation: Activation::Relu, init };
    stack.forward(RandomKey::new(seed))
}

/// log10 of the last layer's standard deviation over the first's, averaged over networks, and its prediction.
fn scan(config: &Config, factor: f64, seed: u64) -> Result<Scanned, LabError> {
    let ratio = |index: usize| {
        let signals = signals(config, factor, seed.wrapping_add(index as u64));
        let std = |layer: usize| Moments::of_slice(&signals[layer].pre_activation).std;
        (std(config.depth - 1) / std(0)).log10()
    };
    let ratios: Vec<f64> = (0..config.seeds).map(ratio).collect();
    let moments = Moments::of(ratios.iter().copied());
    if !moments.mean.is_finite() {
        return Err(LabError::NotFinite {
            experiment: KaimingGain::NAME,
            what: format!("the signal with factor {factor}"),
        });
    }
    let predicted = 0.5 * (config.depth - 1) as f64 * (factor / 2.0).log10();
    Ok(Scanned { factor, log10_ratio: moments.mean, spread: moments.std, predicted })
}

/// The steps of the derivation at factor 2, averaged over networks: after the first layer, where the input is normal.
fn steps(config: &Config, seed: u64) -> Steps {
    let measure = |index: usize| {
        let signals = signals(config, 2.0, seed.wrapping_add(index as u64));
        let (pre, output) = (Moments::of_slice(&signals[0].pre_activation), Moments::of_slice(&signals[0].output));
        let next = Moments::of_slice(&signals[1].pre_activation);
        let variance = pre.std * pre.std;
        Steps {
            positive_fraction: fraction(&signals[0].pre_activation, |z| z > 0.0),
            second_moment_over_variance: output.second_moment / variance,
            variance_over_variance: output.std * output.std / variance,
            next_variance_over_prediction: next.std * next.std / (2.0 * output.second_moment),
        }
    };
    let all: Vec<Steps> = (0..config.seeds).map(measure).collect();
    let mean = |part: fn(&Steps) -> f64| Moments::of(all.iter().map(part)).mean;
    Steps {
        positive_fraction: mean(|steps| steps.positive_fraction),
        second_moment_over_variance: mean(|steps| steps.second_moment_over_variance),
        variance_over_variance: mean(|steps| steps.variance_over_variance),
        next_variance_over_prediction: mean(|steps| steps.next_variance_over_prediction),
    }
}

fn page(document: &Document) -> Page {
    let depth = document.depth;
    let curve = |y: fn(&Scanned) -> f64| points(&document.scan, |one| one.factor, y);
    let plot = Plot::new("g", Text::new("log10(last layer / first layer)", "log10(末层 / 首层)"))
        .with(Series::new(Text::new("measured", "实测"), curve(|one| one.log10_ratio), Marks::LineAndPoints))
        .with(Series::new(Text::new("predicted", "预测"), curve(|one| one.predicted), Marks::Dashed));
    let page = Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            format!("Relu networks of {depth} layers with weights of variance g/n. The signal survives only at g = 2; Xavier's g = 1 loses a factor √2 per layer."),
            format!("{depth} 层 ReLU 网络，权重方差为 g/n。只有 g = 2 时信号得以保持；Xavier 的 g = 1 每层损失 √2 倍。"),
        )
        .plot(Text::new("How the signal's standard deviation changes from the first layer to the last", "从首层到末层，信号标准差的变化"), plot)
        .table(table(&document.steps));
    derivation(page)
        .heading("What to take away", "要点")
        .paragraph(
            "The 2 makes up for the half of the second moment that relu cuts off. A leaky relu of slope a needs 2/(1 + a²). Had the \
             derivation used Var(x) instead of E[x²], the factor would be 1/0.3408 = 2.93, which measurably explodes.",
            "系数 2 补偿了 ReLU 截掉的一半二阶矩。斜率为 a 的 Leaky ReLU 需要 2/(1 + a²)。若推导误用 Var(x) 而不是 E[x²]，\
             系数会是 1/0.3408 = 2.93，而实测那样会爆炸。",
        )
}

fn derivation(page: Page) -> Page {
    page.heading("Why: the derivation", "推导")
        .paragraph(
            "1. Weights are independent of the inputs and have mean 0, so the cross terms vanish. What remains is the second \
             moment of x, not its variance; x need be neither normal nor centred.",
            "1. 权重与输入独立且均值为 0，交叉项消失。剩下的是 x 的二阶矩，而不是方差；x 不必服从正态，也不必零均值。",
        )
        .formula(
            "<mi>Var</mi><mo>(</mo><msub><mi>y</mi><mi>l</mi></msub><mo>)</mo><mo>=</mo><mi>n</mi><mspace width=\"0.2em\"/><mi>Var</mi>\
             <mo>(</mo><mi>w</mi><mo>)</mo><mspace width=\"0.2em\"/><mi>E</mi><mo>[</mo><msup><mi>x</mi><mn>2</mn></msup><mo>]</mo>",
        )
        .paragraph(
            "2. The weights before are symmetric about 0 and there is no bias, so y is symmetric, and relu keeps exactly half of its second moment.",
            "2. 前一层权重关于 0 对称且无偏置，所以 y 对称，ReLU 恰好保留其二阶矩的一半。",
        )
        .formula(
            "<mi>E</mi><mo>[</mo><mi>max</mi><msup><mrow><mo>(</mo><mn>0</mn><mo>,</mo><mi>y</mi><mo>)</mo></mrow><mn>2</mn></msup>\
             <mo>]</mo><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><mi>Var</mi><mo>(</mo><mi>y</mi><mo>)</mo>",
        )
        .paragraph("3. For the variance to stay the same through every layer,", "3. 要使方差逐层不变，需要")
        .formula(
            "<mfrac><mn>1</mn><mn>2</mn></mfrac><mi>n</mi><mspace width=\"0.2em\"/><mi>Var</mi><mo>(</mo><mi>w</mi><mo>)</mo><mo>=</mo>\
             <mn>1</mn><mspace width=\"1em\"/><mo>⇒</mo><mspace width=\"1em\"/><mi>Var</mi><mo>(</mo><mi>w</mi><mo>)</mo><mo>=</mo>\
             <mfrac><mn>2</mn><mi>n</mi></mfrac>",
        )
}

fn table(steps: &Steps) -> Table {
    let columns = vec![Text::new("Step", "步骤"), Text::new("Theory", "理论"), Text::new("Measured", "实测")];
    let mut table = Table::new(Text::new("The steps of the derivation, measured", "推导各步的实测"), columns);
    let half_normal = 0.5 - 0.5 / std::f64::consts::PI;
    let rows = [
        ("P(y &gt; 0)", 0.5, steps.positive_fraction),
        ("E[x²] / Var(y)", 0.5, steps.second_moment_over_variance),
        ("Var(x) / Var(y)", half_normal, steps.variance_over_variance),
        ("Var(y′) / (n Var(w) E[x²])", 1.0, steps.next_variance_over_prediction),
    ];
    for (name, theory, measured) in rows {
        table.row(name, &[theory, measured]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scan_follows_the_prediction_and_only_two_keeps_the_signal() {
        let references = [(1.0, -4.36), (2.0, 0.0), (2.93, 2.40), (4.0, 4.36)];
        for (factor, reference) in references {
            let one = scan(&Config::default(), factor, 0).unwrap();
            assert!((one.predicted - reference).abs() < 0.02, "{one:?}");
            assert!((one.log10_ratio - one.predicted).abs() < 0.25, "{one:?}");
        }
    }

    #[test]
    fn the_steps_of_the_derivation_hold() {
        let steps = steps(&Config { depth: 2, width: 1024, ..Config::default() }, 1);
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
}
