//! `train`: trains a config and records the run on disk.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use keel_data::shell_path;
use keel_interchange::tensorboard::TensorBoard;
use keel_train::config::MemoryLimit;
use keel_train::remedies::findings_of;
use keel_train::runs::Status as RunStatus;
use keel_train::{
    Config, Event, RangePoint, RangeTest, TrainError, TrainedRun, Training, TrainingObserver, auto, load_data,
};

use super::pages::report;
use super::ranks::Group;
use super::repair::prove::{self, Leading};
use super::settings::{Settings, seconds};
use super::{ending, importance, ranks};
use crate::failure::{Failure, Stop};
use crate::interruption::stop_flag;
use crate::terminal::{Align, Output, Progress, Status, status_of, table};

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel train customers.csv --target churned    a table: all settings are chosen and reported
  evenkeel train photos                            a folder with one folder of images per class
  evenkeel train photos --time-limit 5m            the best result within five minutes
  evenkeel train                                   the classic network on the embedded digits
  evenkeel train my.toml --set train.epochs=5      a config file, one key changed
  evenkeel train resnet20 --set data.source=cifar  a shipped preset on your own data
  evenkeel train --find-lr                         suggest a learning rate
  evenkeel train --prove                           test the leading finding afterwards
  evenkeel train --resume runs/digits-cnn          continue a run that was stopped or killed
  mpirun -n 4 evenkeel train photos                on four processes, of one machine or several

Ctrl-C stops at the end of the step, with a checkpoint; a second Ctrl-C stops at once.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Continue this run, bit for bit, instead of a config; --set may change only train.threads, train.time_limit,
    /// train.memory_limit and run.checkpoint_seconds
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    /// With --resume: continue although the data has changed since the start; the change is noted in the run
    #[arg(long, requires = "resume", conflicts_with = "config")]
    allow_changed_data: bool,
    /// Do not train: raise the learning rate step by step and suggest one
    #[arg(long, conflicts_with_all = ["resume", "time_limit"])]
    find_lr: bool,
    /// Limit the training time (90s, 10m, 1h30m): the number of epochs is fitted to it, so that the learning rate completes
    /// its schedule; a run that is not finished by then stops with a checkpoint
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    time_limit: Option<f64>,
    /// Refuse to start if more memory is needed (4GB, 800MB); default: the free memory of the machine
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
    /// Leave out unreadable images and count them, instead of stopping at the first one
    #[arg(long)]
    skip_unreadable: bool,
    /// Afterwards train with and without the remedy of the leading finding, over three seeds, and compare
    #[arg(long, conflicts_with = "find_lr")]
    prove: bool,
    /// Write live logs for another program into the folder of the run
    #[arg(long, value_enum, value_name = "PROGRAM", conflicts_with = "find_lr")]
    log: Vec<Log>,
    /// On several ranks: let each take a whole train.batch_size; the learning rate grows with the batch, after a warm-up
    #[arg(long, conflicts_with_all = ["resume", "find_lr"])]
    weak_scaling: bool,
    /// Exit with status 1 on warnings as well
    #[arg(long)]
    strict: bool,
}

/// A program that shows training runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Log {
    /// Write event files for `tensorboard --logdir runs`
    Tensorboard,
    /// Write the times of the parts of the first 100 steps, on every rank, for the trace viewer of a browser (timeline.json)
    Timeline,
}

/// Passes events to two observers.
struct Both<'a> {
    progress: &'a mut Progress,
    tensorboard: Option<TensorBoard>,
}

impl TrainingObserver for Both<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.event(event);
        }
        self.progress.event(event);
    }
}

/// Trains to the end, or until stopped; on several ranks if a launcher started them.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if arguments.find_lr {
        ranks::refuse()?;
        return find_learning_rate(arguments, output);
    }
    match ranks::join()? {
        None if arguments.weak_scaling => {
            Err(Failure::new("--weak-scaling needs several ranks, but there is only one")
                .next_step("Start the program with mpirun, or leave the option out")
                .into())
        }
        None => train(arguments, output, None),
        Some(group) if group.is_first() => {
            let outcome = train(arguments, output, Some(&group));
            group.end(outcome, output)
        }
        Some(group) => {
            let outcome = follow(&group);
            group.end(outcome, output)
        }
    }
}

/// Trains as specified by the first rank.
fn follow(group: &Group) -> Result<Status, Stop> {
    let Some(communicator) = group.communicator() else { return Ok(Status::Done) };
    let nobody_asks = || Err(keel_ranks::RankError::Lost { rank: 0 }.into());
    let training = Training::of_ranks(communicator, nobody_asks)?.with_threads(group.threads);
    training.with_stop(stop_flag()).run(&mut ()).inspect_err(Group::wait_for_report)?;
    group.leave();
    Ok(Status::Done)
}

/// Returns the training run that the arguments specify.
fn asked_for(arguments: &Arguments, output: &Output) -> Result<Training, TrainError> {
    let mut trainer = match &arguments.resume {
        Some(folder) => Training::resume_with(folder, &arguments.settings.set)?,
        None => Training::new(arguments.settings.load(output)?),
    };
    if arguments.allow_changed_data {
        trainer = trainer.allow_changed_data();
    }
    let config = trainer.config_mut();
    config.data.skip_unreadable |= arguments.skip_unreadable;
    if let Some(limit) = arguments.time_limit {
        config.train.time_limit = limit;
    }
    set_memory_limit(config, arguments.memory_limit.as_ref());
    if arguments.log.contains(&Log::Timeline) {
        trainer = trainer.with_timeline();
    }
    Ok(if arguments.weak_scaling { trainer.with_weak_scaling() } else { trainer })
}

