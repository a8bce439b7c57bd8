//! Problems of a config, with their places.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::located::Origin;

/// One invalid setting of a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted key, for example `train.batch_size`; empty if the problem concerns the whole file.
    pub key: String,
    /// Value found and values allowed, one sentence without a full stop.
    pub message: String,
    /// Place at which it was written.
    pub origin: Origin,
}

/// A rejected config, with all problems.
#[derive(Debug, Clone)]
pub struct ConfigError {
    /// Path of the file, or name of the preset.
    pub file: PathBuf,
    /// Text of the file that the [`Origin::File`] ranges refer to.
    pub text: String,
    /// Overrides in order, to which [`Origin::Override`] refers.
    pub overrides: Vec<String>,
    /// Problems, at least one, in the order of the file.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Formats a problem as `file:line: key: message`, or with the override instead of file and line.
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

/// Returns the line, counted from 1, on which `span` starts.
pub fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.as_bytes().iter().take(span.start).filter(|&&byte| byte == b'\n').count() + 1
}
