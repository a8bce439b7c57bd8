//! Cases, the input of rules, and observations, their output.

use serde::{Deserialize, Serialize};

use crate::finding::Level;
use crate::finding_kind::FindingKind;
use crate::history::{History, LayerWindow, Window};
use crate::measurement::{
    ActivationFunction, DataMeasurement, EpochMeasurement, EvaluationMeasurement, InputsMeasurement, ModelDescription,
    ResidualMeasurement, StartMeasurement, StepMeasurement, SuspectLabel,
};
use crate::remedy::Remedy;

/// Moments at which rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// After the model is described.
    Model,
    /// After the training split is measured.
    Data,
    /// After the state before the first update is measured.
    Start,
    /// After a step is measured.
    Step,
    /// After a window is closed.
    Window,
    /// At the end of an epoch.
    Epoch,
    /// After the validation split is evaluated at the end of an epoch.
    Validation,
    /// After the splits are evaluated at the end of the run.
    Evaluation,
    /// At the end of the run.
    End,
    /// When samples are given to the trained network.
    Inputs,
    /// After a NaN or an infinity first appears: the last chance to name its origin.
    Collapse,
}

/// Everything known at a given moment.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Moment of the evaluation.
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
    /// Evaluated splits, at the moments `Validation` and `Evaluation`.
    pub evaluations: &'a [EvaluationMeasurement],
    /// Errors on neighbouring training samples, at the moment `End`, if measured.
    pub residuals: Option<&'a ResidualMeasurement>,
    /// Samples given to the trained network, at the moment `Inputs`.
    pub inputs: Option<&'a InputsMeasurement>,
}

/// One statistic of one layer beyond its limit at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Kind of the finding: its statistic and its Chinese texts.
    pub kind: &'static FindingKind,
    /// Level.
    pub level: Level,
    /// Index of the layer, or `None` for the whole network.
    pub layer: Option<usize>,
    /// The statistic.
    pub measured: f64,
    /// Limit it crossed.
    pub threshold: f64,
    /// Sentence describing the finding.
    pub message: String,
    /// Probable cause.
    pub cause: String,
    /// Remedies, best first.
    pub remedies: Vec<Remedy>,
    /// Affected samples, with their labels.
    pub samples: Vec<SuspectLabel>,
    /// Number of consecutive observations required for a finding; 1 for immediate findings.
    pub confirmations: u32,
    /// Outcomes of a run for which it keeps its level.
    pub stands: Stands,
}

/// Outcomes of a run for which an observation keeps its level; otherwise it becomes a fact of level info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Every outcome.
    Always,
    /// Every outcome, but at most a warning if the network learned its task nevertheless, and an error if nothing was
    /// learned.
    EvenLearned,
    /// Outcomes at which it is still observed.
    WhileSeen,
    /// Outcomes without a learned task, for faults that only harm by preventing learning. Becomes an error if nothing
    /// was learned.
    UnlessLearned,
    /// Like `UnlessLearned`, but at most a warning if nothing was learned, for observations that may be a symptom as
    /// well as a cause.
    AsWarning,
}

impl Observation {
    /// Creates an observation, which must be made twice in a row if it comes from a window or an epoch.
    pub fn new(kind: &'static FindingKind, level: Level, layer: Option<usize>, measured: f64, threshold: f64) -> Self {
        Self {
            kind,
            level,
            layer,
            measured,
            threshold,
            message: String::new(),
            cause: String::new(),
            remedies: Vec::new(),
            samples: Vec::new(),
            confirmations: 2,
            stands: Stands::UnlessLearned,
        }
    }

    /// Keeps the level for every outcome of the run.
    pub fn always(mut self) -> Self {
        self.stands = Stands::Always;
        self
    }

    /// Keeps the level for every outcome, but at most as a warning if the network learned.
    pub fn even_learned(mut self) -> Self {
        self.stands = Stands::EvenLearned;
        self
    }

    /// Limits the level to a warning if nothing is learned.
    pub fn as_warning(mut self) -> Self {
        self.stands = Stands::AsWarning;
        self
    }

    /// Keeps the level while the observation lasts.
    pub fn while_seen(mut self) -> Self {
        self.stands = Stands::WhileSeen;
        self
    }

    /// Sets the message.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Sets the probable cause.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// Adds a remedy.
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// Sets the affected samples.
    pub fn samples(mut self, samples: Vec<SuspectLabel>) -> Self {
        self.samples = samples;
        self
    }

    /// Makes the observation a finding immediately.
    pub fn at_once(mut self) -> Self {
        self.confirmations = 1;
        self
    }

    /// Makes the observation a finding immediately if it is an error.
    pub(crate) fn at_once_if_error(self) -> Self {
        if self.level == Level::Error { self.at_once() } else { self }
    }
}

