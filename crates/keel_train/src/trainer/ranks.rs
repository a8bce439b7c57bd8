//! Data-parallel training on several ranks: checks that they agree, and sends the data of the first rank to the others.

use std::path::Path;
use std::sync::Arc;

use keel_ranks::Communicator;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::prepared::Prepared;
use crate::error::TrainError;
use crate::runs::{RunFolder, VERSION};
use crate::session::ranks::Ranks;

/// Everything that must agree for two ranks to compute the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    version: String,
    architecture: String,
    simd: String,
    config: String,
    data: String,
}

/// Checkpoint files of a resumed run, for ranks without access to its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StartFiles {
    pub(super) last: Option<Vec<u8>>,
    pub(super) best: Option<Vec<u8>>,
}

/// Rejects ranks that would compute something different from the first.
///
/// # Errors
/// The rank and the difference, the same on every rank; also if a rank is lost.
pub(super) fn check_alike(prepared: &Prepared) -> Result<(), TrainError> {
    let ranks = prepared.session.ranks();
    // Avoid computing the fingerprint, which reads all data.
    if ranks.share().size == 1 {
        return Ok(());
    }
    let own = Identity {
        version: VERSION.to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        simd: prepared.session.program().simd().name().to_owned(),
        config: prepared.config.fingerprint(),
        data: prepared.session.data().fingerprint(),
    };
    let identities = ranks.gather(&serde_json::to_vec(&own).unwrap_or_default())?;
    let identities = identities.iter().map(|bytes| serde_json::from_slice::<Identity>(bytes).ok()).collect::<Vec<_>>();
    let Some(Some(first)) = identities.first() else { return Ok(()) };
    for (rank, identity) in identities.iter().enumerate() {
        let Some(problem) = identity.as_ref().map_or(Some(OTHER_PROGRAM.to_owned()), |other| difference(first, other))
        else {
            continue;
        };
        return Err(TrainError::setting("ranks", format!("rank {rank} differs from rank 0: {problem}")));
    }
    Ok(())
}

const OTHER_PROGRAM: &str = "it runs a different program; start the same one on every machine";

/// Returns the difference that keeps `other` from computing the same as `first`, and what to do about it.
fn difference(first: &Identity, other: &Identity) -> Option<String> {
    if (&other.version, &other.architecture) != (&first.version, &first.architecture) {
        return Some(format!(
            "it is version {} for {}, rank 0 is version {} for {}; install the same program on every machine",
            other.version, other.architecture, first.version, first.architecture
        ));
    }
    if other.simd != first.simd {
        return Some(format!(
            "it computes with {}, rank 0 with {}, and rounds in a different order; set KEEL_SIMD={} for all ranks",
            other.simd,
            first.simd,
            narrower(&other.simd, &first.simd)
        ));
    }
    if other.data != first.data {
        return Some(format!(
            "its data has the fingerprint {}, that of rank 0 {}; give all ranks the same files",
            other.data, first.data
        ));
    }
    (other.config != first.config).then(|| "its config differs; start all ranks with the same arguments".to_owned())
}

/// Name of the narrower of two SIMD levels.
fn narrower<'a>(one: &'a str, other: &'a str) -> &'a str {
    let width = |name: &str| ["scalar", "neon", "avx2", "avx512"].iter().position(|known| *known == name);
    if width(one) <= width(other) { one } else { other }
}

/// Returns the value of the first rank on every rank; the others pass `None`.
///
/// # Errors
/// If a rank is lost.
pub(super) fn of_first<T: Serialize + DeserializeOwned>(
    communicator: &Arc<dyn Communicator>,
    own: Option<&T>,
) -> Result<Option<T>, TrainError> {
    let bytes = own.and_then(|own| serde_json::to_vec(own).ok()).unwrap_or_default();
    Ok(serde_json::from_slice(&communicator.broadcast(bytes, 0)?).ok())
}

impl StartFiles {
    /// Returns the files in the first rank's `folder` on every rank; the others pass `None`.
    ///
    /// # Errors
    /// If an existing file cannot be read, or a rank is lost.
    pub(super) fn of_first(ranks: &Ranks, folder: Option<&RunFolder>) -> Result<Self, TrainError> {
        let files = |folder: &RunFolder| [folder.last_checkpoint(), folder.best_checkpoint()];
        let [last, best] = match folder.map(files) {
            Some([last, best]) => [read_if_there(&last)?, read_if_there(&best)?],
            None => [None, None],
        };
        let shared = |bytes: Option<Vec<u8>>| -> Result<Option<Vec<u8>>, TrainError> {
            let bytes = ranks.communicator().broadcast(bytes.unwrap_or_default(), 0)?;
            Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
        };
        Ok(StartFiles { last: shared(last)?, best: shared(best)? })
    }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, TrainError> {
    if !path.exists() {
        return Ok(None);
    }
    std::fs::read(path).map(Some).map_err(|error| TrainError::run(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_with_the_next_step() {
        let first = Identity {
            version: "1".to_owned(),
            architecture: "x86_64".to_owned(),
            simd: "avx512".to_owned(),
            config: "c".to_owned(),
            data: "d".to_owned(),
        };
        assert_eq!(difference(&first, &first), None);
        let simd = Identity { simd: "avx2".to_owned(), ..first.clone() };
        assert!(difference(&first, &simd).unwrap().contains("set KEEL_SIMD=avx2"));
        assert!(difference(&simd, &first).unwrap().contains("set KEEL_SIMD=avx2"));
        let others = [
            (Identity { version: "2".to_owned(), ..first.clone() }, "version 2"),
            (Identity { config: "x".to_owned(), ..first.clone() }, "its config"),
            (Identity { data: "x".to_owned(), ..first.clone() }, "fingerprint x"),
        ];
        for (other, expected) in others {
            let said = difference(&first, &other).unwrap();
            assert!(said.contains(expected), "{said}");
        }
    }
}
