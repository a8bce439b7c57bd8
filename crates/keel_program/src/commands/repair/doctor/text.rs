//! Formats the story of the doctor.

use keel_data::shell_path;
use keel_health::{Stage, find_rule};
use keel_train::doctor::{Attempt, Ending, Found, Judgement, Measured, Story};
use keel_train::remedies::Comparison;

use super::Document;
use crate::terminal::{Align, loss_text, plural, table, wrapped};

/// Formats all attempts, the initial and the final results, and the outcome.
pub(super) fn text(document: &Document<'_>) -> String {
    let story = document.story;
    let mut text = attempts_table(story);
    if !story.start.is_empty() {
        text.push_str(&format!("\n{}\n", comparison_table(story)));
    }
    for change in &story.changes {
        let before = if change.before.is_empty() { "nothing" } else { &change.before };
        let after = if change.after.is_empty() { "nothing" } else { &change.after };
        text.push_str(&wrapped("  changed  ", &format!("{}: {before} -> {after}", change.key)));
    }
    if story.trained_epochs < story.epochs {
        let (trained, all) = (story.trained_epochs, story.epochs);
        text.push_str(&format!(
            "Each training run was limited to {trained} of {all} epochs; a longer --budget allows all.\n"
        ));
    }
    let remaining = remaining(story);
    if story.ending != Some(Ending::Healthy) && !remaining.is_empty() {
        text.push_str("\nFindings that no change removed:\n");
        for found in remaining {
            text.push_str(&wrapped(&format!("  {} {}  ", found.level.name(), found.code), &found.message));
        }
    }
    text.push_str(&format!("\n{}", wrapped("", &ending_text(document))));
    text.push_str(&format!("Page: {}\n", document.page.display()));
    text
}

/// Returns the findings of the final config, and those about the data, which no change of the config removes; one of each code.
fn remaining(story: &Story) -> Vec<&Found> {
    let about_data = story.found.iter().filter(|found| is_about_data(found));
    let mut remaining: Vec<&Found> = Vec::new();
    for found in story.left.iter().chain(about_data) {
        if remaining.iter().all(|known| known.code != found.code) {
            remaining.push(found);
        }
    }
    remaining
}

fn is_about_data(found: &Found) -> bool {
    find_rule(&found.code).is_ok_and(|rule| rule.roles.iter().any(|role| role.stage == Stage::Data))
}

/// Formats the attempts that were kept or trained with several seeds, and the number of the others.
fn attempts_table(story: &Story) -> String {
    if story.attempts.is_empty() {
        return "Nothing was tried.\n".to_owned();
    }
    let score = format!("validation {}", story.score);
    let columns = [
        ("tried", Align::Left),
        ("because of", Align::Left),
        (score.as_str(), Align::Right),
        ("with it", Align::Right),
        ("seeds", Align::Right),
        ("outcome", Align::Left),
    ];
    let row = |attempt: &Attempt| {
        vec![
            attempt.change.clone(),
            attempt.because.clone(),
            mean_text(attempt, true),
            mean_text(attempt, false),
            attempt.with.len().to_string(),
            outcome_text(attempt),
        ]
    };
    table(&columns, &story.attempts.iter().map(row).collect::<Vec<_>>()) + "\n"
}

fn comparison_table(story: &Story) -> String {
    let names = [format!("validation {}", story.score), format!("test {}", story.score)];
    let columns = [
        ("mean over the seeds", Align::Left),
        (names[0].as_str(), Align::Right),
        ("validation loss", Align::Right),
        (names[1].as_str(), Align::Right),
    ];
    let row = |name: &str, side: &[Measured]| {
        let of = |value: fn(&Measured) -> Option<f64>| mean(&side.iter().filter_map(value).collect::<Vec<_>>());
        let number = |value: Option<f64>| value.map_or_else(|| "no result".to_owned(), loss_text);
        vec![
            format!("{name} ({})", plural(side.len() as u64, "seed")),
            number(of(|run| run.validation.score)),
            number(of(|run| run.validation.loss)),
            number(of(|run| run.test.score)),
        ]
    };
    let sides = [("start", &story.start), ("end", &story.end)];
    let rows: Vec<_> = sides.iter().filter(|(_, side)| !side.is_empty()).map(|(name, side)| row(name, side)).collect();
    table(&columns, &rows)
}

fn ending_text(document: &Document<'_>) -> String {
    let story = document.story;
    let next = document.repaired.as_ref().map(|path| format!("evenkeel train {}", shell_path(path)));
    let next = next.unwrap_or_default();
    let gain = story.comparison.map(|comparison| {
        format!("{} {:+.4}, limit {:.4}", story.score, comparison.score.mean, comparison.score.needed)
    });
    let gain = gain.unwrap_or_default();
    match story.ending {
        Some(Ending::Better) => {
            format!("Better than the start by more than the spread over seeds ({gain}). Next: {next}")
        }
        Some(Ending::NotBetter) => format!(
            "Not better than the start, over seeds that took no part in any decision ({gain}). Next: more --budget, \
             or look at the page"
        ),
        Some(Ending::NothingHelped) => match remaining(story).into_iter().find(|found| is_about_data(found)) {
            Some(found) => format!(
                "No change of the config helped, and {code} {rule} is about the data. Next: repair the data as {code} says \
                 (evenkeel explain {code}), then evenkeel check",
                code = found.code,
                rule = found.rule
            ),
            None => {
                "No change helped. Next: more --budget, or look at the data and the labels: evenkeel check".to_owned()
            }
        },
        Some(Ending::Healthy) => "Healthy from the start: no error, no warning; nothing had to be changed.".to_owned(),
        Some(Ending::Stopped) if !next.is_empty() => {
            format!(
                "Stopped before the comparison; the changes kept so far are written. Next: {next}, or doctor with that config"
            )
        }
        Some(Ending::Stopped) => "Stopped before any change was kept.".to_owned(),
        None => String::new(),
    }
}

