//! The advice about activations, measured: accuracy over several seeds, how many learning rates work, which units die.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};
use keel_nn::layers::{LayerSpec, LinearSpec, MaxoutSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::dead_relu::without_gradient;
use crate::charts::{Dots, Marks, Plot, Scale, Series, number, points};
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::language::Text;
use crate::page::{Page, Table};
use crate::settings::Settings;
use crate::statistics::Moments;
use crate::training::{CLASSES, Classifier, Digits, Schedule, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Which activation? The advice, measured", "选哪个激活函数？用数据检验建议"],
    summary: [
        "Test accuracy over several seeds, the range of learning rates that work, and dead units, for every activation the lecture advises on.",
        "对课程建议涉及的每个激活函数：多个随机种子下的测试正确率、可用学习率的范围，以及死亡单元。",
    ],
    chapter: Chapter::Activations,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "activation_advice";
/// A learning rate works if its accuracy comes this close to the best of the same function.
const WORKS_WITHIN: f64 = 0.05;
/// And if its accuracy is at least this: all rates are alike where nothing is learned.
const WORKS_FROM: f64 = 0.5;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each hidden layer.
    #[schemars(extend("zh" = "每个隐层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Hidden layers.
    #[schemars(extend("zh" = "隐层数。"))]
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 1, max = 1024))]
    batch: usize,
    /// Learning rates to compare.
    #[schemars(extend("zh" = "要比较的学习率。"))]
    #[schemars(inner(range(min = 0.0, max = 1000.0)))]
    learning_rates: Vec<f64>,
    /// Runs of each function at each learning rate.
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

/// What stands between two linear maps.
#[derive(Clone, Copy)]
enum Function {
    Of(Activation),
    /// The larger of two linear maps, in the place of one with an activation.
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

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let functions = FUNCTIONS
        .into_iter()
        .map(|one| measure(&config, one, &digits, seed))
        .collect::<Result<Vec<Value>, LabError>>()?;
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "depth": config.depth, "steps": config.steps,
        "batch": config.batch, "seeds": config.seeds, "works_within": WORKS_WITHIN, "functions": functions,
    });
    let page = page(&document, &config);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// All runs of one function, and what they say.
fn measure(config: &Config, function: Function, digits: &Digits, seed: u64) -> Result<Value, LabError> {
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
            accuracies.push(classifier.evaluate(&digits.test).1);
            if classifier.is_finite() {
                let layers = without_gradient(&mut classifier, &digits.train);
                dead.push(layers.iter().sum::<f64>() / layers.len().max(1) as f64);
            } else {
                diverged += 1;
            }
            parameters = classifier.network.graph.parameter_length();
        }
        let moments = Moments::of(accuracies.iter().copied());
        runs.push(json!({
            "learning_rate": rate, "test_accuracy": moments.mean, "spread": moments.std, "accuracies": accuracies,
            "dead_fraction": (!dead.is_empty()).then_some(Moments::of(dead.iter().copied()).mean), "diverged": diverged,
            "parameters": parameters,
        }));
    }
    let accuracy = |run: &Value| run["test_accuracy"].as_f64().unwrap_or(0.0);
    let best = runs.iter().fold(&runs[0], |best, run| if accuracy(run) > accuracy(best) { run } else { best });
    let works: Vec<f64> = runs
        .iter()
        .filter(|run| accuracy(run) >= WORKS_FROM && accuracy(run) >= accuracy(best) - WORKS_WITHIN)
        .filter_map(|run| run["learning_rate"].as_f64())
        .collect();
    Ok(json!({
        "function": function.name(),
        "parameters": best["parameters"],
        "best_learning_rate": best["learning_rate"],
        "best_test_accuracy": best["test_accuracy"],
        "best_accuracies": best["accuracies"],
        "working_learning_rates": works,
        "dead_at_largest_rate": runs[runs.len() - 1]["dead_fraction"],
        "diverged_at_largest_rate": runs[runs.len() - 1]["diverged"],
        "runs": runs,
    }))
}

