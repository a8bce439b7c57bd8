//! `train`: from a config to a run on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use keel_health::{Finding, Level};
use keel_train::config::HealthLevel;
use keel_train::remedies::{Verdict, findings_of};
use keel_train::runs::{Status as RunStatus, Summary};
use keel_train::{RangePoint, RangeTest, TrainedRun, Trainer, load_data};

use super::settings::{Settings, seconds};
use super::{prove, report};
use crate::failure::{Failure, Stop};
use crate::terminal::{
    Align, Output, Progress, Status, findings_text, layers_table, metrics_line, status_of, status_word, table,
};

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel train                                   the classic network on the embedded digits
  evenkeel train my.toml --set train.epochs=5      a config file, one key changed
  evenkeel train mlp --set data.source=wine.csv    a shipped preset on your own table
  evenkeel train --find-lr                         suggest a learning rate
  evenkeel train --prove                           put the leading finding to the test afterwards
  evenkeel train --time-limit 10m                  stop after ten minutes, with a checkpoint
  evenkeel train --resume runs/digits-cnn          go on where a run was stopped or killed

Ctrl-C stops at the end of the step, with a checkpoint; a second Ctrl-C stops at once.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Continue this run, bit for bit, in place of a config; --set may change train.threads, train.time_limit and
    /// run.checkpoint_seconds only
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    /// Do not train: raise the learning rate step by step and suggest one
    #[arg(long, conflicts_with_all = ["resume", "time_limit"])]
    find_lr: bool,
    /// Stop after this long (90s, 10m, 2h) with a checkpoint
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    time_limit: Option<f64>,
    /// Leave unreadable images out and count them, instead of stopping at the first
    #[arg(long)]
    skip_unreadable: bool,
    /// Afterwards train with and without the remedy of the leading finding, over three seeds, and compare
    #[arg(long, conflicts_with = "find_lr")]
    prove: bool,
    /// Exit with status 1 on warnings too
    #[arg(long)]
    strict: bool,
}

/// Trains to the end, or until stopped.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if arguments.find_lr {
        return find_learning_rate(arguments, output);
    }
    let mut trainer = match &arguments.resume {
        Some(folder) => Trainer::resume_with(folder, &arguments.settings.set)?,
        None => Trainer::new(arguments.settings.load()?),
    };
    let config = trainer.config_mut();
    config.data.skip_unreadable |= arguments.skip_unreadable;
    if let Some(limit) = arguments.time_limit {
        config.train.time_limit = limit;
    }
    let watched = config.health.level != HealthLevel::Off;
    let data = load_data(trainer.config())?;
    let mut progress = Progress::new();
    let trained = trainer.with_data(data.clone()).with_stop(stop_on_interrupt()?).run(&mut progress);
    progress.close();
    if let Some(folder) = progress.folder() {
        report::after_training(folder, data.clone(), output);
    }
    let TrainedRun { folder, mut summary } = trained?;
    let mut findings = findings_of(&folder)?;
    let shown = ending(&folder.path().display().to_string(), &summary, &findings, watched);
    let mut proof = None;
    if arguments.prove && summary.status == RunStatus::Finished {
        proof = prove::prove_leading(&folder, output)?;
        if proof.is_some() {
            report::after_training(folder.path(), data, output);
        }
        summary = folder.read_summary()?;
    }
    output.result(&summary, || match &proof {
        Some(proof) => format!("{shown}\n{}", prove::proof_text(proof, folder.path())),
        None if !arguments.prove => shown,
        None if summary.status == RunStatus::Finished => {
            format!("{shown}\nNothing to prove: no finding has a remedy a program can apply.\n")
        }
        None => format!("{shown}\nNothing was proved, because the training was stopped.\n"),
    })?;
    if let Some(proof) = proof.filter(|proof| proof.verdict == Verdict::Withdrawn) {
        findings.retain(|finding| !proof.concerns(finding));
    }
    Ok(status_of(&findings, arguments.strict))
}