/// Formats one attempt in one line.
pub(super) fn attempt_text(attempt: &Attempt) -> String {
    let change = &attempt.change;
    let numbers = format!("{} -> {}", mean_text(attempt, true), mean_text(attempt, false));
    match (attempt.judgement, &attempt.refusal) {
        (Judgement::Refused, refusal) => format!("does not fit  {change}: {}", refusal.as_deref().unwrap_or_default()),
        (judgement, _) => format!("{}  {change}: {numbers}, seeds {}", judgement_text(judgement), attempt.with.len()),
    }
}

/// Formats the outcome; of a change that was kept for its loss also the change of the loss, which the columns do not show.
fn outcome_text(attempt: &Attempt) -> String {
    let Comparison { score, loss, .. } = Comparison::of(&attempt.without, &attempt.with);
    let word = judgement_text(attempt.judgement);
    let has_score = attempt.with.iter().any(|result| result.score.is_some());
    if attempt.judgement == Judgement::Helped && has_score && score.mean <= score.needed {
        return format!("{word}: loss {:+.1} %", 0.0 - 100.0 * loss.mean);
    }
    word.to_owned()
}

fn judgement_text(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Helped => "kept",
        Judgement::Outdone => "outdone",
        Judgement::Promising => "promising, not compared",
        Judgement::WithinSpread => "within the spread",
        Judgement::DidNotHelp => "did not help",
        Judgement::Refused => "does not fit",
    }
}

/// Formats the mean score of one side, or its mean loss if there is no score.
fn mean_text(attempt: &Attempt, without: bool) -> String {
    let results = if without { &attempt.without } else { &attempt.with };
    let scores: Vec<f64> = results.iter().filter_map(|result| result.score).collect();
    let losses: Vec<f64> = results.iter().filter_map(|result| result.loss).collect();
    match (mean(&scores), mean(&losses)) {
        (Some(score), _) => format!("{score:.4}"),
        (None, Some(loss)) => format!("loss {}", loss_text(loss)),
        (None, None) => "no result".to_owned(),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use keel_health::Level;
    use keel_train::remedies::RunResult;

    use super::*;

    fn story(ending: Ending) -> Story {
        let run = |score: f64| RunResult { loss: Some(1.0 - score), score: Some(score) };
        let side = |score: f64| vec![Measured { seed: 1000, validation: run(score), test: run(score) }; 3];
        Story {
            data: "digits".into(),
            score: "accuracy".into(),
            metric: None,
            seed: 0,
            epochs: 8,
            trained_epochs: 4,
            found: Vec::new(),
            first: run(0.1),
            attempts: vec![Attempt {
                because: "K013".into(),
                reason: String::new(),
                change: "lower the learning rate".into(),
                proposal: None,
                settings: Vec::new(),
                without: vec![run(0.1); 3],
                with: vec![run(0.9); 3],
                judgement: Judgement::Helped,
                refusal: None,
            }],
            changes: Vec::new(),
            left: Vec::new(),
            start: side(0.1),
            end: side(0.9),
            comparison: Some(Comparison::of(&[run(0.1); 3], &[run(0.9); 3])),
            ending: Some(ending),
            trainings: 12,
            seconds: 1.0,
        }
    }

    #[test]
    fn every_ending_says_what_follows() {
        let cases = [
            (
                Ending::Better,
                "Better than the start by more than the spread over seeds (accuracy +0.8000, limit 0.0450)",
            ),
            (Ending::NotBetter, "Not better than the start"),
            (Ending::NothingHelped, "No change helped"),
            (Ending::Healthy, "Healthy from the start"),
            (
                Ending::Stopped,
                "Stopped before the comparison; the changes kept so far are written. Next: evenkeel train r.toml",
            ),
        ];
        for (ending, expected) in cases {
            let story = story(ending);
            let document =
                Document { repaired: Some(PathBuf::from("r.toml")), page: PathBuf::from("d.html"), story: &story };
            let text = text(&document).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(expected), "{text}");
            assert!(text.contains("lower the learning rate K013 0.1000 0.9000 3 kept"), "{text}");
            assert!(text.contains("limited to 4 of 8 epochs") && text.contains("end (3 seeds) 0.9000"), "{text}");
        }
    }

    fn text_of(story: &Story) -> String {
        let document = Document { repaired: None, page: PathBuf::from("d.html"), story };
        text(&document).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn findings_about_the_data_are_the_conclusion_if_nothing_helped() {
        let mut story = story(Ending::NothingHelped);
        let labels = keel_health::rules::labels::CODE;
        let message = "the labels have nothing to do with the inputs".to_owned();
        let (rule, kind) = ("labels".to_owned(), "meaningless".to_owned());
        story.found = vec![Found { code: labels.into(), rule, kind, level: Level::Error, layer: None, message }];
        let text = text_of(&story);
        assert!(text.contains(&format!("error {labels} the labels have nothing to do")), "{text}");
        assert!(text.contains(&format!("evenkeel explain {labels}")) && !text.contains("more --budget"), "{text}");
    }

    #[test]
    fn a_change_kept_for_its_loss_shows_the_loss() {
        let mut story = story(Ending::Better);
        let run = |loss: f64| RunResult { loss: Some(loss), score: Some(0.8) };
        story.attempts[0].without = vec![run(1.0); 5];
        story.attempts[0].with = vec![run(0.5); 5];
        let text = text_of(&story);
        assert!(text.contains("0.8000 0.8000 5 kept: loss -"), "{text}");
    }
}
