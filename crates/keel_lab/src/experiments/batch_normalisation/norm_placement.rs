//! Where batch norm goes: before or after the activation, behind linear layers and in conv - bn - relu stacks; and what
//! becomes of a bias in front of it.

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_nn::{Network, NodeId, RandomKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::charts::{Dots, Marks, Plot, Scale, Series, number, points};
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::language::Text;
use crate::page::{Page, Table};
use crate::settings::Settings;
use crate::statistics::{Moments, fraction};
use crate::training::{CLASSES, Classifier, Digits, Schedule, Task, repeated};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Where batch norm goes", "批归一化放在哪里"],
    summary: [
        "Batch norm before the activation, after it and nowhere, in stacks of linear layers and of convolutions; and the bias it makes useless.",
        "在线性层与卷积层堆叠中，把批归一化放在激活之前、之后或不用；以及被它变得无用的偏置。",
    ],
    chapter: Chapter::BatchNormalisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "norm_placement";
/// Steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each linear layer.
    #[schemars(extend("zh" = "每个线性层的单元数。"))]
    #[schemars(range(min = 2, max = 1024))]
    width: usize,
    /// Hidden linear layers.
    #[schemars(extend("zh" = "线性隐层数。"))]
    #[schemars(range(min = 1, max = 30))]
    depth: usize,
    /// Channels of the first convolution; the second has twice as many.
    #[schemars(extend("zh" = "第一个卷积层的通道数；第二个加倍。"))]
    #[schemars(range(min = 1, max = 128))]
    channels: usize,
    /// Training steps.
    #[schemars(extend("zh" = "训练步数。"))]
    #[schemars(range(min = 1, max = 5000))]
    steps: usize,
    /// Samples of a step.
    #[schemars(extend("zh" = "每步的样本数。"))]
    #[schemars(range(min = 2, max = 1024))]
    batch: usize,
    /// Step size.
    #[schemars(extend("zh" = "学习率。"))]
    #[schemars(range(min = 0.0, max = 100.0))]
    learning_rate: f64,
    /// Runs of each placement.
    #[schemars(extend("zh" = "每种放法的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { width: 64, depth: 4, channels: 8, steps: 150, batch: 32, learning_rate: 0.02, seeds: 3 }
    }
}

/// Where batch norm stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    Before,
    After,
    Nowhere,
}

impl Placement {
    const ALL: [Placement; 3] = [Placement::Before, Placement::After, Placement::Nowhere];

    fn name(self) -> &'static str {
        match self {
            Placement::Before => "before",
            Placement::After => "after",
            Placement::Nowhere => "none",
        }
    }

    /// `map`, activation and batch norm in this order of his.
    fn block(self, map: LayerSpec, activation: Activation) -> Vec<LayerSpec> {
        let norm = LayerSpec::BatchNorm(BatchNormSpec::default());
        let activation = LayerSpec::Activation(activation);
        match self {
            Placement::Before => vec![map, norm, activation],
            Placement::After => vec![map, activation, norm],
            Placement::Nowhere => vec![map, activation],
        }
    }
}

/// Name of a stack, its function, and whether it is made of convolutions.
const STACKS: [(&str, Activation, Map); 4] = [
    ("linear, sigmoid", Activation::Sigmoid, Map::Linear),
    ("linear, tanh", Activation::Tanh, Map::Linear),
    ("linear, relu", Activation::Relu, Map::Linear),
    ("convolution, relu", Activation::Relu, Map::Convolution),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    Linear,
    Convolution,
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let mut stacks = Vec::new();
    for (name, activation, map) in STACKS {
        let placements = Placement::ALL
            .into_iter()
            .map(|placement| measure(&config, (placement, activation, map), &digits, seed))
            .collect::<Result<Vec<Value>, LabError>>()?;
        stacks.push(json!({ "stack": name, "placements": placements }));
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "width": config.width, "depth": config.depth, "channels": config.channels,
        "steps": config.steps, "batch": config.batch, "learning_rate": config.learning_rate, "stacks": stacks,
        "bias_before_norm": bias_before_norm(&config, &digits, seed)?,
    });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// The layers of one network.
fn layers(config: &Config, (placement, activation, map): (Placement, Activation, Map)) -> Vec<LayerSpec> {
    let bias = placement == Placement::Nowhere;
    let mut layers = match map {
        Map::Linear => {
            let linear = LayerSpec::Linear(LinearSpec { bias, ..LinearSpec::new(config.width) });
            repeated(&placement.block(linear, activation), config.depth)
        }
        Map::Convolution => {
            let convolution = |channels| LayerSpec::Conv2d(Conv2dSpec { bias, ..Conv2dSpec::new(channels, 3) });
            let mut layers = placement.block(convolution(config.channels), activation);
            layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
            layers.extend(placement.block(convolution(2 * config.channels), activation));
            layers.push(LayerSpec::Flatten(FlattenSpec::default()));
            layers
        }
    };
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    layers
}

