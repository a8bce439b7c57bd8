//! `completions`: prints a script with which a shell completes the commands and options of the program.

use clap::{Args, Command};
use clap_complete::Shell;
use serde_json::json;

use crate::failure::{Failure, Stop};
use crate::terminal::{Output, Status};

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel completions bash > ~/.local/share/bash-completion/completions/evenkeel
  evenkeel completions zsh > ~/.zfunc/_evenkeel        with ~/.zfunc in fpath
  evenkeel completions fish > ~/.config/fish/completions/evenkeel.fish
  evenkeel completions powershell >> $PROFILE
  evenkeel completions elvish >> ~/.config/elvish/rc.elv

A shell that is started afterwards completes commands, options, their values and names of files.")]
pub(crate) struct Arguments {
    /// Shell that reads the script
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for `program`.
pub(crate) fn run(arguments: &Arguments, mut program: Command, output: &mut Output) -> Result<Status, Stop> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(arguments.shell, &mut program, name, &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::new(format!("the script for {} is not text: {error}", arguments.shell)))?;
    output.data(&json!({ "shell": arguments.shell.to_string(), "script": script }), || script.clone())?;
    Ok(Status::Done)
}
