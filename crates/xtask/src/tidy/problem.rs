//! Problems found by checks.

use std::fmt;

/// Weight of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Worth a look.
    Note,
    /// Fails the check.
    Error,
}

/// One thing a check found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its weight: errors fail the check.
    pub(crate) weight: Weight,
    /// File or folder, relative to the root.
    pub(crate) path: String,
    /// Line, from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// The problem and its remedy, in words.
    pub(crate) message: String,
}

impl Problem {
    /// Something that has to be changed.
    pub(crate) fn error(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem { weight: Weight::Error, path: path.to_owned(), line, message: message.into() }
    }

    /// Something worth a look.
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