impl<'a> Case<'a> {
    /// Returns the window to evaluate: the last closed one, or at a collapse the one being filled.
    pub fn window(&self) -> Option<&'a Window> {
        match self.moment {
            Moment::Collapse => Some(self.history.current()),
            _ => self.history.latest(),
        }
    }

    /// Returns the totals of layer `index` in the window to evaluate.
    pub fn layer_window(&self, index: usize) -> Option<&'a LayerWindow> {
        self.window()?.layer(index)
    }

    /// Returns true if training works: the loss of the last window is below `share` of the loss of guessing, or of the
    /// initial loss if that is unknown. The initial loss is the loss before the first update if that is lower, since
    /// the mean of the first steps may include a jump after too large a step.
    pub fn loss_fell_below(&self, share: f64) -> bool {
        let (Some(window), Some(first)) = (self.history.latest(), self.history.first_loss()) else { return false };
        let untrained = self.start.and_then(|start| start.loss).map_or(first, f64::from);
        window.loss() < share * self.guessing_loss().unwrap_or(first.min(untrained))
    }

    /// Returns `level` while training does not work, and info otherwise, since the network learns nevertheless.
    pub(crate) fn unless_learning(&self, level: Level) -> Level {
        if self.loss_fell_below(0.5) { Level::Info } else { level }
    }

    /// Returns the measured loss of the best prediction that ignores the inputs. If it was not measured: the entropy of
    /// the class shares, or ln C if they are unknown or the classes are weighted, since weights balance them.
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

    /// Returns the learning rate of the last window relative to its peak: small during warm-up and at the end of a
    /// schedule. 1 if unknown.
    pub fn learning_rate_share(&self) -> f64 {
        let configured = self.model.learning_rate.map_or(0.0, f64::from);
        let peak = self.history.peak_learning_rate().max(configured);
        let rate = self.window().and_then(|window| window.learning_rate());
        rate.filter(|_| peak > 0.0).map_or(1.0, |rate| rate / peak)
    }

    /// Returns the remedy that multiplies the learning rate, with the resulting rate if the current one is known.
    pub fn scale_learning_rate(&self, factor: f64) -> Remedy {
        let peak = self.history.peak_learning_rate();
        let known = self.model.learning_rate.map(f64::from).or((peak > 0.0).then_some(peak));
        Remedy::ScaleLearningRate { factor, value: known.map(|rate| rate * factor) }
    }

    /// Returns the remedy that trains `times` as long.
    pub fn longer(&self, times: f64) -> Remedy {
        let epochs = self.model.epochs.or(self.epochs.last().map(|epoch| epoch.epoch + 1)).unwrap_or(1);
        Remedy::SetEpochs { epochs: (epochs as f64 * times).ceil() as u64 }
    }

    /// Returns the remedy that initialises layer `index` to match the activation after it.
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

    /// Returns the remedy of [`Case::matching_init`], or `None` if the layer is already initialised that way.
    pub fn other_init(&self, index: usize) -> Option<Remedy> {
        let in_use = self.model.layers.get(index)?.initializer.clone();
        match self.matching_init(index) {
            Remedy::SetInit { init, .. } if in_use.is_some_and(|in_use| in_use == init) => None,
            remedy => Some(remedy),
        }
    }

    /// Returns the remedy of [`Case::matching_init`] for the whole model, since one bad layer usually means that all are.
    pub fn matching_init_everywhere(&self, index: usize) -> Remedy {
        match self.matching_init(index) {
            Remedy::SetInit { init, .. } => Remedy::SetInit { layer: None, init, config_key: None },
            other => other,
        }
    }

    /// Returns the remedy of [`Case::matching_init_everywhere`], or `None` if the layer is already initialised that way.
    pub fn other_init_everywhere(&self, index: usize) -> Option<Remedy> {
        self.other_init(index).map(|_| self.matching_init_everywhere(index))
    }

    /// Returns the dotted config key of layer `index`.
    pub fn config_key(&self, index: usize) -> Option<String> {
        self.model.layers.get(index).and_then(|layer| layer.config_key.clone())
    }

    /// Returns the weight layer whose output activation `index` reads, directly or through normalisation.
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

/// Returns the remedy that replaces every sigmoid by tanh, which has the same shape but is centred at zero and four
/// times as steep. `None` for other functions.
pub(crate) fn centred(function: ActivationFunction) -> Option<Remedy> {
    let tanh = || Remedy::SetActivation {
        from: function.name().to_string(),
        function: ActivationFunction::Tanh.name().to_string(),
    };
    (function == ActivationFunction::Sigmoid).then(tanh)
}

/// Formats a number for a message: three significant digits.
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

/// Formats a share for a message, in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number((share * 1000.0).round() / 10.0))
}
