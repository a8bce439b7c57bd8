//! The three classic recipes for real images: the mean image, the mean of each channel, mean and deviation of each
//! channel; for comparison, raw values and values scaled to [0, 1].

mod page;

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{FlattenSpec, LayerSpec, LinearSpec};
use keel_nn::{RandomKey, Shape};
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::loss_curve::{LossPoint, averaged};
use crate::samples::{Images, PHOTOGRAPHS, Part, Parts, Task};
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
            seeds: config.seeds,
            class_names: images.class_names().to_vec(),
            recipes,
        })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Number of second moments computed: the largest and the tenth are compared.
const MOMENTS: usize = 10;
/// Maximum number of image values used for the second moments.
const MOMENT_VALUES: usize = 1 << 19;
/// Number of images shown per recipe, one of each class.
const SHOWN: usize = 10;
/// Number of steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Images: photographs (tiles of eight colour photographs, which come with the program), digits, or a path to a folder with a folder of images for each class (CIFAR-10 as JPEG files, for example), CIFAR-10 binaries or an IDX pair.
    #[schemars(extend("zh" = "图像来源：photographs（程序自带的八张彩色照片切成的小块）、digits，或一个路径：每类一个子文件夹的图像文件夹（例如 JPEG 格式的 CIFAR-10）、CIFAR-10 二进制文件或一对 IDX 文件。"))]
    data: String,
    /// Maximum number of images to train on, and to test on.
    #[schemars(extend("zh" = "训练与测试各自最多使用的图像数。"))]
    #[schemars(range(min = 20, max = 60000))]
    samples: usize,
    /// Units of the hidden layer.
    #[schemars(extend("zh" = "隐藏层的单元数。"))]
    #[schemars(range(min = 1, max = 1024))]
    width: usize,
    /// Training steps, without momentum.
    #[schemars(extend("zh" = "训练步数，不用动量。"))]
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
    /// Number of runs of each recipe at each learning rate.
    #[schemars(extend("zh" = "每种做法在每个学习率下的训练次数。"))]
    #[schemars(range(min = 1, max = 20))]
    seeds: usize,
}

impl Default for Config {
    fn default() -> Self {
        let learning_rates = vec![1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0];
        let data = PHOTOGRAPHS.to_owned();
        Config { data, samples: 5000, width: 64, steps: 300, batch: 64, learning_rates, seeds: 2 }
    }
}

/// A way to prepare images. All except raw values start from [0, 1], so that they differ only in centre and scale.
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

    /// Returns the number of statistics that a recipe has to store with the network.
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
    seeds: usize,
    #[serde(skip)]
    class_names: Vec<String>,
    recipes: Vec<RecipeFigures>,
}

/// Numbers of one recipe.
#[derive(Serialize)]
struct RecipeFigures {
    channel_mean: Vec<f64>,
    channel_std: Vec<f64>,
    /// Sum of all second moments: the mean squared length of an image.
    sum_of_second_moments: f64,
    largest_second_moment: f64,
    /// `None` if the tenth is 0.
    largest_over_tenth: Option<f64>,
    recipe: Recipe,
    statistics_kept: usize,
    best_learning_rate: Option<f64>,
    best_test_accuracy: Option<f64>,
    runs: Vec<Run>,
    #[serde(skip)]
    sample: Sample,
}

/// All runs of a recipe at one learning rate.
#[derive(Serialize)]
struct Run {
    learning_rate: f64,
    /// Mean of `accuracies`.
    test_accuracy: f64,
    /// One per seed.
    accuracies: Vec<f64>,
    /// Mean over all seeds; `None` if one of them diverged.
    test_loss: Option<f64>,
    /// True if a run diverged.
    diverged: bool,
    /// Loss curve of the first seed.
    curve: Vec<LossPoint>,
}

/// Images of one recipe shown on the page, `[classes, height, width, channels]`.
struct Sample {
    part: Part,
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
    // The training part is shuffled: its first images are of all classes.
    let samples = parts.train.len().min((MOMENT_VALUES / image.len()).max(1));
    let measured = &parts.train.inputs[..samples * image.len()];
    let largest = largest_second_moments(measured, image.len(), MOMENTS);
    let (first, tenth) = (largest[0], largest.last().copied().unwrap_or(0.0));
    let runs: Vec<Run> =
        config.learning_rates.iter().map(|&rate| train(config, task, parts, rate, seed)).collect::<Result<_, _>>()?;
    let best = runs.iter().rev().max_by(|a, b| a.test_accuracy.total_cmp(&b.test_accuracy));
    Ok(RecipeFigures {
        channel_mean: channels.iter().map(|channel| channel.mean).collect(),
        channel_std: channels.iter().map(|channel| channel.std).collect(),
        sum_of_second_moments: Moments::of_slice(measured).second_moment * image.len() as f64,
        largest_second_moment: first,
        largest_over_tenth: (tenth > 0.0).then_some(first / tenth),
        recipe,
        statistics_kept: recipe.statistics_kept(image),
        best_learning_rate: best.map(|run| run.learning_rate),
        best_test_accuracy: best.map(|run| run.test_accuracy),
        sample: Sample { part: parts.train.one_of_each(task.classes.min(SHOWN)), shape: image },
        runs,
    })
}

