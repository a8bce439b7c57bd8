//! A rank's handle to its background thread, common to all transports.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::collectives::Place;
use crate::communicator::{Counters, Pending};
use crate::engine::{Command, Duty, Engine};
use crate::error::RankError;
use crate::packet::Kind;
use crate::requests::{Question, Shelf};
use crate::transport::Transport;
use crate::variables::SILENCE_VARIABLE;

/// Time in seconds after which a silent rank counts as lost, unless [`SILENCE_VARIABLE`] is set.
const SILENCE_SECONDS: f64 = 600.0;
/// Time that ending all processes may take before this one ends alone.
const ABORT: Duration = Duration::from_secs(5);

/// Returns the time without a message after which a required rank counts as lost, from the environment.
pub(crate) fn silence() -> Duration {
    let seconds = std::env::var(SILENCE_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(SILENCE_SECONDS);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// A rank whose operations run in a background thread. Dropping it ends the thread and abandons operations in progress.
#[derive(Debug)]
pub(crate) struct Member {
    place: Place,
    /// Present until the drop.
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Member {
    /// Starts the thread, which creates its transport itself.
    ///
    /// # Errors
    /// Those of `connect`, and [`RankError::Library`] if no thread can be started.
    pub(crate) fn spawn<T: Transport>(
        name: &str,
        silence: Duration,
        connect: impl FnOnce() -> Result<(Place, T), RankError> + Send + 'static,
    ) -> Result<Self, RankError> {
        let (commands, received) = channel();
        let (connected, result) = channel();
        let counters = Arc::new(Counters::default());
        let shared = Arc::clone(&counters);
        let work = move || match connect() {
            Ok((place, transport)) => {
                // The caller waits for this; if the caller is gone, so is the sender of commands, which ends the engine.
                let _ = connected.send(Ok(place));
                Engine::new(transport, Duty { place, commands: received, counters: shared, silence }).run();
            }
            Err(error) => {
                let _ = connected.send(Err(error));
            }
        };
        let no_thread = |what: String| RankError::Library { what: format!("no thread for the exchange ({what})") };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|error| no_thread(error.to_string()))?;
        let place = result.recv().unwrap_or_else(|_| Err(no_thread("it ended".to_owned())))?;
        Ok(Member { place, commands: Some(commands), thread: Some(thread), counters })
    }

    pub(crate) fn rank(&self) -> usize {
        self.place.rank
    }

    pub(crate) fn size(&self) -> usize {
        self.place.size
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// See [`Communicator::start_all_gather`](crate::Communicator::start_all_gather).
    pub(crate) fn start_all_gather(&self, own: &[u8]) -> Result<Pending<Vec<Vec<u8>>>, RankError> {
        self.gather(Kind::Gather, 0, own.to_vec())
    }

    /// See [`Communicator::start_all_reduce`](crate::Communicator::start_all_reduce).
    pub(crate) fn start_all_reduce(&self, values: Vec<f32>) -> Result<Pending<Vec<f32>>, RankError> {
        let (reply, result) = channel();
        self.command(Command::Sum { values, reply })?;
        Ok(Pending::running(result, Arc::clone(&self.counters), self.place.rank))
    }

    /// See [`Communicator::broadcast`](crate::Communicator::broadcast): a gather in which only one rank has bytes, so that ranks
    /// which disagree on the root notice it.
    pub(crate) fn broadcast(&self, bytes: Vec<u8>, root: usize) -> Result<Vec<u8>, RankError> {
        let Place { rank, size } = self.place;
        if root >= size {
            return Err(RankError::Mismatch { what: format!("the root of a broadcast is rank {root} of {size}") });
        }
        let own = if rank == root { bytes } else { Vec::new() };
        let mut all = self.gather(Kind::Broadcast, root as u64, own)?.wait()?;
        Ok(all.swap_remove(root))
    }

    /// See [`Communicator::barrier`](crate::Communicator::barrier).
    pub(crate) fn barrier(&self) -> Result<(), RankError> {
        self.gather(Kind::Barrier, 0, Vec::new())?.wait().map(|_| ())
    }

    /// See [`Communicator::serve`](crate::Communicator::serve).
    pub(crate) fn serve(&self, shelf: Arc<dyn Shelf>) -> Result<(), RankError> {
        self.command(Command::Serve(shelf))
    }

    /// See [`Communicator::ask`](crate::Communicator::ask).
    pub(crate) fn ask(&self, questions: Vec<Question>) -> Result<Vec<Vec<u8>>, RankError> {
        let ask = |question| {
            let (reply, answer) = channel();
            self.command(Command::Ask { question, reply }).map(|()| answer)
        };
        let answers = questions.into_iter().map(ask).collect::<Result<Vec<_>, _>>()?;
        answers.into_iter().map(|answer| answer.recv().unwrap_or_else(|_| Err(self.lost()))).collect()
    }

    /// See [`Communicator::abort`](crate::Communicator::abort).
    pub(crate) fn abort(&self, status: i32) {
        if self.command(Command::Abort(status)).is_ok() {
            std::thread::sleep(ABORT);
        }
        std::process::exit(status);
    }

    fn gather(&self, kind: Kind, detail: u64, own: Vec<u8>) -> Result<Pending<Vec<Vec<u8>>>, RankError> {
        let (reply, result) = channel();
        self.command(Command::Gather { kind, detail, own, reply })?;
        Ok(Pending::running(result, Arc::clone(&self.counters), self.place.rank))
    }

    fn command(&self, command: Command) -> Result<(), RankError> {
        let commands = self.commands.as_ref().ok_or_else(|| self.lost())?;
        commands.send(command).map_err(|_| self.lost())
    }

    fn lost(&self) -> RankError {
        RankError::Lost { rank: self.place.rank }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed, and there is no caller to return it to.
            let _ = thread.join();
        }
    }
}

/// Implements `Communicator` for a type with a field `member`.
macro_rules! communicate_by_member {
    ($name:ty) => {
        impl crate::communicator::Communicator for $name {
            fn rank(&self) -> usize {
                self.member.rank()
            }

            fn size(&self) -> usize {
                self.member.size()
            }

            fn start_all_gather(
                &self,
                own: &[u8],
            ) -> Result<crate::communicator::Pending<Vec<Vec<u8>>>, crate::error::RankError> {
                self.member.start_all_gather(own)
            }

            fn start_all_reduce(
                &self,
                values: Vec<f32>,
            ) -> Result<crate::communicator::Pending<Vec<f32>>, crate::error::RankError> {
                self.member.start_all_reduce(values)
            }

            fn broadcast(&self, bytes: Vec<u8>, root: usize) -> Result<Vec<u8>, crate::error::RankError> {
                self.member.broadcast(bytes, root)
            }

            fn barrier(&self) -> Result<(), crate::error::RankError> {
                self.member.barrier()
            }

            fn serve(&self, shelf: std::sync::Arc<dyn crate::requests::Shelf>) -> Result<(), crate::error::RankError> {
                self.member.serve(shelf)
            }

            fn ask(&self, questions: Vec<crate::requests::Question>) -> Result<Vec<Vec<u8>>, crate::error::RankError> {
                self.member.ask(questions)
            }

            fn waited(&self) -> std::time::Duration {
                self.member.counters().waited()
            }

            fn sent_bytes(&self) -> u64 {
                self.member.counters().sent_bytes()
            }

            fn abort(&self, status: i32) {
                self.member.abort(status);
            }
        }
    };
}

pub(crate) use communicate_by_member;
