//! Counts of the files of a folder that are not in the dataset, by kind.

use std::collections::BTreeMap;

/// Maximum number of unreadable images that are named.
const NAMED: usize = 3;

/// Files and links that were left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Files that are not images.
    pub(super) other: usize,
    /// Images of formats that are not decoded, by format.
    pub(super) unsupported: BTreeMap<&'static str, usize>,
    /// Broken symbolic links.
    pub(super) broken_links: usize,
    /// Links to folders or files that are listed elsewhere, and further names of the same file.
    pub(super) inner_links: usize,
    /// Symbolic links to a folder that contains them.
    pub(super) circles: usize,
    /// Folders of training runs.
    pub(super) runs: usize,
    /// Images that cannot be decoded, by path.
    pub(super) unreadable: Vec<String>,
}

impl LeftOut {
    /// Returns one sentence for each kind that occurred.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.unreadable.is_empty() {
            let count = self.unreadable.len();
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            let named = self.unreadable.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            notes.push(format!("unreadable images left out: {count} ({named}{more})"));
        }
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                notes.push(format!("{what}: {count}"));
            }
        };
        for (format, &count) in &self.unsupported {
            note(count, &format!("{format} files left out (convert them to JPEG or PNG to use them)"));
        }
        note(self.runs, "folders of training runs left out");
        note(self.inner_links, "links to folders or files of the same data left out");
        note(self.circles, "symbolic links in a circle, back to a folder they lie in, left out");
        note(self.broken_links, "broken symbolic links left out");
        note(self.other, "files that are not images left out");
        notes
    }
}
