//! Documents that the program takes part in writing: what they show is what it does.

// The name of the program ends in `.exe` on Windows.
#[cfg(unix)]
mod commands_page;
mod config_keys;
// Elsewhere, exp and log of the system round in another way, and paths look different.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod consoles;
mod translations;

use std::path::PathBuf;

/// The variable under which tests write documents again instead of comparing them.
const WRITE: &str = "KEEL_WRITE_DOCS";

/// A file in `docs/`.
fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Asserts that the document `name` is `text`, or writes it if that was asked for.
fn compare(name: &str, text: &str) {
    let path = document(name);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = written.lines().zip(text.lines()).find(|(written, expected)| written != expected);
    assert!(
        written == text,
        "docs/{name} is out of date: {differing:?}; {WRITE}=1 cargo test -p evenkeel --test commands documents"
    );
}
