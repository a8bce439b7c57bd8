//! The three classic recipes for images, on real ones: the mean image, the mean of each channel, mean and deviation of
//! each channel; beside them raw values and values brought into [0, 1].

mod page;

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{FlattenSpec, LayerSpec, LinearSpec};
use keel_nn::{RandomKey, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::page::Page;
use crate::samples::{Images, Parts, Task};
use crate::spectrum::largest_second_moments;
use crate::statistics::Moments;
use crate::training::{Classifier, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<ImageRecipes>();

struct ImageRecipes;

impl Experiment for ImageRecipes {
    const NAME: &'static str = "image_recipes";
    const TITLE: [&'static str; 2] = ["Three recipes for images", "图像预处理的三种经典做法"];
    const SUMMARY: [&'static str; 2] = [
        "Mean image (AlexNet), mean of each channel (VGG), mean and deviation of each channel (ResNet): the images before and after, and training at every learning rate.",
        "减均值图像（AlexNet）、减逐通道均值（VGG）、逐通道标准化（ResNet）：处理前后的图像，以及各学习率下的训练结果。",
    ];
    const CHAPTER: Chapter = Chapter::Preprocessing;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        let images = Images::load(&config.data, config.samples, seed)?;
        let task = images.task();
        let mut recipes = Vec::new();
        for recipe in Recipe::ALL {
            let parts = images.preprocessed(recipe.steps())?;
            recipes.push(measure(config, recipe, task, &parts, seed)?);
        }
        Ok(Document {
            seed,
            data: config.data.clone(),
            image: task.input.dimensions(),
            classes: task.classes,
            width: config.width,
            steps: config.steps,
            batch: config.batch,
            recipes,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Second moments of the inputs that are compared: the largest and the tenth.
const MOMENTS: usize = 10;
/// Images the second moments are taken over, at most.
const MOMENT_SAMPLES: usize = 500;
/// Images shown of each recipe.
const SHOWN: usize = 10;
/// Steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Images: digits, or a path to a folder with a folder of images for each class (CIFAR-10 as JPEG files, for example), CIFAR-10 binaries or an IDX pair.
    #[schemars(extend("zh" = "图像来源：digits，或一个路径：每类一个子文件夹的图像文件夹（例如 JPEG 格式的 CIFAR-10）、CIFAR-10 二进制文件或一对 IDX 文件。"))]
    data: String,
    /// Images to train on, and to test on, at most.
    #[schemars(extend("zh" = "训练与测试各自最多使用的图像数。"))]
    #[schemars(range(min = 20, max = 60000))]
    samples: usize,
    /// Units of the hidden layer.
    #[schemars(extend("zh" = "隐层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Training steps, without momentum.
    #[schemars(extend("zh" = "训练步数，不用动量。"))]
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
}

impl Default for Config {
    fn default() -> Self {
        let learning_rates = vec![1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0];
        Config { data: "digits".to_owned(), samples: 5000, width: 64, steps: 300, batch: 64, learning_rates }
    }
}

/// A way to prepare images. Behind raw values all start from [0, 1], so that they differ in the centre and the scale alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Recipe {
    Raw,
    MinMax,
    MeanImage,
    ChannelMean,
    ChannelStandardize,
}

impl Recipe {
    const ALL: [Recipe; 5] =
        [Recipe::Raw, Recipe::MinMax, Recipe::MeanImage, Recipe::ChannelMean, Recipe::ChannelStandardize];

    fn steps(self) -> &'static [PreprocessStep] {
        match self {
            Recipe::Raw => &[],
            Recipe::MinMax => &[PreprocessStep::MinMax],
            Recipe::MeanImage => &[PreprocessStep::MinMax, PreprocessStep::MeanImage],
            Recipe::ChannelMean => &[PreprocessStep::MinMax, PreprocessStep::ChannelMean],
            Recipe::ChannelStandardize => &[PreprocessStep::MinMax, PreprocessStep::ChannelStandardize],
        }
    }

    /// Numbers a recipe has to keep beside the network.
    fn statistics_kept(self, image: Shape) -> usize {
        match self {
            Recipe::Raw | Recipe::MinMax => 0,
            Recipe::MeanImage => image.len(),
            Recipe::ChannelMean => image.channels(),
            Recipe::ChannelStandardize => 2 * image.channels(),
        }
    }

    /// Returns true if values lie on both sides of 0.
    fn is_centred(self) -> bool {
        !matches!(self, Recipe::Raw | Recipe::MinMax)
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    data: String,
    image: Vec<usize>,
    classes: usize,
    width: usize,
    steps: usize,
    batch: usize,
    recipes: Vec<RecipeFigures>,
}

/// Numbers of one recipe.
#[derive(Serialize)]
struct RecipeFigures {
    channel_mean: Vec<f64>,
    channel_std: Vec<f64>,
    largest_second_moment: f64,
    /// None where the tenth is 0.
    largest_over_tenth: Option<f64>,
    recipe: Recipe,
    statistics_kept: usize,
    best_learning_rate: Option<f64>,
    best_test_accuracy: Option<f64>,
    runs: Vec<Run>,
    #[serde(skip)]
    sample: Sample,
}

/// A training run.
#[derive(Serialize)]
struct Run {
    learning_rate: f64,
    test_accuracy: f64,
    test_loss: Option<f64>,
    diverged: bool,
    curve: Vec<LossPoint>,
}

/// The images of one recipe that the page shows, `[SHOWN, height, width, channels]`.
struct Sample {
    values: Vec<f32>,
    shape: Shape,
}

/// Preprocesses, measures and trains for one recipe.
fn measure(config: &Config, recipe: Recipe, task: Task, parts: &Parts, seed: u64) -> Result<RecipeFigures, LabError> {
    let image = task.input;
    let channel = |channel: usize| {
        let values = parts.train.inputs.iter().skip(channel).step_by(image.channels());
        Moments::of(values.map(|&value| f64::from(value)))
    };
    let channels: Vec<Moments> = (0..image.channels()).map(channel).collect();
    let samples = parts.train.len().min(MOMENT_SAMPLES);
    let largest = largest_second_moments(&parts.train.inputs[..samples * image.len()], image.len(), MOMENTS);
    let (first, tenth) = (largest[0], largest.last().copied().unwrap_or(0.0));
    let train = |&rate: &f64| train_once(config, task, parts, rate, seed);
    let runs: Vec<Run> = config.learning_rates.iter().map(train).collect::<Result<_, LabError>>()?;
    let best = runs.iter().rev().max_by(|a, b| a.test_accuracy.total_cmp(&b.test_accuracy));
    Ok(RecipeFigures {
        channel_mean: channels.iter().map(|channel| channel.mean).collect(),
        channel_std: channels.iter().map(|channel| channel.std).collect(),
        largest_second_moment: first,
        largest_over_tenth: (tenth > 0.0).then_some(first / tenth),
        recipe,
        statistics_kept: recipe.statistics_kept(image),
        best_learning_rate: best.map(|run| run.learning_rate),
        best_test_accuracy: best.map(|run| run.test_accuracy),
        sample: Sample { values: parts.train.inputs[..SHOWN * image.len()].to_vec(), shape: image },
        runs,
    })
}

/// One training of flatten - linear - relu - linear.
fn train_once(config: &Config, task: Task, parts: &Parts, rate: f64, seed: u64) -> Result<Run, LabError> {
    let layers = [
        LayerSpec::Flatten(FlattenSpec::default()),
        LayerSpec::Linear(LinearSpec::new(config.width)),
        LayerSpec::Activation(Activation::Relu),
        LayerSpec::Linear(LinearSpec::new(task.classes)),
    ];
    let mut classifier = Classifier::for_task(task, &layers, config.batch, RandomKey::new(seed))?;
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.0, batch: config.batch, steps: config.steps };
    let losses = classifier.train(&parts.train, schedule);
    let score = classifier.evaluate(&parts.test);
    Ok(Run {
        learning_rate: rate,
        test_accuracy: score.accuracy,
        test_loss: score.loss.is_finite().then_some(score.loss),
        diverged: losses.len() < config.steps || !score.loss.is_finite(),
        curve: averaged(&losses, WINDOW),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centring_shrinks_the_largest_second_moment_and_raises_the_usable_rate() {
        let config = Config { steps: 100, learning_rates: vec![0.001, 0.1, 1.0], ..Config::default() };
        let recipes = ImageRecipes::compute(&config, 0).unwrap().recipes;
        for centred in [&recipes[2], &recipes[3]] {
            assert!(recipes[1].largest_second_moment > 2.0 * centred.largest_second_moment);
            assert!(centred.channel_mean[0].abs() < 1e-5, "{}", centred.channel_mean[0]);
        }
        assert!((recipes[4].channel_std[0] - 1.0).abs() < 1e-4);
        let kept: Vec<usize> = recipes.iter().map(|recipe| recipe.statistics_kept).collect();
        assert_eq!(kept, [0, 0, 64, 1, 2]);
        assert!(recipes[4].best_test_accuracy > Some(0.9));
        let raw = recipes[0].runs[2].test_accuracy;
        assert!(raw < 0.5, "raw pixels at a rate of 1: {raw}");
    }

    #[test]
    fn what_holds_no_images_is_refused() {
        for (data, expected) in [("spiral", "no labelled images"), ("nowhere", "nowhere")] {
            let config = Config { data: data.to_owned(), ..Config::default() };
            let error = ImageRecipes::compute(&config, 0).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
