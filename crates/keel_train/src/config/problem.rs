//! What is wrong with a config, and where.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::located::Origin;

/// One thing a config cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key, for example `train.batch_size`; empty where the whole file is meant.
    pub key: String,
    /// The value found and the values allowed, one sentence without a full stop.
    pub message: String,
    /// Place at which it was written.
    pub origin: Origin,
}

/// A config that was refused, with every reason.
#[derive(Debug, Clone)]
pub struct ConfigError {
    /// The file, or the preset's name.
    pub file: PathBuf,
    /// The file's text, into which the problems' [`Origin::File`] ranges point.
    pub text: String,
    /// The overrides in order, into which [`Origin::Override`] points.
    pub overrides: Vec<String>,
    /// At least one, in the order of the file.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// `file:line: key: message`, or the override in place of file and line.
    pub fn describe(&self, problem: &Problem) -> String {
        let place = match &problem.origin {
            Origin::File(span) => format!("{}:{}", self.file.display(), line_of(&self.text, span)),
            Origin::Override(index) => {
                format!("--set {}", self.overrides.get(*index).map_or("", String::as_str))
            }
            Origin::UserDefaults { file, line } => format!("{}:{line}", file.display()),
            Origin::Default => self.file.display().to_string(),
        };
        if problem.key.is_empty() {
            format!("{place}: {}", problem.message)
        } else {
            format!("{place}: `{}`: {}", problem.key, problem.message)
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "{}", self.describe(problem))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The line, counted from 1, on which `span` starts.
pub fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.as_bytes().iter().take(span.start).filter(|&&byte| byte == b'\n').count() + 1
}
