//! The text of a config file.

use std::path::Path;

/// Mark at the start of a text in UTF-8, which some editors write.
const UTF_8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Reads the file at `path`: UTF-8, or UTF-16 as editors and shells of Windows write it. A pipe or a device is rejected, because
/// reading it could block or never end.
///
/// # Errors
/// Returns the reason and the next step.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let unreadable = |reason: String| format!("{reason}; check that it is a text file that you may read");
    if path.exists() {
        keel_data::check_is_file(path).map_err(|error| unreadable(error.to_string()))?;
    }
    decoded(std::fs::read(path).map_err(|error| unreadable(error.to_string()))?)
}

fn decoded(bytes: Vec<u8>) -> Result<String, String> {
    let utf_16 = |units: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = units.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units)
            .ok()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| "the text begins like UTF-16, but is damaged; save it again, as UTF-8".to_owned())
    };
    match bytes.as_slice() {
        [0xff, 0xfe, units @ ..] => utf_16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => utf_16(units, u16::from_be_bytes),
        // Config keys are ASCII, so the first two letters tell the order of the bytes of UTF-16 without a mark.
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => utf_16(&bytes, u16::from_le_bytes),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => utf_16(&bytes, u16::from_be_bytes),
        _ => utf_8(bytes),
    }
}

fn utf_8(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&UTF_8_MARK) {
        bytes.drain(..UTF_8_MARK.len());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("line {line}: byte {:#04x} is not UTF-8; save the file as UTF-8", bytes[at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_unicode_encoding_are_read() {
        let text = "[data]\nsource = \"läufe/一.csv\"\n";
        let units = |mark: &[u16], bytes: fn(u16) -> [u8; 2]| {
            mark.iter().copied().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
        };
        let cases = [
            text.as_bytes().to_vec(),
            [&UTF_8_MARK[..], text.as_bytes()].concat(),
            units(&[0xfeff], u16::to_le_bytes),
            units(&[0xfeff], u16::to_be_bytes),
            units(&[], u16::to_le_bytes),
            units(&[], u16::to_be_bytes),
        ];
        for (case, bytes) in cases.into_iter().enumerate() {
            assert_eq!(decoded(bytes).as_deref(), Ok(text), "case {case}");
        }
        assert_eq!(decoded(Vec::new()).as_deref(), Ok(""));
    }

    #[test]
    fn other_bytes_are_refused_with_the_reason() {
        let cases: [(&[u8], &str); 4] = [
            (b"[data]\nsource = \"l\xe4ufe.csv\"\n", "line 2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
            (b"\xff\xfea", "begins like UTF-16, but is damaged; save it again, as UTF-8"),
            (b"\xff\xfe\x00\xd8", "begins like UTF-16, but is damaged"),
            (b"\x80\x02}q", "line 1: byte 0x80 is not UTF-8"),
        ];
        for (bytes, expected) in cases {
            let reason = decoded(bytes.to_vec()).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
        let folder = tempfile::tempdir().unwrap();
        let missing = read(&folder.path().join("absent.toml")).unwrap_err();
        assert!(missing.ends_with("; check that it is a text file that you may read"), "{missing}");
    }
}
