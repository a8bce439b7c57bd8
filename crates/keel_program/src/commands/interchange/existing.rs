//! Protection of files that exist already.

use std::path::Path;

use crate::failure::{Failure, Stop};

/// Rejects files to write that exist already: they may have been edited.
pub(super) fn refuse_existing<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<(), Stop> {
    let Some(existing) = files.into_iter().find(|file| file.exists()) else { return Ok(()) };
    let failure = Failure::new(format!("{} exists already; import does not overwrite it", existing.display()));
    Err(failure.next_step("Give another name with --out, or move that file away").into())
}
