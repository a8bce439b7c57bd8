//! Text that a terminal shows and never obeys.

use keel_data::printable;

/// Lines of text, with control characters (escapes, marks of direction) in escaped form: names of files, classes
/// and columns may hold anything.
pub(crate) fn shown(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
