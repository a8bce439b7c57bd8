//! Results of a release step.

use std::fmt;

/// Facts and problems of a step, in the order they are printed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Facts about what was checked or built.
    pub(super) facts: Vec<String>,
    /// Problems to fix before the release.
    pub(super) problems: Vec<String>,
    /// Reason why the step did not run.
    pub(super) skipped: Option<String>,
}

impl Outcome {
    /// Creates the outcome of a step that did not run.
    pub(super) fn skipped(reason: impl Into<String>) -> Outcome {
        Outcome { skipped: Some(reason.into()), ..Outcome::default() }
    }

    /// Creates the outcome of a step that ended early.
    pub(super) fn failed(problem: impl Into<String>) -> Outcome {
        Outcome { problems: vec![problem.into()], ..Outcome::default() }
    }

    /// Adds a fact or a problem.
    pub(super) fn add(&mut self, found: Result<String, String>) {
        match found {
            Ok(fact) => self.facts.push(fact),
            Err(problem) => self.problems.push(problem),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts.iter().try_for_each(|fact| writeln!(formatter, "{fact}"))?;
        self.skipped.iter().try_for_each(|reason| writeln!(formatter, "skipped: {reason}"))?;
        self.problems.iter().try_for_each(|problem| writeln!(formatter, "problem: {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_before_problems() {
        let mut outcome = Outcome::failed("no licence");
        outcome.add(Ok("3 files".to_owned()));
        outcome.add(Err("no README".to_owned()));
        assert_eq!(outcome.to_string(), "3 files\nproblem: no licence\nproblem: no README\n");
        assert_eq!(Outcome::skipped("no tool").to_string(), "skipped: no tool\n");
    }
}
