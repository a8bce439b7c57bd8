//! Archive with the program, its manual, completions and licences, reproducible for the same program and commit.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, GzBuilder};
use tar::{Builder, Header};

use super::contents::MachinePaths;
use super::licences;
use super::outcome::Outcome;
use super::process::{cargo, git, output};
use super::{LICENCES, Release};

/// Package of the program.
const PROGRAM: &str = "evenkeel";

/// Files of the repository included in the archive besides the licences.
const DOCUMENTS: [&str; 2] = ["README.md", "CHANGELOG.md"];

/// Shells, with the names under which they look for completions.
const SHELLS: [(&str, &str); 4] =
    [("bash", "evenkeel.bash"), ("zsh", "_evenkeel"), ("fish", "evenkeel.fish"), ("powershell", "evenkeel.ps1")];

/// Files by their path in the archive, sorted by path.
type Files = BTreeMap<String, Vec<u8>>;

/// Builds the program, unless one is given, and writes the archive.
pub(super) fn build(release: &Release<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    // Remove the archive of an earlier build, so that a failure leaves none; it may not exist.
    let _ = fs::remove_file(release.folder.join(file_name(release)));
    let program = match program(release) {
        Ok(program) => program,
        Err(problem) => return Outcome::failed(problem),
    };
    let mut files = Files::new();
    outcome.add(read_program(release, &program, &mut files));
    for name in DOCUMENTS.into_iter().chain(LICENCES) {
        match fs::read(release.root.join(name)) {
            Ok(bytes) => drop(files.insert(name.to_owned(), bytes)),
            Err(error) => outcome.problems.push(format!("{name}: {error}")),
        }
    }
    match release.metadata.member(PROGRAM).map(|id| licences::document(&release.metadata, id)) {
        Some(Ok((text, count))) => {
            outcome.facts.push(format!("licences of {count} crates, {} kB", text.len() / 1000));
            files.insert("THIRD-PARTY-LICENSES.txt".to_owned(), text.into_bytes());
        }
        Some(Err(problems)) => outcome.problems.extend(problems),
        None => outcome.problems.push(format!("no package {PROGRAM} in the workspace")),
    }
    outcome.add(add_completions(&program, &mut files));
    outcome.add(add_manual(&release.folder.join("man"), &program, &mut files));
    outcome.add(write(release, &files));
    outcome
}

/// Returns the name of the archive.
pub(super) fn file_name(release: &Release<'_>) -> String {
    format!("{}.tar.gz", folder_name(release))
}

/// Returns the name of the archive's top-level folder.
fn folder_name(release: &Release<'_>) -> String {
    format!("evenkeel-{}-{}", release.version, release.target)
}

/// Returns the given program, or builds it without paths of this machine.
fn program(release: &Release<'_>) -> Result<PathBuf, String> {
    if let Some(path) = &release.options.binary {
        return path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    }
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    // The last matching prefix applies: nested folders come after their parents.
    let folders = [
        (home, "home"),
        (cargo_home, "cargo"),
        (Some(release.metadata.target_directory.clone()), "target"),
        (Some(release.metadata.workspace_root.clone()), "evenkeel"),
    ];
    let folders = folders.into_iter().filter_map(|(folder, name)| Some((folder?, name)));
    let flags: Vec<String> =
        folders.map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display())).collect();
    let mut build = cargo(release.root, &["build", "--release", "--locked", "--package", PROGRAM]);
    output(build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")))?;
    Ok(release.metadata.target_directory.join("release").join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)))
}

fn read_program(release: &Release<'_>, program: &Path, files: &mut Files) -> Result<String, String> {
    let bytes = fs::read(program).map_err(|error| format!("{}: {error}", program.display()))?;
    let printed = output(Command::new(program).arg("--version"))?;
    let paths = MachinePaths::of(&release.metadata.workspace_root).count_in(&bytes);
    let size = format!("{:.1} MB", bytes.len() as f64 / 1e6);
    files.insert(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX), bytes);
    has_version(&printed, &release.version)?;
    match paths {
        0 => Ok(format!("program {size}")),
        // A given program is used unchanged.
        _ if release.options.binary.is_some() => Ok(format!("program {size}, with {paths} paths of this machine")),
        _ => Err(format!("the program contains {paths} paths of this machine")),
    }
}

fn has_version(printed: &str, version: &str) -> Result<(), String> {
    match printed.split_whitespace().nth(1) {
        Some(found) if found == version => Ok(()),
        _ => Err(format!("the program reports `{}`; expected version {version}", printed.trim())),
    }
}

/// Adds completions for every shell, written by the program itself.
fn add_completions(program: &Path, files: &mut Files) -> Result<String, String> {
    for (shell, name) in SHELLS {
        let script = output(Command::new(program).args(["completions", shell]));
        let script = script.map_err(|problem| format!("no completions for {shell}: {}", first_line(&problem)))?;
        files.insert(format!("completions/{name}"), script.into_bytes());
    }
    Ok(format!("completions for {}", SHELLS.map(|(shell, _)| shell).join(", ")))
}

