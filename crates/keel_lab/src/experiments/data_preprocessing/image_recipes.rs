//! The three classic recipes for images, on real ones: the mean image, the mean of each channel, mean and deviation of
//! each channel; beside them raw values and values brought into [0, 1].

use keel_data::PreprocessStep;
use keel_nn::activations::Activation;
use keel_nn::layers::{FlattenSpec, LayerSpec, LinearSpec};
use keel_nn::{RandomKey, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::image_recipes_page::page;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Findings};
use crate::images::Images;
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::spectrum::largest_second_moments;
use crate::statistics::Moments;
use crate::training::{Classifier, Part, Schedule};

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry {
    name: NAME,
    title: ["Three recipes for images", "图像预处理的三种经典做法"],
    summary: [
        "Mean image (AlexNet), mean of each channel (VGG), mean and deviation of each channel (ResNet): the images before and after, and training at every learning rate.",
        "减均值图像（AlexNet）、减逐通道均值（VGG）、逐通道标准化（ResNet）：处理前后的图像，以及各学习率下的训练结果。",
    ],
    chapter: Chapter::Preprocessing,
    knobs: knobs_of::<Config>,
    run,
};

const NAME: &str = "image_recipes";
/// Second moments of the inputs that are compared: the largest and the tenth.
const MOMENTS: usize = 10;
/// Images the second moments are taken over, at most.
const MOMENT_SAMPLES: usize = 500;
/// Images shown of each recipe.
pub(super) const SHOWN: usize = 10;
/// Steps over which the loss is averaged for the curves.
const WINDOW: usize = 10;

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
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

/// A recipe: its name and its steps.
type Recipe = (&'static str, &'static [PreprocessStep]);

/// Behind raw values all start from [0, 1], so that they differ in the centre and the scale alone.
const RECIPES: [Recipe; 5] = [
    ("raw", &[]),
    ("min_max", &[PreprocessStep::MinMax]),
    ("mean_image", &[PreprocessStep::MinMax, PreprocessStep::MeanImage]),
    ("channel_mean", &[PreprocessStep::MinMax, PreprocessStep::ChannelMean]),
    ("channel_standardize", &[PreprocessStep::MinMax, PreprocessStep::ChannelStandardize]),
];

/// The images of one recipe that the page shows, `[SHOWN, height, width, channels]`.
pub(super) struct Sample {
    pub(super) values: Vec<f32>,
    pub(super) shape: Shape,
}

fn run(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: Config = settings.config(NAME)?;
    let images = Images::load(&config.data, config.samples, seed)?;
    let task = images.task();
    let mut recipes = Vec::new();
    let mut samples = Vec::new();
    for (name, steps) in RECIPES {
        let (train, test) = images.preprocessed(steps)?;
        samples.push(Sample { values: train.inputs[..SHOWN * task.input.len()].to_vec(), shape: task.input });
        let mut recipe = statistics(&train, task.input);
        recipe["recipe"] = json!(name);
        recipe["statistics_kept"] = json!(kept(name, task.input));
        let runs = config
            .learning_rates
            .iter()
            .map(|&rate| train_once(&config, (&images, &train, &test), rate, seed))
            .collect::<Result<Vec<Value>, LabError>>()?;
        let accuracy = |run: &&Value| run["test_accuracy"].as_f64().unwrap_or(0.0);
        let best = runs.iter().rev().max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
        recipe["best_learning_rate"] = best.map_or(Value::Null, |run| run["learning_rate"].clone());
        recipe["best_test_accuracy"] = best.map_or(Value::Null, |run| run["test_accuracy"].clone());
        recipe["runs"] = json!(runs);
        recipes.push(recipe);
    }
    let document = json!({
        "experiment": NAME, "seed": seed, "data": config.data, "image": task.input.dimensions(), "classes": task.classes,
        "width": config.width, "steps": config.steps, "batch": config.batch, "recipes": recipes,
    });
    let page = page(&document, &samples);
    Ok(Findings { document, settings: serde_json::to_value(&config).expect("configs are plain data"), page })
}

