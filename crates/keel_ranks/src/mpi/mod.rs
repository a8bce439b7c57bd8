//! Ranks as processes that a launcher of MPI started. The library is opened at run time, so that programs run without it.

mod library;
mod transport;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::RankError;
use crate::launcher::{Launcher, PMI, launched};
use crate::member::{Member, communicate_by_member, silence};
use transport::MpiTransport;

/// Exit status of a process that panicked, as Rust has it.
const PANICKED: i32 = 101;

/// MPI starts once in a process.
static CONNECTED: AtomicBool = AtomicBool::new(false);

/// A rank that is a process of an MPI launcher such as `mpirun`. Only bytes travel through MPI, from one thread.
///
/// Dropping it waits until all ranks drop theirs, and finalizes MPI. After an error MPI is not finalized: print the error, then
/// call [`abort`](crate::Communicator::abort) or end with a status other than 0, and the launcher ends the job. A panic that
/// drops it ends all ranks.
#[derive(Debug)]
pub struct Mpi {
    member: Member,
    library: String,
}

impl Mpi {
    /// Opens the library and joins the other processes; works once in a process.
    ///
    /// # Errors
    /// [`RankError::Library`] if there is no usable library, with what was tried, or if it is not that of the launcher;
    /// [`RankError::Mpi`] if MPI does not start.
    pub fn connect() -> Result<Mpi, RankError> {
        let launcher = launched();
        let library = library::Library::open(launcher.as_ref().is_some_and(|launcher| launcher.name == PMI))?;
        if CONNECTED.swap(true, Ordering::SeqCst) {
            let what = "MPI starts once in a process, and it was started before".to_owned();
            return Err(RankError::Mpi { call: "MPI_Init_thread".to_owned(), what });
        }
        let version = library.version();
        let member = Member::spawn("mpi", silence(), move || MpiTransport::start(library))?;
        // A library of another kind than the launcher's takes each process for the only one.
        match launcher {
            Some(Launcher { name, size, .. }) if size != member.size() => Err(RankError::Library {
                what: format!(
                    "{name} started {size} ranks, of which {version} finds {}; they do not fit",
                    member.size()
                ),
            }),
            _ => Ok(Mpi { member, library: version }),
        }
    }

    /// Name and version of the library, as it gives them.
    pub fn library(&self) -> &str {
        &self.library
    }
}

communicate_by_member!(Mpi);

impl Drop for Mpi {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.member.abort(PANICKED);
        }
    }
}
