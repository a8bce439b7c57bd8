//! Remedies as data: a change, where it can be applied (to the running model or only to a new run), and the config keys
//! that express it.

mod chinese;
mod program_edit;

use serde::{Deserialize, Serialize};

use self::program_edit::EditTexts;
pub use self::program_edit::ProgramEdit;

/// One change that may cure a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Remedy {
    /// Multiply the learning rate by `factor`.
    ScaleLearningRate {
        /// The factor.
        factor: f64,
        /// Resulting configured rate, if the current one is known.
        value: Option<f64>,
    },
    /// Limit the norm of the gradient.
    ClipNorm {
        /// The limit.
        value: f64,
    },
    /// Re-initialise the incoming weights of some units.
    ReinitialiseUnits {
        /// Name of the activation layer whose units are dead.
        layer: String,
        /// Indices of the units.
        units: Vec<usize>,
    },
    /// Use another initialiser.
    SetInit {
        /// Name of the layer; `None` for the whole model.
        layer: Option<String>,
        /// Name of the initialiser.
        init: String,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Initialise the last layer with smaller weights.
    ShrinkLastLayer {
        /// Name of the last layer.
        layer: String,
        /// Standard deviation of its weights.
        std: f64,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Initialise the biases of all layers with zeros.
    ZeroBiases,
    /// Initialise the bias of the last layer with the log of the class shares.
    PriorBias {
        /// Name of the last layer.
        layer: String,
    },
    /// Weight the classes in the loss.
    ClassWeights,
    /// Add a preprocessing step.
    AddPreprocess {
        /// Name of the step, which replaces other scaling steps.
        step: String,
    },
    /// Replace NaN and infinite inputs or drop their samples.
    CleanData,
    /// Check the labels: wrong order, wrong file, shuffled.
    CheckLabels,
    /// Inspect the machines of ranks: memory, load, shared processors.
    InspectRanks {
        /// Numbers of the ranks.
        ranks: Vec<u64>,
    },
    /// Use another activation function.
    SetActivation {
        /// The function it replaces, in all hidden layers.
        from: String,
        /// The function.
        function: String,
    },
    /// Remove the activation at the end of the model.
    RemoveOutputActivation {
        /// Name of the layer.
        layer: String,
    },
    /// Insert an activation between consecutive weight layers.
    AddActivation {
        /// The function.
        function: String,
    },
    /// Widen hidden linear layers with fewer units to this many.
    WidenHiddenLayers {
        /// The units.
        units: usize,
    },
    /// Warm the learning rate up over this many steps.
    SetWarmup {
        /// The steps.
        steps: u64,
    },
    /// Use another learning rate schedule.
    SetSchedule {
        /// Name of the schedule.
        schedule: String,
    },
    /// Train for this many epochs.
    SetEpochs {
        /// Number of epochs.
        epochs: u64,
    },
    /// Change the width of the last layer.
    SetOutputUnits {
        /// Name of the layer.
        layer: String,
        /// The width.
        units: usize,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Use another loss.
    SetLoss {
        /// The loss.
        loss: String,
    },
    /// Insert batch normalisation between every hidden layer and its activation.
    AddBatchNorm,
    /// Compute the exact statistics of all batch normalisation layers over several batches.
    RecomputeBatchNormStatistics {
        /// Number of batches.
        batches: u64,
    },
    /// Weight of a new batch in the running statistics.
    SetNormMomentum {
        /// Name of the layer.
        layer: String,
        /// The momentum.
        momentum: f64,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Train with another batch size.
    SetBatchSize {
        /// Number of samples in a batch.
        batch_size: u64,
    },
    /// Use another weight decay.
    SetWeightDecay {
        /// The decay.
        value: f64,
    },
    /// Lower the dropout probability.
    SetDropout {
        /// Name of the layer.
        layer: String,
        /// The probability of dropping an element.
        probability: f64,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Disable the bias of a layer.
    RemoveBias {
        /// Name of the layer.
        layer: String,
        /// Dotted config key of the layer, if it has one.
        config_key: Option<String>,
    },
    /// Unfreeze the parameters of a layer.
    Unfreeze {
        /// Name of the layer.
        layer: String,
    },
    /// Add residual connections around pairs of layers.
    AddResidual,
    /// Augment the training samples.
    Augment,
    /// Stop when validation no longer improves.
    EarlyStopping {
        /// Epochs without improvement before stopping.
        patience: u64,
    },
    /// Leave out columns of a table.
    IgnoreColumns {
        /// Names of the columns.
        columns: Vec<String>,
    },
    /// Keep samples with equal inputs in one split.
    KeepDuplicatesTogether,
    /// Keep samples of one origin, such as a film or a patient, in one split.
    KeepOriginsTogether,
    /// Disable an augmentation.
    DropAugmentation {
        /// Key in the section of augmentations.
        key: String,
    },
    /// Convert inputs to the form of the training inputs.
    MatchTrainingInputs {
        /// Names of the columns.
        columns: Vec<String>,
    },
    /// Repeat the failing step with every tensor kept.
    ReplayStep {
        /// The step.
        step: u64,
    },
    /// Change the program of the training loop.
    EditProgram {
        /// Change, as an instruction.
        change: String,
        /// PyTorch code for the change.
        code: String,
        /// The change; `None` in a finding of an older version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edit: Option<ProgramEdit>,
    },
}

/// Target of a remedy: the running model, a new run, or the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Application {
    /// To the running model, continuing from the current weights.
    Running,
    /// Only to a new run with a changed config.
    FreshRun,
    /// By the user, who has to examine the data or the model.
    ByHand,
}

impl Remedy {
    /// Returns the remedy of making `edit` to a program.
    pub(crate) fn edit(edit: ProgramEdit) -> Self {
        let EditTexts { change, code, .. } = edit.texts();
        Remedy::EditProgram { change, code, edit: Some(edit) }
    }

    /// Returns the target to which the remedy can be applied.
    pub fn application(&self) -> Application {
        use Remedy::*;
        match self {
            // A learning rate that was too high has already ruined the weights.
            ScaleLearningRate { factor, .. } if *factor < 1.0 => Application::FreshRun,
            ScaleLearningRate { .. }
            | ClipNorm { .. }
            | ReinitialiseUnits { .. }
            | RecomputeBatchNormStatistics { .. }
            | SetNormMomentum { .. }
            | SetWeightDecay { .. }
            | SetDropout { .. }
            | SetBatchSize { .. }
            | Unfreeze { .. }
            | EarlyStopping { .. }
            | ReplayStep { .. } => Application::Running,
            SetInit { .. }
            | ShrinkLastLayer { .. }
            | AddPreprocess { .. }
            | SetActivation { .. }
            | SetOutputUnits { .. }
            | SetLoss { .. }
            | RemoveBias { .. }
            | RemoveOutputActivation { .. }
            | AddActivation { .. }
            | AddBatchNorm
            | WidenHiddenLayers { .. }
            | SetEpochs { .. }
            | SetWarmup { .. }
            | SetSchedule { .. }
            | ClassWeights
            | IgnoreColumns { .. }
            | KeepDuplicatesTogether
            | DropAugmentation { .. }
            | ZeroBiases
            | PriorBias { .. } => Application::FreshRun,
            CleanData
            | CheckLabels
            | InspectRanks { .. }
            | KeepOriginsTogether
            | MatchTrainingInputs { .. }
            | AddResidual
            | Augment
            | EditProgram { .. } => Application::ByHand,
        }
    }

    /// Returns true if both set the same thing, perhaps to different values: the learning rate, or the same config key.
    pub(crate) fn changes_the_same_as(&self, other: &Self) -> bool {
        let keys = |remedy: &Self| -> Vec<String> {
            let settings = remedy.settings().into_iter();
            settings.filter_map(|setting| setting.split_once('=').map(|(key, _)| key.to_string())).collect()
        };
        let (own, others) = (keys(self), keys(other));
        let both_rates = matches!((self, other), (Self::ScaleLearningRate { .. }, Self::ScaleLearningRate { .. }));
        self == other || both_rates || own.iter().any(|key| others.contains(key))
    }

    /// Returns the remedy as `key=value` pairs for `--set`; empty if no config key expresses it.
    pub fn settings(&self) -> Vec<String> {
        use Remedy::*;
        match self {
            ScaleLearningRate { value: Some(value), .. } => vec![format!("optimizer.learning_rate={}", number(*value))],
            ClipNorm { value } => vec![format!("optimizer.clip_norm={}", number(*value))],
            SetInit { init, config_key, .. } => {
                vec![format!("{}.init={init}", config_key.as_deref().unwrap_or("model"))]
            }
            ShrinkLastLayer { std, config_key: Some(key), .. } => {
                vec![format!("{key}.init={{ type = \"normal\", std = {} }}", number(*std))]
            }
            AddPreprocess { step } => vec![format!("preprocess.steps=[{step:?}]")],
            SetOutputUnits { units, config_key: Some(key), .. } => vec![format!("{key}.out_features={units}")],
            ClassWeights => vec!["train.class_weights=balanced".to_string()],
            SetLoss { loss } => vec![format!("train.loss={loss}")],
            SetNormMomentum { momentum, config_key: Some(key), .. } => {
                vec![format!("{key}.momentum={}", number(*momentum))]
            }
            SetEpochs { epochs } => vec![format!("train.epochs={epochs}")],
            SetWarmup { steps } => vec![format!("schedule.warmup_steps={steps}")],
            SetSchedule { schedule } => vec![format!("schedule={{ type = {schedule:?} }}")],
            SetBatchSize { batch_size } => vec![format!("train.batch_size={batch_size}")],
            SetWeightDecay { value } => vec![format!("optimizer.weight_decay={}", number(*value))],
            SetDropout { probability, config_key: Some(key), .. } => {
                vec![format!("{key}.probability={}", number(*probability))]
            }
            RemoveBias { config_key: Some(key), .. } => vec![format!("{key}.bias=false")],
            EarlyStopping { patience } => vec![format!("train.early_stopping={patience}")],
            IgnoreColumns { columns } => vec![format!("data.ignore_columns={columns:?}")],
            KeepDuplicatesTogether => vec!["data.keep_duplicates_together=true".to_string()],
            DropAugmentation { key } => vec![format!("augment.{key}=0")],
            _ => Vec::new(),
        }
    }

    /// Describes the remedy as an instruction.
    pub fn describe(&self) -> String {
        use Remedy::*;
        match self {
            ScaleLearningRate { factor, value } => describe_learning_rate(*factor, *value),
            ClipNorm { value } => format!("clip the gradient norm at {}", number(*value)),
            ReinitialiseUnits { layer, units } => {
                let noun = if units.len() == 1 { "unit" } else { "units" };
                format!("re-initialise the {} dead {noun} of {layer}", units.len())
            }
            SetInit { layer: Some(layer), init, .. } => format!("initialise {layer} with {init}"),
            SetInit { init, .. } => format!("initialise with {init}"),
            ShrinkLastLayer { layer, std, .. } => {
                format!("initialise {layer} with smaller weights (normal, standard deviation {})", number(*std))
            }
            ZeroBiases => "initialise all biases with zeros".to_string(),
            PriorBias { layer } => format!("initialise the bias of {layer} with the log of the class shares"),
            ClassWeights => {
                "give rare classes more weight in the loss (train.class_weights = \"balanced\")".to_string()
            }
            AddPreprocess { step } => format!("preprocess with {step}"),
            CleanData => "correct or drop the samples with these values".to_string(),
            CheckLabels => "check the labels: they may be shuffled, out of order, or from another file".to_string(),
            InspectRanks { ranks } => {
                let numbers: Vec<String> = ranks.iter().map(u64::to_string).collect();
                let of = if numbers.len() == 1 { "rank" } else { "ranks" };
                format!("inspect the machine of {of} {}: memory, load, processors shared by ranks", numbers.join(", "))
            }
            SetActivation { from, function } => format!("use {function} instead of {from} in the hidden layers"),
            RemoveOutputActivation { layer } => {
                format!("remove {layer}, so that the last layer can output any number")
            }
            AddActivation { function } => format!("add {function} between consecutive weight layers"),
            WidenHiddenLayers { units } => format!("give every hidden linear layer at least {units} units"),
            SetEpochs { epochs } => format!("train for {}", counted(*epochs, "epoch")),
            SetWarmup { steps } => format!("warm the learning rate up over {}", counted(*steps, "step")),
            SetSchedule { schedule } => format!("use the schedule {schedule}, which falls over the whole training run"),
            SetOutputUnits { layer, units, .. } => format!("give {layer} {}", counted(*units as u64, "output")),
            SetLoss { loss } => format!("use the loss {loss}"),
            AddBatchNorm => "add batch_norm before every hidden activation".to_string(),
            RecomputeBatchNormStatistics { batches } => {
                format!("compute the exact batch norm statistics over {batches} batches")
            }
            SetNormMomentum { layer, momentum, .. } => format!("set the momentum of {layer} to {}", number(*momentum)),
            SetBatchSize { batch_size } => format!("use a batch size of at least {batch_size}"),
            SetWeightDecay { value } => format!("set the weight decay to {}", number(*value)),
            SetDropout { layer, probability, .. } => {
                format!("lower the dropout of {layer} to {}", number(*probability))
            }
            RemoveBias { layer, .. } => format!("disable the bias of {layer}"),
            Unfreeze { layer } => format!("unfreeze {layer}, so that its parameters learn"),
            AddResidual => "add residual connections".to_string(),
            Augment => "augment the training samples".to_string(),
            EarlyStopping { patience } => format!("stop after {} without improvement", counted(*patience, "epoch")),
            EditProgram { change, code, .. } => format!("{change}; in PyTorch: `{code}`"),
            IgnoreColumns { columns } => format!("leave out {} (data.ignore_columns)", named(columns)),
            KeepDuplicatesTogether => {
                "keep equal samples in one split (data.keep_duplicates_together = true)".to_string()
            }
            KeepOriginsTogether => "keep samples of one origin in one split (data.group for tables)".to_string(),
            DropAugmentation { key } => format!("disable augment.{key}"),
            MatchTrainingInputs { columns } => {
                format!("give {} in the units and the order of the training data", named(columns))
            }
            ReplayStep { step } => format!("replay step {step} with every tensor kept"),
        }
    }
}

/// Describes a list of remedies, best first: "a; or b; or c".
pub fn describe_all(remedies: &[Remedy]) -> String {
    remedies.iter().map(Remedy::describe).collect::<Vec<_>>().join("; or ")
}

/// Formats a count with its noun.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Formats names in quotes: "`a`", "`a` and `b`", "`a`, `b` and `c`".
fn named(columns: &[String]) -> String {
    let mut quoted: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    let last = quoted.pop().unwrap_or_default();
    if quoted.is_empty() { last } else { format!("{} and {last}", quoted.join(", ")) }
}

fn describe_learning_rate(factor: f64, value: Option<f64>) -> String {
    let verb = if factor < 1.0 { "lower" } else { "raise" };
    match value {
        Some(value) => format!("{verb} the learning rate to {}", number(value)),
        None => format!("multiply the learning rate by {}", number(factor)),
    }
}

/// Formats a number with three significant digits, in exponent form if it has many zeros. Both forms are valid in a config.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    if rounded != 0.0 && rounded.abs() < 1e-3 { format!("{rounded:e}") } else { format!("{rounded}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_key_value_pairs() {
        let key = Some("model.layers.2".to_string());
        let cases = [
            (Remedy::ScaleLearningRate { factor: 0.1, value: Some(0.005) }, "optimizer.learning_rate=0.005"),
            (Remedy::ScaleLearningRate { factor: 0.1, value: Some(0.1 * 0.3) }, "optimizer.learning_rate=0.03"),
            (Remedy::ClipNorm { value: 1.0 }, "optimizer.clip_norm=1"),
            (Remedy::SetWeightDecay { value: 1e-4 / 3.0 }, "optimizer.weight_decay=3.33e-5"),
            (
                Remedy::SetInit { layer: None, init: "kaiming_normal".into(), config_key: None },
                "model.init=kaiming_normal",
            ),
            (
                Remedy::SetInit { layer: Some("a".into()), init: "lsuv".into(), config_key: key.clone() },
                "model.layers.2.init=lsuv",
            ),
            (Remedy::AddPreprocess { step: "standardize".into() }, "preprocess.steps=[\"standardize\"]"),
            (Remedy::RemoveBias { layer: "conv".into(), config_key: key }, "model.layers.2.bias=false"),
            (Remedy::IgnoreColumns { columns: vec!["a".into(), "b c".into()] }, r#"data.ignore_columns=["a", "b c"]"#),
            (Remedy::KeepDuplicatesTogether, "data.keep_duplicates_together=true"),
            (Remedy::DropAugmentation { key: "crop_padding".into() }, "augment.crop_padding=0"),
        ];
        for (remedy, expected) in cases {
            assert_eq!(remedy.settings(), [expected]);
        }
        assert!(Remedy::CheckLabels.settings().is_empty());
    }

    #[test]
    fn remedies_of_one_setting_change_the_same() {
        let rate = |value| Remedy::ScaleLearningRate { factor: 0.1, value };
        let init = |layer: &str, init: &str| Remedy::SetInit {
            layer: Some(layer.into()),
            init: init.into(),
            config_key: Some(format!("model.layers.{layer}")),
        };
        let cases = [
            (rate(Some(0.1)), rate(Some(0.01)), true),
            (rate(None), rate(Some(0.01)), true),
            (rate(None), Remedy::ClipNorm { value: 1.0 }, false),
            (init("0", "lsuv"), init("0", "kaiming_normal"), true),
            (init("0", "lsuv"), init("1", "lsuv"), false),
            (Remedy::AddBatchNorm, Remedy::AddBatchNorm, true),
            (Remedy::AddBatchNorm, Remedy::AddResidual, false),
        ];
        for (first, second, expected) in cases {
            assert_eq!(first.changes_the_same_as(&second), expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn every_described_remedy_reads_as_an_instruction() {
        let text = describe_all(&[Remedy::ScaleLearningRate { factor: 0.1, value: None }, Remedy::AddBatchNorm]);
        assert_eq!(text, "multiply the learning rate by 0.1; or add batch_norm before every hidden activation");
    }

    #[test]
    fn json_round_trip() {
        let remedy = Remedy::ReinitialiseUnits { layer: "relu2".into(), units: vec![1, 5] };
        let text = serde_json::to_string(&remedy).unwrap();
        assert_eq!(text, r#"{"type":"reinitialise_units","layer":"relu2","units":[1,5]}"#);
        assert_eq!(serde_json::from_str::<Remedy>(&text).unwrap(), remedy);
    }
}