/// All runs of one placement; what the last block hands on is measured after the first.
fn measure(
    config: &Config,
    (placement, activation, map): (Placement, Activation, Map),
    digits: &Digits,
    seed: u64,
) -> Result<Value, LabError> {
    let task = if map == Map::Linear { Task::DIGITS } else { Task::DIGIT_IMAGES };
    let layers = layers(config, (placement, activation, map));
    let (mut accuracies, mut curve, mut handed_on) = (Vec::new(), vec![0.0; config.steps], Value::Null);
    for offset in 0..config.seeds {
        let key = RandomKey::new(seed.wrapping_add(offset as u64));
        let mut classifier = Classifier::for_task(task, &layers, (config.batch, key))?;
        let rate = config.learning_rate as f32;
        let schedule = Schedule { learning_rate: rate, momentum: 0.9, batch: config.batch, steps: config.steps };
        for (sum, loss) in curve.iter_mut().zip(classifier.train(&digits.train, schedule)) {
            *sum += loss / config.seeds as f64;
        }
        accuracies.push(classifier.evaluate(&digits.test).1);
        if offset == 0 {
            let given: Vec<NodeId> = last_input(&classifier.network).into_iter().collect();
            let outputs = classifier.outputs_of(&given, &digits.test);
            let values = given.first().map_or(&[][..], |&node| outputs.output(node));
            let moments = Moments::of_slice(values);
            handed_on = json!({
                "mean": moments.mean, "std": moments.std,
                "zero_fraction": fraction(values, |value| value == 0.0),
            });
        }
    }
    let moments = Moments::of(accuracies.iter().copied());
    let curve: Vec<Value> = curve
        .chunks(WINDOW)
        .enumerate()
        .map(|(index, losses)| {
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            json!({ "step": index * WINDOW + losses.len(), "loss": mean.is_finite().then_some(mean) })
        })
        .collect();
    Ok(json!({
        "placement": placement.name(), "test_accuracy": moments.mean, "spread": moments.std, "accuracies": accuracies,
        "handed_on": handed_on, "curve": curve,
    }))
}

/// The node whose output the last linear layer is given.
fn last_input(network: &Network) -> Option<NodeId> {
    // Flattening only looks at the same values.
    match network.graph.last_weight_node().map(|node| network.graph.storage(node.inputs[0])) {
        Some(keel_nn::Value::Node(id)) => Some(id),
        _ => None,
    }
}

/// Size of the gradient by a bias in front of batch norm, beside that by the weights of the same layer and that by a bias
/// without batch norm.
fn bias_before_norm(config: &Config, digits: &Digits, seed: u64) -> Result<Value, LabError> {
    let gradients = |placement: Placement| -> Result<[f64; 2], LabError> {
        let linear = LayerSpec::Linear(LinearSpec::new(config.width));
        let mut layers = placement.block(linear, Activation::Relu);
        layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
        let batch = 64;
        let mut classifier = Classifier::new(&layers, batch, RandomKey::new(seed))?;
        classifier.differentiate(&digits.train.take(&(0..batch).collect::<Vec<usize>>()), 0);
        let rms = |parameter: usize| Moments::of_slice(classifier.gradient(parameter)).second_moment.sqrt();
        Ok([rms(0), rms(1)])
    };
    let ([weight, bias], [_, free]) = (gradients(Placement::Before)?, gradients(Placement::Nowhere)?);
    Ok(json!({ "weight_rms": weight, "bias_rms": bias, "bias_rms_without_norm": free }))
}

fn page(document: &Value) -> Page {
    let stacks = document["stacks"].as_array().map_or(&[][..], Vec::as_slice);
    let mut page = Page::new().heading("What you see", "你看到了什么").paragraph(
        "Four stacks learn the digits with batch norm between map and activation, behind the activation, and without. Every \
         run is a dot, the bar is their mean; then the training loss of the linear and of the convolutional relu stack.",
        "四种网络学习手写数字：批归一化分别放在线性映射与激活之间、激活之后，或不用。每个点是一次训练，竖线是平均值；然后是线性与卷积 ReLU 网络的训练损失。",
    );
    page = page.dots(Text::new("Test accuracy after a short training", "短时训练后的测试正确率"), dots(stacks));
    for (stack, caption) in [
        (stacks.get(2), Text::new("Linear layers with relu", "线性层加 ReLU")),
        (stacks.get(3), Text::new("Convolutions with relu", "卷积层加 ReLU")),
    ] {
        page = page.plot(caption, losses(stack.unwrap_or(&Value::Null)));
    }
    let bias = &document["bias_before_norm"];
    let value = |key: &str| number(bias[key].as_f64().unwrap_or(f64::NAN));
    page.table(table(stacks))
        .heading("Why", "为什么")
        .paragraph(
            "Before the activation, batch norm decides how much of the activation's range is used: half of the relus open, the \
             sigmoid near its steep middle. Behind it, the next layer gets centred inputs instead of positive ones. Both put \
             a normalisation between any two maps, which is what helps most; the original paper and the lecture put it before.",
            "放在激活之前，批归一化决定激活函数工作在哪一段：一半的 ReLU 打开，sigmoid 处于陡峭的中段。放在激活之后，下一层得到零中心而不是恒正的输入。\
             两种放法都在任意两个映射之间做了归一化，这才是最主要的作用；原论文与课程都放在激活之前。",
        )
        .paragraph(
            format!(
                "A bias in front of batch norm is subtracted again with the mean, so its gradient is 0 up to rounding: {} here, where \
                 the weights of the same layer get {} and a bias without batch norm {}. Leave it out; β does its work.",
                value("bias_rms"), value("weight_rms"), value("bias_rms_without_norm")
            ),
            format!(
                "批归一化之前的偏置会随均值一起被减掉，所以除舍入误差外梯度为 0：这里是 {}，而同一层权重的梯度为 {}，没有批归一化时偏置的梯度为 {}。应去掉它，由 β 代替。",
                value("bias_rms"), value("weight_rms"), value("bias_rms_without_norm")
            ),
        )
        .heading("What to take away", "要点")
        .paragraph(
            "The stack to start from: convolution – batch norm – relu, again and again, pooling now and then, and a linear layer at \
             the end; or linear – batch norm – activation. Whether before or behind matters little for relu.",
            "可作起点的结构：卷积 – 批归一化 – ReLU 反复堆叠，间或池化，最后接线性层；或者线性 – 批归一化 – 激活。对 ReLU 来说，放在之前还是之后差别不大。",
        )
}

