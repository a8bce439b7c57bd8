//! Training on several ranks: joins the processes started by a launcher, divides the processors of a machine, and ends all
//! together.

use std::cell::RefCell;
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use keel_ranks::{Communicator, Launcher, Mpi, RankError, launched};
use keel_train::TrainError;
use keel_train::threads::{allowed_processors, cores_of, default_threads};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Stop, from_sentence};
use crate::terminal::{Output, Status};

/// Exit status of a rank that cannot continue.
const FAILED: i32 = 2;

/// Time in which the first rank reports an error that all ranks have, before another rank does.
const FIRST_SPEAKS: Duration = Duration::from_secs(3);

/// Time in which the first rank writes the pages of a run that failed on all ranks alike.
const FIRST_REPORTS: Duration = Duration::from_secs(60);

/// This process as one of those that train together.
#[derive(Debug)]
pub(super) struct Group {
    /// Connection to the other ranks, until training is over.
    communicator: RefCell<Option<Arc<dyn Communicator>>>,
    rank: usize,
    /// Number of threads of this rank, if the config leaves it open.
    pub(super) threads: usize,
    /// Notes for the user, from the first rank.
    pub(super) notes: Vec<String>,
}

/// Machine and processors of a rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    machine: String,
    /// Processors that the rank may use, as listed by Linux; empty on other systems.
    processors: String,
    threads: usize,
}

/// Rejects a command other than `train` that a launcher has started several times.
///
/// # Errors
/// If a launcher started several processes of the command.
pub(crate) fn refuse() -> Result<(), Failure> {
    let Some(Launcher { name, size, rank, .. }) = launched() else { return Ok(()) };
    if rank > 0 {
        // The first rank reports it.
        std::process::exit(FAILED);
    }
    Err(Failure::new(format!("{name} started this command on {size} ranks; only `evenkeel train` runs on several"))
        .next_step("Start it without the launcher"))
}

/// Returns the group of this process if a launcher started several; `None` for a single process, which never looks for MPI.
///
/// # Errors
/// If MPI cannot be used, or a rank is lost.
pub(super) fn join() -> Result<Option<Group>, Failure> {
    let Some(Launcher { name, size, .. }) = launched() else { return Ok(None) };
    let communicator: Arc<dyn Communicator> = Arc::new(Mpi::connect()?);
    if communicator.size() != size {
        let found = communicator.size();
        return Err(Failure::new(format!("{name} started {size} ranks, but the MPI library found connects {found}"))
            .next_step("Set EVENKEEL_MPI_LIBRARY to the libmpi of that launcher"));
    }
    let own = Place {
        machine: machine_name(),
        processors: allowed_processors().unwrap_or_default(),
        threads: default_threads(),
    };
    let places = communicator.all_gather(&serde_json::to_vec(&own).unwrap_or_default())?;
    let places: Vec<Place> = places.iter().filter_map(|place| serde_json::from_slice(place).ok()).collect();
    let threads = threads_of(&own, &places);
    let mut notes = vec![group_text(&places, threads)];
    if name == "Open MPI" && is_bound(&own, &places) {
        notes.push(format!(
            "{name} gave each rank {} of the machine's {} cores; `mpirun --bind-to none` lets a rank use more",
            own.threads,
            all_processors().unwrap_or_default()
        ));
    }
    let rank = communicator.rank();
    Ok(Some(Group { communicator: RefCell::new(Some(communicator)), rank, threads, notes }))
}

impl From<RankError> for Failure {
    fn from(error: RankError) -> Self {
        from_sentence(&TrainError::from(error).to_string())
    }
}

impl Group {
    /// Returns true on the rank that records the run and reports to the user.
    pub(super) fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Returns the connection for training; `None` after [`Group::leave`].
    pub(super) fn communicator(&self) -> Option<Arc<dyn Communicator>> {
        self.communicator.borrow().clone()
    }

