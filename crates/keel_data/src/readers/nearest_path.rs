//! The file or folder that a mistyped path most likely means.

use std::path::{Path, PathBuf};

/// Similarity of two names, from 0 to 1, from which one is taken for a typing error of the other.
const SIMILAR: f64 = 0.8;

/// Returns the path in the same folder whose name is most similar to that of `path`, if one is similar enough to be meant.
pub fn nearest_path(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let folder = path.parent()?;
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let scored = std::fs::read_dir(listed).ok()?.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let known = name.to_string_lossy().to_lowercase();
        let is_hidden = known.starts_with('.') && !wanted.starts_with('.');
        let score = strsim::jaro_winkler(&wanted, &known);
        (score >= SIMILAR && !is_hidden).then(|| (score, folder.join(name)))
    });
    // The order of a folder's entries is not defined: equal scores are decided by the name.
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(&one.1)));
    best.map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_neighbour() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["titanic.csv", "customers.csv", "my.toml", ".titanic.cvs"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let cases = [
            ("titanic.cvs", Some("titanic.csv")),
            ("Titanic.csv.gz", Some("titanic.csv")),
            ("titanc", Some("titanic.csv")),
            ("custmers.csv", Some("customers.csv")),
            ("kunden.csv", None),
            ("absent.toml", None),
        ];
        for (name, expected) in cases {
            let expected = expected.map(|name| folder.path().join(name));
            assert_eq!(nearest_path(&folder.path().join(name)), expected, "{name}");
        }
        assert_eq!(nearest_path(&folder.path().join("absent/titanic.csv")), None);
    }
}
