//! `schema`: prints the JSON schema of the config file, for editors.

use clap::Args;

use crate::failure::Stop;
use crate::terminal::{Output, Status};

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel schema > evenkeel.schema.json
  evenkeel schema --json                   the same: the schema is JSON either way
  evenkeel schema | python -m json.tool    read it in a terminal")]
pub(crate) struct Arguments {}

/// Prints the schema.
pub(crate) fn run(_: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let schema = keel_train::config::schema();
    output.result(&schema, || format!("{schema:#}"))?;
    Ok(Status::Done)
}
