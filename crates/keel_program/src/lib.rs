//! The command line of Evenkeel: reads arguments, calls the libraries, prints results, and chooses the exit status. The program
//! `evenkeel` and the command of the Python package both call this library.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod arguments;
mod bench;
mod commands;
mod environment;
mod failure;
mod failure_sources;
mod inputs;
mod interruption;
mod shown;
mod terminal;
mod unknown_option;
mod wrong_arguments;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;

use arguments::Arguments;
use failure::Stop;
use terminal::{Form, Output};

/// Returns everything a config can name, section by section with one line each, as printed by `evenkeel catalog --json`.
pub fn catalog() -> serde_json::Value {
    commands::whole_catalog()
}

/// Runs the command in `arguments`, the first of which is the name of the program. Exits the process if the arguments are
/// invalid, or request help or the version.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    keel_kernels::flush_subnormals();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let arguments =
        unknown_option::parsed(&arguments).unwrap_or_else(|error| wrong_arguments::exit(&error, &arguments));
    let mut output = Output::new(Form { json: arguments.json, quiet: arguments.quiet });
    let ended = environment::check()
        .and_then(|()| interruption::listen().map_err(Stop::from))
        .and_then(|()| commands::run(arguments.command, Arguments::command, &mut output));
    match ended {
        Ok(status) => status.into(),
        // The reader has closed the output, as in `evenkeel catalog | head`.
        Err(Stop::OutputClosed) => ExitCode::SUCCESS,
        Err(Stop::Failed(failure)) => {
            output.failure(*failure);
            ExitCode::from(2)
        }
    }
}
