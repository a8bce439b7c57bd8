//! Folders of class folders, from a description.

use keel_data::{DataConfig, Format};

use crate::bytes::Bytes;
use crate::scratch::Scratch;

/// Most files of one input.
const FILES: usize = 24;

/// Small files of every kind a folder can hold.
const CONTENTS: [(&str, &[u8]); 9] = [
    ("pgm", b"P5 2 2 255 abcd"),
    ("ppm", b"P6 1 2 255 abcdef"),
    ("pgm", b"P5 3 1 65535 abcdef"),
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("jpg", b""),
    ("txt", b"notes"),
    ("csv", b"a,b\n1,2\n"),
    ("", b"GIF89a"),
    ("heic", b"\0\0\0\x18ftypheic"),
];

/// Names that mean something to a reader, besides those made of bytes.
const NAMES: [&str; 14] = [
    "train",
    "val",
    "test",
    "valid",
    "Train",
    "a",
    "b",
    "0",
    "10",
    ".hidden",
    "__MACOSX",
    "images",
    "x y",
    "\u{202e}\u{1b}[1m",
];

/// Makes a folder: settings, then for every file its depth, the names of its folders, its kind and how it is put there.
pub fn class_folders(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let settings = bytes.byte();
    let scratch = Scratch::new();
    let mut files = 0;
    while !bytes.is_empty() && files < FILES {
        let depth = usize::from(bytes.byte() % 4);
        let folders: Vec<String> = (0..depth).map(|_| name(&mut bytes)).collect();
        let (ending, content) = bytes.choice(&CONTENTS);
        let (name, how) = (name(&mut bytes), bytes.byte());
        let path = [folders.as_slice(), &[format!("{name}.{ending}")]].concat().join("/");
        let at = scratch.path().join(&path);
        files += 1;
        if at.exists() || folders.iter().scan(scratch.path().to_path_buf(), descend).any(|folder| folder.is_file()) {
            continue;
        }
        match how % 16 {
            // Links to the root, to a folder of a class, and to nothing.
            kind @ 13..=15 => link(&scratch, &path, ["", "a", "absent"][usize::from(kind - 13)]),
            _ => drop(scratch.write(&path, content)),
        }
    }
    let config = DataConfig {
        format: [Format::ImageFolder, Format::Auto][usize::from(settings & 1)],
        skip_unreadable: settings & 2 != 0,
        keep_duplicates_together: settings & 4 != 0,
        ..DataConfig::default()
    };
    let _ = keel_data::survey(&config, scratch.path());
    let _ = keel_data::image_files_below(scratch.path());
    scratch.load("", config);
}

fn descend(folder: &mut std::path::PathBuf, name: &String) -> Option<std::path::PathBuf> {
    folder.push(name);
    Some(folder.clone())
}

/// A name that a file system takes.
fn name(bytes: &mut Bytes<'_>) -> String {
    let first = bytes.byte();
    if first % 16 < 14 {
        return NAMES[usize::from(first % 16)].to_owned();
    }
    let text: String = bytes.text().chars().filter(|c| !['/', '\0'].contains(c)).take(40).collect();
    if ["", ".", ".."].contains(&text.as_str()) { "c".to_owned() } else { text }
}

#[cfg(unix)]
fn link(scratch: &Scratch, path: &str, to: &str) {
    let at = scratch.path().join(path);
    let parent = at.parent().unwrap_or(scratch.path());
    // What cannot be linked is one file fewer.
    let _ = std::fs::create_dir_all(parent).and_then(|()| std::os::unix::fs::symlink(scratch.path().join(to), &at));
}

#[cfg(not(unix))]
fn link(scratch: &Scratch, path: &str, to: &str) {
    scratch.write(path, to.as_bytes());
}