/// Numbers a recipe has to keep beside the network.
fn kept(recipe: &str, image: Shape) -> usize {
    match recipe {
        "mean_image" => image.len(),
        "channel_mean" => image.channels(),
        "channel_standardize" => 2 * image.channels(),
        _ => 0,
    }
}

/// Mean and deviation of each channel over the training images, and the largest second moments of whole images.
fn statistics(train: &Part, image: Shape) -> Value {
    let channels = image.channels();
    let channel = |channel: usize| {
        let values = train.inputs.iter().skip(channel).step_by(channels);
        Moments::of(values.map(|&value| f64::from(value)))
    };
    let moments: Vec<Moments> = (0..channels).map(channel).collect();
    let samples = train.len().min(MOMENT_SAMPLES);
    let largest = largest_second_moments(&train.inputs[..samples * image.len()], image.len(), MOMENTS);
    let (first, tenth) = (largest[0], largest.last().copied().unwrap_or(0.0));
    json!({
        "channel_mean": moments.iter().map(|channel| channel.mean).collect::<Vec<f64>>(),
        "channel_std": moments.iter().map(|channel| channel.std).collect::<Vec<f64>>(),
        "largest_second_moment": first,
        "largest_over_tenth": (tenth > 0.0).then_some(first / tenth),
    })
}

/// One training of flatten - linear - relu - linear.
fn train_once(
    config: &Config,
    (images, train, test): (&Images, &Part, &Part),
    rate: f64,
    seed: u64,
) -> Result<Value, LabError> {
    let task = images.task();
    let layers = [
        LayerSpec::Flatten(FlattenSpec::default()),
        LayerSpec::Linear(LinearSpec::new(config.width)),
        LayerSpec::Activation(Activation::Relu),
        LayerSpec::Linear(LinearSpec::new(task.classes)),
    ];
    let mut classifier = Classifier::for_task(task, &layers, (config.batch, RandomKey::new(seed)))?;
    let schedule = Schedule { learning_rate: rate as f32, momentum: 0.0, batch: config.batch, steps: config.steps };
    let losses = classifier.train(train, schedule);
    let (loss, accuracy) = classifier.evaluate(test);
    let curve: Vec<Value> = losses
        .chunks(WINDOW)
        .enumerate()
        .map(|(index, losses)| {
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            json!({ "step": index * WINDOW + losses.len(), "loss": mean.is_finite().then_some(mean) })
        })
        .collect();
    Ok(json!({
        "learning_rate": rate,
        "test_accuracy": accuracy,
        "test_loss": loss.is_finite().then_some(loss),
        "diverged": losses.len() < config.steps || !loss.is_finite(),
        "curve": curve,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centring_shrinks_the_largest_second_moment_and_raises_the_usable_rate() {
        let settings = ["steps=100", "learning_rates=[0.001,0.1,1]"];
        let document = run(&Settings::parse(settings).unwrap(), 0).unwrap().document;
        let recipe = |index: usize| &document["recipes"][index];
        let number = |index: usize, key: &str| recipe(index)[key].as_f64().unwrap();
        for index in [2, 3] {
            assert!(number(1, "largest_second_moment") > 2.0 * number(index, "largest_second_moment"));
            let mean = recipe(index)["channel_mean"][0].as_f64().unwrap();
            assert!(mean.abs() < 1e-5, "{mean}");
        }
        assert!((recipe(4)["channel_std"][0].as_f64().unwrap() - 1.0).abs() < 1e-4);
        let kept: Vec<u64> = (0..5).map(|index| recipe(index)["statistics_kept"].as_u64().unwrap()).collect();
        assert_eq!(kept, [0, 0, 64, 1, 2]);
        assert!(number(4, "best_test_accuracy") > 0.9);
        let raw = |run: usize| recipe(0)["runs"][run]["test_accuracy"].as_f64().unwrap();
        assert!(raw(2) < 0.5, "raw pixels at a rate of 1: {}", raw(2));
    }

    #[test]
    fn what_holds_no_images_is_refused() {
        let error = run(&Settings::parse(["data=spiral"]).unwrap(), 0).err().unwrap().to_string();
        assert!(error.contains("no labelled images"), "{error}");
        let error = run(&Settings::parse(["data=nowhere"]).unwrap(), 0).err().unwrap().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }
}
