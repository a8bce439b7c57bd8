//! Application of remedies: the choice for a finding of a run, as settings of its config or as a change of its weights, a
//! continuation with it in a separate folder, and the proof that it helps.

mod fork;
mod layer_edits;
mod proof;
mod surgery;
mod tuning;

use keel_data::PreprocessStep;
use keel_health::{Application, Finding, FindingReference, Remedy};
use keel_nn::activations::Activation;
use keel_nn::init::InitSpec;
use keel_nn::layers::LayerSpec;

pub use fork::{Fork, fork};
pub use proof::{
    Arm, Change, Comparison, Gain, Proof, ProofOptions, RunResult, Spread, Verdict, proofs_of, prove, record_proof,
    score_metric,
};
pub use surgery::Surgery;
pub use tuning::tuned_treatment;

use crate::config::{self, Config};
use crate::error::TrainError;
use crate::loading::{ChangedData, compare_data, load_data};
use crate::runs::{RunFolder, Status, Summary, files};

/// A finding's remedy, ready to be applied.
#[derive(Debug, Clone)]
pub struct Treatment {
    /// Number among the remedies of the finding, counted from 1.
    pub number: usize,
    /// The remedy.
    pub remedy: Remedy,
    /// Application to the run: it continues, or starts again.
    pub application: Application,
    /// Changes of the config, as `key=value`.
    pub settings: Vec<String>,
    /// Change of the weights.
    pub surgery: Option<Surgery>,
    /// The config with the settings.
    pub config: Config,
}

impl Treatment {
    /// Returns true if the run in `folder` can continue with it: the change is possible during training, there is a checkpoint,
    /// and training did not diverge, which damages the weights before it is noticed.
    ///
    /// # Errors
    /// If the run's summary cannot be read.
    pub fn goes_on(&self, folder: &RunFolder) -> Result<bool, TrainError> {
        let running = self.application == Application::Running && folder.last_checkpoint().exists();
        Ok(running && folder.read_summary()?.status != Status::Failed)
    }
}

/// Reads the config of the run in `folder`.
///
/// # Errors
/// If it cannot be read.
pub fn config_of(folder: &RunFolder) -> Result<Config, TrainError> {
    let path = folder.config();
    let text = files::read_text(&path).map_err(|error| TrainError::unreadable(&path, error))?;
    Ok(config::parse(&path, &text, &[])?.settled())
}

/// Reads the data of the run in `folder` again and compares it with the data that the run was trained on; returns a sentence about
/// the change if there is one and it is allowed.
///
/// # Errors
/// [`TrainError::ChangedData`] if it has changed and that is refused; also if the run or its data cannot be read.
pub fn check_data(folder: &RunFolder, changed: ChangedData) -> Result<Option<String>, TrainError> {
    let config = config_of(folder)?;
    compare_data(folder, &config, &load_data(&config)?, changed)
}

/// Reads the findings of the run in `folder`; see [`findings_in`].
///
/// # Errors
/// If its summary cannot be read.
pub fn findings_of(folder: &RunFolder) -> Result<Vec<Finding>, TrainError> {
    Ok(findings_in(&folder.read_summary()?))
}

/// Returns the findings of a run's summary, causes first. A finding that its proof lowered to a remark explains no other one.
pub fn findings_in(summary: &Summary) -> Vec<Finding> {
    let proofs = proofs_of(summary);
    let is_refuted = |cause: &FindingReference| {
        proofs.iter().any(|proof| proof.lowers_level() && (&proof.code, &proof.layer) == (&cause.code, &cause.layer))
    };
    let read = summary.findings.iter().filter_map(|value| serde_json::from_value(value.clone()).ok());
    read.map(|finding: Finding| Finding {
        explained_by: finding.explained_by.filter(|cause| !is_refuted(cause)),
        ..finding
    })
    .collect()
}

/// Returns the first finding of rule `code` in the run in `folder`.
///
/// # Errors
/// If the run has none; the message lists its findings.
pub fn finding_of(folder: &RunFolder, code: &str) -> Result<Finding, TrainError> {
    let findings = findings_of(folder)?;
    if let Some(finding) = findings.iter().find(|finding| finding.code == code) {
        return Ok(finding.clone());
    }
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let (reason, next) = match codes.as_slice() {
        [] => (format!("the run has no finding {code}, nor any other"), "there is nothing to fix or to prove"),
        codes => (format!("the run has no finding {code}; it has {}", codes.join(", ")), "give one of these codes"),
    };
    Err(TrainError::of_file(folder.path(), reason, next))
}

