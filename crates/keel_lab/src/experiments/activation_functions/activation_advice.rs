//! Advice about activations, measured: accuracy over several seeds, the number of working learning rates, and dead units.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::layers::{LayerSpec, LinearSpec, MaxoutSpec};
use keel_page::charts::{Dots, Marks, Plot, Scale, Series, number, points};
use keel_page::page::{Page, Table, cell};
use keel_page::{Language, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dead_relu::without_gradient;
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Parts};
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<ActivationAdvice>();

struct ActivationAdvice;

impl Experiment for ActivationAdvice {
    const NAME: &'static str = "activation_advice";
    const TITLE: [&'static str; 2] = ["Which activation? The advice, measured", "选哪个激活函数？用数据检验建议"];
    const SUMMARY: [&'static str; 2] = [
        "Test accuracy over several seeds, the range of learning rates that work, and dead units, for every activation the lecture advises on.",
        "对课程建议涉及的每个激活函数：多个随机种子下的测试准确率、可用学习率的范围，以及死亡单元。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let functions = FUNCTIONS
            .into_iter()
            .map(|function| measure(config, function, &digits, seed))
            .collect::<Result<_, LabError>>()?;
        let Config { width, depth, steps, batch, seeds, .. } = *config;
        Ok(Document { seed, width, depth, steps, batch, seeds, works_within: WORKS_WITHIN, functions })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// A learning rate works if its accuracy comes this close to the best one of the same function.
const WORKS_WITHIN: f64 = 0.05;
/// Minimum accuracy of a working learning rate: if nothing is learned, all rates are equal.
const WORKS_FROM: f64 = 0.5;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Number of units per hidden layer.
    #[schemars(extend("zh" = "每个隐藏层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Number of hidden layers.
    #[schemars(extend("zh" = "隐藏层数。"))]
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Number of training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Number of samples per step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rates to compare.
    #[schemars(extend("zh" = "要比较的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    learning_rates: Vec<f64>,
    /// Number of runs of each function at each learning rate.
    #[schemars(extend("zh" = "每个函数在每个学习率下的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        let learning_rates = vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
        Config { width: 64, depth: 4, steps: 150, batch: 64, learning_rates, seeds: 2 }
    }
}

/// Function between two linear maps.
#[derive(Clone, Copy)]
enum Function {
    Of(Activation),
    /// Maximum of two linear maps, instead of a map with an activation.
    Maxout,
}

const FUNCTIONS: [Function; 9] = [
    Function::Of(Activation::Sigmoid),
    Function::Of(Activation::Tanh),
    Function::Of(Activation::Relu),
    Function::Of(Activation::LeakyRelu(LeakyReluSpec::DEFAULT)),
    Function::Of(Activation::Elu(EluSpec::DEFAULT)),
    Function::Of(Activation::Selu),
    Function::Of(Activation::Gelu),
    Function::Of(Activation::Silu),
    Function::Maxout,
];

impl Function {
    fn name(self) -> &'static str {
        match self {
            Function::Of(activation) => activation.name(),
            Function::Maxout => "maxout",
        }
    }

