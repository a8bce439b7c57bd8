//! Checksums of release files.

use std::fs;

use super::Release;
use super::archive;
use super::outcome::Outcome;
use super::sha256::sha256;
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
