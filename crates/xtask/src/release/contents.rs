//! Files inside a package: required and forbidden ones.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tar::Archive;

use super::LICENCES;

/// Files required in every package besides the licences.
const REQUIRED: [&str; 2] = ["Cargo.toml", "README.md"];

/// Folders of test data.
const TEST_FOLDERS: [&str; 5] = ["tests", "testdata", "fixtures", "golden", "snapshots"];

/// Minimum size of a licence text in bytes.
const LEAST_LICENCE_BYTES: usize = 500;

/// Suffixes of files that editors and tests leave behind.
const LEFTOVERS: [&str; 5] = [".pending-snap", ".snap.new", ".orig.rs", ".swp", "~"];

/// Maximum size of a file in a test folder, in bytes.
const MOST_TEST_BYTES: usize = 500_000;

/// A file of a package.
#[derive(Debug)]
pub(super) struct Entry {
    /// Path in the package, separated by `/`.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// Folders of the build machine, none of which may appear in a package.
#[derive(Debug)]
pub(super) struct MachinePaths(Vec<String>);

impl MachinePaths {
    /// Returns the folders of the checkout, of the user and of cargo.
    pub(super) fn of(root: &Path) -> MachinePaths {
        let homes = ["HOME", "USERPROFILE", "CARGO_HOME"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
        let folders: BTreeSet<String> =
            homes.chain([root.to_path_buf()]).map(|path| path.display().to_string()).collect();
        MachinePaths(folders.into_iter().filter(|folder| folder.len() > 1).collect())
    }

    /// Counts the paths into these folders in a text or a program.
    pub(super) fn count_in(&self, bytes: &[u8]) -> usize {
        self.0.iter().map(|folder| occurrences(bytes, folder.as_bytes())).sum()
    }
}

/// Counts occurrences of `folder` followed by a separator and not preceded by another folder.
fn occurrences(bytes: &[u8], folder: &[u8]) -> usize {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./\\".contains(&byte);
    let places = bytes.windows(folder.len()).enumerate().filter(|(_, window)| *window == folder);
    let counted = places.filter(|(place, _)| {
        let before = place.checked_sub(1).map(|place| bytes[place]);
        let after = bytes.get(place + folder.len());
        before.is_none_or(|byte| !is_name(byte)) && after.is_some_and(|byte| b"/\\".contains(byte))
    });
    counted.count()
}

/// Reads the files of a package, a gzip-compressed tar archive, without its top-level folder.
pub(super) fn entries(package: &[u8]) -> Result<Vec<Entry>, String> {
    let unreadable = |error: std::io::Error| format!("the package is not readable: {error}");
    let mut entries = Vec::new();
    for file in Archive::new(GzDecoder::new(package)).entries().map_err(unreadable)? {
        let mut file = file.map_err(unreadable)?;
        let path = file.path().map_err(unreadable)?.to_string_lossy().replace('\\', "/");
        let path = path.split_once('/').map_or(path.as_str(), |(_, rest)| rest).to_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        entries.push(Entry { path, bytes });
    }
    Ok(entries)
}

/// Returns the problems with the files of a package.
pub(super) fn problems(entries: &[Entry], machine: &MachinePaths) -> Vec<String> {
    let paths: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let missing =
        REQUIRED.into_iter().chain(LICENCES).filter(|name| !paths.contains(name)).map(|name| format!("no {name}"));
    let mut problems: Vec<String> = missing.collect();
    for Entry { path, bytes } in entries {
        let folders: Vec<&str> = path.split('/').rev().skip(1).collect();
        if folders.contains(&"target") {
            problems.push(format!("{path} is a result of a build"));
        }
        if path.starts_with("LICENSE-") && bytes.len() < LEAST_LICENCE_BYTES {
            problems.push(format!("{path} holds no licence; a link may have been checked out as a file"));
        }
        if LEFTOVERS.iter().any(|ending| path.ends_with(ending)) {
            problems.push(format!("{path} is a leftover of an editor or a test"));
        }
        if folders.iter().any(|folder| TEST_FOLDERS.contains(folder)) && bytes.len() > MOST_TEST_BYTES {
            let limit = MOST_TEST_BYTES / 1000;
            problems.push(format!("{path}: {} kB of test data; at most {limit} kB", bytes.len() / 1000));
        }
        if machine.count_in(bytes) > 0 {
            problems.push(format!("{path} names a folder of this machine"));
        }
        let source = path.starts_with("src/") && path.ends_with(".rs");
        let included = if source { included(path, &String::from_utf8_lossy(bytes)) } else { Vec::new() };
        let absent = included.into_iter().filter(|included| !paths.contains(included.as_str()));
        problems.extend(absent.map(|included| format!("{path} includes {included}, which is not in the package")));
    }
    problems
}

/// Returns the paths of the files that a source includes as text or bytes, relative to the package root. Files included
/// only by documentation tests are left out, since these run in the repository.
fn included(path: &str, source: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let calls = ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(|call| source.match_indices(call));
    let for_tests = |place: usize| source[..place].lines().nth_back(1).is_some_and(|line| line == "#[cfg(doctest)]");
    let files = calls.filter(|(place, _)| !for_tests(*place)).filter_map(|(place, call)| {
        let file = source[place + call.len()..].split('"').next()?;
        Some(joined(folder, file))
    });
    files.collect()
}

/// Joins `folder` and `file`, resolving `..` where possible.
fn joined(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, bytes: &[u8]) -> Entry {
        Entry { path: path.to_owned(), bytes: bytes.to_vec() }
    }

