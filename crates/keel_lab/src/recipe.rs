//! A network, its data and its training settings, as a few choices.

use keel_data::{PreprocessStep, Split};
use keel_nn::activations::Activation;
use keel_nn::init::{Fan, InitSpec, KaimingNormalSpec, XavierNormalSpec};
use keel_nn::layers::{BatchNormSpec, Conv2dSpec, FlattenSpec, LayerSpec, LinearSpec, MaxPoolSpec};
use keel_page::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::samples::{Images, Parts, PointSet, Task};
use crate::statistics::Moments;
use crate::training::Schedule;

/// Number of grey levels of a pixel, and of a pixel of the embedded digits.
const LEVELS: f32 = 255.0;
const DIGIT_LEVELS: f32 = 16.0;
/// Standard deviation of weights drawn independently of the layer size.
pub(crate) const SMALL: f32 = 0.01;
/// Weight of every connection for constant weights.
const CONSTANT: f32 = 0.1;
/// Number of convolution blocks after which the image is halved.
const POOLS: usize = 2;

/// Samples to classify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Data {
    TwoArms,
    ThreeArms,
    Moons,
    Circles,
    Digits,
}

/// Form of the network's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Preprocessing {
    Raw,
    Scaled,
    Standardised,
}

/// Weight layer of a hidden block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Block {
    Linear,
    Convolution,
}

/// Normalisation between the weights of a hidden block and its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Norm {
    None,
    Batch,
}

/// Initialisation of all weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    Auto,
    Small,
    Xavier,
    Kaiming,
    Constant,
}

/// A network, its data and its training settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) data: Data,
    /// Standard deviation of the noise of points.
    pub(crate) noise: f64,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) block: Block,
    /// Number of hidden blocks.
    pub(crate) depth: usize,
    /// Units of a linear layer, or channels of a convolution.
    pub(crate) width: usize,
    pub(crate) activation: Activation,
    pub(crate) norm: Norm,
    pub(crate) start: Start,
    /// Initial bias of the hidden layers.
    pub(crate) bias: f64,
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    /// Number of samples per step.
    pub(crate) batch: usize,
    /// True if samples are shuffled in every epoch; otherwise they are sorted by class.
    pub(crate) shuffled: bool,
}

/// Samples of a recipe, as given to the network.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) task: Task,
    /// Both parts as given to the network.
    pub(crate) parts: Parts,
    /// Both parts as measured: pixels of a picture, grey levels of digits.
    pub(crate) raw: Parts,
    /// Names of the preprocessing steps.
    pub(crate) steps: Vec<String>,
    /// Mean and standard deviation of each coordinate of a point, for standardisation; empty for images.
    scaling: Vec<Moments>,
}

impl Data {
    /// Returns the set of points, or `None` for images.
    pub(crate) fn points(self) -> Option<PointSet> {
        match self {
            Data::TwoArms => Some(PointSet::Spiral(2)),
            Data::ThreeArms => Some(PointSet::Spiral(3)),
            Data::Moons => Some(PointSet::Moons),
            Data::Circles => Some(PointSet::Circles),
            Data::Digits => None,
        }
    }
}

impl Start {
    /// Returns the initialiser.
    pub(crate) fn init(self) -> InitSpec {
        match self {
            Start::Auto => InitSpec::Auto,
            Start::Small => InitSpec::normal(SMALL),
            Start::Xavier => InitSpec::XavierNormal(XavierNormalSpec { fan: Fan::In, ..XavierNormalSpec::default() }),
            Start::Kaiming => InitSpec::KaimingNormal(KaimingNormalSpec::default()),
            Start::Constant => InitSpec::constant(CONSTANT),
        }
    }

    /// Returns the displayed name.
    pub(crate) fn title(self) -> Text {
        match self {
            Start::Auto => Text::new("fits the activation", "按激活函数选取"),
            Start::Small => Text::new("normal, std 0.01", "正态，标准差 0.01"),
            Start::Xavier => Text::same("Xavier"),
            Start::Kaiming => Text::same("Kaiming"),
            Start::Constant => Text::new("all weights 0.1", "全部权重为 0.1"),
        }
    }
}

impl Recipe {
    /// Returns true if hidden blocks are convolutions, which need images.
    pub(crate) fn convolves(&self) -> bool {
        self.block == Block::Convolution && self.data == Data::Digits
    }

    /// Returns the classification task.
    pub(crate) fn task(&self) -> Task {
        match self.data.points() {
            Some(points) => points.task(),
            None if self.convolves() => Task::DIGIT_IMAGES,
            None => Task::DIGITS,
        }
    }

    /// Returns the layers of the network, ending in a score per class.
    pub(crate) fn layers(&self) -> Vec<LayerSpec> {
        let (init, width) = (self.start.init(), self.width);
        let bias = self.norm == Norm::None;
        let bias_init = if self.bias == 0.0 { InitSpec::Zeros } else { InitSpec::constant(self.bias as f32) };
        let mut layers = Vec::new();
        for block in 0..self.depth {
            layers.push(match self.convolves() {
                true => LayerSpec::Conv2d(Conv2dSpec { init, bias, bias_init, ..Conv2dSpec::new(width, 3) }),
                false => LayerSpec::Linear(LinearSpec { init, bias, bias_init, ..LinearSpec::new(width) }),
            });
            if self.norm == Norm::Batch {
                layers.push(LayerSpec::BatchNorm(BatchNormSpec::default()));
            }
            layers.push(LayerSpec::Activation(self.activation));
            if self.convolves() && block < POOLS {
                layers.push(LayerSpec::MaxPool(MaxPoolSpec::new(2)));
            }
        }
        if self.convolves() {
            layers.push(LayerSpec::Flatten(FlattenSpec::default()));
        }
        layers.push(LayerSpec::Linear(LinearSpec { init, ..LinearSpec::new(self.task().classes) }));
        layers
    }

