//! Conversion of page actions to program arguments, without a shell.

use std::ffi::OsString;
use std::path::Path;

use keel_health::find_rule;
use keel_train::config::string_override;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Refusal;
use crate::runs::Listing;

/// Maximum number of settings of a training run.
const MOST_SETTINGS: usize = 200;

/// An action. Runs are identified by their names in the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// Stops a training run with a checkpoint.
    Stop { run: String },
    /// Stops a job.
    StopJob { job: u64 },
    /// Continues a run that was stopped or killed.
    Resume { run: String },
    /// Tests the remedy of a finding.
    Prove { run: String, code: String, layer: Option<String> },
    /// Applies the remedy of a finding and trains.
    Fix { run: String, code: String, layer: Option<String> },
    /// Repairs a training run within `minutes`.
    Doctor { run: String, minutes: f64 },
    /// Runs the checks before the first step.
    Check(Settings),
    /// Starts a training run.
    Train(Settings),
}

/// Differences of a config from the default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// Values by dotted key.
    settings: Map<String, Value>,
    /// Settings in the syntax of `--set`.
    more: Vec<String>,
}

/// Arguments of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) action: &'static str,
    pub(crate) run: Option<String>,
    pub(crate) arguments: Vec<OsString>,
}

impl Action {
    /// Returns the arguments of an action that is a command of the program, or `None` for one that stops something.
    ///
    /// # Errors
    /// Fails if a run is not in `listing`, a code is unknown, or settings are invalid.
    pub(crate) fn words(&self, listing: &Listing) -> Result<Option<Words>, Refusal> {
        let words = match self {
            Action::Stop { .. } | Action::StopJob { .. } => return Ok(None),
            Action::Resume { run } => {
                of_run("resume", run, listing, |path| vec!["train".into(), "--resume".into(), path])?
            }
            Action::Prove { run, code, layer } => treatment("prove", (run, code, layer.as_deref()), listing)?,
            Action::Fix { run, code, layer } => {
                let mut words = treatment("fix", (run, code, layer.as_deref()), listing)?;
                words.arguments.push("--train".into());
                words
            }
            Action::Doctor { run, minutes } => {
                if !(*minutes > 0.0 && *minutes <= 1e6) {
                    return Err(Refusal::wrong("give a number of minutes above 0"));
                }
                let budget = format!("--budget={}s", (minutes * 60.0).ceil());
                of_run("doctor", run, listing, |path| vec!["doctor".into(), path, budget.into()])?
            }
            Action::Check(settings) => settings.words("check", listing.folder())?,
            Action::Train(settings) => settings.words("train", listing.folder())?,
        };
        Ok(Some(words))
    }
}

/// Returns the arguments of an action on the run `name`, whose folder is an absolute path and therefore never an option.
fn of_run(
    action: &'static str,
    name: &str,
    listing: &Listing,
    arguments: impl FnOnce(OsString) -> Vec<OsString>,
) -> Result<Words, Refusal> {
    let folder = listing.find(name)?;
    Ok(Words { action, run: Some(name.to_owned()), arguments: arguments(folder.path().as_os_str().to_owned()) })
}

fn treatment(
    action: &'static str,
    (run, code, layer): (&str, &str, Option<&str>),
    listing: &Listing,
) -> Result<Words, Refusal> {
    let rule = find_rule(code).map_err(Refusal::wrong)?;
    let layer = layer.filter(|layer| !layer.is_empty()).map(|layer| format!("--layer={layer}").into());
    of_run(action, run, listing, |path| [action.into(), path, rule.code.into()].into_iter().chain(layer).collect())
}

impl Settings {
    fn words(&self, action: &'static str, folder: &Path) -> Result<Words, Refusal> {
        if self.settings.len() + self.more.len() > MOST_SETTINGS {
            return Err(Refusal::wrong(format!("at most {MOST_SETTINGS} settings can be given")));
        }
        let own = self.settings.iter().map(|(key, value)| setting(key, value)).collect::<Result<Vec<_>, _>>()?;
        let more = self.more.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let directory = string_override("run.directory", &folder.to_string_lossy());
        let set = own.into_iter().chain(more).chain([directory]);
        let arguments = std::iter::once(action.into()).chain(set.map(|text| format!("--set={text}").into())).collect();
        Ok(Words { action, run: None, arguments })
    }
}

