//! Times of the parts of a step, for trace viewers in browsers.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Number of recorded steps: enough to see a pattern, few enough for any viewer.
pub(crate) const STEPS: u64 = 100;

/// Times of the parts of one rank's steps.
#[derive(Debug)]
pub(super) struct Timeline {
    origin: Instant,
    spans: Vec<Span>,
}

/// One part of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Span {
    name: String,
    /// Start in microseconds after the origin of the timeline.
    start: f64,
    /// Duration in microseconds.
    duration: f64,
}

impl Timeline {
    /// Creates a timeline that starts now.
    pub(super) fn new() -> Self {
        Timeline { origin: Instant::now(), spans: Vec::new() }
    }

    /// Adds a part that began at `began` and ends now.
    pub(super) fn add(&mut self, name: &str, began: Instant) {
        let start = began.saturating_duration_since(self.origin).as_secs_f64() * 1e6;
        self.spans.push(Span { name: name.to_owned(), start, duration: began.elapsed().as_secs_f64() * 1e6 });
    }

    /// Parts recorded so far.
    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }
}

/// Builds a trace event document with one process per rank.
pub(super) fn document(ranks: &[Vec<Span>]) -> Value {
    let mut events = Vec::new();
    for (rank, spans) in ranks.iter().enumerate() {
        events.push(
            json!({ "name": "process_name", "ph": "M", "pid": rank, "args": { "name": format!("rank {rank}") } }),
        );
        events.extend(spans.iter().map(|Span { name, start, duration }| {
            let kind = if name.starts_with(WAITING) { "wait" } else { "compute" };
            json!({ "name": name, "cat": kind, "ph": "X", "ts": start, "dur": duration, "pid": rank, "tid": 0 })
        }));
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

/// Prefix of the names of parts in which a rank waits for others.
pub(super) const WAITING: &str = "wait for ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_names_every_rank_and_its_parts() {
        let mut timeline = Timeline::new();
        let began = Instant::now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        timeline.add("forward", began);
        timeline.add("wait for gradients", Instant::now());
        let trace = document(&[timeline.spans().to_vec(), Vec::new()]);
        let events = trace["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 4);
        assert_eq!((&events[0]["ph"], &events[0]["args"]["name"]), (&json!("M"), &json!("rank 0")));
        assert_eq!((&events[1]["name"], &events[1]["cat"]), (&json!("forward"), &json!("compute")));
        assert!(events[1]["dur"].as_f64().unwrap() >= 2000.0, "microseconds: {}", events[1]);
        assert_eq!(events[2]["cat"], "wait");
        assert_eq!(events[3]["pid"], 1);
    }
}
