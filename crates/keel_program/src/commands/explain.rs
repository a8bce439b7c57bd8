//! `explain`: prints the explanation of a rule.

use clap::Args;
use keel_health::rules::dead_relu;
use keel_health::{HealthError, Rule, catalog, find_rule};
use serde_json::{Value, json};

use super::catalog::sections_with;
use crate::failure::{Failure, Stop};
use crate::terminal::{Align, Output, Status, paragraphs, table, wrapped};

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "\
Examples:
  evenkeel explain              all rules, one line each
  evenkeel explain {dead}
  evenkeel explain {name} --json",
    dead = dead_relu::CODE,
    name = dead_relu::RULE.name,
))]
pub(crate) struct Arguments {
    /// Code (K010) or name (dead-relu) of a rule; lists all rules if absent
    code: Option<String>,
}

/// Prints one rule, or the list of all.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    match &arguments.code {
        Some(code) => {
            let rule = find_rule(code).map_err(|error| unknown(code, error))?;
            output.result(&rule_json(rule), || rule_text(rule))?;
        }
        None => {
            let list: Vec<Value> = catalog().iter().map(rule_line).collect();
            output.result(&list, || {
                let row = |rule: &Rule| vec![rule.code.to_owned(), rule.name.to_owned(), rule.summary.to_owned()];
                let rows: Vec<Vec<String>> = catalog().iter().map(row).collect();
                table(&[("code", Align::Left), ("rule", Align::Left), ("finds", Align::Left)], &rows)
            })?;
        }
    }
    Ok(Status::Done)
}

/// Returns the failure for a word that names no rule. If it is part of the name of rules, or a word of the catalog, they are the next
/// step instead of the rule with the most similar name.
fn unknown(word: &str, error: HealthError) -> Stop {
    let part = word.trim().to_lowercase().replace([' ', '_'], "-");
    let of_name = |rule: &&Rule| rule.name.split('-').any(|own| own == part);
    let rules: Vec<String> =
        catalog().iter().filter(of_name).map(|rule| format!("{} {}", rule.code, rule.name)).collect();
    let mut next: Vec<String> = Vec::new();
    next.extend((!rules.is_empty()).then(|| format!("Did you mean {}?", rules.join(" or "))));
    let sections = sections_with(word);
    next.extend(
        sections.iter().map(|title| format!("`evenkeel catalog {title}` explains `{}`", part.replace('-', "_"))),
    );
    if next.is_empty() {
        return error.into();
    }
    next.push("`evenkeel explain` lists all rules".to_owned());
    Failure::new(format!("no rule is called '{word}'")).next_step(next.join(" ").replace("` `", "`, `")).into()
}

fn rule_text(rule: &Rule) -> String {
    let mut text = wrapped(&format!("{} {}: ", rule.code, rule.name), rule.summary);
    for section in rule.sections() {
        text.push_str(&format!("\n{}\n{}", section.title.to_uppercase(), paragraphs(&section.text)));
    }
    text
}

fn rule_line(rule: &Rule) -> Value {
    json!({ "code": rule.code, "rule": rule.name, "summary": rule.summary })
}

fn rule_json(rule: &Rule) -> Value {
    let section = |section: keel_health::Section| json!({ "title": section.title, "text": section.text });
    let mut document = rule_line(rule);
    document["statistic"] = rule.statistic().into();
    document["sections"] = rule.sections().into_iter().map(section).collect();
    document
}
