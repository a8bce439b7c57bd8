//! A cloud of points raw, centred, standardised, decorrelated and whitened, by the preprocessing that training uses.

use keel_data::{
    Dataset, Inputs, PcaSpec, PreprocessScratch, PreprocessStep, Preprocessor, SampleShape, Targets, WhitenSpec,
};
use keel_nn::RandomKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::charts::{Marks, Plot, Series, number, points};
use crate::error::LabError;
use crate::experiment::{Chapter, Experiment, ExperimentEntry};
use crate::language::Text;
use crate::page::{Page, Table};
use crate::signal::normal_values;

pub(crate) const ENTRY: ExperimentEntry = ExperimentEntry::of::<Preprocessing>();

struct Preprocessing;

impl Experiment for Preprocessing {
    const NAME: &'static str = "preprocessing";
    const TITLE: [&'static str; 2] = ["Preprocessing: one cloud, five views", "数据预处理：同一团点的五种样子"];
    const SUMMARY: [&'static str; 2] = [
        "A slanted cloud of points raw, centred, standardised, decorrelated and whitened, with means, deviations and covariances.",
        "一团倾斜的点：原始、零中心、标准化、去相关、白化，以及均值、标准差与协方差。",
    ];
    const CHAPTER: Chapter = Chapter::Preprocessing;

    type Config = Config;
    type Document = Document;

    fn compute(config: &Config, seed: u64) -> Result<Document, LabError> {
        // As many new points again stand for the test set: they get the statistics of the first.
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
        Ok(Document { seed, points: config.points, views })
    }

    fn page(document: &Document) -> Page {
        page(document)
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

/// Steps applied to the cloud, under a name.
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
    /// In the order of [`VIEWS`].
    views: Vec<ViewFigures>,
}

/// Numbers of one view of the cloud.
#[derive(Serialize)]
struct ViewFigures {
    view: &'static str,
    train: Statistics,
    test: Statistics,
    /// The training points.
    points: Vec<[f32; 2]>,
}

/// Statistics of two coordinates.
#[derive(Serialize)]
struct Statistics {
    mean: [f64; 2],
    std: [f64; 2],
    covariance: [[f64; 2]; 2],
}

/// Twice `points` draws of a normal distribution with the wanted centre, deviations and correlation.
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

fn page(document: &Document) -> Page {
    let mut page = Page::new().heading("What you see", "你看到了什么").paragraph(
        "The same points five times, all on the same axes. Every statistic is fitted on the training points and then applied to \
         new ones too, which therefore come out only nearly centred and scaled.",
        "同一批点画五次，坐标轴相同。所有统计量只在训练点上拟合，再用于新点，因此新点只是近似零均值、单位方差。",
    );
    for (figures, view) in document.views.iter().zip(VIEWS) {
        let cloud = points(&figures.points, |point| f64::from(point[0]), |point| f64::from(point[1]));
        let plot = Plot::new(Text::same("x"), Text::same("y")).x_range(-8.0, 8.0).y_range(-8.0, 8.0).square();
        page = page.plot(view.title(), plot.with(Series::new(view.title(), cloud, Marks::Points)));
    }
    page.table(table(&document.views))
        .heading("Why", "为什么")
        .paragraph("Subtract the mean of each feature, then divide by its standard deviation:", "先减去每个特征的均值，再除以它的标准差：")
        .formula(
            "<msup><mi>x</mi><mo>′</mo></msup><mo>=</mo><mfrac><mrow><mi>x</mi><mo>\u{2212}</mo><mi>μ</mi></mrow><mi>σ</mi></mfrac>",
        )
        .paragraph(
            "Features that are all positive drive a unit's gradients to one sign (see <i>zigzag</i>); features of different scales \
             ask for different learning rates (see <i>why_preprocess</i>). Decorrelation turns the cloud to its principal axes, \
             which makes the covariance diagonal; whitening divides each of them by its deviation, which makes it the identity.",
            "恒正的特征使同一单元的梯度同号（见 <i>zigzag</i>）；尺度不同的特征需要不同的学习率（见 <i>why_preprocess</i>）。\
             去相关把点云旋转到主轴上，协方差变为对角阵；白化再除以各主轴的标准差，协方差变为单位阵。",
        )
        .heading("What to take away", "要点")
        .paragraph(
            "Centre always, standardise features of different units, and fit both on the training split alone. For images the mean \
             image, the mean of each channel, or mean and deviation of each channel are customary; PCA and whitening are not, \
             and whitening blows up directions that hold nothing but noise.",
            "始终做零中心化；量纲不同的特征要标准化；统计量只用训练集拟合。对图像，常用均值图像、逐通道均值，或逐通道均值与标准差；\
             一般不用 PCA 与白化，白化还会放大只含噪声的方向。",
        )
}

fn table(views: &[ViewFigures]) -> Table {
    let columns = ["", "mean x", "mean y", "std x", "std y", "cov xy"].map(Text::same).to_vec();
    let mut table = Table::new(
        Text::new("Statistics of the training points, and of new points in brackets", "训练点的统计量，括号内为新点"),
        columns,
    );
    let columns = |part: &Statistics| [part.mean[0], part.mean[1], part.std[0], part.std[1], part.covariance[0][1]];
    let rounded = |value: f64| number((value * 1e4).round() / 1e4);
    for (figures, view) in views.iter().zip(VIEWS) {
        let pairs = columns(&figures.train).into_iter().zip(columns(&figures.test));
        let cells = pairs.map(|(train, test)| Text::same(format!("{} ({})", rounded(train), rounded(test))));
        table.text_row(std::iter::once(view.title()).chain(cells).collect());
    }
    table
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
    }
}