/// Trains and reports the results, alone or as the first of a group.
fn train(arguments: &Arguments, output: &mut Output, group: Option<&Group>) -> Result<Status, Stop> {
    let trainer = match group.and_then(|group| Some((group, group.communicator()?))) {
        None => asked_for(arguments, output)?,
        Some((group, communicator)) => {
            group.notes.iter().for_each(|note| output.remark(&format!("ranks       {note}")));
            let training = Training::of_ranks(communicator, || asked_for(arguments, output));
            training.map_err(|error| arguments.settings.placed(error))?.with_threads(group.threads)
        }
    };
    let config = trainer.config().clone();
    if let Some(note) = arguments.settings.ambiguity() {
        output.remark(&format!("note        {note}"));
    }
    let placed = |error| arguments.settings.placed(error);
    let trainer = trainer.with_its_data().map_err(placed)?;
    // Split as in training, where the fractions may be chosen automatically.
    let Some(data) = trainer.data().cloned() else { return Err(Failure::new("there is no data").into()) };
    let divided = auto::resolve(&config, data).map_err(placed)?.data;
    let mut progress = Progress::new();
    let shows = arguments.log.contains(&Log::Tensorboard);
    let tensorboard = shows.then(|| TensorBoard::new(&serde_json::to_value(&config).unwrap_or_default()));
    let mut both = Both { progress: &mut progress, tensorboard };
    let trained = trainer.with_stop(stop_flag()).run(&mut both);
    let tensorboard = both.tensorboard.take();
    progress.close();
    if let Some(Err((path, error))) = tensorboard.map(|log| log.finish(trained.is_ok())) {
        output.warning(&format!("note        the logs in {} are incomplete: {error}", path.display()));
    }
    let folder = progress.folder().map(Path::to_path_buf);
    if let Some(folder) = &folder {
        if trained.as_ref().is_ok_and(|run| run.summary.status == RunStatus::Finished) {
            importance::after_training(folder, &divided, output);
        }
        report::after_training(folder, divided, output);
    }
    if let (Some(group), Ok(_)) = (group, &trained) {
        group.leave();
    }
    conclude(arguments, output, Ended { config, folder, trained })
}

/// A training run that has ended.
struct Ended {
    config: Config,
    /// Folder of the run, if it had started.
    folder: Option<PathBuf>,
    trained: Result<TrainedRun, TrainError>,
}

/// Shows the results of the run and tests the leading finding if requested.
fn conclude(arguments: &Arguments, output: &mut Output, ended: Ended) -> Result<Status, Stop> {
    let Ended { config, folder, trained } = ended;
    if let (Err(_), Some(folder)) = (&trained, &folder) {
        output.text(&ending::after_failure(folder, &config))?;
    }
    let TrainedRun { folder, mut summary, .. } = trained.map_err(|error| arguments.settings.placed(error))?;
    let mut findings = findings_of(&folder)?;
    let shown = ending::ending(&folder, &config, &summary, &findings);
    let mut leading = None;
    if arguments.prove && summary.status == RunStatus::Finished {
        let outcome = prove::prove_leading(&folder, output)?;
        if matches!(outcome, Leading::Proved(..)) {
            report::after_change(&folder, output);
        }
        leading = Some(outcome);
        summary = folder.read_summary()?;
    }
    let run = shell_path(folder.path());
    output.result(&summary, || match &leading {
        Some(Leading::Proved(proof, fix)) => format!("{shown}\n{}", prove::proof_text(proof, fix)),
        Some(Leading::Stopped(code)) => {
            format!("{shown}\nThe proof was stopped; nothing was recorded. Next: evenkeel prove {run} {code}\n")
        }
        Some(Leading::None) => {
            format!("{shown}\nNothing to prove: no finding has a remedy that a program can apply.\n")
        }
        None if arguments.prove => format!("{shown}\nNothing was proved, because training was stopped.\n"),
        None => shown,
    })?;
    if let Some(Leading::Proved(proof, _)) = leading {
        // Levels follow the verdict.
        findings = findings_of(&folder)?;
        findings.retain(|finding| !(proof.withdraws() && proof.concerns(finding)));
    }
    Ok(status_of(&findings, arguments.strict))
}

/// Replaces the config's memory limit by that of the command line.
fn set_memory_limit(config: &mut Config, limit: Option<&String>) {
    if let Some(limit) = limit {
        config.train.memory_limit = MemoryLimit::Text(limit.clone());
    }
}

fn find_learning_rate(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let mut config = arguments.settings.load(output)?;
    config.data.skip_unreadable |= arguments.skip_unreadable;
    set_memory_limit(&mut config, arguments.memory_limit.as_ref());
    let placed = |error| arguments.settings.placed(error);
    let data = load_data(&config).map_err(placed)?;
    let test = RangeTest::run(&config, data).map_err(placed)?;
    output.result(&test, || range_text(&test, &arguments.settings.as_arguments()))?;
    Ok(Status::Done)
}

/// Formats every fifth step, and the suggestion for a training run with the same `settings`.
fn range_text(test: &RangeTest, settings: &str) -> String {
    let row = |point: &RangePoint| vec![format!("{:.2e}", point.learning_rate), format!("{:.4}", point.loss)];
    let rows: Vec<Vec<String>> = test.points.iter().step_by(5).map(row).collect();
    let mut text = table(&[("learning rate", Align::Right), ("smoothed loss", Align::Right)], &rows);
    match test.suggestion {
        Some(rate) => text.push_str(&format!(
            "\n\nThe loss falls fastest near {rate:.2e}. Next:\n  evenkeel train{settings} --set optimizer.learning_rate={rate:.2e}"
        )),
        None => text.push_str(&format!("\n\nThe loss never fell. Next: find the fault\n  evenkeel check{settings}")),
    }
    text
}