fn find_learning_rate(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let mut config = arguments.settings.load()?;
    config.data.skip_unreadable |= arguments.skip_unreadable;
    let data = load_data(&config)?;
    let test = RangeTest::run(&config, data)?;
    output.result(&test, || range_text(&test))?;
    Ok(Status::Done)
}

/// Every fifth step, and the suggestion.
fn range_text(test: &RangeTest) -> String {
    let row = |point: &RangePoint| vec![format!("{:.2e}", point.learning_rate), format!("{:.4}", point.loss)];
    let rows: Vec<Vec<String>> = test.points.iter().step_by(5).map(row).collect();
    let mut text = table(&[("learning rate", Align::Right), ("smoothed loss", Align::Right)], &rows);
    match test.suggestion {
        Some(rate) => text.push_str(&format!(
            "\n\nThe loss falls fastest near {rate:.2e}. Next: evenkeel train --set optimizer.learning_rate={rate:.2e}"
        )),
        None => text.push_str("\n\nThe loss never fell. Next: look at the data and the layers with `evenkeel plan`"),
    }
    text
}

/// A flag the first Ctrl-C raises; the second one ends the program.
pub(super) fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let handler = move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(2);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| {
        Failure::new(format!("cannot listen for Ctrl-C: {error}"))
            .next_step("Start the program from a terminal or service that allows signal handlers")
    })?;
    Ok(stop)
}

/// The findings, or what their absence means.
fn health_text(findings: &[Finding], watched: bool) -> String {
    match (findings, watched) {
        ([], true) => "Health: no findings; every layer was watched at every step.\n".to_owned(),
        ([], false) => "Health: not watched (health.level is off).\n".to_owned(),
        (findings, _) => findings_text(findings),
    }
}

/// Results, layers, findings and what to do next.
pub(super) fn ending(folder: &str, summary: &Summary, findings: &[Finding], watched: bool) -> String {
    let health = health_text(findings, watched);
    let reason = summary.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut text = format!(
        "{}{reason}: {} epochs, {} steps, {:.1} s, {:.0} samples/s; best epoch {}\n\n",
        status_word(summary.status),
        summary.epochs,
        summary.steps,
        summary.seconds,
        summary.samples_per_second,
        summary.best_epoch,
    );
    let metrics = &summary.metrics;
    for (part, metrics) in [("train", &metrics.train), ("validation", &metrics.validation), ("test", &metrics.test)] {
        if let Some(metrics) = metrics {
            text.push_str(&format!("{}\n", metrics_line(part, metrics)));
        }
    }
    text.push_str(&format!("\n{}\n\n{}\n", layers_table(&summary.layers), health));
    text.push_str(&format!("Run: {folder}\nNext:\n"));
    for (command, purpose) in next_commands(folder, summary.status, findings) {
        text.push_str(&format!("  {command:<40}  {purpose}\n"));
    }
    text
}

fn next_commands(folder: &str, status: RunStatus, findings: &[Finding]) -> Vec<(String, &'static str)> {
    let mut commands = vec![
        (format!("{folder}/report.html"), "the run as a page: open it in a browser"),
        (format!("evenkeel eval {folder}"), "classes, mistakes and errors on the test split"),
        (format!("evenkeel predict {folder} INPUT"), "labels and probabilities of new data"),
        (format!("evenkeel compare {folder} RUN"), "this run beside another"),
    ];
    if status == RunStatus::Stopped {
        commands.insert(0, (format!("evenkeel train --resume {folder}"), "go on from the checkpoint"));
    }
    if let Some(finding) = findings.iter().find(|finding| finding.is_root() && finding.level > Level::Info) {
        let code = &finding.code;
        commands.push((format!("evenkeel prove {folder} {code}"), "what the remedy changes, over several seeds"));
        commands.push((format!("evenkeel fix {folder} {code}"), "apply the remedy"));
    }
    commands
}