    /// Closes the connection after training, on all ranks together: the first one reads rows of the others for its pages, so
    /// that none may leave before it. An error is of no consequence any more: the run is complete.
    pub(super) fn leave(&self) {
        if let Some(communicator) = self.communicator.borrow_mut().take() {
            let _ = communicator.all_gather(&[]);
        }
    }

    /// Waits if all ranks have `error`, of which the first rank writes a report before it ends the job.
    pub(super) fn wait_for_report(error: &TrainError) {
        if matches!(error, TrainError::NonFinite { .. } | TrainError::NoResult { .. }) {
            sleep(FIRST_REPORTS);
        }
    }

    /// Ends this rank's part of the command. After a failure, this process and all others exit here.
    pub(super) fn end(self, outcome: Result<Status, Stop>, output: &Output) -> Result<Status, Stop> {
        match (outcome, self.communicator()) {
            (Err(Stop::Failed(failure)), Some(communicator)) => {
                if self.rank > 0 {
                    // If all ranks have the same error, the first one reports it and ends the job in the meantime.
                    sleep(FIRST_SPEAKS);
                    output.warning(&format!("on rank {} ({}):", self.rank, machine_name()));
                }
                output.failure(*failure);
                communicator.abort(FAILED);
                Ok(Status::Done)
            }
            (outcome, _) => outcome,
        }
    }
}

/// Returns the number of threads of the rank at `own`: ranks that may use the same processors of a machine share them.
fn threads_of(own: &Place, places: &[Place]) -> usize {
    let sharing = places.iter().filter(|place| place.machine == own.machine && place.processors == own.processors);
    (own.threads / sharing.count().max(1)).max(1)
}

fn group_text(places: &[Place], threads: usize) -> String {
    let mut machines: Vec<&str> = places.iter().map(|place| place.machine.as_str()).collect();
    machines.sort_unstable();
    machines.dedup();
    let machines = match machines.len() {
        1 => "1 machine".to_owned(),
        count => format!("{count} machines"),
    };
    let threads = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    format!("{} on {machines}, {threads} each", places.len())
}

/// Returns true if the ranks of a machine are bound to a part of its processors.
fn is_bound(own: &Place, places: &[Place]) -> bool {
    let here = places.iter().filter(|place| place.machine == own.machine);
    let mut processors: Vec<&str> = here.clone().map(|place| place.processors.as_str()).collect();
    processors.sort_unstable();
    processors.dedup();
    let used: usize = if processors.len() == 1 { own.threads } else { here.map(|place| place.threads).sum() };
    all_processors().is_some_and(|all| used < all)
}

/// Returns the machine's name in its network, as reported by Linux, Windows or the environment, or as printed by `hostname`.
fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok()).or_else(|| std::env::var("HOSTNAME").ok());
    let name = name.or_else(printed_name).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "this machine".to_owned())
}

/// Returns the output of `hostname`: shells of macOS do not export `HOSTNAME`, but every Unix has this command.
fn printed_name() -> Option<String> {
    let output = Command::new("hostname").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the number of cores of the machine, whether or not this process may use them; only known on Linux.
fn all_processors() -> Option<usize> {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/online").ok()?;
    cores_of(list.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(machine: &str, processors: &str, threads: usize) -> Place {
        Place { machine: machine.to_owned(), processors: processors.to_owned(), threads }
    }

    #[test]
    fn ranks_share_the_processors_that_several_may_use() {
        let free = [place("a", "0-7", 8), place("a", "0-7", 8), place("b", "0-7", 8)];
        assert_eq!(free.iter().map(|own| threads_of(own, &free)).collect::<Vec<_>>(), [4, 4, 8]);
        let bound = [place("a", "0", 1), place("a", "1", 1)];
        assert_eq!(threads_of(&bound[0], &bound), 1);
        let crowded = [place("a", "0", 1), place("a", "0", 1), place("a", "0", 1)];
        assert_eq!(threads_of(&crowded[0], &crowded), 1, "at least one");
        assert_eq!(group_text(&free, 4), "3 on 2 machines, 4 threads each");
        assert_eq!(group_text(&bound, 1), "2 on 1 machine, 1 thread each");
    }
}
