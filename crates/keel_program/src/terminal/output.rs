//! Standard output: text for a person, or one JSON document for a program.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use miette::GraphicalReportHandler;
use serde::Serialize;
use textwrap::{WordSeparator, WordSplitter};

use crate::failure::{Failure, Stop};
use crate::shown::shown;

/// Outcome of a command that was not rejected.
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

/// True if only errors and results are printed; set once, before the command runs.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Returns true if progress and remarks are disabled.
pub(super) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Requested form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// One JSON document instead of text.
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
    /// Creates the output of the process in `form`.
    pub(crate) fn new(form: Form) -> Self {
        QUIET.store(form.quiet, Ordering::Relaxed);
        Output { json: form.json }
    }

    /// Returns true if standard output is reserved for one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `document` if JSON was requested, otherwise the result of `text`.
    ///
    /// # Errors
    /// [`Stop::OutputClosed`] if the reader has closed the output, or a failure if it cannot be written.
    pub(crate) fn result<T: Serialize>(&mut self, document: &T, text: impl FnOnce() -> String) -> Result<(), Stop> {
        if self.json { print_json(document) } else { self.text(&text()) }
    }

    /// Prints `document` if JSON was requested, otherwise the data that `text` returns, such as CSV. A file or another program
    /// receives it unchanged; on a terminal, control characters are escaped.
    ///
    /// # Errors
    /// [`Stop::OutputClosed`] if the reader has closed the output, or a failure if it cannot be written.
    pub(crate) fn data<T: Serialize>(&mut self, document: &T, text: impl FnOnce() -> String) -> Result<(), Stop> {
        match (self.json, io::stdout().is_terminal()) {
            (true, _) => print_json(document),
            (false, true) => self.text(&text().replace("\r\n", "\n")),
            (false, false) => print_unchanged(&text()),
        }
    }

    /// Prints `text` unless JSON was requested.
    ///
    /// # Errors
    /// See [`Output::result`].
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.json { Ok(()) } else { print(&shown(text)) }
    }

    /// Prints a remark on standard error, separate from results; not printed with `--quiet`.
    pub(crate) fn remark(&self, text: &str) {
        Self::note(text);
    }

    /// Prints a warning about work that failed although the command succeeds, on standard error; also with `--quiet`.
    pub(crate) fn warning(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", shown(text));
    }

    /// Like [`Output::remark`], for code without an output.
    pub(crate) fn note(text: &str) {
        if !is_quiet() {
            let _ = writeln!(io::stderr().lock(), "{}", shown(text));
        }
    }

    /// Shows a failure on standard error, and as the JSON document if one was requested.
    pub(crate) fn failure(&self, failure: Failure) {
        if self.json {
            let _ = print(&format!("{:#}", failure.to_json()));
        }
        let mut text = String::new();
        let failure = failure.shown();
        if reporter().render_report(&mut text, &failure).is_err() {
            text = failure.to_string();
        }
        // Colours and boxes come from the reporter; control characters of the failure are already escaped.
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
    }
}

/// Returns a reporter with colours and boxes for a terminal, and plain text for a file or another program.
fn reporter() -> GraphicalReportHandler {
    let reporter = match io::stderr().is_terminal() {
        true => GraphicalReportHandler::new(),
        false => {
            let plain = miette::GraphicalTheme::unicode_nocolor();
            GraphicalReportHandler::new_themed(plain).with_links(false).with_width(100)
        }
    };
    // Paths and commands are copied: they are only broken at spaces.
    reporter.with_word_separator(WordSeparator::AsciiSpace).with_word_splitter(WordSplitter::NoHyphenation)
}

fn print_json<T: Serialize>(document: &T) -> Result<(), Stop> {
    let json = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::new(format!("the result cannot be written as JSON: {error}")))?;
    print(&json)
}

fn print(text: &str) -> Result<(), Stop> {
    print_unchanged(&format!("{}\n", text.trim_end()))
}

fn print_unchanged(text: &str) -> Result<(), Stop> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