/// Names of the placements for readers.
fn placement_name(placement: &Value) -> Text {
    match placement["placement"].as_str().unwrap_or_default() {
        "before" => Text::new("before activation", "激活之前"),
        "after" => Text::new("after activation", "激活之后"),
        _ => Text::new("no batch norm", "无批归一化"),
    }
}

fn stack_name(stack: &Value) -> Text {
    let name = stack["stack"].as_str().unwrap_or_default();
    Text::new(name, name.replace("linear, ", "线性，").replace("convolution, ", "卷积，"))
}

fn rows(stacks: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    stacks
        .iter()
        .flat_map(|stack| stack["placements"].as_array().into_iter().flatten().map(move |placement| (stack, placement)))
}

fn row_name(stack: &Value, placement: &Value) -> Text {
    let (stack, placement) = (stack_name(stack), placement_name(placement));
    use crate::language::Language::{Chinese, English};
    Text::new(
        format!("{}: {}", stack.get(English), placement.get(English)),
        format!("{}：{}", stack.get(Chinese), placement.get(Chinese)),
    )
}

fn dots(stacks: &[Value]) -> Dots {
    rows(stacks).fold(Dots::new(Text::new("test accuracy", "测试正确率")), |dots, (stack, placement)| {
        let values = placement["accuracies"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        dots.with(row_name(stack, placement), values)
    })
}

fn losses(stack: &Value) -> Plot {
    let plot = Plot::new(Text::new("step", "步"), Text::new("training loss", "训练损失"));
    let placements = stack["placements"].as_array().into_iter().flatten();
    placements.fold(plot.scales(Scale::Linear, Scale::Logarithmic), |plot, placement| {
        plot.with(Series::new(placement_name(placement), points(&placement["curve"], "/step", "/loss"), Marks::Line))
    })
}

fn table(stacks: &[Value]) -> Table {
    let columns = vec![
        Text::new("Stack", "网络"),
        Text::new("Test accuracy", "测试正确率"),
        Text::new("Spread", "离散度"),
        Text::new("Mean handed on", "传给下一层的均值"),
        Text::new("Std", "标准差"),
        Text::new("Zeros", "零的比例"),
    ];
    let caption = Text::new(
        "Accuracy with its standard deviation over seeds, and what the last linear layer is given",
        "正确率及其在各随机种子间的标准差，以及最后的线性层得到的输入",
    );
    let mut table = Table::new(caption, columns);
    for (stack, placement) in rows(stacks) {
        let pointers = ["/test_accuracy", "/spread", "/handed_on/mean", "/handed_on/std", "/handed_on/zero_fraction"];
        let numbers = pointers.map(|pointer| placement.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN));
        table.row(row_name(stack, placement), &numbers);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm_behind_the_activation_centres_and_a_bias_before_it_is_useless() {
        let settings = ["seeds=1", "steps=40", "width=32", "depth=3"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let of = |stack: usize, placement: usize, pointer: &str| {
            document["stacks"][stack]["placements"][placement].pointer(pointer).unwrap().as_f64().unwrap()
        };
        for stack in [2, 3] {
            assert!(of(stack, 0, "/handed_on/mean") > 0.2, "relu hands on positive values");
            assert!(of(stack, 1, "/handed_on/mean").abs() < 0.2, "batch norm behind it centres them");
            assert!(of(stack, 0, "/handed_on/zero_fraction") > 0.25);
            assert!(of(stack, 0, "/test_accuracy") > 0.8, "{}", of(stack, 0, "/test_accuracy"));
        }
        assert!(of(0, 0, "/test_accuracy") > of(0, 2, "/test_accuracy") + 0.3, "the deep sigmoid needs it");
        let bias = |key: &str| document["bias_before_norm"][key].as_f64().unwrap();
        assert!(bias("bias_rms") < 1e-4 * bias("bias_rms_without_norm"), "{}", document["bias_before_norm"]);
    }
}
