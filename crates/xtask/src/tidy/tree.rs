//! Text files of the repository in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Folders of the root that contain results, not sources.
const RESULTS: [&str; 2] = ["runs", ".git"];

/// Names of folders that contain results anywhere: packages outside of the workspace have a `target` of their own.
const CACHES: [&str; 4] = ["target", "__pycache__", ".mypy_cache", ".pytest_cache"];

/// Suffixes of compiled modules, which `maturin develop` puts next to the sources.
const COMPILED: [&str; 2] = [".so", ".pyd"];

/// All files by path from the root (`crates/xtask/src/main.rs`), sorted; files that are not UTF-8 text are empty.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads everything under `root` except results of builds and runs.
    ///
    /// # Errors
    /// Fails if a folder or file cannot be read.
    pub(crate) fn read(root: &Path) -> io::Result<Tree> {
        let mut tree = Tree::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            let results = RESULTS.contains(&path.as_str()) || CACHES.contains(&name.as_str());
            if kind.is_dir() && !results {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if entry.path().is_file() && !COMPILED.iter().any(|ending| name.ends_with(ending)) {
                let text = String::from_utf8(fs::read(entry.path())?).unwrap_or_default();
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// Iterates over all files: path and text.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Iterates over the Rust files.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// Returns the text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Returns true if there is a file or folder at `path`.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// Iterates over the crates: folder name and text of the manifest.
    pub(crate) fn crates(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter_map(|(path, text)| {
            let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            (!name.contains('/')).then_some((name, text))
        })
    }
}

#[cfg(test)]
impl Tree {
    /// Creates a tree for tests.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        Tree { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_files_folders_and_crates() {
        let tree = Tree::of(&[("crates/a/Cargo.toml", "a"), ("crates/a/x/Cargo.toml", "x"), ("README.md", "r")]);
        let cases = [("README.md", true), ("crates", true), ("crates/a/", true), ("crates/a/x", true), ("cra", false)];
        for (path, expected) in cases {
            assert_eq!(tree.contains(path), expected, "{path}");
        }
        assert_eq!(tree.crates().collect::<Vec<_>>(), [("a", "a")]);
    }

    #[test]
    fn reads_its_own_sources_and_no_results() {
        let tree = Tree::read(&crate::root()).unwrap();
        assert!(tree.text("crates/xtask/src/main.rs").is_some_and(|text| text.contains("fn main")));
        assert!(tree.files().all(|(path, _)| !path.starts_with("target/") && !path.starts_with(".git/")));
    }
}
