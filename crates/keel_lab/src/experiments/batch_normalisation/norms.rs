//! Batch, layer and group norm on the same task as the batch shrinks.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::layers::{
    BatchNormSpec, Conv2dSpec, FlattenSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec, LayerSpec, LinearSpec,
    MaxPoolSpec,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::charts::{Marks, Plot, Scale, Series, points};
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::knob::knobs_of;
use crate::language::Text;
use crate::page::Page;
use crate::settings::Settings;
use crate::training::{CLASSES, Classifier, Digits, Schedule, Task};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Norms and the size of the batch", "各种归一化与批大小"],
    summary: [
        "Test accuracy with batch, layer, group, instance norm and none, behind linear layers and convolutions, for the same number of samples in batches of different size.",
        "样本总数相同、批大小不同时，线性层与卷积层使用批、层、组、实例归一化与不归一化的测试正确率。",
    ],
    chapter: Chapter::BatchNormalisation,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "norms";
/// Groups of group norm; widths are multiples of it.
const GROUPS: usize = 4;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Units of each of three linear layers, rounded up to a multiple of 4.
    #[schemars(extend("zh" = "三个线性层各自的单元数，向上取整为 4 的倍数。"))]
    #[schemars(range(min = 4, max = 1024))]
    width: usize,
    /// Channels of the first of two convolutions, rounded up to a multiple of 4; the second has twice as many.
    #[schemars(extend("zh" = "两个卷积层中第一个的通道数，向上取整为 4 的倍数；第二个加倍。"))]
    #[schemars(range(min = 4, max = 256))]
    channels: usize,
    /// Samples every run sees.
    #[schemars(extend("zh" = "每次训练所见的样本总数。"))]
    #[schemars(range(min = 16, max = 1000000))]
    samples: usize,
    /// Learning rate for a batch of 32; it grows and shrinks with the size of the batch.
    #[schemars(extend("zh" = "批大小为 32 时的学习率；随批大小按比例变化。"))]
    #[schemars(range(min = 0.0, max = 10.0))]
    learning_rate: f64,
    /// Batch sizes.
    #[schemars(extend("zh" = "批大小。"))]
    #[schemars(inner(range(min = 2, max = 1024)))]
    batches: Vec<usize>,
    /// Runs averaged for each point.
    #[schemars(extend("zh" = "每个点取平均的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            width: 64,
            channels: 8,
            samples: 4800,
            learning_rate: 0.02,
            batches: vec![2, 4, 8, 16, 32, 64],
            seeds: 2,
        }
    }
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let norms: [(&str, Option<LayerSpec>); 5] = [
        ("batch_norm", Some(LayerSpec::BatchNorm(BatchNormSpec::default()))),
        ("layer_norm", Some(LayerSpec::LayerNorm(LayerNormSpec::default()))),
        ("group_norm", Some(LayerSpec::GroupNorm(GroupNormSpec::new(GROUPS)))),
        ("none", None),
        ("instance_norm", Some(LayerSpec::InstanceNorm(InstanceNormSpec::default()))),
    ];
    let mut networks = Vec::new();
    // One value of a feature has no deviation of its own: instance norm needs images.
    for (name, map, norms) in [("linear", Map::Linear, &norms[..4]), ("convolution", Map::Convolution, &norms[..])] {
        let mut curves = Vec::new();
        for (norm_name, norm) in norms {
            let mut runs = Vec::new();
            for &batch in &config.batches {
                let mut accuracies = Vec::new();
                for offset in 0..config.seeds {
                    let seed = seed.wrapping_add(offset as u64);
                    accuracies.push(train(&config, (map, norm.as_ref(), batch), &digits, seed)?);
                }
                let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
                runs.push(json!({ "batch": batch, "test_accuracy": mean, "accuracies": accuracies }));
            }
            curves.push(json!({ "norm": norm_name, "runs": runs }));
        }
        networks.push(json!({ "network": name, "norms": curves }));
    }
    let document = json!({ "experiment": NAME, "seed": seed, "samples": config.samples, "networks": networks });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// What is normalised: the outputs of linear maps or of convolutions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    Linear,
    Convolution,
}

