//! State that all requests share.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::guard::Guard;
use crate::jobs::Jobs;
use crate::lab::Lab;
use crate::live::Hub;
use crate::runs::Listing;

/// State that all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) listing: Listing,
    pub(crate) hub: Hub,
    pub(crate) jobs: Jobs,
    pub(crate) lab: Lab,
    pub(crate) guard: Arc<Guard>,
}

impl Shared {
    /// The runs in `folder`, for requests that `guard` permits, and `program` to act on them.
    pub(crate) fn new(folder: PathBuf, guard: Guard, program: Vec<OsString>) -> Self {
        Shared {
            listing: Listing::new(folder),
            hub: Hub::default(),
            jobs: Jobs::new(program),
            lab: Lab::default(),
            guard: Arc::new(guard),
        }
    }
}
