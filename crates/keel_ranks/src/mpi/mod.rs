//! Ranks as processes that an MPI launcher started. The library is loaded at run time, so that programs run without it.

mod library;
mod transport;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::RankError;
use crate::launcher::{Launcher, PMI, launched};
use crate::member::{Member, communicate_by_member, silence};
use transport::MpiTransport;

/// Exit status of a process that panicked, the same as Rust's.
const PANICKED: i32 = 101;

/// True once MPI was started; it starts once per process.
static CONNECTED: AtomicBool = AtomicBool::new(false);

/// A rank that is a process of an MPI launcher such as `mpirun`. Only bytes pass through MPI, from one thread.
///
/// Dropping it waits until all ranks drop theirs, and finalizes MPI. After an error, MPI is not finalized: print the error, then
/// call [`abort`](crate::Communicator::abort) or exit with a status other than 0, and the launcher ends the job. A panic that drops
/// it ends all ranks.
#[derive(Debug)]
pub struct Mpi {
    member: Member,
    library: String,
}

impl Mpi {
    /// Loads the library and connects to the other processes; works once per process.
    ///
    /// # Errors
    /// [`RankError::Library`] if there is no usable library, with those that were tried, or if it is not that of the launcher;
    /// [`RankError::Mpi`] if MPI does not start.
    pub fn connect() -> Result<Mpi, RankError> {
        let launcher = launched();
        let library = library::Library::open(launcher.as_ref().is_some_and(|launcher| launcher.name == PMI))?;
        if CONNECTED.swap(true, Ordering::SeqCst) {
            let what = "MPI can be started only once per process, and it was started before".to_owned();
            return Err(RankError::Mpi { call: "MPI_Init_thread".to_owned(), what });
        }
        let version = library.version();
        let member = Member::spawn("mpi", silence(), move || MpiTransport::start(library))?;
        // A library that does not belong to the launcher sees each process as the only one.
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

    /// Returns name and version of the library, as reported by it.
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