/// Formats `key=value` in the syntax of a config file.
fn setting(key: &str, value: &Value) -> Result<String, Refusal> {
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    if key.is_empty() || !key.chars().all(is_key) {
        return Err(Refusal::wrong(format!("{key:?} is not the key of a setting")));
    }
    match value {
        Value::String(text) => Ok(string_override(key, text)),
        Value::Bool(_) | Value::Number(_) => Ok(format!("{key}={value}")),
        _ => Err(Refusal::wrong(format!("{key}: give a text, a number, true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use keel_train::runs::RunFolder;
    use serde_json::json;

    use super::*;

    fn words(listing: &Listing, action: Value) -> Result<Vec<String>, String> {
        let action: Action = serde_json::from_value(action).map_err(|error| error.to_string())?;
        let words = action.words(listing).map_err(|refusal| format!("{refusal:?}"))?;
        let arguments = words.map(|words| words.arguments).unwrap_or_default();
        Ok(arguments.into_iter().map(|word| word.into_string().unwrap()).collect())
    }

    #[test]
    fn every_action_is_a_command_with_one_argument_a_word() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::create(place.path(), "$(rm -rf ~) --x").unwrap();
        std::fs::write(run.config(), "").unwrap();
        let (listing, path) = (Listing::new(place.path().to_owned()), run.path().display().to_string());
        let name = "$(rm -rf ~) --x";
        let directory = format!("--set={}", string_override("run.directory", &place.path().to_string_lossy()));
        let cases = [
            (json!({"action": "stop", "run": name}), vec![]),
            (json!({"action": "resume", "run": name}), vec!["train", "--resume", &path]),
            (json!({"action": "prove", "run": name, "code": "K010"}), vec!["prove", &path, "K010"]),
            (
                json!({"action": "fix", "run": name, "code": "K010", "layer": "a b"}),
                vec!["fix", &path, "K010", "--layer=a b", "--train"],
            ),
            (json!({"action": "doctor", "run": name, "minutes": 1.5}), vec!["doctor", &path, "--budget=90s"]),
            (
                json!({"action": "train", "settings": {"train.epochs": 3, "data.source": "--help; it's"}, "more": [" optimizer.type=adam ", ""]}),
                vec![
                    "train",
                    "--set=train.epochs=3",
                    "--set=data.source=\"--help; it's\"",
                    "--set=optimizer.type=adam",
                    &directory,
                ],
            ),
            (json!({"action": "check"}), vec!["check", &directory]),
        ];
        for (action, expected) in cases {
            assert_eq!(words(&listing, action.clone()).unwrap(), expected, "{action}");
        }
    }

    #[test]
    fn what_is_no_run_rule_or_setting_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let run = RunFolder::create(place.path(), "digits").unwrap();
        std::fs::write(run.config(), "").unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("config.toml"), "").unwrap();
        let listing = Listing::new(place.path().to_owned());
        let elsewhere = outside.path().display().to_string();
        let back = format!("../{}", outside.path().file_name().unwrap().to_string_lossy());
        for action in [
            json!({"action": "resume", "run": "absent"}),
            json!({"action": "resume", "run": ""}),
            json!({"action": "resume", "run": "."}),
            json!({"action": "resume", "run": "digits/"}),
            json!({"action": "resume", "run": "../digits"}),
            json!({"action": "resume", "run": elsewhere}),
            json!({"action": "resume", "run": back}),
            json!({"action": "prove", "run": "digits", "code": "--help"}),
            json!({"action": "doctor", "run": "digits", "minutes": 0}),
            json!({"action": "doctor", "run": "digits", "minutes": -1}),
            json!({"action": "train", "settings": {"a b": 1}}),
            json!({"action": "train", "settings": {"train": {"epochs": 1}}}),
            json!({"action": "run", "run": "digits"}),
            json!({"action": "resume", "run": "digits", "command": "sh"}),
        ] {
            assert!(words(&listing, action.clone()).is_err(), "{action}");
        }
    }
}
