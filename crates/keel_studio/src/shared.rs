//! State shared by all requests.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::guard::Guard;
use crate::jobs::Jobs;
use crate::lab::Lab;
use crate::live::Hub;
use crate::runs::Listing;

/// State shared by all requests.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) listing: Listing,
    pub(crate) hub: Hub,
    pub(crate) jobs: Jobs,
    pub(crate) lab: Lab,
    pub(crate) guard: Arc<Guard>,
}

impl Shared {
    /// Creates the state for the runs in `folder`, requests permitted by `guard`, and `program` to execute actions.
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
