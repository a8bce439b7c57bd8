//! `init`: writes a commented config to start from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use keel_data::shell_path;
use serde_json::json;

use crate::failure::{Failure, Stop, unwritable};
use crate::terminal::{Output, Status};

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel init my.toml             a new file; an existing one is never overwritten
  evenkeel init > my.toml           the same on standard output
  evenkeel train my.toml            train with this config")]
pub(crate) struct Arguments {
    /// File to write; standard output if absent
    file: Option<PathBuf>,
}

/// Writes every key with its default and an explanation, commented out.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let text = keel_train::config::commented_default();
    let Some(file) = &arguments.file else {
        output.result(&json!({ "config": text }), || text.clone())?;
        return Ok(Status::Done);
    };
    write_new(file, &text)?;
    let name = file.display().to_string();
    output.result(&json!({ "written": name }), || {
        format!(
            "Wrote {name}: every key with its default, commented out.\nNext: remove the `# ` before the keys to set, then \
             `evenkeel train {}`",
            shell_path(file)
        )
    })?;
    Ok(Status::Done)
}

fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let mut created =
        OpenOptions::new().write(true).create_new(true).open(file).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(format!("{} exists already and was not changed", file.display()))
                .next_step("Give the name of a new file, or delete the existing one first"),
            _ => unwritable(file, &error),
        })?;
    created.write_all(text.as_bytes()).map_err(|error| unwritable(file, &error))
}
