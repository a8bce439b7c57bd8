//! Batch, layer and group norm on the same task as the batch shrinks.

use keel_data::PreprocessStep;
use keel_nn::RandomKey;
use keel_nn::activations::Activation;
use keel_nn::layers::{
    BatchNormSpec, Conv2dSpec, FlattenSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec, LayerSpec, LinearSpec,
    MaxPoolSpec,
};
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Scale, Series, points};
use keel_page::page::{Page, Table, mathml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{CLASSES, Digits, Parts, Task};
use crate::training::{Classifier, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Norms>();

struct Norms;

impl Experiment for Norms {
    const NAME: &'static str = "norms";
    const TITLE: [&'static str; 2] = ["Norms and the size of the batch", "各种归一化与批量大小"];
    const SUMMARY: [&'static str; 2] = [
        "Test accuracy with batch, layer, group, instance norm and none, after linear layers and convolutions, for the same number of samples in batches of different size.",
        "样本总数相同、批量大小不同时，线性层与卷积层使用批、层、组、实例归一化与不归一化的测试准确率。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], seed)?;
        let norms = [
            Norm { name: "batch_norm", layer: Some(LayerSpec::BatchNorm(BatchNormSpec::default())) },
            Norm { name: "layer_norm", layer: Some(LayerSpec::LayerNorm(LayerNormSpec::default())) },
            Norm { name: "group_norm", layer: Some(LayerSpec::GroupNorm(GroupNormSpec::new(GROUPS))) },
            Norm { name: "none", layer: None },
            Norm { name: "instance_norm", layer: Some(LayerSpec::InstanceNorm(InstanceNormSpec::default())) },
        ];
        let network = |map, norms: &[Norm]| -> Result<NetworkFigures, LabError> {
            let curve = |norm| measure(config, map, norm, &digits, seed);
            Ok(NetworkFigures { network: map, norms: norms.iter().map(curve).collect::<Result<_, LabError>>()? })
        };
        // A single value per feature has no deviation: instance norm needs images.
        let networks = vec![network(Map::Linear, &norms[..4])?, network(Map::Convolution, &norms)?];
        Ok(Document { seed, samples: config.samples, networks })
    }

    fn page(document: &Document) -> Page {
        page(document)
    }
}

/// Number of groups of group norm; widths are multiples of it.
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
    #[schemars(extend("zh" = "批量大小为 32 时的学习率；随批量大小按比例变化。"))]
    #[schemars(range(min = 0.0, max = 10.0))]
    learning_rate: f64,
    /// Batch sizes.
    #[schemars(extend("zh" = "批量大小。"))]
    #[schemars(inner(range(min = 2, max = 1024)))]
    batches: Vec<usize>,
    /// Number of runs averaged per point.
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

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    samples: usize,
    networks: Vec<NetworkFigures>,
}

/// Numbers of one network.
#[derive(Serialize)]
struct NetworkFigures {
    network: Map,
    norms: Vec<NormFigures>,
}

/// Numbers of one network with one norm.
#[derive(Serialize)]
struct NormFigures {
    norm: &'static str,
    runs: Vec<BatchFigures>,
}

/// Runs with one batch size.
#[derive(Serialize)]
struct BatchFigures {
    batch: usize,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// One per seed.
    accuracies: Vec<f64>,
}

/// A norm with its name; one of them is "none".
struct Norm {
    name: &'static str,
    layer: Option<LayerSpec>,
}

/// Trains one network with one norm, at every batch size.
fn measure(config: &Config, map: Map, norm: &Norm, digits: &Parts, seed: u64) -> Result<NormFigures, LabError> {
    let layers = layers(config, map, norm.layer.as_ref());
    let mut runs = Vec::new();
    for &batch in &config.batches {
        let mut accuracies = Vec::new();
        for offset in 0..config.seeds {
            let mut classifier = map.classifier(&layers, batch, seed.wrapping_add(offset as u64))?;
            classifier.train(&digits.train, schedule(config, batch));
            accuracies.push(classifier.evaluate(&digits.test).accuracy);
        }
        let test_accuracy = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        runs.push(BatchFigures { batch, test_accuracy, accuracies });
    }
    Ok(NormFigures { norm: norm.name, runs })
}

/// Returns the number of steps that gives all runs the same samples, and a learning rate scaled with the batch size.
fn schedule(config: &Config, batch: usize) -> Schedule {
    let learning_rate = (config.learning_rate * batch as f64 / 32.0) as f32;
    Schedule { learning_rate, momentum: 0.9, batch, steps: (config.samples / batch).max(1) }
}

/// Maps whose outputs are normalised.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Map {
    Linear,
    Convolution,
}

impl Map {
    fn classifier(self, layers: &[LayerSpec], batch: usize, seed: u64) -> Result<Classifier, LabError> {
        let task = if self == Map::Linear { Task::DIGITS } else { Task::DIGIT_IMAGES };
        Classifier::for_task(task, layers, batch, RandomKey::new(seed))
    }
}

/// Returns three linear maps, or two convolutions with a pool between them, each followed by norm and relu.
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

fn page(document: &Document) -> Page {
    let plot = |network: usize| {
        let plot = Plot::new(Text::new("batch", "批量大小"), Text::new("test accuracy", "测试准确率"));
        let norms = document.networks[network].norms.iter();
        norms.fold(plot.scales(Scale::Logarithmic, Scale::Linear), |plot, figures| {
            let curve = points(&figures.runs, |run| run.batch as f64, |run| run.test_accuracy);
            plot.with(Series::new(figures.norm, curve, Marks::LineAndPoints))
        })
    };
    Page::new()
        .heading("What you see", "现象")
        .paragraph(
            "Two networks, one of three linear layers and one of two convolutions, see the same number of digits in \
             batches of different size; the learning rate follows the size of the batch. The curves differ only in \
             the kind of normalisation.",
            "两个网络（三个线性层的与两个卷积层的）看同样数量的手写数字，只是批量大小不同，学习率随批量大小按比例变化；各曲线只有归一化方式不同。",
        )
        .plot(Text::new("Linear layers: test accuracy by batch size", "线性层：测试准确率随批量大小的变化"), plot(0))
        .plot(Text::new("Convolutions: test accuracy by batch size", "卷积层：测试准确率随批量大小的变化"), plot(1))
        .heading("Why", "为什么")
        .paragraph(
            "Batch norm estimates a mean and a deviation for each unit from the batch. With two samples that is a coin toss: after \
             normalisation the two values of a unit are nearly +1 and −1 in any case. In a convolution all positions of a \
             channel count too: two images of 8 × 8 are 128 values, and the loss is hardly seen. The others take their statistics within one sample: layer norm over all \
             channels and positions, instance norm over the positions of one channel, group norm over a few channels at a \
             time. They do not look at the batch and are the same in training and inference.",
            "批量归一化用批内样本为每个单元估计均值与标准差。只有两个样本时近乎随机：归一化后，同一单元的两个值无论原来是多少都接近 +1 与 −1。\
             卷积中一个通道的所有位置也参与统计：两张 8 × 8 的图像就有 128 个值，损失几乎看不出来。其余几种都在单个样本内取统计量：层归一化用全部通道与位置，实例归一化只用单个通道的各位置，\
             组归一化每次用几个通道。它们与批无关，训练与推理时完全相同。",
        )
        .formula(mathml("y = γ \\frac{x - μ}{\\sqrt{σ^2 + ε}} + β"))
        .table(axes())
        .heading("What to take away", "要点")
        .paragraph(
            "Use batch norm if every statistic has some dozens of values: batches of 16 and more after linear layers, \
             smaller ones after convolutions; group or layer norm if memory or the task forces smaller ones. Instance \
             norm discards the strength of every channel, which suits style transfer better than recognition.",
            "只要每个统计量有几十个值可用，就用批量归一化：线性层的批量大小 16 以上，卷积层可以更小；受内存或任务限制只能用更小的批时，用组归一化或层归一化。实例归一化丢掉了每个通道的强弱信息，更适合风格迁移而不是识别。",
        )
}

/// Returns a table of the axes over which each norm computes μ and σ².
fn axes() -> Table {
    let columns =
        vec![Text::new("Norm", "归一化"), Text::new("One mean for each", "均值的单位"), Text::new("over", "统计范围")];
    let mut table =
        Table::new(Text::new("Values over which mean and variance are taken", "μ 与 σ² 的统计范围"), columns);
    let rows = [
        ("batch norm", "批量归一化", "channel", "通道", "images, rows, columns", "图像、行、列"),
        ("layer norm", "层归一化", "image", "图像", "channels, rows, columns", "通道、行、列"),
        ("instance norm", "实例归一化", "image and channel", "图像与通道", "rows, columns", "行、列"),
        (
            "group norm",
            "组归一化",
            "image and group",
            "图像与组",
            "channels of the group, rows, columns",
            "组内通道、行、列",
        ),
    ];
    for (norm, norm_zh, each, each_zh, over, over_zh) in rows {
        table.text_row(vec![Text::new(norm, norm_zh), Text::new(each, each_zh), Text::new(over, over_zh)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_batches_hurt_batch_norm_more_than_layer_norm() {
        let config =
            Config { batches: vec![2, 32], samples: 3200, width: 32, channels: 4, seeds: 1, ..Config::default() };
        let norms = &Norms::compute(&config, 0).unwrap().networks[0].norms;
        let accuracy = |norm: usize, run: usize| norms[norm].runs[run].test_accuracy;
        let (batch, layer) = (accuracy(0, 1) - accuracy(0, 0), accuracy(1, 1) - accuracy(1, 0));
        assert!(batch > layer, "batch norm loses {batch}, layer norm {layer}");
        assert!(accuracy(0, 1) > 0.8, "{}", accuracy(0, 1));
    }
}
