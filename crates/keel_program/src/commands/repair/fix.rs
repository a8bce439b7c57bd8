//! `fix`: applies the remedy of a finding.

use std::path::{Path, PathBuf};

use clap::Args;
use keel_data::shell_path;
use keel_health::rules::{dead_relu, inputs};
use keel_health::{Application, Finding};
use keel_train::remedies::{Fork, Treatment, findings_of, fork};
use keel_train::runs::{RunFolder, Summary};
use keel_train::{Config, TrainedRun, Training, load_data};
use serde::Serialize;

use super::chosen_remedy::Choice;
use super::results::Results;
use crate::commands::ending;
use crate::commands::pages::report;
use crate::failure::{Failure, Stop};
use crate::interruption::stop_flag;
use crate::terminal::{Output, Progress, Status, status_of, wrapped};

/// Arguments of `fix`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "\
Examples:
  evenkeel fix runs/digits-cnn {dead}
  evenkeel fix runs/digits-cnn {dead} --layer activation_2 --remedy 2
  evenkeel fix runs/digits-cnn {inputs} --train
  evenkeel fix runs/digits-cnn {inputs} --json

A remedy that fits the trained network is applied to its last checkpoint, and training continues in
a separate folder. A remedy that changes the start of training is written as a config for a new
run, into the folder of the run; --train trains it at once. The run itself is not changed. The
output reports the action, with the results before and after.",
    dead = dead_relu::CODE,
    inputs = inputs::CODE,
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Train at once if the remedy needs a new run
    #[arg(long)]
    train: bool,
}

/// Action that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Training continued from the last checkpoint.
    Continued,
    /// Training started again with changed weights, which no setting can express.
    Restarted,
    /// A config was written.
    ConfigWritten,
    /// A config was written and trained.
    Trained,
}

/// Outcome as JSON.
#[derive(Debug, Serialize)]
struct Fixed {
    code: String,
    layer: Option<String>,
    remedy: String,
    settings: Vec<String>,
    action: Action,
    /// Folder of the new run, if there is one.
    run: Option<PathBuf>,
    /// Path of the new config, if one was written.
    config: Option<PathBuf>,
    /// Results of the original run.
    before: Results,
    /// Results of the repaired run, if there is one.
    after: Option<Results>,
    /// Summary of the new run.
    summary: Option<Summary>,
}

/// Applies the remedy.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let (folder, finding, treatment) = arguments.choice.read(output)?;
    let action = match action_for(&folder, &finding, &treatment)? {
        Action::ConfigWritten if arguments.train => Action::Trained,
        action => action,
    };
    let mut fixed = Fixed {
        code: finding.code.clone(),
        layer: finding.layer.clone(),
        remedy: treatment.remedy.describe(),
        settings: treatment.settings.clone(),
        action,
        run: None,
        config: None,
        before: Results::of(&folder)?,
        after: None,
        summary: None,
    };
    if matches!(action, Action::ConfigWritten | Action::Trained) {
        fixed.config = Some(write_config(&folder, &finding, &treatment)?);
    }
    if action == Action::ConfigWritten {
        output.result(&fixed, || text(&fixed, folder.path()))?;
        return Ok(Status::Done);
    }
    let mut config = treatment.config.clone();
    config.run.name = name_for(&folder, &finding);
    let TrainedRun { folder: new, summary, .. } = match action {
        Action::Trained => trained(Training::new(beside(&folder, config.clone())), output)?,
        _ => continued(&folder, &finding, treatment, action, output)?,
    };
    fixed.run = Some(new.path().to_owned());
    let findings = findings_of(&new)?;
    fixed.summary = Some(summary.clone());
    fixed.after = Some(Results::of(&new)?);
    output.result(&fixed, || {
        let ending = ending::ending(&new, &config, &summary, &findings);
        format!("{ending}\n{}", text(&fixed, folder.path()))
    })?;
    Ok(status_of(&findings, false))
}

/// Returns the action that the remedy and the state of the run allow.
fn action_for(folder: &RunFolder, finding: &Finding, treatment: &Treatment) -> Result<Action, Stop> {
    let trained = folder.last_checkpoint().exists();
    let Some(surgery) = &treatment.surgery else {
        return Ok(if treatment.goes_on(folder)? { Action::Continued } else { Action::ConfigWritten });
    };
    if surgery.needs_trained_weights() && !trained {
        let message = format!("{}: the run has no checkpoint whose weights can be changed", folder.path().display());
        let next =
            format!("Choose another remedy of {} with --remedy, or train until the first checkpoint", finding.code);
        return Err(Failure::new(message).next_step(next).into());
    }
    let afresh = treatment.application == Application::FreshRun || !trained;
    Ok(if afresh { Action::Restarted } else { Action::Continued })
}