fn page(document: &Value, config: &Config) -> Page {
    let functions = document["functions"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |one: &Value| one["function"].as_str().unwrap_or_default().to_owned();
    let dots = functions.iter().fold(Dots::new(Text::new("test accuracy", "测试正确率")), |dots, one| {
        let accuracies = one["best_accuracies"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        dots.with(Text::same(name(one)), accuracies)
    });
    let plot = Plot::new(Text::new("learning rate", "学习率"), Text::new("test accuracy", "测试正确率"));
    let plot = functions.iter().fold(plot.scales(Scale::Logarithmic, Scale::Linear).y_range(0.0, 1.02), |plot, one| {
        let curve = points(&one["runs"], "/learning_rate", "/test_accuracy");
        plot.with(Series::new(Text::same(name(one)), curve, Marks::LineAndPoints))
    });
    let Config { width, depth, seeds, .. } = config;
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            format!(
                "A network of {depth} hidden layers of {width} units learns the digits with each activation, from the weights made \
                 for it, at every learning rate of a list, with {seeds} seeds each. First the best learning rate of each: every \
                 run is a dot, the bar is their mean."
            ),
            format!(
                "一个 {depth} 个隐层、每层 {width} 个单元的网络用各种激活函数学习手写数字：各用适合自己的初始化，列表中每个学习率都训练，\
                 每种 {seeds} 个随机种子。先看各自最佳学习率下的结果：每个点是一次训练，竖线是平均值。"
            ),
        )
        .dots(Text::new("Each at its best learning rate", "各取最佳学习率"), dots)
        .plot(Text::new("How careful one has to be with the learning rate", "对学习率需要多小心"), plot)
        .table(table(functions))
        .heading("Why", "为什么")
        .paragraph(
            "The sigmoid loses three quarters of the gradient or more in every layer and its outputs are not centred, so a deep \
             network hardly starts. Tanh is centred and fine at this depth. Relu and its relatives pass the gradient on; at a \
             learning rate that is too large relu units die and the network stands still, or its weights run away to infinity, \
             as those of the functions with a slope on the left do, which cannot die: the table says which it was here. Maxout, \
             the larger of two linear maps, neither saturates nor dies, at about twice the parameters.",
            "sigmoid 每层至少损失四分之三的梯度，输出也不以零为中心，深层网络几乎无法起步。tanh 以零为中心，在这个深度表现不错。ReLU 及其变体能传递梯度；\
             学习率过大时，ReLU 单元会死亡使网络停滞，或者权重发散到无穷；左侧有斜率的变体不会死亡，但权重同样可能发散：此处属于哪一种，见上表。Maxout 取两个线性映射中较大者，既不饱和也不死亡，但参数约为两倍。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The lecture's advice holds: use relu and be careful with the learning rate; try leaky relu, maxout, elu, selu or gelu \
             for the last bit; do not use the sigmoid inside the network. The differences between the good ones are as small \
             as those between seeds: no reason to agonise. On this small task tanh keeps up; deeper networks and larger data \
             favour relu.",
            "课程的建议成立：首选 ReLU 并注意学习率；想再进一步可试 Leaky ReLU、Maxout、ELU、SELU 或 GELU；不要在网络内部用 sigmoid。\
             好的几种之间的差别与不同随机种子之间的差别相当，不必纠结。在这个小任务上 tanh 也不落后；网络更深、数据更多时 ReLU 更有利。",
        )
}

fn table(functions: &[Value]) -> Table {
    let columns = vec![
        Text::new("Function", "函数"),
        Text::new("Test accuracy", "测试正确率"),
        Text::new("Best rate", "最佳学习率"),
        Text::new("Rates that work", "可用学习率"),
        Text::new("Dead at the largest rate", "最大学习率下死亡"),
        Text::new("Diverged there", "该处发散次数"),
        Text::new("Parameters", "参数量"),
    ];
    let caption = Text::new(
        "A learning rate works if its accuracy is at least ½ and at most 0.05 below the best of the same function",
        "若某学习率的正确率不低于 ½，且比该函数的最佳值低不超过 0.05，则算可用",
    );
    let mut table = Table::new(caption, columns);
    for one in functions {
        let cell = |key: &str| Text::same(one[key].as_f64().map_or("–".to_owned(), number));
        let works: Vec<f64> =
            one["working_learning_rates"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let range = match works[..] {
            [] => "–".to_owned(),
            [only] => number(only),
            [first, .., last] => format!("{} … {}", number(first), number(last)),
        };
        table.text_row(vec![
            Text::same(one["function"].as_str().unwrap_or_default()),
            cell("best_test_accuracy"),
            cell("best_learning_rate"),
            Text::same(range),
            cell("dead_at_largest_rate"),
            cell("diverged_at_largest_rate"),
            cell("parameters"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_learns_where_the_sigmoid_waits_and_maxout_costs_twice() {
        let settings = ["width=32", "steps=80", "learning_rates=[0.01,0.1]", "seeds=1"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let of = |index: usize, key: &str| document["functions"][index][key].as_f64().unwrap();
        assert!(of(2, "best_test_accuracy") > 0.85, "relu {}", of(2, "best_test_accuracy"));
        assert!(of(0, "best_test_accuracy") < of(2, "best_test_accuracy") - 0.2, "{}", of(0, "best_test_accuracy"));
        assert!(of(8, "parameters") > 1.8 * of(2, "parameters"));
        assert_eq!(document["functions"].as_array().unwrap().len(), 9);
    }
}
