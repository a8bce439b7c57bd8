//! Text that a terminal shows and never obeys.

use keel_data::printable;

/// Lines of text, with whatever a terminal would obey (escapes, marks of direction) as what it is: names of files, classes
/// and columns may hold anything.
pub(crate) fn shown(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
