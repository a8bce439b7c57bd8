//! Cases, which rules get to see, and observations, which they answer.

use serde::{Deserialize, Serialize};

use crate::finding::Level;
use crate::history::{History, LayerWindow, Window};
use crate::measurement::{
    ActivationFunction, DataMeasurement, EpochMeasurement, EvaluationMeasurement, InputsMeasurement, ModelDescription,
    StartMeasurement, StepMeasurement, SuspectLabel,
};
use crate::remedy::Remedy;

/// Moments at which rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The model is described.
    Model,
    /// The training split is measured.
    Data,
    /// The state before the first update is measured.
    Start,
    /// A step is measured.
    Step,
    /// A window is closed.
    Window,
    /// An epoch is over.
    Epoch,
    /// The validation split is evaluated at the end of an epoch.
    Validation,
    /// The splits are evaluated at the end of the run.
    Evaluation,
    /// The run is over.
    End,
    /// Samples are given to the trained network.
    Inputs,
    /// A NaN or an infinity appeared for the first time: the last chance to name its origin.
    Collapse,
}

/// Everything known at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Reason for which the rule is evaluated.
    pub moment: Moment,
    /// The model.
    pub model: &'a ModelDescription,
    /// The training split, if it was measured.
    pub data: Option<&'a DataMeasurement>,
    /// The state before the first update, if it was measured.
    pub start: Option<&'a StartMeasurement>,
    /// The step, at the moments `Step` and `Collapse`.
    pub step: Option<&'a StepMeasurement>,
    /// Windows and trends so far.
    pub history: &'a History,
    /// Epochs so far, oldest first.
    pub epochs: &'a [EpochMeasurement],
    /// Splits, at the moments `Validation` and `Evaluation`.
    pub evaluations: &'a [EvaluationMeasurement],
    /// Samples given to the trained network, at the moment `Inputs`.
    pub inputs: Option<&'a InputsMeasurement>,
}

/// One statistic of one layer beyond its limit at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Seriousness.
    pub level: Level,
    /// Index of the layer, or `None` for the whole network.
    pub layer: Option<usize>,
    /// The statistic.
    pub measured: f64,
    /// The limit it crossed.
    pub threshold: f64,
    /// Sentence that describes the finding.
    pub message: String,
    /// Probable cause.
    pub cause: String,
    /// Remedies, best first.
    pub remedies: Vec<Remedy>,
    /// Samples it is about, with their labels.
    pub samples: Vec<SuspectLabel>,
    /// Name of the statistic, where the rule has several and this is not its first.
    pub statistic: Option<&'static str>,
    /// Number of consecutive observations before it becomes a finding; 1: at once.
    pub confirmations: u32,
    /// Endings of a run at which it keeps its level.
    pub stands: Stands,
}

/// Endings of a run at which an observation keeps its level; at others it is a fact, of level info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Every ending.
    Always,
    /// Every ending; a warning at most if the network has learned its task nevertheless.
    EvenLearned,
    /// Endings at which it is still observed.
    WhileSeen,
    /// Endings at which the network has not learned its task, for faults that harm only by preventing this. An error if it
    /// has learned nothing.
    UnlessLearned,
    /// The same, and a warning at most if it has learned nothing, for observations that may be a symptom as well as a cause.
    AsWarning,
}

impl Observation {
    /// An observation that must be made twice in a row when it comes from a window or an epoch.
    pub fn new(level: Level, layer: Option<usize>, measured: f64, threshold: f64) -> Self {
        Self {
            level,
            layer,
            measured,
            threshold,
            message: String::new(),
            cause: String::new(),
            remedies: Vec::new(),
            samples: Vec::new(),
            statistic: None,
            confirmations: 2,
            stands: Stands::UnlessLearned,
        }
    }

    /// The same, keeping its level at every ending of the run.
    pub fn always(mut self) -> Self {
        self.stands = Stands::Always;
        self
    }

    /// The same, keeping its level at every ending: a warning at most if the network has learned.
    pub fn even_learned(mut self) -> Self {
        self.stands = Stands::EvenLearned;
        self
    }

    /// The same, a warning at most if nothing is learned.
    pub fn as_warning(mut self) -> Self {
        self.stands = Stands::AsWarning;
        self
    }

    /// The same, keeping its level as long as it is observed.
    pub fn while_seen(mut self) -> Self {
        self.stands = Stands::WhileSeen;
        self
    }

    /// The same with the name of its statistic, for a chart.
    pub fn statistic(mut self, name: &'static str) -> Self {
        self.statistic = Some(name);
        self
    }

    /// The same with its sentence.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same with its probable cause.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// The same with one more remedy.
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// The same about these samples.
    pub fn samples(mut self, samples: Vec<SuspectLabel>) -> Self {
        self.samples = samples;
        self
    }

    /// The same, but a finding at once.
    pub fn at_once(mut self) -> Self {
        self.confirmations = 1;
        self
    }

    /// The same, a finding at once if it is an error.
    pub(crate) fn at_once_if_error(self) -> Self {
        if self.level == Level::Error { self.at_once() } else { self }
    }
}