/// Returns the treatment of `finding` in a run of `config`: its remedy number `choice`, counted from 1, or by default the first
/// that can be applied. `None` if none can be applied: the data or the model need a person's attention.
///
/// # Errors
/// If there is no such remedy, or its settings do not fit the config.
pub fn treatment(config: &Config, finding: &Finding, choice: Option<usize>) -> Result<Option<Treatment>, TrainError> {
    let Some(number) = choice else { return Ok(treatments(config, finding)?.into_iter().next()) };
    match number.checked_sub(1).and_then(|index| finding.remedies.get(index)) {
        Some(remedy) => applied(config, number, remedy),
        None => {
            let reason = match finding.remedies.len() {
                0 => format!("{} has no remedy a program can apply", finding.code),
                1 => format!("{} has one remedy; use --remedy 1, or omit it", finding.code),
                count => format!("{} has {count} remedies; use --remedy 1 to {count}", finding.code),
            };
            Err(TrainError::setting("--remedy", reason))
        }
    }
}

/// Returns the treatments of `finding` in a run of `config` that can be applied, in the order of its remedies.
///
/// # Errors
/// If the settings of one do not fit the config.
pub fn treatments(config: &Config, finding: &Finding) -> Result<Vec<Treatment>, TrainError> {
    let numbered = finding.remedies.iter().enumerate();
    let applied = numbered.map(|(index, remedy)| applied(config, index + 1, remedy));
    applied.filter_map(Result::transpose).collect()
}

fn applied(config: &Config, number: usize, remedy: &Remedy) -> Result<Option<Treatment>, TrainError> {
    let settings = settings_of(config, remedy);
    let surgery = Surgery::of(remedy);
    if settings.is_empty() && surgery.is_none() {
        return Ok(None);
    }
    let changed = with_settings(config, &settings)?;
    let application = remedy.application();
    Ok(Some(Treatment { number, remedy: remedy.clone(), application, settings, surgery, config: changed }))
}

/// Formats a number with all its digits, in exponent form if it has many zeros; a config reads the same number.
fn exact(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() }
}

fn settings_of(config: &Config, remedy: &Remedy) -> Vec<String> {
    match remedy {
        Remedy::ScaleLearningRate { factor, .. } => {
            vec![format!("optimizer.learning_rate={}", exact(config.optimizer.learning_rate() * factor))]
        }
        Remedy::EarlyStopping { .. } | Remedy::ReplayStep { .. } => Vec::new(),
        Remedy::SetActivation { from, function } => {
            let activations = hidden_activations(&config.model.layers(), from, function, "model.layers");
            // Weights initialised for one function do not suit another.
            if activations.is_empty() { activations } else { [activations, initialisers(config, "auto")].concat() }
        }
        Remedy::SetInit { layer: None, init, .. } => initialisers(config, init),
        Remedy::AddPreprocess { step, .. } => preprocessing(config, step),
        Remedy::AddBatchNorm => layer_list(config, layer_edits::with_batch_norm),
        Remedy::AddActivation { function } => match Activation::named(function) {
            Some(function) => layer_list(config, |layers| layer_edits::with_activations(layers, function)),
            None => Vec::new(),
        },
        Remedy::RemoveOutputActivation { .. } => layer_list(config, layer_edits::without_output_activation),
        Remedy::ZeroBiases => layer_list(config, layer_edits::with_zero_biases),
        Remedy::WidenHiddenLayers { units } => layer_list(config, |layers| layer_edits::widened(layers, *units)),
        Remedy::IgnoreColumns { columns } => {
            let known = &config.data.ignore_columns;
            let new = columns.iter().filter(|column| !known.contains(column));
            Remedy::IgnoreColumns { columns: known.iter().chain(new).cloned().collect() }.settings()
        }
        other => other.settings(),
    }
}

/// Returns the list of layers after `edit`, as settings; empty if nothing changes, or if entries move that the config names.
fn layer_list(config: &Config, edit: impl Fn(&[LayerSpec]) -> Vec<LayerSpec>) -> Vec<String> {
    let mut changed = Config { model: config.model.listed(), ..config.clone() };
    let layers = std::mem::take(&mut changed.model.layers);
    changed.model.layers = edit(&layers);
    let moves = changed.model.layers.len() != layers.len();
    if changed.model.layers == layers || moves && config.model.names_parts() {
        return Vec::new();
    }
    let mut keys = vec!["model.layers"];
    keys.extend((!changed.model.frozen.is_empty()).then_some("model.frozen"));
    keys.extend((!changed.model.learning_rate_factors.is_empty()).then_some("model.learning_rate_factors"));
    keys.into_iter().map(|key| format!("{key}={}", changed.value_text(key))).collect()
}