    fn block(self, width: usize) -> Vec<LayerSpec> {
        match self {
            Function::Of(activation) => {
                vec![LayerSpec::Linear(LinearSpec::new(width)), LayerSpec::Activation(activation)]
            }
            Function::Maxout => vec![LayerSpec::Maxout(MaxoutSpec::new(width))],
        }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    width: usize,
    depth: usize,
    steps: usize,
    batch: usize,
    seeds: usize,
    works_within: f64,
    functions: Vec<FunctionFigures>,
}

/// Numbers of one function: its best learning rate, and all runs.
#[derive(Serialize)]
struct FunctionFigures {
    function: &'static str,
    parameters: usize,
    best_learning_rate: f64,
    best_test_accuracy: f64,
    best_accuracies: Vec<f64>,
    working_learning_rates: Vec<f64>,
    dead_at_largest_rate: Option<f64>,
    diverged_at_largest_rate: usize,
    runs: Vec<RateFigures>,
}

/// Runs of one function at one learning rate.
#[derive(Serialize)]
struct RateFigures {
    learning_rate: f64,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// Standard deviation of `accuracies`.
    spread: f64,
    /// One per seed.
    accuracies: Vec<f64>,
    /// Mean share of dead units over the runs with finite weights, if any.
    dead_fraction: Option<f64>,
    /// Number of runs with non-finite weights.
    diverged: usize,
    parameters: usize,
}

impl RateFigures {
    /// Returns true if the accuracy is close enough to that of the best rate of the same function.
    fn works(&self, best: &RateFigures) -> bool {
        self.test_accuracy >= WORKS_FROM && self.test_accuracy >= best.test_accuracy - WORKS_WITHIN
    }
}

/// Runs all trainings of one function, and summarises them.
fn measure(config: &Config, function: Function, digits: &Parts, seed: u64) -> Result<FunctionFigures, LabError> {
    let mut runs = Vec::new();
    for &rate in &config.learning_rates {
        let (mut accuracies, mut dead, mut diverged, mut parameters) = (Vec::new(), Vec::new(), 0, 0);
        for offset in 0..config.seeds {
            let mut layers = repeated(&function.block(config.width), config.depth);
            layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
            let key = RandomKey::new(seed.wrapping_add(offset as u64));
            let mut classifier = Classifier::new(&layers, config.batch, key)?;
            let schedule =
                Schedule { learning_rate: rate as f32, momentum: 0.9, batch: config.batch, steps: config.steps };
            classifier.train(&digits.train, schedule);
            accuracies.push(classifier.evaluate(&digits.test).accuracy);
            if classifier.is_finite() {
                let layers = without_gradient(&mut classifier, &digits.train);
                dead.push(layers.iter().sum::<f64>() / layers.len().max(1) as f64);
            } else {
                diverged += 1;
            }
            parameters = classifier.network.graph.parameter_length();
        }
        let moments = Moments::of(accuracies.iter().copied());
        runs.push(RateFigures {
            learning_rate: rate,
            test_accuracy: moments.mean,
            spread: moments.std,
            accuracies,
            dead_fraction: (!dead.is_empty()).then_some(Moments::of(dead.iter().copied()).mean),
            diverged,
            parameters,
        });
    }
    let best = runs.iter().fold(&runs[0], |best, run| if run.test_accuracy > best.test_accuracy { run } else { best });
    let last = &runs[runs.len() - 1];
    Ok(FunctionFigures {
        function: function.name(),
        parameters: best.parameters,
        best_learning_rate: best.learning_rate,
        best_test_accuracy: best.test_accuracy,
        best_accuracies: best.accuracies.clone(),
        working_learning_rates: runs.iter().filter(|run| run.works(best)).map(|run| run.learning_rate).collect(),
        dead_at_largest_rate: last.dead_fraction,
        diverged_at_largest_rate: last.diverged,
        runs,
    })
}

fn page(document: &Document) -> Page {
    let Document { width, depth, seeds, functions, .. } = document;
    let dots = functions.iter().fold(Dots::new(Text::new("test accuracy", "测试准确率")), |dots, one| {
        dots.with(one.function, one.best_accuracies.clone())
    });
    let plot = Plot::new(Text::new("learning rate", "学习率"), Text::new("test accuracy", "测试准确率"));
    let plot = functions.iter().fold(plot.scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.02), |plot, one| {
        let curve = points(&one.runs, |run| run.learning_rate, |run| run.test_accuracy);
        plot.with(Series::new(one.function, curve, Marks::LineAndPoints))
    });
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            format!(
                "A network of {depth} hidden layers of {width} units learns the digits with each activation, from the weights made \
                 for it, at every learning rate of a list, with {seeds} seeds each. First the best learning rate of each: every \
                 run is a dot, the bar is their mean."
            ),
            format!(
                "一个 {depth} 个隐藏层、每层 {width} 个单元的网络用各种激活函数学习手写数字：各用适合自己的初始化，列表中每个学习率都训练，\
                 每种 {seeds} 个随机种子。先看各自最佳学习率下的结果：每个点是一次训练，竖线是平均值。"
            ),
        )
        .dots(Text::new("Each at its best learning rate", "各取最佳学习率"), dots)
        .plot(Text::new("Sensitivity to the learning rate", "对学习率的敏感程度"), plot)
        .table(table(functions))
        .paragraph(seen(functions).get(Language::English), seen(functions).get(Language::Chinese))
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid loses three quarters of the gradient or more in every layer and its outputs are not centred, so a deep \
             network hardly starts. Tanh is centred and fine at this depth. Relu and its relatives pass the gradient on; at a \
             learning rate that is too large relu units die and the network stands still, or its weights diverge, \
             as those of the functions with a slope on the left do, which cannot die: the table says which it was here. Maxout, \
             the larger of two linear maps, neither saturates nor dies, at about twice the parameters.",
            "sigmoid 每层至少损失四分之三的梯度，输出也不以零为中心，深层网络几乎无法起步。tanh 以零为中心，在这个深度表现不错。ReLU 及其变体能传递梯度；\
             学习率过大时，ReLU 单元会死亡使网络停滞，或者权重发散到无穷；左侧有斜率的变体不会死亡，但权重同样可能发散：此处属于哪一种，见上表。Maxout 取两个线性映射中较大者，既不饱和也不死亡，但参数约为两倍。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The lecture's advice: use relu and be careful with the learning rate; try leaky relu, maxout, elu, selu or gelu for \
             the last bit; do not use the sigmoid inside the network. A small task like this one can refuse a bad choice; it \
             cannot tell good ones apart.",
            "课程的建议：首选 ReLU 并注意学习率；想再进一步可试 Leaky ReLU、Maxout、ELU、SELU 或 GELU；不要在网络内部用 sigmoid。\
             这样的小任务能排除不好的选择，却分不出好的几种之间的高下。",
        )
}

