//! `explain`: prints the explanation of a rule.

use clap::Args;
use keel_health::rules::dead_relu;
use keel_health::{Rule, catalog, find_rule};
use serde_json::{Value, json};

use crate::failure::Stop;
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
            let rule = find_rule(code)?;
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
