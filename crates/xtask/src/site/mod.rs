//! Builds the site: the lab, with the engine as a WebAssembly module that answers the exhibits in the browser, and the
//! documents of the repository.

mod documents;
mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skips::note_skip;

const TARGET: &str = "wasm32-unknown-unknown";
/// Compiler flags of the module: every browser since 2023 has 128-bit vectors.
const FLAGS: &str = "-Ctarget-feature=+simd128";
/// Flags of that target only, so that build scripts are compiled as usual.
const FLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
/// Variable with the path of the module, for tests that open exhibits in a browser.
const MODULE_VARIABLE: &str = "EVENKEEL_BROWSER_MODULE";

/// Folder of the documents within the site.
const DOCUMENTS: &str = "docs";
/// Start page of the lab, relative to the documents folder.
const LAB: &str = "../index.html";

/// `cargo xtask site [FOLDER]` writes the site to FOLDER, by default `target/site`, with the documents in its folder
/// `docs`; `cargo xtask site --docs [FOLDER]` writes only the documents, by default to `target/site/docs`;
/// `cargo xtask site --check` builds the module and compares its answers with the native ones in a browser. Returns true
/// if everything passed; a check that this machine cannot run is recorded as skipped.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> bool {
    let missing = !has_target();
    match arguments {
        ["--check"] if missing => note_skip(
            "exhibits in a browser",
            "the target wasm32-unknown-unknown is not installed; `rustup target add wasm32-unknown-unknown` adds it",
        ),
        ["--check"] => module(root).is_some_and(|module| {
            let filter = "binary(exhibits)";
            let mut tests = cargo(root, &["nextest", "run", "--workspace", "--no-capture", "-E", filter]);
            if !succeeds(cargo(root, &["nextest", "--version"])) {
                tests = cargo(root, &["test", "--workspace", "--test", "exhibits", "--", "--nocapture"]);
            }
            // SIMD level with vectors as wide as those of a browser.
            passed(tests.env(MODULE_VARIABLE, module).env("KEEL_SIMD", "scalar"))
        }),
        ["--docs"] => write_documents(root, &root.join("target/site").join(DOCUMENTS), None),
        ["--docs", folder] if !folder.starts_with('-') => write_documents(root, Path::new(folder), None),
        [] | [_] if missing => {
            eprintln!(
                "the site needs the compiler's target {TARGET}: run `rustup target add {TARGET}` and try again.\n\
                 Without it, `evenkeel lab all --out FOLDER` writes the same pages with exhibits that do not move,\n\
                 and `cargo xtask site --docs` the documents"
            );
            false
        }
        [] => site(root, &root.join("target/site")),
        [folder] if !folder.starts_with('-') => site(root, Path::new(folder)),
        other => {
            eprintln!("`{}` is not understood; give a folder, --docs or --check", other.join(" "));
            false
        }
    }
}

fn site(root: &Path, folder: &Path) -> bool {
    let Some(module) = module(root) else { return false };
    if !write_documents(root, &folder.join(DOCUMENTS), Some(LAB)) {
        return false;
    }
    let mut lab = cargo(root, &["run", "--release", "--package", "evenkeel", "--", "lab", "all"]);
    lab.arg("--out").arg(folder).arg("--engine").arg(module).arg("--docs").arg(format!("{DOCUMENTS}/index.html"));
    passed(&mut lab)
}

/// Writes the documents of the repository as pages to `folder`, with a link to the address `lab` if given.
fn write_documents(root: &Path, folder: &Path, lab: Option<&str>) -> bool {
    let files = match documents::pages(root, lab) {
        Ok(files) => files,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            return false;
        }
    };
    for file in &files {
        let path = folder.join(&file.path);
        let parent = path.parent().unwrap_or(folder);
        if let Err(error) = fs::create_dir_all(parent).and_then(|()| fs::write(&path, &file.bytes)) {
            eprintln!("cannot write {}: {error}", path.display());
            return false;
        }
    }
    println!("documents: {}", folder.join("index.html").display());
    true
}

/// Builds the module and returns its path.
fn module(root: &Path) -> Option<PathBuf> {
    let arguments = ["build", "--profile", "browser", "--package", "keel_browser", "--lib", "--target", TARGET];
    let mut build = cargo(root, &arguments);
    passed(build.env(FLAGS_VARIABLE, FLAGS).env_remove("RUSTFLAGS")).then_some(())?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let module = target.join(TARGET).join("browser/keel_browser.wasm");
    let bytes = std::fs::metadata(&module).map(|file| file.len()).unwrap_or_default();
    println!("{}: {:.1} MB", module.display(), bytes as f64 / 1e6);
    Some(module)
}

/// Returns true if the compiler can build for browsers.
fn has_target() -> bool {
    let mut command = Command::new("rustc");
    let output = command.args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    command
}

fn passed(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn succeeds(mut command: Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