    fn machine() -> MachinePaths {
        MachinePaths(vec!["/users/ann".to_owned()])
    }

    fn found(more: Entry) -> Vec<String> {
        let required = REQUIRED.into_iter().chain(LICENCES);
        let mut entries: Vec<Entry> = required.map(|name| entry(name, &[b'a'; LEAST_LICENCE_BYTES])).collect();
        entries.push(entry("assets/a.txt", b""));
        entries.push(more);
        problems(&entries, &machine())
    }

    #[test]
    fn files_that_do_not_belong_in_a_package_are_named() {
        let large = vec![b'0'; MOST_TEST_BYTES + 1];
        let cases: [(&str, &[u8], &str); 13] = [
            ("src/lib.rs", b"const A: &str = include_str!(\"../assets/a.txt\");", ""),
            ("src/x/y.rs", b"include_bytes!(\"../../assets/a.txt\")", ""),
            ("src/lib.rs", b"#[cfg(doctest)]\n#[doc = include_str!(\"../../b.md\")]\nstruct B;", ""),
            ("assets/large", &large, ""),
            ("src/target.rs", b"", ""),
            ("notes.md", b"in /users/annette/a or /x/users/ann/a", ""),
            ("target/debug/a", b"", "target/debug/a is a result of a build"),
            ("LICENSE-X", b"../../X", "LICENSE-X holds no licence; a link may have been checked out as a file"),
            ("src/.a.rs.pending-snap", b"", "src/.a.rs.pending-snap is a leftover of an editor or a test"),
            ("tests/data/a", &large, "tests/data/a: 500 kB of test data; at most 500 kB"),
            ("notes.md", b"see /users/ann/notes", "notes.md names a folder of this machine"),
            ("src/lib.rs", b"include_str!(\"../b.txt\")", "src/lib.rs includes b.txt, which is not in the package"),
            ("src/lib.rs", b"include_str!(\"../../x/b\")", "src/lib.rs includes ../x/b, which is not in the package"),
        ];
        for (path, bytes, expected) in cases {
            assert_eq!(found(entry(path, bytes)).concat(), expected, "{path}");
        }
    }

    #[test]
    fn missing_files_are_named() {
        let expected = ["no Cargo.toml", "no README.md", "no LICENSE-APACHE", "no LICENSE-MIT"];
        assert_eq!(problems(&[], &machine()), expected);
    }

    #[test]
    fn what_is_no_package_is_refused() {
        assert!(entries(b"text").unwrap_err().starts_with("the package is not readable: "));
    }
}
