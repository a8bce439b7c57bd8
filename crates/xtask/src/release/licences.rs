//! Licences of everything linked into the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::metadata::{Metadata, Package};

/// Prefixes of the names of licence files, in lower case.
const NAMES: [&str; 6] = ["licence", "license", "copying", "notice", "unlicense", "copyright"];

/// Folders where some crates keep their licences.
const FOLDERS: [&str; 2] = ["LICENSES", "licenses"];

/// Suffixes of files with such names that are sources rather than licences.
const SOURCES: [&str; 4] = [".rs", ".py", ".toml", ".sh"];

const LINE: &str = "--------------------------------------------------------------------------------";

/// A crate linked into the program, with its licence texts.
struct Linked<'a> {
    package: &'a Package,
    /// Numbers of its texts, from 1.
    texts: Vec<usize>,
}

/// Returns the document and the number of crates in it, for the program of package `root`.
///
/// # Errors
/// Fails with a line for each crate without a licence.
pub(super) fn document(metadata: &Metadata, root: &str) -> Result<(String, usize), Vec<String>> {
    let mut texts: Vec<String> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let (mut linked, mut problems) = (Vec::new(), Vec::new());
    for package in shipped(metadata, root) {
        let found = texts_of(package);
        if package.license.is_none() && found.is_empty() {
            problems
                .push(format!("`{} {}` has neither a licence file nor an expression", package.name, package.version));
        }
        let mut own = BTreeSet::new();
        for text in found {
            own.insert(*numbers.entry(words(&text)).or_insert_with(|| {
                texts.push(text.trim().replace("\r\n", "\n"));
                texts.len()
            }));
        }
        linked.push(Linked { package, texts: own.into_iter().collect() });
    }
    if problems.is_empty() { Ok((page(&linked, &texts), linked.len())) } else { Err(problems) }
}

/// Returns the packages linked into `root`, by name and version, without workspace packages and macros, which run at
/// compile time.
fn shipped<'a>(metadata: &'a Metadata, root: &str) -> Vec<&'a Package> {
    let mut waiting = vec![root];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        let is_macro = metadata.packages.get(id).is_none_or(|package| package.proc_macro);
        if !is_macro && seen.insert(id) {
            waiting.extend(metadata.links.get(id).into_iter().flatten().map(String::as_str));
        }
    }
    let outside = seen.into_iter().filter(|id| !metadata.members.contains(*id));
    let mut packages: Vec<&Package> = outside.filter_map(|id| metadata.packages.get(id)).collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}

/// Returns the licence texts in a package's folder, by file name.
fn texts_of(package: &Package) -> Vec<String> {
    let Some(folder) = package.manifest.parent() else { return Vec::new() };
    let mut paths: BTreeSet<_> = files_in(folder).filter(|path| is_licence(path)).collect();
    paths.extend(FOLDERS.iter().flat_map(|name| files_in(&folder.join(name))));
    paths.extend(package.license_file.iter().map(|file| folder.join(file)));
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).filter(|text| !text.trim().is_empty()).collect()
}

fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|path| path.is_file())
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    NAMES.iter().any(|start| name.starts_with(start)) && !SOURCES.iter().any(|ending| name.ends_with(ending))
}

/// Normalises a text to its words, so that texts differing only in line breaks are equal.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(linked: &[Linked<'_>], texts: &[String]) -> String {
    let mut page = "Licences of the libraries in this program\n\nCrates, each with its licence and the numbers of its texts below:\n\n".to_owned();
    for Linked { package, texts } in linked {
        let expression = package.license.as_deref().unwrap_or("as in its text");
        let numbers: Vec<String> = texts.iter().map(ToString::to_string).collect();
        let numbers = if numbers.is_empty() { "no file".to_owned() } else { numbers.join(", ") };
        page.push_str(&format!("{} {}: {expression} [{numbers}]\n", package.name, package.version));
    }
    page.push_str("\nThe standard library of Rust: MIT OR Apache-2.0, copyright of the contributors to Rust.\n");
    if linked.iter().any(|linked| linked.package.name == "libsqlite3-sys") {
        page.push_str("SQLite, compiled into libsqlite3-sys: in the public domain.\n");
    }
    for (number, text) in texts.iter().enumerate() {
        page.push_str(&format!("\n{LINE}\nText {}\n{LINE}\n\n{text}\n", number + 1));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary folder with packages that have the given files.
    struct Packages {
        folder: PathBuf,
        metadata: Metadata,
    }

    impl Packages {
        fn new(name: &str) -> Packages {
            let folder = std::env::temp_dir().join(format!("xtask-licences-{name}-{}", std::process::id()));
            let mut packages = Packages { folder, metadata: Metadata::default() };
            packages.add(Package::complete("program"), &[]);
            packages.metadata.members.insert("program".to_owned());
            packages
        }

        fn add(&mut self, mut package: Package, files: &[(&str, &str)]) {
            let (name, folder) = (package.name.clone(), self.folder.join(&package.name));
            fs::create_dir_all(folder.join("LICENSES")).unwrap();
            files.iter().for_each(|(file, text)| fs::write(folder.join(file), text).unwrap());
            package.manifest = folder.join("Cargo.toml");
            self.metadata.packages.insert(name.clone(), package);
            self.metadata.links.entry("program".to_owned()).or_default().push(name);
        }
    }

    impl Drop for Packages {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn equal_texts_appear_once_and_crates_without_a_file_are_named() {
        let mut packages = Packages::new("texts");
        packages.add(Package::complete("a"), &[("LICENSE-MIT", "Use it\nfreely."), ("license.rs", "code")]);
        packages.add(Package::complete("b"), &[("COPYING.txt", "Use it freely.\r\n"), ("LICENSES/X.txt", "Or so.")]);
        packages.add(Package::complete("c"), &[("README.md", "no licence")]);
        packages.add(Package { proc_macro: true, license: None, ..Package::complete("macros") }, &[]);
        let (page, count) = document(&packages.metadata, "program").unwrap();
        assert_eq!(count, 3);
        for line in ["a 1.2.3: MIT [1]\n", "b 1.2.3: MIT [1, 2]\n", "c 1.2.3: MIT [no file]\n", "Text 2\n"] {
            assert!(page.contains(line), "{line}{page}");
        }
        assert!(page.matches("freely").count() == 1 && !page.contains("code") && !page.contains("macros"), "{page}");
    }

    #[test]
    fn a_crate_without_a_licence_is_an_error() {
        let mut packages = Packages::new("none");
        packages.add(Package { license: None, ..Package::complete("a") }, &[("README.md", "text")]);
        let problems = document(&packages.metadata, "program").unwrap_err();
        assert_eq!(problems, ["`a 1.2.3` has neither a licence file nor an expression"]);
        packages.add(Package { license: None, ..Package::complete("a") }, &[("LICENSE", "text")]);
        assert!(document(&packages.metadata, "program").unwrap().0.contains("a 1.2.3: as in its text [1]"));
    }
}
