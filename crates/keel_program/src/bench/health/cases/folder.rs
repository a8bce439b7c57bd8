//! Reads a folder of cases before anything is trained.

use std::fs;
use std::path::{Path, PathBuf};

use super::case_file::{Case, Sort};
use crate::failure::{Failure, Stop, unreadable};

/// Suffix of the name of a repaired program.
const REPAIRED: &str = "_fixed";

/// The cases of a folder, in the order of their kinds and names.
#[derive(Debug)]
pub(super) struct CaseFolder {
    /// Path of the folder.
    pub(super) path: PathBuf,
    /// Faulty programs.
    pub(super) faulty: Vec<Pair>,
    /// Healthy programs.
    pub(super) healthy: Vec<Case>,
}

/// A faulty program and its repaired version.
#[derive(Debug)]
pub(super) struct Pair {
    /// The program with the fault.
    pub(super) faulty: Case,
    /// The repaired version, if there is one.
    pub(super) repaired: Option<Case>,
}

impl CaseFolder {
    /// Reads the cases of `path` whose names contain one of the words `only`, or all if it is empty: `faulty/NAME.toml`,
    /// `faulty/NAME_fixed.toml` and `healthy/NAME.toml`, or the same grouped by kind, `faulty/KIND/NAME.toml`.
    ///
    /// # Errors
    /// If there are no cases, or one of them is invalid.
    pub(super) fn read(path: &Path, only: &[String]) -> Result<CaseFolder, Stop> {
        let wanted = |file: &CaseFile| only.is_empty() || only.iter().any(|word| file.name().contains(word.as_str()));
        let (all_faulty, all_healthy) = (files(&path.join("faulty"))?, files(&path.join("healthy"))?);
        if all_faulty.is_empty() && all_healthy.is_empty() {
            let failure = Failure::new(format!("{}: no cases in its folders faulty and healthy", path.display()));
            return Err(failure.next_step("Name a folder such as bench/health/cases of the repository").into());
        }
        let mut faulty = Vec::new();
        for file in all_faulty.iter().filter(|file| !file.name().ends_with(REPAIRED) && wanted(file)) {
            let repaired = all_faulty.iter().find(|other| {
                other.kind == file.kind && other.name().strip_suffix(REPAIRED) == Some(file.name().as_str())
            });
            let repaired = repaired.map(|other| other.read(Sort::Silent)).transpose()?;
            faulty.push(Pair { faulty: file.read(Sort::Faulty)?, repaired });
        }
        let healthy = all_healthy.iter().filter(|file| wanted(file)).map(|file| file.read(Sort::Silent));
        let folder = CaseFolder { path: path.to_owned(), faulty, healthy: healthy.collect::<Result<_, _>>()? };
        if folder.cases().next().is_none() {
            let failure = Failure::new(format!("--only {}: no such case in {}", only.join(","), path.display()));
            return Err(failure.next_step("Give a word of the name of a case, which is that of its file").into());
        }
        Ok(folder)
    }

    /// All programs.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        let faulty = self.faulty.iter().flat_map(|pair| std::iter::once(&pair.faulty).chain(&pair.repaired));
        faulty.chain(&self.healthy)
    }
}

/// File of a case and the kind under which it is grouped.
struct CaseFile {
    path: PathBuf,
    kind: String,
}

impl CaseFile {
    fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn read(&self, sort: Sort) -> Result<Case, Stop> {
        Case::read(&self.path, &self.kind, sort)
    }
}

/// Returns the configs in `folder` and its subfolders, in order; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<CaseFile>, Failure> {
    let mut files = Vec::new();
    for path in if folder.is_dir() { entries(folder)? } else { Vec::new() } {
        if path.is_dir() {
            let kind = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.extend(entries(&path)?.into_iter().map(|path| CaseFile { path, kind: kind.clone() }));
        } else {
            files.push(CaseFile { path, kind: String::new() });
        }
    }
    files.retain(|file| file.path.extension().is_some_and(|ending| ending == "toml"));
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut entries = read().map_err(|error| unreadable(folder, &error))?;
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn message(files: &[(&str, &str)], only: &[&str]) -> String {
        let folder = written(files);
        let only: Vec<String> = only.iter().map(|&word| word.to_owned()).collect();
        match CaseFolder::read(folder.path(), &only).unwrap_err() {
            Stop::Failed(failure) => failure.to_string(),
            Stop::OutputClosed => panic!("not a matter of output"),
        }
    }

    const FAULTY: &str = "# expect: K013\n# rate too low\n";
    const SILENT: &str = "# expect: silent\n# as it should be\n";

    #[test]
    fn cases_are_found_flat_and_grouped_with_their_repaired_versions() {
        let folder = written(&[
            ("faulty/slow.toml", FAULTY),
            ("faulty/slow_fixed.toml", SILENT),
            ("faulty/rates/slow.toml", FAULTY),
            ("faulty/rates/notes.txt", ""),
            ("healthy/plain.toml", SILENT),
        ]);
        let cases = CaseFolder::read(folder.path(), &[]).unwrap();
        let names: Vec<(&str, &str, bool)> = cases
            .faulty
            .iter()
            .map(|pair| (pair.faulty.kind.as_str(), pair.faulty.name.as_str(), pair.repaired.is_some()))
            .collect();
        assert_eq!(names, [("rates", "slow", false), ("", "slow", true)]);
        assert_eq!(cases.cases().count(), 4);
        let only = CaseFolder::read(folder.path(), &["plai".to_owned()]).unwrap();
        assert_eq!((only.faulty.len(), only.healthy.len()), (0, 1));
    }

    #[test]
    fn wrong_folders_are_refused_with_file_and_line() {
        let wrong = "# expect: silent\n# a wrong key\n[train]\nepoch = 3\n";
        let cases: [(&[(&str, &str)], &[&str], &str); 6] = [
            (&[], &[], "no cases in its folders faulty and healthy"),
            (&[("healthy/a.toml", SILENT)], &["b"], "--only b: no such case"),
            (&[("healthy/a.toml", "[data]\n")], &[], "a.toml:1: the first line does not begin with `# expect:`"),
            (&[("faulty/a.toml", "# expect: K013\n")], &[], "a.toml:2: the description of the case is missing"),
            (&[("healthy/a.toml", wrong)], &[], "a.toml:4: `train.epoch`: unknown key"),
            (
                &[("faulty/a.toml", FAULTY), ("faulty/a_fixed.toml", FAULTY)],
                &[],
                "a_fixed.toml:1: `K013` is not `silent`",
            ),
        ];
        for (files, only, expected) in cases {
            let message = message(files, only);
            assert!(message.contains(expected), "{message}\nlacks: {expected}");
        }
    }
}
