//! Applies the remedy of the leading finding as a user would.

use super::FIRST_SEED;
use super::program::{Fixed, Program, Training};
use super::trained::Trained;
use crate::failure::Failure;

/// Maximum number of remedies that are applied, one after the other.
const REMEDIES: usize = 3;
/// Minimum fraction of the distance to the repaired program that a cure closes.
const CLOSED: f64 = 0.8;
/// Distance below which a repaired program is no better than the faulty one.
const DISTANCE: f64 = 0.02;
/// Score used in place of a missing one.
const WORST: f64 = -1.0;

/// Result of applying the remedies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cure {
    /// Best score reached, including that of the faulty program.
    pub(super) after: Option<f64>,
    /// Codes whose remedies were applied, in order.
    pub(super) applied: Vec<String>,
    /// Code whose remedy could not be applied, if that ended the attempt.
    pub(super) refused: Option<String>,
}

impl Cure {
    /// Returns the result without any remedy.
    pub(super) fn none(score: Option<f64>) -> Cure {
        Cure { after: score, applied: Vec::new(), refused: None }
    }

    /// Returns true if there is a distance from `before` to `goal` and enough of it is closed.
    pub(super) fn cures(&self, before: Option<f64>, goal: Option<f64>) -> bool {
        let distant = goal.is_some_and(|goal| goal > before.unwrap_or(WORST) + DISTANCE);
        distant && reaches(self.after, before, goal)
    }
}

/// Applies the remedy of the leading finding, up to three times, until `goal` is nearly reached.
///
/// # Errors
/// If the program cannot be started.
pub(super) fn cure(program: &Program, faulty: &Trained, goal: Option<f64>) -> Result<Cure, Failure> {
    let mut result = Cure::none(faulty.score);
    let mut run = faulty.clone();
    for number in 1..=REMEDIES {
        let Some(code) = run.alarms.first().map(|alarm| alarm.code.clone()) else { break };
        run = match program.fix(&run.run, &code)? {
            Fixed::Refused => {
                result.refused = Some(code);
                break;
            }
            Fixed::Trained(trained) => trained,
            Fixed::Config(config) => {
                let place = run.run.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
                program.train(&Training {
                    config: &config,
                    source: None,
                    place: &place.to_string_lossy(),
                    name: &format!("remedy{number}"),
                    seed: FIRST_SEED,
                })?
            }
        };
        result.applied.push(code);
        result.after = better(result.after, run.score);
        if reaches(result.after, faulty.score, goal) {
            break;
        }
    }
    Ok(result)
}

fn better(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}

fn reaches(after: Option<f64>, before: Option<f64>, goal: Option<f64>) -> bool {
    let (Some(after), Some(goal)) = (after, goal) else { return false };
    let before = before.unwrap_or(WORST);
    after >= before + CLOSED * (goal - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cure_closes_four_fifths_of_a_distance_there_is() {
        let cases = [
            (Some(0.5), Some(0.9), Some(1.0), true),
            (Some(0.5), Some(0.8999), Some(1.0), false),
            (Some(0.0), Some(0.8), Some(1.0), true),
            (None, Some(0.61), Some(1.0), true),
            (None, Some(0.59), Some(1.0), false),
            (Some(0.97), Some(1.0), Some(0.98), false),
            (Some(0.5), None, Some(1.0), false),
            (Some(0.5), Some(1.0), None, false),
            (Some(0.5), Some(f64::NAN), Some(1.0), false),
        ];
        for (before, after, goal, expected) in cases {
            let cure = Cure { after, applied: Vec::new(), refused: None };
            assert_eq!(cure.cures(before, goal), expected, "{before:?} -> {after:?} of {goal:?}");
        }
    }

    #[test]
    fn the_best_score_is_kept() {
        assert_eq!(better(Some(0.4), Some(0.3)), Some(0.4));
        assert_eq!(better(None, Some(0.3)), Some(0.3));
        assert_eq!(better(None, None), None);
    }
}
