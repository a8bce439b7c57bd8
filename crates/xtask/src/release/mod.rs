//! `cargo xtask release --dry-run`: checks and builds everything a release needs, without tagging, uploading or
//! changing anything.

mod agreement;
mod archive;
mod checksums;
mod commands;
mod compiler;
mod contents;
mod licences;
mod metadata;
mod options;
mod outcome;
mod packages;
mod process;
mod repository;
mod semver;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};

use metadata::Metadata;
use options::Options;
use outcome::Outcome;

/// Folder of the archive, the wheel and their checksums, inside the target folder.
const FOLDER: &str = "release-archive";

/// Texts of the licences, files of the repository that every package and the archive contain.
pub(crate) const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

const NEEDS_DRY_RUN: &str = "\
A release is tagged and published by a maintainer, never by this command. `cargo xtask release --dry-run` checks that everything
is ready, builds the packages, the archive and the wheel, and prints the commands to run afterwards, in order.";

/// Facts shared by all steps.
struct Release<'a> {
    root: &'a Path,
    options: &'a Options,
    metadata: Metadata,
    version: String,
    /// Target triple of the build machine, such as `x86_64-unknown-linux-gnu`.
    target: String,
    /// Folder of the build results.
    folder: PathBuf,
}

/// Runs all steps of a release and prints the results; returns true if nothing needs to be changed.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> bool {
    let options = match Options::read(arguments) {
        Ok(options) if options.dry_run => options,
        Ok(_) => return refused(NEEDS_DRY_RUN),
        Err(message) => return refused(&message),
    };
    match prepared(root, &options) {
        Ok(release) => all_steps(&release),
        Err(message) => refused(&message),
    }
}

fn refused(message: &str) -> bool {
    eprintln!("{message}");
    false
}

fn prepared<'a>(root: &'a Path, options: &'a Options) -> Result<Release<'a>, String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).map_err(|error| format!("Cargo.toml: {error}"))?;
    let version =
        agreement::workspace_version(&manifest).ok_or("Cargo.toml: `[workspace.package]` has no `version`")?;
    let target = process::host_target()?;
    let metadata = Metadata::of_workspace(root, &target, options)?;
    let folder = metadata.target_directory.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(Release { root, options, metadata, version: version.to_owned(), target, folder })
}

fn all_steps(release: &Release<'_>) -> bool {
    println!("Evenkeel {} for {}", release.version, release.target);
    let steps: [(&str, fn(&Release<'_>) -> Outcome); 8] = [
        ("version", agreement::check),
        ("repository", repository::check),
        ("oldest compiler", compiler::check),
        ("public interface", semver::check),
        ("packages", packages::check),
        ("archive", archive::build),
        ("wheel", wheel::build),
        ("checksums", checksums::write),
    ];
    let (mut problems, mut skipped) = (0, Vec::new());
    for (name, step) in steps {
        println!("\n== {name}");
        let outcome = step(release);
        print!("{outcome}");
        problems += outcome.problems.len();
        skipped.extend(outcome.skipped.map(|reason| format!("{name}: {reason}")));
    }
    println!("\n== commands of a maintainer, none of which was run\n{}", commands::text(release));
    skipped.iter().for_each(|reason| println!("skipped {reason}"));
    match problems {
        0 => println!("ready: {} in {}", release.version, release.folder.display()),
        _ => println!("not ready: {problems} to change; each is marked `problem` above"),
    }
    problems == 0
}
