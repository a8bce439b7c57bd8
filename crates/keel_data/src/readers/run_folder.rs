//! Folders of training runs, which are not data although they contain pictures and tables.

use super::image_ending::has_image_ending;
use super::junk::is_junk;
use super::{file_name, sorted_entries};
use crate::error::DataError;
use std::path::{Path, PathBuf};

/// File that every run has from its start.
const CONFIG: &str = "config.toml";
/// Entries of a run, of which each has at least one: the lock of a run at work, the summary of one that ended.
const OTHERS: [&str; 3] = ["run.lock", "summary.json", "checkpoints"];

/// Maximum depth of folders of runs in folders.
const DEPTH: usize = 4;

/// Returns true if `folder` is the folder of a run.
pub fn is_run_folder(folder: &Path) -> bool {
    folder.join(CONFIG).is_file() && OTHERS.iter().any(|name| folder.join(name).exists())
}

/// Returns true if `folder` is the folder of a run, or holds folders of runs and neither images
/// nor other folders.
pub fn is_folder_of_runs(folder: &Path) -> bool {
    is_of_runs(folder, DEPTH)
}

fn is_of_runs(folder: &Path, depth: usize) -> bool {
    if is_run_folder(folder) {
        return true;
    }
    let folders = folders_of(folder);
    depth > 0 && !folders.is_empty() && folders.iter().all(|folder| is_of_runs(folder, depth - 1))
}

/// Returns the folders in `folder`, without hidden and system folders; nothing if there is an image next to them, at which
/// the search stops, since a class may have very many.
fn folders_of(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders = Vec::new();
    for entry in entries.flatten().filter(|entry| !is_junk(&entry.file_name().to_string_lossy())) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() || kind.is_symlink() && path.is_dir() => folders.push(path),
            _ if has_image_ending(&path) => return Vec::new(),
            _ => {}
        }
    }
    folders
}

/// Returns the names of the entries of `folder` that are folders of runs, sorted.
pub(super) fn runs_in(folder: &Path) -> Result<Vec<String>, DataError> {
    let folders = sorted_entries(folder)?.into_iter().filter(|entry| entry.is_dir() && is_folder_of_runs(entry));
    Ok(folders.map(|folder| file_name(&folder)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::load::load;

    #[test]
    fn runs_and_the_folders_that_hold_them_are_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            "runs/a/config.toml",
            "runs/a/summary.json",
            "runs/b/config.toml",
            "runs/b/run.lock",
            "runs/.notes/x.txt",
            "group/more/c/config.toml",
            "group/more/c/checkpoints/last.safetensors",
            "mixed/a/config.toml",
            "mixed/a/summary.json",
            "mixed/cat/1.png",
            "configs/config.toml",
            "empty/readme.txt",
            "class/1.png",
            "class/a/config.toml",
            "class/a/run.lock",
        ];
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let cases = [
            ("runs/a", true, true),
            ("runs/b", true, true),
            ("runs", false, true),
            ("group", false, true),
            ("mixed", false, false),
            ("configs", false, false),
            ("empty", false, false),
            ("class", false, false),
        ];
        for (name, run, of_runs) in cases {
            let path = folder.path().join(name);
            assert_eq!((is_run_folder(&path), is_folder_of_runs(&path)), (run, of_runs), "{name}");
        }
        assert_eq!(runs_in(folder.path()).unwrap(), ["group", "runs"]);
    }
    #[test]
    fn runs_next_to_a_table_are_not_images() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("runs/a")).unwrap();
        for file in ["config.toml", "run.lock", "samples.png"] {
            std::fs::write(folder.path().join("runs/a").join(file), "").unwrap();
        }
        let read = || load(&DataConfig::of_source("."), folder.path());
        assert!(read().unwrap_err().to_string().contains("the folder holds nothing but training runs"));
        std::fs::write(folder.path().join("t.csv"), "a,b\n1,x\n2,y\n3,x\n").unwrap();
        assert_eq!(read().unwrap().samples(), 3);
    }
}
