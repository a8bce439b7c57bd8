//! `diagnose`: derives findings from measurements that another program wrote.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use keel_health::HealthError;
use serde_json::json;

use crate::failure::{Failure, Stop, from_sentence, unreadable};
use crate::terminal::{Output, Status, findings_text, status_of};

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel diagnose measurements.jsonl
  evenkeel diagnose measurements.jsonl --strict --json
  python train.py | evenkeel diagnose -")]
pub(crate) struct Arguments {
    /// File with one measurement per line, as described in docs/measurements.md; - reads standard input
    file: PathBuf,
    /// Exit with status 1 on warnings as well
    #[arg(long)]
    strict: bool,
}

/// Reads the measurements and prints the findings.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let findings = if arguments.file == Path::new("-") {
        read(std::io::stdin().lock(), Path::new("standard input"))?
    } else {
        if arguments.file.is_dir() {
            let failure = Failure::new(format!("{}: a folder, not a file of measurements", arguments.file.display()));
            return Err(failure.next_step("Name a file of JSON lines, or - for standard input").into());
        }
        let file = File::open(&arguments.file).map_err(|error| unreadable(&arguments.file, &error))?;
        read(file, &arguments.file)?
    };
    output.result(&json!({ "findings": findings }), || findings_text(&findings))?;
    Ok(status_of(&findings, arguments.strict))
}

fn read(input: impl Read, name: &Path) -> Result<Vec<keel_health::Finding>, Failure> {
    let findings = keel_health::diagnose(BufReader::new(input));
    findings.map_err(|error| {
        // Other errors begin with the line.
        let separator = if matches!(error, HealthError::NoRecord) { ':' } else { ',' };
        from_sentence(&format!("{}{separator} {error}", name.display()))
    })
}