/// Adds `step` before the existing steps; a scaling step replaces existing scaling steps.
fn preprocessing(config: &Config, step: &str) -> Vec<String> {
    let Some(step) = PreprocessStep::named(step) else { return Vec::new() };
    let replaced = |other: &PreprocessStep| other.name() == step.name() || step.is_scaling() && other.is_scaling();
    let kept = config.preprocess.resolved_steps().into_iter().filter(|other| !replaced(other));
    let mut changed = config.clone();
    changed.preprocess.steps = std::iter::once(step).chain(kept).collect();
    vec![format!("preprocess.steps={}", changed.value_text("preprocess.steps"))]
}

/// Replaces every activation `from` before the last layer by `function`, including inside blocks.
fn hidden_activations(layers: &[LayerSpec], from: &str, function: &str, key: &str) -> Vec<String> {
    let last = if key == "model.layers" { layers.len().saturating_sub(1) } else { layers.len() };
    let hidden = layers.iter().enumerate().take(last);
    let settings = hidden.flat_map(|(index, layer)| match layer {
        LayerSpec::Activation(activation) if activation.name() == from => {
            vec![format!("{key}.{index}.function={function}")]
        }
        LayerSpec::Residual(block) => {
            let body = hidden_activations(&block.body, from, function, &format!("{key}.{index}.body"));
            let after = (block.after.name() == from).then(|| format!("{key}.{index}.after={function}"));
            body.into_iter().chain(after).collect()
        }
        _ => Vec::new(),
    });
    settings.collect()
}

/// Sets `init` for every layer with weights except the last, which may start with small weights, unless all its weights are
/// equal.
fn initialisers(config: &Config, init: &str) -> Vec<String> {
    // Layers that the config does not list have no initialiser of their own.
    let layers = &config.model.layers;
    let last = layers.iter().rposition(|layer| own_init(layer).is_some());
    let varied = last.and_then(|last| own_init(&layers[last])).filter(|init| !is_constant(init));
    let kept = varied.and(last).map(|last| format!("model.layers.{last}.init=auto"));
    let own = own_inits(layers, "model.layers").into_iter().filter(|setting| Some(setting) != kept.as_ref());
    std::iter::once(format!("model.init={init}")).chain(own).collect()
}

fn is_constant(init: &InitSpec) -> bool {
    matches!(init, InitSpec::Zeros | InitSpec::Constant(_))
}

/// Returns the initialiser of a layer's weights.
fn own_init(layer: &LayerSpec) -> Option<&InitSpec> {
    match layer {
        LayerSpec::Linear(spec) => Some(&spec.init),
        LayerSpec::Conv2d(spec) => Some(&spec.init),
        LayerSpec::Maxout(spec) => Some(&spec.init),
        _ => None,
    }
}

/// Sets every layer's own initialiser to `auto`, so that the model's initialiser applies.
fn own_inits(layers: &[LayerSpec], key: &str) -> Vec<String> {
    let layers = layers.iter().enumerate();
    let settings = layers.flat_map(|(index, layer)| match layer {
        LayerSpec::Residual(block) => own_inits(&block.body, &format!("{key}.{index}.body")),
        layer => match own_init(layer) {
            Some(init) if *init != InitSpec::Auto => vec![format!("{key}.{index}.init=auto")],
            _ => Vec::new(),
        },
    });
    settings.collect()
}

/// Applies `key=value` changes to `config`. A preset whose layers are changed individually is expanded first.
///
/// # Errors
/// If a key or value does not fit.
pub fn with_settings(config: &Config, settings: &[String]) -> Result<Config, TrainError> {
    let mut base = config.clone();
    if settings.iter().any(|setting| setting.starts_with("model.layers.")) {
        base.model.layers = base.model.layers();
    }
    if settings.iter().any(|setting| setting.starts_with("preprocess.steps=")) {
        base.preprocess.recipe = None;
    }
    Ok(config::parse(std::path::Path::new("config.toml"), &base.to_toml(), settings)?)
}

#[cfg(test)]
mod tests;
