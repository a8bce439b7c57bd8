//! The commands, a file or folder each, and the parts that several of them share.

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
mod repair;
mod schema;
mod settings;
mod train;

use clap::Subcommand;

pub(crate) use catalog::whole as whole_catalog;

use crate::failure::Stop;
use crate::terminal::{Output, Status};
use interchange::{export, import, metrics};
use pages::{lab, report, studio};

/// Commands of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and write its run
    Train(train::Arguments),
    /// Metrics of a trained model
    Eval(eval::Arguments),
    /// Labels with probabilities, or values, of new data
    Predict(predict::Arguments),
    /// The columns of a table a model relies on
    Importance(importance::Arguments),
    /// A trained model as ONNX, with preprocessing and labels inside
    Export(export::Arguments),
    /// The network of an ONNX file, with its weights
    Import(import::Arguments),
    /// Every number a run measured, as CSV
    Metrics(metrics::Arguments),
    /// A run as one page: curves, layers, findings, mistakes
    Report(report::Arguments),
    /// The speed yardsticks, against PyTorch where it is installed
    Bench(bench::Arguments),
    /// The network's layers, buffers and bytes, without training
    Plan(plan::Arguments),
    /// Find what is wrong with a config before its first step
    Check(check::Arguments),
    /// Find out why a training fails, and repair it
    Doctor(repair::doctor::Arguments),
    /// Put a finding of a run to the test, with and without its remedy
    Prove(repair::prove::Arguments),
    /// Apply the remedy of a finding and train on
    Fix(repair::fix::Arguments),
    /// Runs side by side
    Compare(compare::Arguments),
    /// Find what is wrong in measurements of any framework
    Diagnose(diagnose::Arguments),
    /// What a rule measures, why, what to try, and when it is fine
    Explain(explain::Arguments),
    /// Runs in the browser, as they happen: curves, layers, findings, actions
    Studio(studio::Arguments),
    /// The lecture's figures, from real computation, with knobs
    Lab(lab::Arguments),
    /// Write a commented config to start from
    Init(init::Arguments),
    /// The JSON schema of the config file
    Schema(schema::Arguments),
    /// Every layer, activation, initialiser, loss, rule … with one line each
    Catalog(catalog::Arguments),
}

/// Runs `command`, which prints to `output`.
///
/// # Errors
/// A failure to show, or the news that nobody reads the output any more.
pub(crate) fn run(command: Command, output: &mut Output) -> Result<Status, Stop> {
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
    }
}