/// Returns the name of the result, derived from the run: `digits-cnn-fix-K010`.
fn name_for(folder: &RunFolder, finding: &Finding) -> String {
    let path = folder.path();
    let name = path.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned());
    format!("{name}-fix-{}", finding.code)
}

fn write_config(folder: &RunFolder, finding: &Finding, treatment: &Treatment) -> Result<PathBuf, Stop> {
    let mut config = treatment.config.clone();
    config.run.name = name_for(folder, finding);
    let text = config.to_toml();
    let path = config_path(folder.path(), &finding.code, &text);
    folder.write_text(&path, &text)?;
    Ok(path)
}

/// Returns `fix-K010.toml`, with a number if another remedy of the code has already been written.
fn config_path(folder: &Path, code: &str, text: &str) -> PathBuf {
    let first = folder.join(format!("fix-{code}.toml"));
    let others = (2..).map(|number: u32| folder.join(format!("fix-{code}-{number}.toml")));
    let free = |path: &PathBuf| !path.exists() || std::fs::read_to_string(path).is_ok_and(|written| written == text);
    std::iter::once(first.clone()).chain(others).find(free).unwrap_or(first)
}

/// Continues training with the remedy, in a folder next to the run.
fn continued(
    folder: &RunFolder,
    finding: &Finding,
    treatment: Treatment,
    action: Action,
    output: &mut Output,
) -> Result<TrainedRun, Stop> {
    let continuation = Fork {
        run: folder,
        config: treatment.config,
        surgery: treatment.surgery.as_ref(),
        from_start: action == Action::Restarted,
    };
    let new = fork(&continuation, &parent(folder), &name_for(folder, finding))?;
    trained(Training::resume(new.path())?, output)
}

/// Returns the parent folder of the run's folder.
fn parent(folder: &RunFolder) -> PathBuf {
    let parent = folder.path().parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

/// Returns `config` with its run in a folder next to that of the run.
fn beside(folder: &RunFolder, mut config: Config) -> Config {
    config.run.directory = parent(folder).display().to_string();
    config
}

/// Trains to the end and writes a report.
fn trained(trainer: Training, output: &mut Output) -> Result<TrainedRun, Stop> {
    let config = trainer.config().clone();
    let data = load_data(&config)?;
    let mut progress = Progress::new();
    let trained = trainer.with_data(data.clone()).with_stop(stop_flag()).run(&mut progress);
    progress.close();
    if let Some(folder) = progress.folder() {
        report::after_training(folder, data, output);
        if trained.is_err() {
            output.text(&ending::after_failure(folder, &config))?;
        }
    }
    Ok(trained?)
}

fn text(fixed: &Fixed, run: &Path) -> String {
    let place = fixed.layer.as_deref().unwrap_or("whole network");
    let mut text = wrapped(&format!("{} ({place})  ", fixed.code), &fixed.remedy);
    for setting in &fixed.settings {
        text.push_str(&format!("  changed  {setting}\n"));
    }
    text.push_str(&match (fixed.action, &fixed.run, &fixed.config) {
        (Action::Continued, Some(new), _) => {
            format!("Training continued from the last checkpoint of {}, in {}.\n", run.display(), new.display())
        }
        (Action::Trained, Some(new), Some(config)) => {
            format!("A new run was trained from {}, in {}.\n", config.display(), new.display())
        }
        (_, Some(new), _) => format!("Training began again with the changed weights, in {}.\n", new.display()),
        (_, _, Some(config)) => format!("A new run is needed; its config is written: {}\n", config.display()),
        _ => String::new(),
    });
    text.push_str(&format!("\n{}\n", Results::table(&fixed.before, fixed.after.as_ref())));
    if fixed.after.as_ref().is_some_and(|after| fixed.before.is_same(after)) {
        text.push_str("The results did not change: the remedy has no effect on them.\n");
    }
    if let (Action::ConfigWritten, Some(config)) = (fixed.action, &fixed.config) {
        let (config, run) = (shell_path(config), shell_path(run));
        text.push_str(&format!(
            "Next, to see the results: evenkeel train {config}\n  (or fix with --train), then evenkeel compare {run} NEW\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_config_of_a_code_leaves_the_first_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for (text, expected) in [
            ("first", "fix-K010.toml"),
            ("first", "fix-K010.toml"),
            ("second", "fix-K010-2.toml"),
            ("third", "fix-K010-3.toml"),
            ("second", "fix-K010-2.toml"),
        ] {
            let path = config_path(folder, "K010", text);
            assert_eq!(path, folder.join(expected), "{text}");
            std::fs::write(path, text).unwrap();
        }
    }
}
