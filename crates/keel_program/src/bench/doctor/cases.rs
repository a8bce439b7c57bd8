//! Reads faulty programs and their repaired versions from a folder.

use std::path::{Path, PathBuf};

use keel_train::{Config, config};

use crate::failure::{Failure, Stop};

/// A faulty program.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) faulty: Config,
    pub(crate) repaired: Config,
}

/// Suffix of the name of a repaired program.
const REPAIRED: &str = "_fixed";

/// Reads the pairs `faulty/NAME.toml` and `faulty/NAME_fixed.toml` below `folder` whose name contains `only`, in alphabetical
/// order. A data source that is not next to the config is searched for in `data`.
///
/// # Errors
/// If there is no such pair, or a config cannot be read.
pub(crate) fn read_cases(folder: &Path, data: Option<&Path>, only: &str) -> Result<Vec<Case>, Stop> {
    let faulty = folder.join("faulty");
    let entries = std::fs::read_dir(&faulty).map_err(|error| {
        let failure = Failure::new(format!("cannot read the folder {}: {error}", faulty.display()));
        failure.next_step("Give a folder that holds faulty/NAME.toml and faulty/NAME_fixed.toml with --cases")
    })?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in &paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let repaired = path.with_file_name(format!("{name}{REPAIRED}.toml"));
        if name.ends_with(REPAIRED) || !name.contains(only) || !repaired.is_file() {
            continue;
        }
        cases.push(Case { name, faulty: read(path, data)?, repaired: read(&repaired, data)? });
    }
    if cases.is_empty() {
        let failure = Failure::new(format!("{} holds no pair of NAME.toml and NAME_fixed.toml", faulty.display()));
        return Err(failure.next_step("Give another folder with --cases, or remove --only").into());
    }
    Ok(cases)
}

fn read(path: &Path, data: Option<&Path>) -> Result<Config, Stop> {
    let mut config = config::load(Some(&path.display().to_string()), &[])?;
    config.data.seed.get_or_insert(0);
    let source = PathBuf::from(&config.data.source);
    if keel_data::is_built_in(&config.data.source) || source.exists() {
        return Ok(config);
    }
    let name = source.file_name().map(Path::new).unwrap_or(&source);
    let found = data.into_iter().flat_map(|data| [data.join(&source), data.join(name)]).find(|path| path.exists());
    let Some(found) = found else {
        let failure = Failure::new(format!("{}: data.source {} does not exist", path.display(), source.display()));
        return Err(failure.next_step("Name the folder that holds it with --data").into());
    };
    config.data.source = found.display().to_string();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let faulty = folder.path().join("faulty");
        std::fs::create_dir(&faulty).unwrap();
        let message = |data: Option<&Path>| match read_cases(folder.path(), data, "") {
            Err(Stop::Failed(failure)) => failure.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(message(None).contains("holds no pair"));
        for name in ["a", "a_fixed", "b"] {
            std::fs::write(faulty.join(format!("{name}.toml")), "[data]\nsource = \"data/rows.csv\"\n").unwrap();
        }
        assert!(message(None).contains("data/rows.csv does not exist"));
        std::fs::write(folder.path().join("rows.csv"), "a,b\n1,2\n").unwrap();
        let cases = read_cases(folder.path(), Some(folder.path()), "").unwrap();
        assert_eq!(cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert!(cases[0].repaired.data.source.ends_with("rows.csv"));
    }
}
