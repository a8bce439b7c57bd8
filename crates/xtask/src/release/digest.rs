//! SHA-256 sums of what a release hands out.

use std::fs;

use sha2::{Digest, Sha256};

use super::Release;
use super::archive;
use super::outcome::Outcome;
use super::wheel::wheels;

/// File of the sums, in the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";

/// Writes the sums of the archive and of the wheel.
pub(super) fn write_sums(release: &Release<'_>) -> Outcome {
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
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), expected);
    }
}
