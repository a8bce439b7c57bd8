//! Errors in requests and in measurement files.

/// An error of this crate; each message states the fault, the location and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// No rule has this code or name.
    #[error("no rule is called '{asked}'; did you mean {nearest}? `evenkeel explain` lists all rules")]
    UnknownRule {
        /// Requested name.
        asked: String,
        /// Code and name of the most similar rule.
        nearest: String,
    },
    /// A line is not a JSON object.
    #[error(
        "line {line}: not a JSON object ({reason}); every line must hold one record such as {{\"type\": \"step\", …}}: \
         delete a truncated last line"
    )]
    NotJson {
        /// Line number, from 1.
        line: usize,
        /// Message of the parser.
        reason: String,
    },
    /// The file uses a later version of the format.
    #[error(
        "line {line}, version: the file is of version {version} of the format, and this program reads up to {newest}; \
         update the program, or record with a recorder of version {newest}"
    )]
    Newer {
        /// Line number, from 1.
        line: usize,
        /// Version of the file.
        version: u64,
        /// Newest supported version.
        newest: u64,
    },
    /// A field is missing, unknown or of the wrong type.
    #[error("line {line}, {field}: {reason}; the format is described in docs/measurements.md")]
    BadField {
        /// Line number, from 1.
        line: usize,
        /// Path of the field, such as `layers[2].output`.
        field: String,
        /// Fault of the value.
        reason: String,
    },
    /// A record names a layer that the model does not have.
    #[error("line {line}, {field}: the model has no layer '{name}'{}", suggestion(.nearest))]
    UnknownLayer {
        /// Line number, from 1.
        line: usize,
        /// Path of the field.
        field: String,
        /// Name as written.
        name: String,
        /// Closest name in the model; `None` if none is close.
        nearest: Option<String>,
    },
    /// The file contains no records.
    #[error("the file holds no record; begin with a model record, as docs/measurements.md describes")]
    NoRecord,
    /// A record is in the wrong place.
    #[error("line {line}: {reason}")]
    WrongOrder {
        /// Line number, from 1.
        line: usize,
        /// The inconsistency, and the next step.
        reason: String,
    },
    /// A line could not be read.
    #[error("line {line}: cannot be read: {reason}; give a text file with one JSON record per line")]
    Unreadable {
        /// Line number, from 1.
        line: usize,
        /// Message of the operating system.
        reason: String,
    },
}

fn suggestion(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!("; did you mean '{name}'?"),
        None => "; describe it in the model record first".to_string(),
    }
}