/// Adds the manual pages, which the program writes to `folder`.
fn add_manual(folder: &Path, program: &Path, files: &mut Files) -> Result<String, String> {
    // Remove the pages of an earlier build, which would be added again; they may not exist.
    let _ = fs::remove_dir_all(folder);
    let written = output(Command::new(program).arg("man").arg(folder));
    written.map_err(|problem| format!("no manual: {}", first_line(&problem)))?;
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut pages = 0;
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(format!("man/{name}"), fs::read(&path).map_err(unreadable)?);
        pages += 1;
    }
    fs::remove_dir_all(folder).map_err(unreadable)?;
    if pages == 0 {
        Err("the program wrote no page of the manual".to_owned())
    } else {
        Ok(format!("{pages} pages of the manual"))
    }
}

fn first_line(problem: &str) -> &str {
    problem.lines().next().unwrap_or_default()
}

fn write(release: &Release<'_>, files: &Files) -> Result<String, String> {
    let time = time(release)?;
    let bytes =
        packed(&folder_name(release), files, time).map_err(|error| format!("cannot pack the archive: {error}"))?;
    let path = release.folder.join(file_name(release));
    fs::write(&path, &bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let size = bytes.len() as f64 / 1e6;
    Ok(format!("{}: {} files, {size:.1} MB, time {time}", path.display(), files.len()))
}

/// Returns the time of all files in seconds since 1970: `SOURCE_DATE_EPOCH`, or that of the commit.
fn time(release: &Release<'_>) -> Result<u64, String> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text,
        Err(_) => output(&mut git(release.root, &["log", "-1", "--format=%ct"]))?,
    };
    text.trim().parse().map_err(|_| format!("`{}` is not a time in seconds since 1970", text.trim()))
}

/// Packs files in name order, with the same time and owner and without user names.
fn packed(folder: &str, files: &Files, time: u64) -> std::io::Result<Vec<u8>> {
    let compressed = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = Builder::new(compressed);
    for (name, bytes) in files {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let is_program = name.split('.').next() == Some(PROGRAM) && !name.contains('/');
        header.set_mode(if is_program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, format!("{folder}/{name}"), bytes.as_slice())?;
    }
    let mut compressed = archive.into_inner()?;
    compressed.flush()?;
    compressed.finish()
}

#[cfg(test)]
mod tests {
    use super::super::contents::entries;
    #[cfg(unix)]
    use super::super::process::tests::write_script;
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes_in_order() {
        let names = ["man/evenkeel.1", "evenkeel", "README.md"];
        let files: Files = names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect();
        let reversed: Files = files.clone().into_iter().rev().collect();
        let bytes = packed("evenkeel-1", &files, 1_700_000_000).unwrap();
        assert!(bytes == packed("evenkeel-1", &reversed, 1_700_000_000).unwrap());
        assert!(bytes != packed("evenkeel-1", &files, 1_700_000_001).unwrap());
        let read = entries(&bytes).unwrap();
        let read: Vec<_> = read.iter().map(|entry| (entry.path.as_str(), entry.bytes.as_slice())).collect();
        assert_eq!(read, ["README.md", "evenkeel", "man/evenkeel.1"].map(|name| (name, name.as_bytes())));
    }

    #[test]
    fn headers_name_no_user_and_programs_can_be_run() {
        let files = Files::from([("README.md".to_owned(), vec![1]), ("evenkeel".to_owned(), vec![2])]);
        let bytes = packed("x", &files, 7).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        for (entry, mode) in archive.entries().unwrap().zip([0o644, 0o755]) {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mode().unwrap(), header.mtime().unwrap(), header.uid().unwrap()), (mode, 7, 0));
            assert_eq!(header.username().unwrap().unwrap_or_default(), "");
        }
    }

    #[test]
    fn a_program_of_another_version_is_refused() {
        assert!(has_version("evenkeel 0.2.0\n", "0.2.0").is_ok());
        let message = has_version("evenkeel 0.1.0\n", "0.2.0").unwrap_err();
        assert_eq!(message, "the program reports `evenkeel 0.1.0`; expected version 0.2.0");
        assert!(has_version("", "0.2.0").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_program_without_completions_or_manual_is_reported() {
        let mut files = Files::new();
        let message = add_completions(Path::new("false"), &mut files).unwrap_err();
        assert_eq!(message, "no completions for bash: `false completions bash` failed: ");
        assert!(files.is_empty());
        let message =
            add_manual(&std::env::temp_dir().join("xtask-no-manual"), Path::new("false"), &mut files).unwrap_err();
        assert!(message.starts_with("no manual: `false man "), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn pages_of_the_manual_come_from_the_program() {
        let folder = std::env::temp_dir().join(format!("xtask-manual-{}", std::process::id()));
        let program = folder.join("program");
        let mut files = Files::new();
        write_script(&program, "mkdir \"$2\"");
        let without = add_manual(&folder.join("man"), &program, &mut files);
        write_script(&program, "mkdir \"$2\" && echo text > \"$2/evenkeel.1\"");
        let with = add_manual(&folder.join("man"), &program, &mut files);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(without.unwrap_err(), "the program wrote no page of the manual");
        assert_eq!(with.unwrap(), "1 pages of the manual");
        assert_eq!(files["man/evenkeel.1"], b"text\n");
    }
}
