//! `report`: writes a run as one page to read, print and share.

use std::path::{Path, PathBuf};

use clap::Args;
use keel_data::SplitDataset;
use keel_page::Language;
use keel_report::{ReportError, ReportOptions, WrittenReport, write_report};
use keel_train::runs::RunFolder;

use super::lab::language;
use crate::failure::{Failure, Stop, from_sentence};
use crate::terminal::{Output, Status};

/// Number of test samples evaluated by `train` for its report; `report` evaluates more.
const SAMPLES_AFTER_TRAINING: usize = 1_000;

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel report runs/digits-cnn                      writes runs/digits-cnn/report.html
  evenkeel report runs/digits-cnn --out digits.html --lang zh
  evenkeel report runs/digits-cnn --json               its path, its parts, the missing parts

The page needs no network and no other file. A run that is in progress, stopped or failed can be
reported too; the page states this. `train` writes this report at its end.")]
pub(crate) struct Arguments {
    /// Folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// File to write [default: report.html in the folder of the run]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Language of the page: en or zh
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
}

/// Writes the report and prints its path.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let options = ReportOptions { out: arguments.out.clone(), language: arguments.lang, ..ReportOptions::default() };
    let written = write_report(&arguments.run, &options).map_err(failure)?;
    output.result(&written, || text(&written))?;
    Ok(Status::Done)
}

/// Writes the report after training; a failure to write it is reported as a remark, never as a failure of training.
pub(in crate::commands) fn after_training(folder: &Path, data: SplitDataset, output: &Output) {
    write_or_remark(folder, Some(data), output);
}

/// Rewrites the report of a run after its summary has changed; a run without a report gets none.
pub(in crate::commands) fn after_change(folder: &RunFolder, output: &Output) {
    if folder.report().exists() {
        write_or_remark(folder.path(), None, output);
    }
}

fn write_or_remark(folder: &Path, data: Option<SplitDataset>, output: &Output) {
    let options = ReportOptions { samples: SAMPLES_AFTER_TRAINING, data, ..ReportOptions::default() };
    if let Err(error) = write_report(folder, &options) {
        output.warning(&format!("no report was written: {error}"));
    }
}

fn text(written: &WrittenReport) -> String {
    let mut text = format!("{} ({} KB)\n", written.report.display(), written.bytes.div_ceil(1000));
    for note in &written.notes {
        text.push_str(&format!("not shown: {note}\n"));
    }
    text
}

fn failure(error: ReportError) -> Failure {
    from_sentence(&error.to_string())
}