/// Three linear maps, or two convolutions with a pool between, each with norm and relu behind it.
fn layers(config: &Config, map: Map, norm: Option<&LayerSpec>) -> Vec<LayerSpec> {
    let bias = norm.is_none();
    let block = |map: LayerSpec| {
        let map = std::iter::once(map);
        map.chain(norm.cloned()).chain(std::iter::once(LayerSpec::Activation(Activation::Relu)))
    };
    let mut layers: Vec<LayerSpec> = match map {
        Map::Linear => {
            let linear = LinearSpec { bias, ..LinearSpec::new(config.width.next_multiple_of(GROUPS)) };
            (0..3).flat_map(|_| block(LayerSpec::Linear(linear.clone()))).collect()
        }
        Map::Convolution => {
            let convolution = |channels| LayerSpec::Conv2d(Conv2dSpec { bias, ..Conv2dSpec::new(channels, 3) });
            let channels = config.channels.next_multiple_of(GROUPS);
            let pool = std::iter::once(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
            let flatten = std::iter::once(LayerSpec::Flatten(FlattenSpec::default()));
            block(convolution(channels)).chain(pool).chain(block(convolution(2 * channels))).chain(flatten).collect()
        }
    };
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    layers
}

/// Test accuracy after one training.
fn train(
    config: &Config,
    (map, norm, batch): (Map, Option<&LayerSpec>, usize),
    digits: &Digits,
    seed: u64,
) -> Result<f64, LabError> {
    let task = if map == Map::Linear { Task::DIGITS } else { Task::DIGIT_IMAGES };
    let mut classifier = Classifier::for_task(task, &layers(config, map, norm), (batch, RandomKey::new(seed)))?;
    let learning_rate = (config.learning_rate * batch as f64 / 32.0) as f32;
    let schedule = Schedule { learning_rate, momentum: 0.9, batch, steps: (config.samples / batch).max(1) };
    classifier.train(&digits.train, schedule);
    Ok(classifier.evaluate(&digits.test).1)
}

fn page(document: &Value) -> Page {
    let plot = |network: usize| {
        let plot = Plot::new(Text::new("batch", "批大小"), Text::new("test accuracy", "测试正确率"));
        let norms = document["networks"][network]["norms"].as_array().into_iter().flatten();
        norms.fold(plot.scales(Scale::Logarithmic, Scale::Linear), |plot, norm| {
            let name = norm["norm"].as_str().unwrap_or_default();
            plot.with(Series::new(name, points(&norm["runs"], "/batch", "/test_accuracy"), Marks::LineAndPoints))
        })
    };
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "Two networks, one of three linear layers and one of two convolutions, see the same number of digits in batches of \
             different size; the learning rate follows the size of the batch. The curves differ in the kind of normalisation alone.",
            "两个网络（三个线性层的与两个卷积层的）看同样数量的手写数字，只是批大小不同，学习率随批大小按比例变化；各曲线只有归一化方式不同。",
        )
        .plot(Text::new("Linear layers: test accuracy by batch size", "线性层：测试正确率随批大小的变化"), plot(0))
        .plot(Text::new("Convolutions: test accuracy by batch size", "卷积层：测试正确率随批大小的变化"), plot(1))
        .heading("Why", "为什么")
        .paragraph(
            "Batch norm estimates a mean and a deviation for each unit from the batch. With two samples that is a coin toss: after \
             normalisation the two values of a unit are nearly +1 and −1 whatever they were. In a convolution all positions of a \
             channel count too: two images of 8 × 8 are 128 values, and the loss is hardly seen. The others take their statistics within one sample: layer norm over all \
             channels and positions, instance norm over the positions of one channel, group norm over a few channels at a \
             time. They do not look at the batch and are the same in training and inference.",
            "批归一化用批内样本为每个单元估计均值与标准差。只有两个样本时近乎掷硬币：归一化后，同一单元的两个值无论原来是多少都接近 +1 与 −1。\
             卷积中一个通道的所有位置也参与统计：两张 8 × 8 的图像就有 128 个值，损失几乎看不出来。其余几种都在单个样本内取统计量：层归一化用全部通道与位置，实例归一化只用单个通道的各位置，\
             组归一化每次用几个通道。它们与批无关，训练与推理时完全相同。",
        )
        .formula(
            "<mi>y</mi><mo>=</mo><mfrac><mrow><mi>x</mi><mo>\u{2212}</mo><mi>mean</mi></mrow><msqrt><mi>Var</mi><mo>+</mo><mi>ε</mi></msqrt></mfrac>\
             <mspace width=\"1.5em\"/><mtable columnalign=\"left\"><mtr><mtd><mtext>batch: N, H, W</mtext></mtd></mtr>\
             <mtr><mtd><mtext>layer: C, H, W</mtext></mtd></mtr><mtr><mtd><mtext>instance: H, W</mtext></mtd></mtr>\
             <mtr><mtd><mtext>group: C/4, H, W</mtext></mtd></mtr></mtable>",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Batch norm where every statistic has some dozens of values to go by: batches of 16 and more behind linear layers, smaller ones behind convolutions; group or layer norm where memory or the task forces smaller ones. Instance norm throws the strength of every channel away, which suits style transfer better than recognition.",
            "只要每个统计量有几十个值可用，就用批归一化：线性层的批大小 16 以上，卷积层可以更小；受内存或任务限制只能用更小的批时，用组归一化或层归一化。实例归一化丢掉了每个通道的强弱信息，更适合风格迁移而不是识别。",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_batches_hurt_batch_norm_more_than_layer_norm() {
        let settings = ["batches=[2,32]", "samples=3200", "width=32", "channels=4", "seeds=1"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let accuracy = |norm: usize, run: usize| {
            document["networks"][0]["norms"][norm]["runs"][run]["test_accuracy"].as_f64().unwrap()
        };
        let (batch, layer) = (accuracy(0, 1) - accuracy(0, 0), accuracy(1, 1) - accuracy(1, 0));
        assert!(batch > layer, "batch norm loses {batch}, layer norm {layer}");
        assert!(accuracy(0, 1) > 0.8, "{}", accuracy(0, 1));
    }
}
