//! Counts of the files of a folder that are not in the dataset, by kind.

use std::collections::BTreeMap;

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
    /// Images that cannot be decoded.
    pub(super) unreadable: usize,
}

impl LeftOut {
    /// Returns one sentence for each kind that occurred.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                notes.push(format!("{what}: {count}"));
            }
        };
        note(self.unreadable, "unreadable images left out");
        for (format, &count) in &self.unsupported {
            note(count, &format!("{format} files left out (convert them to JPEG or PNG to use them)"));
        }
        note(self.inner_links, "links to folders or files of the same data left out");
        note(self.circles, "symbolic links in a circle, back to a folder they lie in, left out");
        note(self.broken_links, "broken symbolic links left out");
        note(self.other, "files that are not images left out");
        notes
    }
}
