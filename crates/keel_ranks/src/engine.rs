//! The background thread of a rank: owns the transport and advances all operations in progress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use crate::backoff::{self, Backoff};
use crate::collectives::{self, GatherReply, Operation, Outbox, Place, SumReply};
use crate::communicator::Counters;
use crate::error::RankError;
use crate::packet::{Header, Kind, Packet};
use crate::requests::{AnswerReply, Question, Requests, Shelf};
use crate::transport::Transport;

/// Time that a failed rank spends on sending the reason to the others.
const FAREWELL: Duration = Duration::from_secs(2);

/// A request of the rank's caller.
pub(crate) enum Command {
    /// Exchanges every rank's bytes.
    Gather { kind: Kind, detail: u64, own: Vec<u8>, reply: GatherReply },
    /// Sums over ranks.
    Sum { values: Vec<f32>, reply: SumReply },
    /// Answers the questions of other ranks from now on.
    Serve(Arc<dyn Shelf>),
    /// Asks one rank.
    Ask { question: Question, reply: AnswerReply },
    /// Ends the processes of all ranks.
    Abort(i32),
}

/// An operation that waits for messages.
struct Running {
    header: Header,
    operation: Box<dyn Operation>,
    outbox: Outbox,
    since: Instant,
}

impl Running {
    fn is_complete(&self, size: usize) -> bool {
        (0..size).all(|rank| !self.operation.waits_for(rank))
    }
}

/// State of the background thread.
pub(crate) struct Engine<T> {
    transport: T,
    place: Place,
    commands: Receiver<Command>,
    counters: Arc<Counters>,
    /// Time without a message of a required rank after which it counts as lost.
    silence: Duration,
    /// Number of the next operation.
    next: u64,
    running: BTreeMap<u64, Running>,
    /// Messages of operations that have not started here.
    early: BTreeMap<u64, Vec<Arc<Packet>>>,
    requests: Requests,
    /// Ranks that ended, `[size]`.
    left: Vec<bool>,
    /// Times of the last messages, `[size]`.
    heard: Vec<Instant>,
    /// Time at which this rank last reported that it is waiting.
    said: Instant,
    /// The first error, which all later operations return.
    failure: Option<RankError>,
}

/// Position, commands and limits of an engine.
pub(crate) struct Duty {
    pub(crate) place: Place,
    pub(crate) commands: Receiver<Command>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) silence: Duration,
}

impl<T: Transport> Engine<T> {
    pub(crate) fn new(transport: T, duty: Duty) -> Self {
        let Duty { place, commands, counters, silence } = duty;
        Engine {
            transport,
            place,
            commands,
            counters,
            silence,
            next: 0,
            running: BTreeMap::new(),
            early: BTreeMap::new(),
            requests: Requests::new(place.rank),
            left: vec![false; place.size],
            heard: vec![Instant::now(); place.size],
            said: Instant::now(),
            failure: None,
        }
    }

