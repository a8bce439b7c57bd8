//! The commands, one file or folder each, and the parts that several of them share.

mod bench;
mod catalog;
mod check;
mod compare;
mod diagnose;
mod ending;
mod eval;
mod explain;
mod importance;
mod init;
mod interchange;
mod pages;
mod plan;
mod predict;
mod ranks;
mod repair;
mod schema;
mod settings;
mod shell;
mod train;

use clap::Subcommand;

pub(crate) use catalog::whole as whole_catalog;

use crate::failure::Stop;
use crate::terminal::{Output, Status};
use interchange::{export, import, metrics};
use pages::{lab, report, studio};
use shell::{completions, man};

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and save the run
    Train(train::Arguments),
    /// Measure a trained model on labelled data
    Eval(eval::Arguments),
    /// Predict classes with probabilities, or values, for new data
    Predict(predict::Arguments),
    /// Measure how much a model relies on each column of a table
    Importance(importance::Arguments),
    /// Export a trained model as ONNX, preprocessing and labels included
    Export(export::Arguments),
    /// Import the network of an ONNX file with its weights
    Import(import::Arguments),
    /// Write every number of a run as CSV
    Metrics(metrics::Arguments),
    /// Write a run as one page: curves, layers, findings, mistakes
    Report(report::Arguments),
    /// Measure speed, compared with PyTorch if it is installed
    Bench(bench::Arguments),
    /// Show the network's layers, buffers and memory, without training
    Plan(plan::Arguments),
    /// Find faults in a config before the first step
    Check(check::Arguments),
    /// Find out why a training run fails, and repair it
    Doctor(repair::doctor::Arguments),
    /// Test a finding of a run by training with and without its remedy
    Prove(repair::prove::Arguments),
    /// Apply the remedy of a finding and continue training
    Fix(repair::fix::Arguments),
    /// Compare runs side by side
    Compare(compare::Arguments),
    /// Find faults in the measurements of any framework
    Diagnose(diagnose::Arguments),
    /// Explain a rule: its measurement, the reasons, remedies, and harmless cases
    Explain(explain::Arguments),
    /// Show runs live in the browser: curves, layers, findings, actions
    Studio(studio::Arguments),
    /// Compute the lecture's figures, with knobs
    Lab(lab::Arguments),
    /// Write a commented config to start from
    Init(init::Arguments),
    /// Print the JSON schema of the config file
    Schema(schema::Arguments),
    /// List every layer, activation, initialiser, loss, rule … in one line each
    Catalog(catalog::Arguments),
    /// Print a script that completes commands and options in a shell
    Completions(completions::Arguments),
    /// Write the manual, one page per command
    Man(man::Arguments),
}

/// Runs `command`, which prints to `output`. `program` defines all arguments, for scripts and manual pages generated from them.
///
/// # Errors
/// A failure to show, or [`Stop::OutputClosed`] if nobody reads the output any more.
pub(crate) fn run(command: Command, program: fn() -> clap::Command, output: &mut Output) -> Result<Status, Stop> {
    if !matches!(command, Command::Train(_)) {
        ranks::refuse()?;
    }
    match command {
        Command::Train(arguments) => train::run(&arguments, output),
        Command::Eval(arguments) => eval::run(&arguments, output),
        Command::Predict(arguments) => predict::run(&arguments, output),
        Command::Importance(arguments) => importance::run(&arguments, output),
        Command::Export(arguments) => export::run(&arguments, output),
        Command::Import(arguments) => import::run(&arguments, output),
        Command::Metrics(arguments) => metrics::run(&arguments, output),
        Command::Report(arguments) => report::run(&arguments, output),
        Command::Bench(arguments) => bench::run(&arguments, output),
        Command::Plan(arguments) => plan::run(&arguments, output),
        Command::Check(arguments) => check::run(&arguments, output),
        Command::Doctor(arguments) => repair::doctor::run(&arguments, output),
        Command::Prove(arguments) => repair::prove::run(&arguments, output),
        Command::Fix(arguments) => repair::fix::run(&arguments, output),
        Command::Compare(arguments) => compare::run(&arguments, output),
        Command::Diagnose(arguments) => diagnose::run(&arguments, output),
        Command::Explain(arguments) => explain::run(&arguments, output),
        Command::Studio(arguments) => studio::run(&arguments, output),
        Command::Lab(arguments) => lab::run(&arguments, output),
        Command::Init(arguments) => init::run(&arguments, output),
        Command::Schema(arguments) => schema::run(&arguments, output),
        Command::Catalog(arguments) => catalog::run(&arguments, output),
        Command::Completions(arguments) => completions::run(&arguments, program(), output),
        Command::Man(arguments) => man::run(&arguments, program(), output),
    }
}