/// Trains flatten - linear - relu - linear once per seed.
fn train(config: &Config, task: Task, parts: &Parts, rate: f64, seed: u64) -> Result<Run, LabError> {
    let layers = [
        LayerSpec::Flatten(FlattenSpec::default()),
        LayerSpec::Linear(LinearSpec::new(config.width)),
        LayerSpec::Activation(Activation::Relu),
        LayerSpec::Linear(LinearSpec::new(task.classes)),
    ];
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.0, batch: config.batch, steps: config.steps };
    let (mut accuracies, mut loss, mut diverged, mut curve) = (Vec::new(), 0.0, false, Vec::new());
    for offset in 0..config.seeds {
        let key = RandomKey::new(seed.wrapping_add(offset as u64));
        let mut classifier = Classifier::for_task(task, &layers, config.batch, key)?;
        let losses = classifier.train(&parts.train, schedule);
        let score = classifier.evaluate(&parts.test);
        accuracies.push(score.accuracy);
        loss += score.loss / config.seeds as f64;
        diverged |= losses.len() < config.steps || !score.loss.is_finite();
        if offset == 0 {
            curve = averaged(&losses, WINDOW);
        }
    }
    let test_accuracy = Moments::of(accuracies.iter().copied()).mean;
    Ok(Run { learning_rate: rate, test_accuracy, accuracies, test_loss: (!diverged).then_some(loss), diverged, curve })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centring_is_worth_more_than_the_range_on_colour_images_with_every_seed() {
        let learning_rates = vec![1e-4, 1e-3, 0.1, 0.3];
        let config = Config { steps: 200, learning_rates, seeds: 2, ..Config::default() };
        for seed in 0..4 {
            let recipes = ImageRecipes::compute(&config, seed).unwrap().recipes;
            let best = |index: usize| recipes[index].best_test_accuracy.unwrap();
            let (raw, range, centred) = (best(0), best(1), [best(2), best(3), best(4)]);
            assert!(raw < range - 0.05, "seed {seed}: raw {raw}, [0, 1] {range}");
            let worst = centred.into_iter().fold(f64::MAX, f64::min);
            assert!(worst > range, "seed {seed}: centred {centred:?}, [0, 1] {range}");
            let at_a_tenth = recipes[0].runs[2].test_accuracy;
            assert!(at_a_tenth < 0.2, "seed {seed}: raw pixels at a rate of 0.1 {at_a_tenth}");
            for recipe in &recipes {
                let (largest, sum) = (recipe.largest_second_moment, recipe.sum_of_second_moments);
                assert!(largest <= sum * 1.001, "seed {seed}, {:?}: {largest} of {sum}", recipe.recipe);
            }
            // Second moments are those of the covariance plus the square of the mean: centring removes most of the largest.
            assert!(recipes[1].largest_second_moment > 2.0 * recipes[3].largest_second_moment, "seed {seed}");
            assert!(recipes[1].largest_over_tenth > recipes[3].largest_over_tenth, "seed {seed}");
        }
    }

    #[test]
    fn each_recipe_does_what_its_name_says_and_shows_one_image_of_each_class() {
        let config = Config { steps: 1, learning_rates: vec![0.1], seeds: 1, ..Config::default() };
        let recipes = ImageRecipes::compute(&config, 0).unwrap().recipes;
        let kept: Vec<usize> = recipes.iter().map(|recipe| recipe.statistics_kept).collect();
        assert_eq!(kept, [0, 0, 192, 3, 6]);
        for centred in &recipes[2..] {
            assert!(centred.channel_mean.iter().all(|mean| mean.abs() < 1e-5), "{:?}", centred.channel_mean);
        }
        assert!(recipes[4].channel_std.iter().all(|std| (std - 1.0).abs() < 1e-4));
        for recipe in &recipes {
            assert_eq!(recipe.sample.part.labels, [0, 1, 2, 3, 4, 5, 6, 7], "{:?}", recipe.recipe);
        }
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
