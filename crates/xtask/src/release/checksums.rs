//! Checksums of release files.

use std::fs;

use super::Release;
use super::archive;
use super::outcome::Outcome;
use super::wheel::wheels;

/// Checksum file in the format of `sha256sum --check`.
const SUMS: &str = "SHA256SUMS";

/// Writes the checksums of the archive and of the wheel.
pub(super) fn write(release: &Release<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.add(sums(release).and_then(|text| {
        let path = release.folder.join(SUMS);
        fs::write(&path, &text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(text.trim_end().to_owned())
    }));
    outcome
}

fn sums(release: &Release<'_>) -> Result<String, String> {
    let mut names = vec![archive::file_name(release)];
    names.extend(wheels(&release.folder)?.into_iter().filter(|name| name.contains(&format!("-{}-", release.version))));
    names.sort();
    let line = |name: String| {
        let path = release.folder.join(&name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(format!("{}  {name}\n", sha256(&bytes)))
    };
    names.into_iter().map(line).collect()
}

/// Returns the SHA-256 sum of `bytes` in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    hmac_sha256::Hash::hash(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of FIPS 180-4.
    #[test]
    fn sums_are_written_like_those_of_sha256sum() {
        let cases = [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ];
        for (text, expected) in cases {
            assert_eq!(sha256(text.as_bytes()), expected, "{text:?}");
        }
    }
}
