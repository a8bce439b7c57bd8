//! Recognition of images among the files of a folder, by extension or else by their first bytes.

use crate::readers::data_file;
use crate::readers::image_ending::{ending_of, has_image_ending};
use std::io::Read;
use std::path::Path;

/// Extensions of image formats that cannot be decoded, with their common names.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("HEIC", &["heic", "heif", "hif"]),
    ("AVIF", &["avif"]),
    ("camera raw", &["arw", "cr2", "cr3", "dng", "nef", "nrw", "orf", "pef", "raf", "rw2", "srw"]),
    ("JPEG XL", &["jxl"]),
    ("JPEG 2000", &["j2k", "jp2"]),
    ("DICOM", &["dcm", "dicom"]),
    ("Photoshop", &["psd"]),
    ("SVG", &["svg"]),
    ("EXR", &["exr"]),
    ("TGA", &["tga"]),
];

/// First bytes of formats that can be decoded.
const SIGNATURES: &[&[u8]] =
    &[&[0xff, 0xd8, 0xff], b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II\x2a\x00", b"MM\x00\x2a"];

/// Kind of a file in an image folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::readers) enum FileKind {
    /// An image of a format that can be decoded.
    Image,
    /// An image of another format, by name.
    Unsupported(&'static str),
    /// Anything else.
    Other,
}

/// Returns the kind of a file; a file is opened only if its extension is unknown.
pub(in crate::readers) fn of_file(path: &Path) -> FileKind {
    if has_image_ending(path) {
        return FileKind::Image;
    }
    let ending = ending_of(path);
    if let Some((format, _)) = UNSUPPORTED.iter().find(|(_, endings)| endings.contains(&ending.as_str())) {
        return FileKind::Unsupported(format);
    }
    of_bytes(&first_bytes(path))
}

/// Returns the kind of a file that begins with `bytes`.
pub(super) fn of_bytes(bytes: &[u8]) -> FileKind {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    if webp || SIGNATURES.iter().any(|signature| bytes.starts_with(signature)) {
        return FileKind::Image;
    }
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => FileKind::Unsupported("AVIF"),
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"mif1" | b"msf1")) => {
            FileKind::Unsupported("HEIC")
        }
        _ => FileKind::Other,
    }
}

/// Reads up to 16 bytes; returns nothing if the file cannot be read.
pub(super) fn first_bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok((file, _)) = data_file::open(path) {
        // An unreadable file is not an image here; the decoder would report its path.
        let _ = file.take(16).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_decide_and_first_bytes_help_where_they_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let jpeg: &[u8] = &[0xff, 0xd8, 0xff, 0xe0];
        let cases: [(&str, &[u8], FileKind); 10] = [
            ("a.JPG", b"", FileKind::Image),
            ("a.jfif", b"", FileKind::Image),
            ("a.heic", b"", FileKind::Unsupported("HEIC")),
            ("a.NEF", b"II\x2a\x00", FileKind::Unsupported("camera raw")),
            ("without_ending", jpeg, FileKind::Image),
            ("a.jpg_large", jpeg, FileKind::Image),
            ("b", b"RIFF\0\0\0\0WEBPVP8 ", FileKind::Image),
            ("c", b"\0\0\0\x18ftypheic\0\0\0\0", FileKind::Unsupported("HEIC")),
            ("labels.txt", b"cat", FileKind::Other),
            ("empty", b"", FileKind::Other),
        ];
        for (name, bytes, kind) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(of_file(&path), kind, "{name}");
        }
    }
}
