//! Problems found by checks.

use std::fmt;

/// Severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Reported only.
    Note,
    /// Fails the check.
    Error,
}

/// One problem, with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Severity; errors fail the check.
    pub(crate) weight: Weight,
    /// File or folder, relative to the root.
    pub(crate) path: String,
    /// Line number, from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// Description of the problem and its remedy.
    pub(crate) message: String,
}

impl Problem {
    /// Creates a problem that must be fixed.
    pub(crate) fn error(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem { weight: Weight::Error, path: path.to_owned(), line, message: message.into() }
    }

    /// Creates a problem that is only reported.
    pub(crate) fn note(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem { weight: Weight::Note, ..Problem::error(path, line, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.weight == Weight::Note { "note: " } else { "" };
        match self.line {
            0 => write!(formatter, "{}: {word}{}", self.path, self.message),
            line => write!(formatter, "{}:{line}: {word}{}", self.path, self.message),
        }
    }
}
