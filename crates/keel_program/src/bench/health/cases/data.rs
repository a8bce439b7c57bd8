//! Data of the cases: built in, stored in the folder, or generated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::case_file::Case;
use super::folder::CaseFolder;
use crate::bench::health::generated;
use crate::failure::{Failure, unwritable};

/// Folder in which the configs look for their data.
const DATA: &str = "data";

/// Paths of the data of all cases, by the name used in a config.
#[derive(Debug)]
pub(super) struct Sources {
    paths: BTreeMap<String, PathBuf>,
}

impl Sources {
    /// Finds the data of all cases of `folder` in `data`, by default its folder `data`; missing data that can be generated is
    /// written to `scratch`.
    ///
    /// # Errors
    /// If data is missing, or cannot be written.
    pub(super) fn find(folder: &CaseFolder, data: Option<&Path>, scratch: &Path) -> Result<Sources, Failure> {
        let mut paths = BTreeMap::new();
        let stored = data.map_or_else(|| folder.path.join(DATA), Path::to_owned);
        for case in folder.cases() {
            let source = &case.config.data.source;
            if keel_data::is_built_in(source) || Path::new(source).is_absolute() || paths.contains_key(source) {
                continue;
            }
            let name = Path::new(source).strip_prefix(DATA).unwrap_or(Path::new(source));
            let found = located(name, &stored, &scratch.join(DATA))?;
            let found = found.ok_or_else(|| {
                let place = case.path.display();
                let failure = Failure::new(format!("{place}: `data.source`: there is no {source}"));
                failure.next_step(format!("Put it into {}, or name its folder with --data", stored.display()))
            })?;
            paths.insert(source.clone(), found);
        }
        Ok(Sources { paths })
    }

    /// Returns the path of the data of `case`; `None` if its config finds the data itself.
    pub(super) fn of(&self, case: &Case) -> Option<&Path> {
        self.paths.get(&case.config.data.source).map(PathBuf::as_path)
    }
}

/// Returns the absolute path of the stored or generated data `name`.
fn located(name: &Path, stored: &Path, scratch: &Path) -> Result<Option<PathBuf>, Failure> {
    if let Ok(path) = stored.join(name).canonicalize() {
        return Ok(Some(path));
    }
    let written = generated::write(&name.display().to_string(), scratch);
    let written = written.map_err(|error| unwritable(&scratch.join(name), &error))?;
    Ok(written.then(|| scratch.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(source: &str, folder: &Path) -> CaseFolder {
        let path = folder.join("healthy/a.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("# expect: silent\n# a table\n[data]\nsource = \"{source}\"\n")).unwrap();
        CaseFolder::read(folder, &[]).unwrap()
    }

    #[test]
    fn data_is_stored_generated_or_missing() {
        let place = tempfile::tempdir().unwrap();
        let scratch = place.path().join("scratch");
        let sources = |source: &str, data: Option<&Path>| {
            let folder = folder_with(source, place.path());
            let found = Sources::find(&folder, data, &scratch);
            found
                .map(|sources| sources.of(&folder.healthy[0]).map(Path::to_owned))
                .map_err(|failure| failure.to_string())
        };
        assert_eq!(sources("digits", None), Ok(None));
        assert_eq!(sources("data/few.csv", None), Ok(Some(scratch.join("data/few.csv"))));
        assert!(scratch.join("data/few.csv").is_file());
        let missing = sources("data/mine.csv", None).unwrap_err();
        assert!(missing.ends_with("a.toml: `data.source`: there is no data/mine.csv"), "{missing}");
        let stored = place.path().join("elsewhere");
        std::fs::create_dir_all(&stored).unwrap();
        std::fs::write(stored.join("mine.csv"), "a,target\n1,2\n").unwrap();
        let found = sources("data/mine.csv", Some(&stored)).unwrap().unwrap();
        assert!(found.ends_with("elsewhere/mine.csv") && found.is_absolute());
    }
}
