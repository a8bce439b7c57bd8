//! Text that is safe to show on a terminal.

use keel_data::printable;

/// Returns lines of text with control characters (escapes, direction marks) in escaped form: names of files, classes and
/// columns may contain anything.
pub(crate) fn shown(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
