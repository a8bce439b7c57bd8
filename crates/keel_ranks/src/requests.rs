//! Questions of one rank to another, answered in the background and outside the order of operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use crate::error::RankError;
use crate::packet::{Header, Kind, Packet};

/// Answers the questions of other ranks.
pub trait Shelf: Send + Sync {
    /// Returns the bytes that `question` asks for, and no bytes for one that is not understood. Runs on the background thread
    /// of the rank: it must be quick and must not wait for another rank.
    fn answer(&self, question: &[u8]) -> Vec<u8>;
}

/// A question to another rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Rank that is to answer.
    pub rank: usize,
    /// Content, which only the [`Shelf`] of that rank understands.
    pub bytes: Vec<u8>,
}

/// Receiver of an answer.
pub(crate) type AnswerReply = Sender<Result<Vec<u8>, RankError>>;

/// A question that is not answered.
struct Open {
    rank: usize,
    since: Instant,
    reply: AnswerReply,
}

/// Questions of a rank, and those of others to it.
pub(crate) struct Requests {
    /// Number of this rank.
    own: usize,
    shelf: Option<Arc<dyn Shelf>>,
    /// Questions that arrived before the shelf.
    early: Vec<Arc<Packet>>,
    /// Questions to others, by number.
    open: BTreeMap<u64, Open>,
    /// Number of the next question.
    next: u64,
}

impl Requests {
    pub(crate) fn new(own: usize) -> Self {
        Requests { own, shelf: None, early: Vec::new(), open: BTreeMap::new(), next: 0 }
    }

    /// Returns true if questions may arrive at any time.
    pub(crate) fn is_serving(&self) -> bool {
        self.shelf.is_some()
    }

    /// Returns true if no answer is awaited.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Answers from `shelf` from now on. Returns the answers to questions that came before it.
    pub(crate) fn serve(&mut self, shelf: Arc<dyn Shelf>) -> Vec<(usize, Arc<Packet>)> {
        self.shelf = Some(shelf);
        let early = std::mem::take(&mut self.early);
        early.into_iter().filter_map(|question| self.answer(question)).collect()
    }

    /// Returns the message that asks `question`; its answer goes to `reply`.
    pub(crate) fn ask(&mut self, question: &Question, reply: AnswerReply) -> Arc<Packet> {
        let number = self.next;
        self.next += 1;
        self.open.insert(number, Open { rank: question.rank, since: Instant::now(), reply });
        self.packet(Kind::Question, number, &question.bytes)
    }

    /// Returns the answer to a question of another rank, with that rank; none yet where there is no shelf.
    pub(crate) fn answer(&mut self, question: Arc<Packet>) -> Option<(usize, Arc<Packet>)> {
        let Header { from, detail, .. } = *question.header();
        let Some(shelf) = &self.shelf else {
            self.early.push(question);
            return None;
        };
        let answer = shelf.answer(question.content());
        Some((from, self.packet(Kind::Answer, detail, &answer)))
    }

    /// Hands an answer to whoever asked.
    ///
    /// # Errors
    /// [`RankError::Mismatch`] if nobody asked that rank.
    pub(crate) fn take_answer(&mut self, answer: &Packet) -> Result<(), RankError> {
        let Header { from, detail, .. } = *answer.header();
        match self.open.remove(&detail) {
            Some(open) if open.rank == from => {
                // Whoever asked may have stopped waiting.
                let _ = open.reply.send(Ok(answer.content().to_vec()));
                Ok(())
            }
            _ => Err(answer.unexpected()),
        }
    }

    /// Gives up the questions to ranks that have ended.
    pub(crate) fn give_up(&mut self, has_left: impl Fn(usize) -> bool) {
        self.open.retain(|_, open| {
            let lost = has_left(open.rank);
            if lost {
                let _ = open.reply.send(Err(RankError::Lost { rank: open.rank }));
            }
            !lost
        });
    }

    /// Gives up all questions.
    pub(crate) fn fail(&mut self, error: &RankError) {
        for (_, open) in std::mem::take(&mut self.open) {
            let _ = open.reply.send(Err(error.clone()));
        }
    }

    /// The first rank that has neither answered nor sent anything, as `quiet` gives it, for longer than `silence`.
    pub(crate) fn silent(&self, silence: Duration, quiet: impl Fn(usize, Instant) -> Duration) -> Option<RankError> {
        self.open.values().find_map(|open| {
            let quiet = quiet(open.rank, open.since);
            (quiet > silence).then_some(RankError::Silent { rank: open.rank, seconds: quiet.as_secs() })
        })
    }

    fn packet(&self, kind: Kind, number: u64, content: &[u8]) -> Arc<Packet> {
        Arc::new(Packet::new(Header { kind, from: self.own, sequence: 0, detail: number, step: 0 }, content))
    }
}