/// Describes the differences between the functions and between the seeds of one function.
fn seen(functions: &[FunctionFigures]) -> Text {
    let spread = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        high - low
    };
    let others = || functions.iter().filter(|one| one.function != Activation::Sigmoid.name());
    let apart = spread(&mut others().map(|one| one.best_test_accuracy));
    let seeds = others().map(|one| spread(&mut one.best_accuracies.iter().copied())).fold(0.0, f64::max);
    let sigmoid = functions.iter().find(|one| one.function == Activation::Sigmoid.name());
    let behind = others().map(|one| one.best_test_accuracy).fold(f64::MAX, f64::min)
        - sigmoid.map_or(0.0, |one| one.best_test_accuracy);
    let [apart, seeds, behind] = [apart, seeds, behind].map(|value| number((value * 1000.0).round() / 1000.0));
    Text::new(
        format!(
            "Apart from the sigmoid, the best and the worst function lie {apart} apart; the runs of one function, with different \
             seeds, up to {seeds}. The sigmoid is {behind} below the worst of the others."
        ),
        format!(
            "除 sigmoid 外，最好与最差的函数相差 {apart}；同一函数不同随机种子的结果最多相差 {seeds}。sigmoid 比其余函数中最差的还低 {behind}。"
        ),
    )
}

fn table(functions: &[FunctionFigures]) -> Table {
    let columns = vec![
        Text::new("Function", "函数"),
        Text::new("Test accuracy", "测试准确率"),
        Text::new("Best rate", "最佳学习率"),
        Text::new("Rates that work", "可用学习率"),
        Text::new("Dead at the largest rate", "最大学习率下死亡"),
        Text::new("Diverged there", "该处发散次数"),
        Text::new("Parameters", "参数量"),
    ];
    let caption = Text::new(
        "A learning rate works if its accuracy is at least ½ and at most 0.05 below the best of the same function",
        "若某学习率的准确率不低于 ½，且比该函数的最佳值低不超过 0.05，则算可用",
    );
    let mut table = Table::new(caption, columns);
    for one in functions {
        let range = match one.working_learning_rates[..] {
            [] => "–".to_owned(),
            [only] => number(only),
            [first, .., last] => format!("{} … {}", number(first), number(last)),
        };
        table.text_row(vec![
            Text::same(one.function),
            cell(one.best_test_accuracy),
            cell(one.best_learning_rate),
            Text::same(range),
            cell(one.dead_at_largest_rate),
            cell(one.diverged_at_largest_rate as f64),
            cell(one.parameters as f64),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_learns_where_the_sigmoid_waits_and_maxout_costs_twice() {
        let config = Config { width: 32, steps: 80, learning_rates: vec![0.01, 0.1], seeds: 1, ..Config::default() };
        for seed in 0..3 {
            let functions = ActivationAdvice::compute(&config, seed).unwrap().functions;
            assert_eq!(functions.len(), FUNCTIONS.len());
            let (sigmoid, relu, maxout) = (&functions[0], &functions[2], &functions[8]);
            assert!(relu.best_test_accuracy > 0.85, "seed {seed}: relu {}", relu.best_test_accuracy);
            assert!(sigmoid.best_test_accuracy < relu.best_test_accuracy - 0.2, "{}", sigmoid.best_test_accuracy);
            assert!(maxout.parameters as f64 > 1.8 * relu.parameters as f64);
        }
    }
}
