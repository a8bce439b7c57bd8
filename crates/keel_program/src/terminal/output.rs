//! Standard output: text for a person, or one JSON document for a program.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use miette::GraphicalReportHandler;
use serde::Serialize;

use crate::failure::{Failure, Stop};
use crate::shown::shown;

/// Outcome of a command that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Exit status 0.
    Done,
    /// Exit status 1: done, with findings of level error, or of level warn under `--strict`.
    Findings,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => ExitCode::SUCCESS,
            Status::Findings => ExitCode::from(1),
        }
    }
}

/// True if nothing but errors and results is to be printed; set once, before the command runs.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Returns true if progress and remarks are not wanted.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Requested form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// One JSON document in place of text.
    pub(crate) json: bool,
    /// No progress and no remarks.
    pub(crate) quiet: bool,
}

/// Destination of a command's result.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// The output of the process, in `form`.
    pub(crate) fn new(form: Form) -> Self {
        QUIET.store(form.quiet, Ordering::Relaxed);
        Output { json: form.json }
    }

    /// Returns true if standard output is reserved for one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `document` if JSON was requested, else what `text` returns.
    ///
    /// # Errors
    /// [`Stop::OutputClosed`] if the reader is gone, a failure if the output cannot be written.
    pub(crate) fn result<T: Serialize>(&mut self, document: &T, text: impl FnOnce() -> String) -> Result<(), Stop> {
        if self.json { print_json(document) } else { self.text(&text()) }
    }

    /// Prints `document` if JSON was requested, else the data that `text` returns, CSV for example. A file or another program
    /// gets it unchanged; on a terminal, control characters are shown as escapes.
    ///
    /// # Errors
    /// [`Stop::OutputClosed`] if the reader is gone, a failure if the output cannot be written.
    pub(crate) fn data<T: Serialize>(&mut self, document: &T, text: impl FnOnce() -> String) -> Result<(), Stop> {
        match (self.json, io::stdout().is_terminal()) {
            (true, _) => print_json(document),
            (false, true) => self.text(&text()),
            (false, false) => print(&text()),
        }
    }

    /// Prints `text` unless JSON was asked for.
    ///
    /// # Errors
    /// As [`Output::result`].
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.json { Ok(()) } else { print(&shown(text)) }
    }

    /// A remark on standard error, out of the way of results; not printed with `--quiet`.
    pub(crate) fn remark(&self, text: &str) {
        Self::note(text);
    }

    /// A part of the work that failed while the command succeeds, on standard error; printed with `--quiet` as well.
    pub(crate) fn warning(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", shown(text));
    }

    /// Works like [`Output::remark`], for code without an output.
    pub(crate) fn note(text: &str) {
        if !is_quiet() {
            let _ = writeln!(io::stderr().lock(), "{}", shown(text));
        }
    }

    /// Shows a failure: for a person on standard error, and as the JSON document if one was requested.
    pub(crate) fn failure(&self, failure: Failure) {
        if self.json {
            let _ = print(&format!("{:#}", failure.to_json()));
        }
        let mut text = String::new();
        let failure = failure.shown();
        if reporter().render_report(&mut text, &failure).is_err() {
            text = failure.to_string();
        }
        // Colours and boxes are the reporter's own; what it was given is shown already.
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
    }
}

/// Colours and boxes for a terminal, plain text for a file or another program.
fn reporter() -> GraphicalReportHandler {
    if io::stderr().is_terminal() {
        return GraphicalReportHandler::new();
    }
    GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor()).with_links(false).with_width(100)
}

fn print_json<T: Serialize>(document: &T) -> Result<(), Stop> {
    let json = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(format!("the result cannot be written as JSON: {error}")))?;
    print(&json)
}

fn print(text: &str) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.trim_end().as_bytes())?;
    stdout.write_all(b"\n")?;
    Ok(stdout.flush()?)
}
