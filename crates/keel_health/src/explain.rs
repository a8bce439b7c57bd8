//! Explanation of a rule, taken from the doc comment of its own file, and the Chinese texts of findings.

use crate::catalog::{catalog, find_rule};
use crate::finding::Finding;
use crate::finding_kind::FindingKind;
use crate::rule::Rule;

/// One of the five sections of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The text, in Markdown.
    pub text: String,
}

/// Headings of every rule, in this order.
pub const SECTIONS: [&str; 5] = ["What it measures", "Why it matters", "What to try", "When it is fine", "Source"];

impl Rule {
    /// Returns the five sections of the explanation, in order.
    pub fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        for line in self.source.lines().map_while(|line| line.strip_prefix("//!")) {
            let line = line.strip_prefix(' ').unwrap_or(line);
            if let Some(title) = line.strip_prefix("# ") {
                sections.push(Section { title: title.to_string(), text: String::new() });
            } else if let Some(section) = sections.last_mut() {
                section.text.push_str(line);
                section.text.push('\n');
            }
        }
        for section in &mut sections {
            section.text = section.text.trim().to_string();
        }
        sections
    }

    /// Returns the explanation as Markdown: a title, the summary and the five sections.
    pub fn explanation(&self) -> String {
        let mut text = format!("## {} {}\n\n{}.\n", self.code, self.name, capitalised(self.summary));
        for section in self.sections() {
            text.push_str(&format!("\n### {}\n\n{}\n", section.title, section.text));
        }
        text
    }
}

/// Returns the content of `docs/rules.md`: a table of all rules and their explanations.
pub fn rules_markdown() -> String {
    let mut text = String::from(
        "# Health rules\n\n\
         Written from the rules' own source files; `evenkeel explain CODE` prints the same text.\n\n\
         A window is 100 steps or one epoch, whichever is shorter, but at least 2,048 samples or two epochs. A rule \
         over windows reports after two consecutive windows. The last window of a run may be shorter, down to 512 \
         samples, and in a run of at most two windows a single one is enough to report an error.\n\n\
         An error means that training fails, a warning that a remedy should improve the result; info is a note. \
         At the end, levels are adjusted to the outcome of training, measured as the part of the way from guessing to \
         perfect. A network that has come 90 % of the way on its training samples, and 80 % on the validation \
         samples, has learned its task, which turns its findings into notes. From 50 % on, a finding is a warning at \
         most, and a note if it was over before the end. Below 10 %, training has failed, which turns warnings into \
         errors. The rules state the exceptions: faults of data, of the program and of the settings keep their level, \
         and a possible symptom is never raised. A finding that explains others comes before them and is at least as \
         serious as they are.\n\n| code | rule | finds |\n|---|---|---|\n",
    );
    for rule in catalog() {
        text.push_str(&format!("| [{0}](#{1}) | {2} | {3} |\n", rule.code, anchor(rule), rule.name, rule.summary));
    }
    for rule in catalog() {
        text.push('\n');
        text.push_str(&rule.explanation());
    }
    text
}

fn anchor(rule: &Rule) -> String {
    format!("{}-{}", rule.code.to_lowercase(), rule.name)
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

impl Finding {
    /// Returns the kind of the finding; `None` for one recorded by a version without kinds.
    pub fn known_kind(&self) -> Option<&'static FindingKind> {
        find_rule(&self.code).ok()?.kind(&self.kind)
    }
}

/// Returns the Chinese sentence of findings of the rule `code` and of one of its kinds, or the Chinese summary of the
/// rule if it has no such kind.
pub fn chinese_message(code: &str, kind: &str) -> Option<&'static str> {
    let rule = find_rule(code).ok()?;
    Some(rule.kind(kind).map_or(rule.chinese_summary, |kind| kind.chinese_message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_the_five_sections() {
        for rule in catalog() {
            let sections = rule.sections();
            let titles: Vec<&str> = sections.iter().map(|section| section.title.as_str()).collect();
            assert_eq!(titles, SECTIONS, "{}", rule.code);
            for section in sections {
                assert!(section.text.len() > 20, "{} {} is empty", rule.code, section.title);
            }
        }
    }

    /// Returns true if `text` is Chinese: names of functions and parameters may be in English, sentences may not.
    fn is_chinese(text: &str) -> bool {
        let chinese = |letter: &char| ('\u{4e00}'..='\u{9fff}').contains(letter);
        let english_words = text.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 1);
        text.chars().filter(chinese).count() >= 2 && english_words.count() <= 3 && !text.ends_with(['.', '。'])
    }

    #[test]
    fn every_rule_and_kind_has_chinese_texts() {
        for rule in catalog() {
            for text in [rule.chinese_name, rule.chinese_summary] {
                assert!(is_chinese(text), "{}: {text}", rule.code);
            }
            assert!(!rule.kinds.is_empty(), "{} has no kinds", rule.code);
            for kind in rule.kinds {
                for text in [kind.chinese_statistic, kind.chinese_message, kind.chinese_cause] {
                    assert!(is_chinese(text), "{} {}: {text}", rule.code, kind.key);
                }
            }
        }
    }

    #[test]
    fn keys_of_kinds_are_unique_within_a_rule() {
        for rule in catalog() {
            for kind in rule.kinds {
                assert_eq!(rule.kind(kind.key), Some(kind), "{}", rule.code);
            }
        }
    }
}
