//! Batch, layer and group norm on the same task as the batch shrinks.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::layers::{
    BatchNormSpec, Conv2dSpec, FlattenSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec, LayerSpec, LinearSpec, MaxPoolSpec,
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
        "Test accuracy of a small convolutional network with batch, layer, instance and group norm and none, for the same number of samples in batches of different size.",
        "小型卷积网络在样本总数相同、批大小不同时，使用批、层、实例、组归一化与不归一化的测试正确率。",
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
    /// Channels of the first of two convolutions, rounded up to a multiple of 4; the second has twice as many.
    #[schemars(range(min = 4, max = 256))]
    channels: usize,
    /// Samples every run sees.
    #[schemars(range(min = 16, max = 1000000))]
    samples: usize,
    /// Learning rate for a batch of 32; it grows and shrinks with the size of the batch.
    #[schemars(range(min = 0.0, max = 10.0))]
    learning_rate: f64,
    /// Batch sizes.
    #[schemars(inner(range(min = 2, max = 1024)))]
    batches: Vec<usize>,
    /// Runs averaged for each point.
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { channels: 8, samples: 4800, learning_rate: 0.02, batches: vec![2, 4, 8, 16, 32, 64], seeds: 2 }
    }
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let digits = Digits::new(&[PreprocessStep::Standardize], seed)?;
    let norms: [(&str, Option<LayerSpec>); 5] = [
        ("batch_norm", Some(LayerSpec::BatchNorm(BatchNormSpec::default()))),
        ("layer_norm", Some(LayerSpec::LayerNorm(LayerNormSpec::default()))),
        ("instance_norm", Some(LayerSpec::InstanceNorm(InstanceNormSpec::default()))),
        ("group_norm", Some(LayerSpec::GroupNorm(GroupNormSpec::new(GROUPS)))),
        ("none", None),
    ];
    let mut curves = Vec::new();
    for (name, norm) in norms {
        let mut runs = Vec::new();
        for &batch in &config.batches {
            let mut accuracies = Vec::new();
            for offset in 0..config.seeds {
                accuracies.push(train(&config, (norm.as_ref(), batch), &digits, seed.wrapping_add(offset as u64))?);
            }
            let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
            runs.push(json!({ "batch": batch, "test_accuracy": mean, "accuracies": accuracies }));
        }
        curves.push(json!({ "norm": name, "runs": runs }));
    }
    let document = json!({ "experiment": NAME, "seed": seed, "samples": config.samples, "norms": curves });
    let page = page(&document);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Test accuracy after one training.
fn train(
    config: &Config,
    (norm, batch): (Option<&LayerSpec>, usize),
    digits: &Digits,
    seed: u64,
) -> Result<f64, LabError> {
    let channels = config.channels.next_multiple_of(GROUPS);
    let block = |channels: usize| {
        let convolution = Conv2dSpec { bias: norm.is_none(), ..Conv2dSpec::new(channels, 3) };
        let map = std::iter::once(LayerSpec::Conv2d(convolution));
        map.chain(norm.cloned()).chain(std::iter::once(LayerSpec::Activation(Activation::Relu)))
    };
    let mut layers: Vec<LayerSpec> = block(channels).collect();
    layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
    layers.extend(block(2 * channels));
    layers.push(LayerSpec::Flatten(FlattenSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec::new(CLASSES)));
    let mut classifier = Classifier::for_task(Task::DIGIT_IMAGES, &layers, (batch, RandomKey::new(seed)))?;
    let learning_rate = (config.learning_rate * batch as f64 / 32.0) as f32;
    let schedule = Schedule { learning_rate, momentum: 0.9, batch, steps: (config.samples / batch).max(1) };
    classifier.train(&digits.train, schedule);
    Ok(classifier.evaluate(&digits.test).1)
}

fn page(document: &Value) -> Page {
    let plot = Plot::new(Text::new("batch", "批大小"), Text::new("test accuracy", "测试正确率"));
    let plot = document["norms"].as_array().into_iter().flatten().fold(
        plot.scales(Scale::Logarithmic, Scale::Linear),
        |plot, norm| {
            let name = norm["norm"].as_str().unwrap_or_default();
            plot.with(Series::new(name, points(&norm["runs"], "/batch", "/test_accuracy"), Marks::LineAndPoints))
        },
    );
    Page::new()
        .heading("What you see", "你看到了什么")
        .paragraph(
            "The same convolutional network sees the same number of digits, in batches of different size; the learning rate follows \
             the size of the batch. Only the kind of normalisation behind its two convolutions differs.",
            "同样的卷积网络看同样数量的手写数字，只是批大小不同，学习率随批大小按比例变化；各曲线只有两个卷积层之后的归一化方式不同。",
        )
        .plot(Text::new("Test accuracy by batch size", "测试正确率随批大小的变化"), plot)
        .heading("Why", "为什么")
        .paragraph(
            "Batch norm estimates a mean and a deviation for each unit from the batch. With two samples that is a coin toss: after \
             normalisation the two values of a unit are nearly +1 and −1 whatever they were. (In a convolution all positions of a \
             channel count too, which softens this.) The others take their statistics within one sample: layer norm over all \
             channels and positions, instance norm over the positions of one channel, group norm over a few channels at a \
             time. They do not look at the batch and are the same in training and inference.",
            "批归一化用批内样本为每个单元估计均值与标准差。只有两个样本时近乎掷硬币：归一化后，同一单元的两个值无论原来是多少都接近 +1 与 −1。\
             （卷积中一个通道的所有位置也参与统计，影响会缓和一些。）其余几种都在单个样本内取统计量：层归一化用全部通道与位置，实例归一化只用单个通道的各位置，\
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
            "Batch norm for batches of 16 and more; group or layer norm where memory or the task forces smaller ones. Instance norm throws the strength of every channel away, which suits style transfer better than recognition.",
            "批大小 16 以上用批归一化；受内存或任务限制只能用更小的批时，用组归一化或层归一化。实例归一化丢掉了每个通道的强弱信息，更适合风格迁移而不是识别。",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_batches_hurt_batch_norm_more_than_layer_norm() {
        let settings = ["batches=[2,32]", "samples=1600", "seeds=1"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let accuracy =
            |norm: usize, run: usize| document["norms"][norm]["runs"][run]["test_accuracy"].as_f64().unwrap();
        let (batch, layer) = (accuracy(0, 1) - accuracy(0, 0), accuracy(1, 1) - accuracy(1, 0));
        assert!(batch > layer, "batch norm loses {batch}, layer norm {layer}");
        assert!(accuracy(0, 1) > 0.8, "{}", accuracy(0, 1));
    }
}
