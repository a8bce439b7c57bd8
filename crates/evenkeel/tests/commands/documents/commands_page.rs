//! `docs/commands.md`: the help of every command, as the program prints it.

use super::compare;
use crate::program::Program;

/// Beginning of the document.
const BEGINNING: &str = "# Commands

Written from the help that each command prints with `--help`. [Commands by task](howto/command_line.md#commands-by-task) finds a command by
what it is for, and the tutorials show outputs.
";

#[test]
fn the_document_of_commands_is_what_their_help_says() {
    let program = Program::new();
    let mut text = BEGINNING.to_owned();
    add(&program, &[], &mut text);
    compare("commands.md", &text);
}

/// Adds the help of the command `words`, and of those in it.
fn add(program: &Program, words: &[&str], text: &mut String) {
    let help = program.run(&[words, &["--help"]].concat()).succeeded().stdout.clone();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let level = "#".repeat(if words.is_empty() { 2 } else { (1 + words.len()).min(3) });
    let typed = [&["evenkeel"], words].concat().join(" ");
    text.push_str(&format!("\n{level} {typed}\n\n```text\n{}\n```\n", lines.join("\n")));
    for inner in commands_in(&lines) {
        add(program, &[words, &[inner]].concat(), text);
    }
}

/// Names in the list of commands of a help text.
fn commands_in<'help>(lines: &[&'help str]) -> Vec<&'help str> {
    let list = lines.iter().skip_while(|line| **line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Lines that continue a description are indented further.
    let named = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}
