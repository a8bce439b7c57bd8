//! The reason why a command stops: the fault, the place, and the next step, with the source line if there is one.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::shown::shown;

/// Reason why a command ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Standard output was closed by its reader; nothing is wrong.
    OutputClosed,
    /// The command was rejected or failed.
    Failed(Box<Failure>),
}

/// A rejection or a failure, as shown to the user.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    message: String,
    next_step: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    places: Vec<Place>,
}

/// A place that a failure refers to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Name of the file.
    pub(crate) file: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Dotted key of the config; empty if there is none.
    pub(crate) key: String,
    /// Description of the fault at this place.
    pub(crate) message: String,
}

impl Failure {
    /// Creates a failure with only a message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), ..Failure::default() }
    }

    /// Prefixes the message with the place.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Adds the next step.
    pub(crate) fn next_step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }

    /// Adds the next step if the failure has none yet.
    pub(crate) fn or_next_step(mut self, next_step: &str) -> Self {
        self.next_step.get_or_insert_with(|| next_step.to_owned());
        self
    }

    /// Adds another possible next step after the one that the failure has.
    pub(crate) fn and_next_step(self, other: &str) -> Self {
        let both = match &self.next_step {
            Some(first) => format!("{}. {other}", first.trim_end_matches('.')),
            None => other.to_owned(),
        };
        self.next_step(both)
    }

    /// Adds the text to which the places of the failure refer.
    pub(crate) fn source(mut self, file: &Path, text: &str) -> Self {
        self.source = Some(NamedSource::new(file.display().to_string(), text.to_owned()));
        self
    }

    /// Adds a label for `span`, a byte range of the source text.
    pub(crate) fn label(mut self, span: Range<usize>, place: Place) -> Self {
        self.labels.push(LabeledSpan::new_with_span(Some(place.message.clone()), span));
        self.places.push(place);
        self
    }

    /// Escapes control characters in all texts of the failure.
    pub(crate) fn shown(self) -> Self {
        let source = self.source.map(|source| NamedSource::new(shown(source.name()), same_length(source.inner())));
        let label = |label: LabeledSpan| LabeledSpan::new_with_span(label.label().map(shown), *label.inner());
        Failure {
            message: shown(&self.message),
            next_step: self.next_step.as_deref().map(shown),
            source,
            labels: self.labels.into_iter().map(label).collect(),
            places: self.places,
        }
    }

    /// Returns the failure as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let place = |place: &Place| json!({ "file": place.file, "line": place.line, "key": place.key, "message": place.message });
        json!({ "error": {
            "message": self.message,
            "next_step": self.next_step,
            "places": self.places.iter().map(place).collect::<Vec<_>>(),
        }})
    }
}

/// Replaces each byte of a control character by `?`, so that the text keeps its length and places in it stay valid.
fn same_length(text: &str) -> String {
    let obeyed = |c: char| {
        !matches!(c, '\n' | '\t' | '\r') && keel_data::printable(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8()
    };
    text.chars().map(|c| if obeyed(c) { "?".repeat(c.len_utf8()) } else { c.to_string() }).collect()
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.next_step.as_ref().map(|text| Box::new(text) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(Box::new(failure))
    }
}

/// Ignores a closed standard output; any other error of it is a failure.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Stop::OutputClosed;
        }
        let failure = Failure::new(format!("cannot write to standard output: {error}"));
        failure.next_step("Check the file or program that receives the output").into()
    }
}

/// Splits a message of the libraries into the fault with its place and, after the last `; ` or `. `, the next step.
pub(crate) fn from_sentence(text: &str) -> Failure {
    let cut = text.rfind("; ").max(text.rfind(". "));
    match cut {
        Some(at) => Failure::new(&text[..at]).next_step(capitalised(&text[at + 2..])),
        None => Failure::new(text),
    }
}

/// Returns the failure for a file that could not be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("cannot read {}: {error}", path.display()));
    failure.next_step("Check that the path is correct and that you may read it")
}

/// Returns the failure for a file that could not be written.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(format!("cannot write {}: {error}", path.display()));
    failure.next_step(match error.kind() {
        io::ErrorKind::NotFound => "Create the folder, or choose another path",
        _ => "Choose a writable path, or free space on the disk",
    })
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_sentence_is_the_next_step() {
        let cases = [
            ("no file", "no file", None),
            ("no file a.csv; give a path", "no file a.csv", Some("Give a path")),
            ("a; b. Check it", "a; b", Some("Check it")),
            ("ü. ä", "ü", Some("Ä")),
        ];
        for (text, message, next_step) in cases {
            let failure = from_sentence(text);
            assert_eq!((failure.message.as_str(), failure.next_step.as_deref()), (message, next_step));
        }
    }
}