    /// Runs until the caller drops the sender of the commands.
    pub(crate) fn run(mut self) {
        let (mut backoff, mut event) = (Backoff::default(), Instant::now());
        let mut sleep = None;
        loop {
            let command = self.next_command(sleep.take());
            let mut busy = command.is_ok();
            match command {
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            busy |= self.look();
            if busy {
                backoff.reset();
                event = Instant::now();
                continue;
            }
            self.check_lost();
            if event.elapsed() < self.transport.eager_time() {
                std::thread::yield_now();
                continue;
            }
            sleep = backoff.wait(if self.awaits_nothing() { backoff::LONGEST_IDLE } else { backoff::LONGEST });
            if sleep.is_some() {
                self.check_silence();
            }
        }
        self.close();
    }

    /// Returns true if the rank needs no message of another one.
    fn awaits_nothing(&self) -> bool {
        self.running.is_empty() && self.requests.is_empty() && !self.transport.is_sending()
    }

    /// The next command, which is waited for up to `sleep`, or, where nothing else can happen, for as long as it takes.
    fn next_command(&self, sleep: Option<Duration>) -> Result<Command, RecvTimeoutError> {
        if self.awaits_nothing() && !self.requests.is_serving() {
            return self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        match sleep {
            Some(time) => self.commands.recv_timeout(time),
            None => self.commands.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
        }
    }

    fn obey(&mut self, command: Command) {
        let place = self.place;
        let header = |kind, detail, sequence| Header { kind, from: place.rank, sequence, detail, step: 0 };
        let (header, operation) = match command {
            Command::Abort(status) => return self.transport.abort(status),
            Command::Serve(shelf) => {
                let answers = self.requests.serve(shelf);
                let outcome = self.send(answers);
                return self.settle(outcome);
            }
            Command::Ask { question, reply } => return self.ask(&question, reply),
            Command::Gather { kind, detail, own, reply } => {
                (header(kind, detail, self.next), collectives::gather(place, own, reply))
            }
            Command::Sum { values, reply } => {
                (header(Kind::Sum, values.len() as u64, self.next), collectives::sum(place, values, reply))
            }
        };
        if let Some(failure) = &self.failure {
            return operation.finish(Err(failure.clone()));
        }
        self.next += 1;
        let mut running = Running { header, operation, outbox: Outbox::new(header), since: Instant::now() };
        running.operation.start(&mut running.outbox);
        let outcome = self.send(running.outbox.take());
        self.running.insert(header.sequence, running);
        let early = self.early.remove(&header.sequence).unwrap_or_default();
        let outcome = outcome.and_then(|()| early.into_iter().try_for_each(|packet| self.deliver(packet)));
        self.settle(outcome);
        self.finish_if_complete(header.sequence);
    }

    /// Asks another rank, unless it is known that no answer will come.
    fn ask(&mut self, question: &Question, reply: AnswerReply) {
        let to = question.rank;
        let no_answer = match &self.failure {
            Some(failure) => Some(failure.clone()),
            None if to >= self.place.size || to == self.place.rank => Some(RankError::Mismatch {
                what: format!("rank {} asks rank {to} of {}", self.place.rank, self.place.size),
            }),
            None => self.left[to].then_some(RankError::Lost { rank: to }),
        };
        if let Some(error) = no_answer {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(Err(error));
            return;
        }
        let message = self.requests.ask(question, reply);
        let outcome = self.send(vec![(to, message)]);
        self.settle(outcome);
    }

    /// Takes what has arrived; true if there was something.
    fn look(&mut self) -> bool {
        let packets = match self.transport.poll() {
            Ok(packets) => packets,
            Err(error) => {
                self.settle(Err(error));
                return false;
            }
        };
        let any = !packets.is_empty();
        for packet in packets {
            let outcome = self.take(packet);
            self.settle(outcome);
        }
        any
    }

    fn take(&mut self, packet: Arc<Packet>) -> Result<(), RankError> {
        let Header { kind, from, sequence, .. } = *packet.header();
        if from >= self.place.size || from == self.place.rank {
            return Err(packet.unexpected());
        }
        self.heard[from] = Instant::now();
        match kind {
            Kind::Goodbye => {
                self.left[from] = true;
                if !packet.content().is_empty() {
                    self.fail(RankError::from_bytes(packet.content(), from));
                }
            }
            Kind::Waiting => {}
            Kind::Failure => self.fail(RankError::from_bytes(packet.content(), from)),
            Kind::Question => {
                let answer = self.requests.answer(packet);
                return self.send(answer.into_iter().collect());
            }
            _ if self.failure.is_some() => {}
            Kind::Answer => return self.requests.take_answer(&packet),
            _ if sequence >= self.next => self.early.entry(sequence).or_default().push(packet),
            _ => return self.deliver(packet),
        }
        Ok(())
    }

    /// Passes a message to its operation.
    fn deliver(&mut self, packet: Arc<Packet>) -> Result<(), RankError> {
        let sequence = packet.header().sequence;
        let Some(running) = self.running.get_mut(&sequence) else { return Err(packet.unexpected()) };
        let (own, other) = (&running.header, packet.header());
        if (own.kind, own.detail) != (other.kind, other.detail) {
            return Err(RankError::Mismatch { what: format!("{}, but {}", own.describe(), other.describe()) });
        }
        running.operation.receive(packet, &mut running.outbox)?;
        let messages = running.outbox.take();
        self.send(messages)?;
        self.finish_if_complete(sequence);
        Ok(())
    }

    fn send(&mut self, messages: Vec<(usize, Arc<Packet>)>) -> Result<(), RankError> {
        for (to, packet) in messages {
            self.counters.add_sent(packet.bytes().len());
            self.transport.send(to, packet)?;
        }
        Ok(())
    }

    fn finish_if_complete(&mut self, sequence: u64) {
        if self.running.get(&sequence).is_some_and(|running| running.is_complete(self.place.size))
            && let Some(running) = self.running.remove(&sequence)
        {
            running.operation.finish(Ok(()));
        }
    }

    /// Reports an error of this rank to the others and to its callers.
    fn settle(&mut self, outcome: Result<(), RankError>) {
        let Err(error) = outcome else { return };
        if self.failure.is_none() {
            self.say(Kind::Failure, &error.to_bytes(self.place.rank));
        }
        self.fail(error);
    }

    /// Ends all operations with the first error.
    fn fail(&mut self, error: RankError) {
        let failure = self.failure.get_or_insert(error);
        self.requests.fail(failure);
        for (_, running) in std::mem::take(&mut self.running) {
            running.operation.finish(Err(failure.clone()));
        }
        self.early.clear();
    }

    /// Sends a message that belongs to no operation to all ranks, including those that wait for the others to end. If that fails,
    /// the other ranks notice the silence.
    fn say(&mut self, kind: Kind, content: &[u8]) {
        let header = Header { kind, from: self.place.rank, sequence: self.next, detail: 0, step: 0 };
        let packet = Arc::new(Packet::new(header, content));
        for other in self.place.others() {
            let _ = self.transport.send(other, Arc::clone(&packet));
        }
    }

    /// Abandons operations that need a rank which has ended, once all its messages have arrived.
    fn check_lost(&mut self) {
        if self.transport.is_receiving() {
            return;
        }
        let left = &self.left;
        self.requests.give_up(|rank| left[rank]);
        let needs = |rank: usize| self.running.values().any(|running| running.operation.waits_for(rank));
        if let Some(rank) = (0..self.place.size).find(|rank| self.left[*rank] && needs(*rank)) {
            self.settle(Err(RankError::Lost { rank }));
        }
    }

    /// Abandons operations that need a rank which sends nothing. Ranks that are waiting themselves report it, so that the error
    /// names the one that all are waiting for.
    fn check_silence(&mut self) {
        let now = Instant::now();
        if !self.awaits_nothing() && now.saturating_duration_since(self.said) > self.silence / 4 {
            self.said = now;
            self.say(Kind::Waiting, &[]);
        }
        let quiet = |rank: usize, since: Instant| now.saturating_duration_since(self.heard[rank].max(since));
        let silent = self.running.values().find_map(|running| {
            (0..self.place.size).filter(|rank| running.operation.waits_for(*rank)).find_map(|rank| {
                let quiet = quiet(rank, running.since);
                (quiet > self.silence).then_some(RankError::Silent { rank, seconds: quiet.as_secs() })
            })
        });
        if let Some(error) = silent.or_else(|| self.requests.silent(self.silence, quiet)) {
            self.settle(Err(error));
        }
    }

    /// Sends the farewell, and waits for the others if the transport requires that ranks end together. The farewell holds the
    /// failure, if any: it can arrive before the message of the rank that found it.
    fn close(mut self) {
        let failure = self.failure.as_ref().map_or(Vec::new(), |failure| failure.to_bytes(self.place.rank));
        self.say(Kind::Goodbye, &failure);
        let (start, mut backoff) = (Instant::now(), Backoff::default());
        while self.transport.ends_together() {
            let limit = if self.failure.is_none() { self.silence } else { FAREWELL };
            if start.elapsed() > limit {
                break;
            }
            let alone = self.place.others().all(|other| self.left[other]);
            if (alone || self.failure.is_some()) && !self.transport.is_sending() {
                break;
            }
            if !self.look()
                && let Some(sleep) = backoff.wait(backoff::LONGEST)
            {
                std::thread::sleep(sleep);
            }
        }
        let clean = self.failure.is_none() && self.place.others().all(|other| self.left[other]);
        self.transport.close(clean);
    }
}