    /// Returns the training schedule.
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule {
            learning_rate: self.learning_rate as f32,
            momentum: self.momentum as f32,
            batch: self.batch,
            steps: 0,
        }
    }

    /// Returns its samples: four fifths for training, one fifth for validation.
    ///
    /// # Errors
    /// Fails if the data cannot be created or preprocessed.
    pub(crate) fn samples(&self, seed: u64) -> Result<Samples, LabError> {
        let task = self.task();
        let samples = match self.data.points() {
            Some(points) => self.scaled(task, points.draw(self.noise, seed)?),
            None => self.digits(task, seed)?,
        };
        Ok(if self.shuffled { samples } else { samples.sorted() })
    }

    fn digits(&self, task: Task, seed: u64) -> Result<Samples, LabError> {
        let images = Images::digits(Split { validation: 0.0, test: 0.2, seed })?;
        let raw = times(images.preprocessed(&[])?, LEVELS / DIGIT_LEVELS);
        let (parts, steps) = match self.preprocessing {
            Preprocessing::Raw => (raw.clone(), Vec::new()),
            Preprocessing::Scaled => (times(raw.clone(), LEVELS.recip()), vec!["min_max".to_owned()]),
            Preprocessing::Standardised => {
                let step = PreprocessStep::Standardize;
                (images.preprocessed(std::slice::from_ref(&step))?, vec![step.name().to_owned()])
            }
        };
        Ok(Samples { task, parts, raw, steps, scaling: Vec::new() })
    }

    fn scaled(&self, task: Task, raw: Parts) -> Samples {
        let coordinate = |index: usize| {
            let values = raw.train.inputs.iter().skip(index).step_by(2);
            Moments::of(values.map(|&value| f64::from(value)))
        };
        let (scaling, steps) = match self.preprocessing {
            Preprocessing::Raw => (vec![Moments { std: 1.0, ..Moments::default() }; 2], Vec::new()),
            Preprocessing::Scaled => {
                (vec![Moments { std: f64::from(LEVELS), ..Moments::default() }; 2], vec!["min_max".to_owned()])
            }
            Preprocessing::Standardised => {
                (vec![coordinate(0), coordinate(1)], vec![PreprocessStep::Standardize.name().to_owned()])
            }
        };
        let mut samples = Samples { task, parts: raw.clone(), raw, steps, scaling };
        for part in [&mut samples.parts.train, &mut samples.parts.test] {
            scale(&samples.scaling, &mut part.inputs);
        }
        samples
    }
}

impl Samples {
    /// Converts points in pixels, `[points, 2]`, to the form given to the network.
    pub(crate) fn given(&self, mut pixels: Vec<f32>) -> Vec<f32> {
        scale(&self.scaling, &mut pixels);
        pixels
    }

    /// Sorts the training samples by class.
    fn sorted(mut self) -> Self {
        let labels = &self.parts.train.labels;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&sample| labels[sample]);
        self.parts.train = self.parts.train.take(&order);
        self.raw.train = self.raw.train.take(&order);
        self
    }
}

/// Subtracts the mean of each coordinate and divides by its standard deviation.
fn scale(scaling: &[Moments], points: &mut [f32]) {
    for point in points.chunks_exact_mut(scaling.len().max(1)) {
        for (value, Moments { mean, std, .. }) in point.iter_mut().zip(scaling) {
            *value = ((f64::from(*value) - mean) / std.max(f64::MIN_POSITIVE)) as f32;
        }
    }
}

/// Multiplies every input of both parts by `factor`.
fn times(mut parts: Parts, factor: f32) -> Parts {
    for part in [&mut parts.train, &mut parts.test] {
        part.inputs.iter_mut().for_each(|value| *value *= factor);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watched::tests::recipe;

    #[test]
    fn inputs_are_pixels_parts_of_them_or_standardised() {
        for data in [Data::ThreeArms, Data::Digits] {
            let moments = |preprocessing| {
                let samples = Recipe { data, preprocessing, ..recipe() }.samples(1).unwrap();
                let inputs = Moments::of_slice(&samples.parts.train.inputs);
                assert_eq!(samples.raw.train.len(), samples.parts.train.len());
                inputs
            };
            let (raw, scaled) = (moments(Preprocessing::Raw), moments(Preprocessing::Scaled));
            assert!(raw.mean > 70.0 && raw.mean < 140.0, "{data:?}: {raw:?}");
            assert!((raw.mean / scaled.mean - 255.0).abs() < 0.1, "{data:?}: {scaled:?}");
            let standardised = moments(Preprocessing::Standardised);
            assert!(standardised.mean.abs() < 1e-5 && (standardised.std - 1.0).abs() < 0.03, "{standardised:?}");
        }
    }

    #[test]
    fn unshuffled_samples_are_sorted_and_convolutions_need_images() {
        let samples = Recipe { data: Data::Digits, shuffled: false, ..recipe() }.samples(0).unwrap();
        assert!(samples.parts.train.labels.is_sorted());
        let convolution = Recipe { block: Block::Convolution, ..recipe() };
        assert!(!convolution.convolves());
        let layers = Recipe { data: Data::Digits, depth: 1, ..convolution }.layers();
        assert_eq!(layers.len(), 5, "convolution, relu, pool, flatten, linear");
    }
}
