//! A cloud of points raw, centred, standardised, decorrelated and whitened, with the preprocessing used for training;
//! and the covariance of the pixels of real images before and after.

mod page;

use keel_data::{
    Dataset, Inputs, PcaSpec, PreprocessScratch, PreprocessStep, Preprocessor, SampleShape, Targets, WhitenSpec,
};
use keel_nn::RandomKey;
use keel_page::Text;
use keel_page::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::samples::{Digits, FEATURES};
use crate::signal::normal_values;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Preprocessing>();

struct Preprocessing;

impl Experiment for Preprocessing {
    const NAME: &'static str = "preprocessing";
    const TITLE: [&'static str; 2] = ["Preprocessing: one cloud, five views", "数据预处理：同一组数据的五种处理结果"];
    const SUMMARY: [&'static str; 2] = [
        "A slanted cloud of points raw, centred, standardised, decorrelated and whitened, with maps of the covariance: of the cloud and of the pixels of images.",
        "一团倾斜的点：原始、零中心、标准化、去相关、白化，并画出点云与图像像素的协方差矩阵。",
    ];
    const CHAPTER: Chapter = Chapter::Preprocessing;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        // The same number of new points stands for the test set: they are transformed with the statistics of the first.
        let cloud = Inputs::Floats(cloud(config, RandomKey::new(seed)));
        let dataset = Dataset::from_memory("cloud", SampleShape::Features(2), cloud, Targets::Unlabelled)?;
        let train: Vec<usize> = (0..config.points).collect();
        let test: Vec<usize> = (config.points..2 * config.points).collect();
        let mut views = Vec::new();
        for view in VIEWS {
            let preprocessor = Preprocessor::fit(&dataset, &train, view.steps)?;
            let apply = |indices: &[usize]| -> Result<Vec<f32>, LabError> {
                let mut outputs = vec![0.0; indices.len() * 2];
                preprocessor.gather(&dataset, indices, &mut outputs, &mut PreprocessScratch::default())?;
                Ok(outputs)
            };
            let (train, test) = (apply(&train)?, apply(&test)?);
            views.push(ViewFigures {
                view: view.name,
                train: statistics(&train),
                test: statistics(&test),
                points: train.chunks(2).map(|point| [point[0], point[1]]).collect(),
            });
        }
        let pixels = PIXEL_VIEWS.iter().map(|view| pixels(view, seed)).collect::<Result<_, LabError>>()?;
        Ok(Document { seed, points: config.points, views, pixels })
    }

    fn page(document: &Document) -> Page {
        page::page(document)
    }
}

/// Knobs of the experiment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Points to fit on.
    #[schemars(extend("zh" = "用于拟合的点数。"))]
    #[schemars(range(min = 10, max = 20000))]
    points: usize,
    /// Centre of the cloud, horizontally.
    #[schemars(extend("zh" = "点云中心的横坐标。"))]
    #[schemars(range(min = -100.0, max = 100.0))]
    center_x: f64,
    /// Centre of the cloud, vertically.
    #[schemars(extend("zh" = "点云中心的纵坐标。"))]
    #[schemars(range(min = -100.0, max = 100.0))]
    center_y: f64,
    /// Correlation of the two coordinates.
    #[schemars(extend("zh" = "两个坐标的相关系数。"))]
    #[schemars(range(min = -0.99, max = 0.99))]
    correlation: f64,
    /// Standard deviation of the first coordinate.
    #[schemars(extend("zh" = "第一个坐标的标准差。"))]
    #[schemars(range(min = 0.01, max = 100.0))]
    std_x: f64,
    /// Standard deviation of the second coordinate.
    #[schemars(extend("zh" = "第二个坐标的标准差。"))]
    #[schemars(range(min = 0.01, max = 100.0))]
    std_y: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config { points: 500, center_x: 1.0, center_y: -2.0, correlation: 0.8, std_x: 2.0, std_y: 1.0 }
    }
}

/// Named steps applied to the cloud.
struct View {
    name: &'static str,
    chinese: &'static str,
    steps: &'static [PreprocessStep],
}

const VIEWS: [View; 5] = [
    View { name: "raw", chinese: "原始", steps: &[] },
    View { name: "centred", chinese: "零中心", steps: &[PreprocessStep::Center] },
    View { name: "standardised", chinese: "标准化", steps: &[PreprocessStep::Standardize] },
    View { name: "decorrelated", chinese: "去相关", steps: &[PreprocessStep::Pca(PcaSpec { components: 2 })] },
    View { name: "whitened", chinese: "白化", steps: &[PreprocessStep::Whiten(WhitenSpec { epsilon: 1e-5 })] },
];

/// Views of the pixels of the digits. Without an epsilon of the size of a pixel's noise, whitening would amplify pixels
/// that are (nearly) constant in all images.
const PIXEL_VIEWS: [View; 4] = [
    View { name: "raw", chinese: "原始", steps: &[] },
    View { name: "standardised", chinese: "标准化", steps: &[PreprocessStep::Standardize] },
    View {
        name: "decorrelated", chinese: "去相关", steps: &[PreprocessStep::Pca(PcaSpec { components: FEATURES })]
    },
    View { name: "whitened", chinese: "白化", steps: &[PreprocessStep::Whiten(WhitenSpec { epsilon: 1e-5 })] },
];

