//! A change of a config that may help, with its reason.

use std::mem::discriminant;

use keel_health::{Finding, Remedy};

use super::advised_change::AdvisedChange;
use super::proposal::Proposal;
use super::settings_changed::settings_changed;
use super::story::{Attempt, Judgement, SettingChange};
use crate::config::Config;
use crate::remedies::{Treatment, treatments, with_settings};

/// Code of an intervention that no finding suggested.
const ADVICE: &str = "advice";

/// A change of a config.
#[derive(Debug, Clone)]
pub(super) struct Intervention {
    /// Code of the finding that suggested it, or `advice`.
    pub(super) because: String,
    /// Reason in words.
    pub(super) reason: String,
    /// Change, as an instruction.
    pub(super) change: String,
    /// The same change and reason as a value.
    pub(super) proposal: Proposal,
    /// Changed config, or the reason why it is impossible.
    pub(super) config: Result<Config, String>,
}

impl Intervention {
    /// Creates a change that no finding suggested.
    pub(super) fn advice(change: AdvisedChange, config: Config) -> Self {
        let reason = change.reason().english;
        Intervention::of(ADVICE, &reason, Proposal::Advice(change), Ok(config))
    }

    fn of(because: &str, reason: &str, proposal: Proposal, config: Result<Config, String>) -> Self {
        let (because, reason) = (because.to_owned(), reason.to_owned());
        Intervention { because, reason, change: proposal.instruction().english, proposal, config }
    }

    /// Returns the remedies of `findings`, which have one code, that settings of `config` can express: one change for all their
    /// layers. Those that only change the weights of a trained network are omitted, because the result is a config.
    pub(super) fn remedies(config: &Config, findings: &[&Finding]) -> Vec<Self> {
        let Some((first, others)) = findings.split_first() else { return Vec::new() };
        let of = |remedies: Vec<Remedy>, other_layers: usize, config| {
            let proposal = Proposal::Remedy { kind: first.kind.clone(), remedies, other_layers };
            Intervention::of(&first.code, &first.message, proposal, config)
        };
        let treated = treatments(config, first).and_then(|first| {
            Ok((first, others.iter().map(|finding| treatments(config, finding)).collect::<Result<Vec<_>, _>>()?))
        });
        let (treatments, others) = match treated {
            Ok(treated) => treated,
            Err(error) => return vec![of(first.remedies.clone(), 0, Err(error.to_string()))],
        };
        let others: Vec<Treatment> = others.into_iter().flatten().collect();
        let settable = treatments.into_iter().filter(|treatment| treatment.surgery.is_none());
        let whole = settable.map(|treatment| {
            let (settings, layers) = joined(&treatment, &others);
            let changed = with_settings(config, &settings).map_err(|error| error.to_string());
            of(vec![treatment.remedy], layers, changed)
        });
        whole.filter(|intervention| !intervention.config.as_ref().is_ok_and(|changed| changed == config)).collect()
    }

    /// Returns the record of an attempt with it, starting from `current`.
    pub(super) fn attempt(&self, current: &Config) -> Attempt {
        Attempt {
            because: self.because.clone(),
            reason: self.reason.clone(),
            change: self.change.clone(),
            proposal: Some(self.proposal.clone()),
            settings: self.settings(current),
            without: Vec::new(),
            with: Vec::new(),
            judgement: Judgement::DidNotHelp,
            refusal: None,
        }
    }

    fn settings(&self, current: &Config) -> Vec<SettingChange> {
        self.config.as_ref().map(|config| settings_changed(current, config)).unwrap_or_default()
    }
}

/// Returns the settings of `treatment` with those of the same remedy in `others` for other keys, and the number of `others` that
/// added one.
fn joined(treatment: &Treatment, others: &[Treatment]) -> (Vec<String>, usize) {
    let key = |setting: &str| setting.split_once('=').map(|(key, _)| key.to_owned());
    let mut settings = treatment.settings.clone();
    let mut added = 0;
    let kind = discriminant(&treatment.remedy);
    for other in others.iter().filter(|other| discriminant(&other.remedy) == kind) {
        let known: Vec<Option<String>> = settings.iter().map(|setting| key(setting)).collect();
        let new: Vec<String> =
            other.settings.iter().filter(|setting| !known.contains(&key(setting))).cloned().collect();
        added += usize::from(!new.is_empty());
        settings.extend(new);
    }
    (settings, added)
}

#[cfg(test)]
mod tests {
    use keel_health::Application;

    use super::*;

    #[test]
    fn one_change_covers_all_layers_and_keeps_the_first_value_of_a_key() {
        let config = Config::default();
        let treatment = |remedy: Remedy, settings: &str| Treatment {
            number: 1,
            remedy,
            application: Application::FreshRun,
            settings: vec![settings.to_owned()],
            surgery: None,
            config: config.clone(),
        };
        let bias = |layer: usize| {
            let key = format!("model.layers.{layer}");
            let remedy = Remedy::RemoveBias { layer: format!("linear_{layer}"), config_key: Some(key.clone()) };
            treatment(remedy, &format!("{key}.bias=false"))
        };
        let rate = |value: f64| {
            let remedy = Remedy::ScaleLearningRate { factor: 0.1, value: Some(value) };
            treatment(remedy, &format!("optimizer.learning_rate={value}"))
        };
        let others = [bias(2), rate(0.2), bias(4)];
        let (settings, layers) = joined(&bias(0), &others);
        let expected = ["model.layers.0.bias=false", "model.layers.2.bias=false", "model.layers.4.bias=false"];
        assert_eq!((settings, layers), (expected.map(str::to_owned).to_vec(), 2));
        assert_eq!(joined(&rate(0.1), &others), (vec!["optimizer.learning_rate=0.1".to_owned()], 0));
    }
}