impl<'a> Case<'a> {
    /// The window to judge: the last closed one, or at a collapse the one being filled.
    pub fn window(&self) -> Option<&'a Window> {
        match self.moment {
            Moment::Collapse => Some(self.history.current()),
            _ => self.history.latest(),
        }
    }

    /// Totals of layer `index` in the window to judge.
    pub fn layer_window(&self, index: usize) -> Option<&'a LayerWindow> {
        self.window()?.layer(index)
    }

    /// Training works: the loss of the last window is below `share` of that of guessing, or of the loss at the beginning where
    /// that of guessing is unknown. The beginning is the loss before the first update where it is the lower one: the mean of the
    /// first steps may include the jump of a step that was too large.
    pub fn loss_fell_below(&self, share: f64) -> bool {
        let (Some(window), Some(first)) = (self.history.latest(), self.history.first_loss()) else { return false };
        let untrained = self.start.and_then(|start| start.loss).map_or(first, f64::from);
        window.loss() < share * self.guessing_loss().unwrap_or(first.min(untrained))
    }

    /// Returns `level` while training does not work, and info otherwise, because the network learns in spite of it.
    pub(crate) fn unless_learning(&self, level: Level) -> Level {
        if self.loss_fell_below(0.5) { Level::Info } else { level }
    }

    /// Returns the measured loss of the best answer that ignores the inputs. If it was not measured: that of the class
    /// shares as probabilities, their entropy, or ln C where they are unknown or the classes have weights, which are there to
    /// make them equal.
    pub(crate) fn guessing_loss(&self) -> Option<f64> {
        if let Some(measured) = self.data.and_then(|data| data.guessing_loss) {
            return Some(f64::from(measured));
        }
        let chance = self.model.chance_loss()?;
        let shares = self.data.map_or(&[][..], |data| &data.class_shares);
        if shares.is_empty() || self.data.is_some_and(|data| data.weighted_classes) {
            return Some(chance);
        }
        Some(
            shares
                .iter()
                .map(|&share| f64::from(share))
                .filter(|&share| share > 0.0)
                .map(|share| -share * share.ln())
                .sum(),
        )
    }

    /// The learning rate of the last window relative to its peak: small in warm-up and in the tail of a schedule. 1 where it is
    /// unknown.
    pub fn learning_rate_share(&self) -> f64 {
        let configured = self.model.learning_rate.map_or(0.0, f64::from);
        let peak = self.history.peak_learning_rate().max(configured);
        let rate = self.window().and_then(|window| window.learning_rate());
        rate.filter(|_| peak > 0.0).map_or(1.0, |rate| rate / peak)
    }

    /// The remedy that multiplies the learning rate, with the resulting rate where the present one is known.
    pub fn scale_learning_rate(&self, factor: f64) -> Remedy {
        let peak = self.history.peak_learning_rate();
        let known = self.model.learning_rate.map(f64::from).or((peak > 0.0).then_some(peak));
        Remedy::ScaleLearningRate { factor, value: known.map(|rate| rate * factor) }
    }

    /// The remedy that trains `times` as long.
    pub fn longer(&self, times: f64) -> Remedy {
        let epochs = self.model.epochs.or(self.epochs.last().map(|epoch| epoch.epoch + 1)).unwrap_or(1);
        Remedy::SetEpochs { epochs: (epochs as f64 * times).ceil() as u64 }
    }

    /// The remedy that initialises layer `index` to suit the activation after it.
    pub fn matching_init(&self, index: usize) -> Remedy {
        let model = self.model;
        let init = model.activation_after(index).and_then(|next| model.layers[next].function);
        let init = init.map_or("xavier_normal", |function| function.matching_initializer());
        Remedy::SetInit {
            layer: Some(model.name(index)),
            init: init.to_string(),
            config_key: model.layers.get(index).and_then(|layer| layer.config_key.clone()),
        }
    }

    /// The remedy of [`Case::matching_init`]; `None` if the layer is initialised that way already.
    pub fn other_init(&self, index: usize) -> Option<Remedy> {
        let in_use = self.model.layers.get(index)?.initializer.clone();
        match self.matching_init(index) {
            Remedy::SetInit { init, .. } if in_use.is_some_and(|in_use| in_use == init) => None,
            remedy => Some(remedy),
        }
    }

    /// The remedy of [`Case::matching_init`] for the whole model: one bad layer usually means all of them.
    pub fn matching_init_everywhere(&self, index: usize) -> Remedy {
        match self.matching_init(index) {
            Remedy::SetInit { init, .. } => Remedy::SetInit { layer: None, init, config_key: None },
            other => other,
        }
    }

    /// The remedy of [`Case::matching_init_everywhere`]; `None` if the layer is initialised that way already.
    pub fn other_init_everywhere(&self, index: usize) -> Option<Remedy> {
        self.other_init(index).map(|_| self.matching_init_everywhere(index))
    }

    /// The dotted config key of layer `index`.
    pub fn config_key(&self, index: usize) -> Option<String> {
        self.model.layers.get(index).and_then(|layer| layer.config_key.clone())
    }

    /// The weight layer whose output activation `index` reads, directly or through normalisation.
    pub fn weight_layer_before(&self, index: usize) -> Option<usize> {
        let layers = &self.model.layers;
        let mut current = index;
        loop {
            let &input = layers.get(current)?.inputs.first()?;
            match layers.get(input)?.kind {
                kind if kind.has_weight_matrix() => return Some(input),
                kind if kind.is_norm() && input < current => current = input,
                _ => return None,
            }
        }
    }
}

/// The remedy that replaces every sigmoid by tanh: the same shape around zero, four times as steep. `None` for
/// other functions.
pub(crate) fn centred(function: ActivationFunction) -> Option<Remedy> {
    let tanh = || Remedy::SetActivation {
        from: function.name().to_string(),
        function: ActivationFunction::Tanh.name().to_string(),
    };
    (function == ActivationFunction::Sigmoid).then(tanh)
}

/// A number for a sentence: three significant digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || size == 0.0 {
        format!("{value}")
    } else if !(1e-3..1e5).contains(&size) {
        format!("{value:.1e}")
    } else {
        let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
        format!("{rounded}")
    }
}

/// A share for a sentence, in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number((share * 1000.0).round() / 10.0))
}