impl View {
    fn title(&self) -> Text {
        Text::new(self.name, self.chinese)
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Document {
    seed: u64,
    points: usize,
    /// Views in the order of [`VIEWS`].
    views: Vec<ViewFigures>,
    /// Views in the order of [`PIXEL_VIEWS`].
    pixels: Vec<PixelFigures>,
}

/// Covariance of the pixels of the digits in one view.
#[derive(Serialize)]
struct PixelFigures {
    view: &'static str,
    /// Smallest and largest entry of the diagonal.
    diagonal: [f64; 2],
    /// Largest magnitude of an entry off the diagonal.
    largest_off_diagonal: f64,
    /// `[pixels, pixels]`, row by row.
    covariance: Vec<f64>,
}

/// Numbers of one view of the cloud.
#[derive(Serialize)]
struct ViewFigures {
    view: &'static str,
    train: Statistics,
    test: Statistics,
    /// Training points.
    points: Vec<[f32; 2]>,
}

/// Statistics of two coordinates.
#[derive(Serialize)]
struct Statistics {
    mean: [f64; 2],
    std: [f64; 2],
    covariance: [[f64; 2]; 2],
}

/// Draws twice `points` values from a normal distribution with the given centre, deviations and correlation.
fn cloud(config: &Config, key: RandomKey) -> Vec<f32> {
    let draws = normal_values(4 * config.points, key);
    let other = (1.0 - config.correlation * config.correlation).sqrt();
    draws
        .chunks(2)
        .flat_map(|pair| {
            let (a, b) = (f64::from(pair[0]), f64::from(pair[1]));
            let y = config.correlation * a + other * b;
            [(config.center_x + config.std_x * a) as f32, (config.center_y + config.std_y * y) as f32]
        })
        .collect()
}

fn statistics(points: &[f32]) -> Statistics {
    let count = (points.len() / 2) as f64;
    let mean =
        [0, 1].map(|axis| points.iter().skip(axis).step_by(2).map(|&value| f64::from(value)).sum::<f64>() / count);
    let covariance = |a: usize, b: usize| {
        let product = |point: &[f32]| (f64::from(point[a]) - mean[a]) * (f64::from(point[b]) - mean[b]);
        points.chunks(2).map(product).sum::<f64>() / count
    };
    let matrix = [[covariance(0, 0), covariance(0, 1)], [covariance(1, 0), covariance(1, 1)]];
    Statistics { mean, std: [matrix[0][0].sqrt(), matrix[1][1].sqrt()], covariance: matrix }
}

/// Returns the covariance of the training digits after the steps of a view.
fn pixels(view: &View, seed: u64) -> Result<PixelFigures, LabError> {
    let train = Digits::preprocessed(view.steps, seed)?.train;
    let samples = train.len();
    let features = train.inputs.len() / samples;
    let mean = |feature: usize| {
        train.inputs.iter().skip(feature).step_by(features).map(|&value| f64::from(value)).sum::<f64>() / samples as f64
    };
    let means: Vec<f64> = (0..features).map(mean).collect();
    let mut covariance = vec![0.0; features * features];
    for row in train.inputs.chunks(features) {
        let centred: Vec<f64> = row.iter().zip(&means).map(|(&value, mean)| f64::from(value) - mean).collect();
        for (entries, a) in covariance.chunks_mut(features).zip(&centred) {
            entries.iter_mut().zip(&centred).for_each(|(entry, b)| *entry += a * b / samples as f64);
        }
    }
    let (mut low, mut high, mut off) = (f64::MAX, f64::MIN, 0.0_f64);
    for (index, &entry) in covariance.iter().enumerate() {
        if index / features == index % features {
            (low, high) = (low.min(entry), high.max(entry));
        } else {
            off = off.max(entry.abs());
        }
    }
    Ok(PixelFigures { view: view.name, diagonal: [low, high], largest_off_diagonal: off, covariance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_view_has_the_statistics_it_promises() {
        let views = Preprocessing::compute(&Config::default(), 5).unwrap().views;
        for view in &views[1..5] {
            assert!(view.train.mean.iter().all(|mean| mean.abs() < 1e-6), "{}", view.view);
            assert!(view.test.mean[0].abs() > 1e-4, "new points are not exactly centred");
        }
        for view in [&views[2], &views[4]] {
            assert!(view.train.std.iter().all(|std| (std - 1.0).abs() < 1e-3), "{}", view.view);
        }
        for view in [&views[3], &views[4]] {
            assert!(view.train.covariance[0][1].abs() < 1e-5, "{}", view.view);
        }
        assert!(views[0].train.covariance[0][1] > 1.0);
        assert!(views[2].train.covariance[0][1] > 0.7, "standardising keeps the correlation");
        let whitened = &views[4].train.covariance;
        assert!((whitened[0][0] - 1.0).abs() < 1e-3 && (whitened[1][1] - 1.0).abs() < 1e-3, "{whitened:?}");
    }

    #[test]
    fn the_pixels_of_images_lose_their_covariance_too() {
        let config = Config { points: 10, ..Config::default() };
        let pixels = Preprocessing::compute(&config, 2).unwrap().pixels;
        let [raw, standardised, decorrelated, whitened] = &pixels[..] else { panic!("four views") };
        assert!(raw.largest_off_diagonal > 5.0, "{}", raw.largest_off_diagonal);
        assert!((standardised.diagonal[1] - 1.0).abs() < 1e-3 && standardised.largest_off_diagonal > 0.5);
        assert!(decorrelated.diagonal[1] > 20.0 && decorrelated.largest_off_diagonal < 1e-3 * decorrelated.diagonal[1]);
        assert!((whitened.diagonal[1] - 1.0).abs() < 1e-2, "{:?}", whitened.diagonal);
        assert!(whitened.largest_off_diagonal < 1e-2, "{}", whitened.largest_off_diagonal);
    }
}
