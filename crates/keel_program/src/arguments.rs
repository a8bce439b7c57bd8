//! The arguments of the command line.

use clap::Parser;

use crate::commands::Command;

/// Train neural networks on the CPU you have, and see whether they are healthy.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  evenkeel train                     train the default network on the embedded digits
  evenkeel init > my.toml            write a commented config to start from
  evenkeel train my.toml --set train.epochs=5
  evenkeel explain dead-relu         the meaning of a finding and its remedies

Exit status:
  0  success; also a training run that Ctrl-C stopped with a checkpoint
  1  success, with findings of level error (with --strict, of level warn too),
     samples without a result, or a repair that did not help
  2  refused or failed

Environment:
  NO_COLOR=1            no colours
  EVENKEEL_CONFIG=FILE  your own defaults, in place of those in
                        ~/.config/evenkeel/config.toml; none: neither")]
pub(crate) struct Arguments {
    /// Print one JSON document, and nothing else, on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors and the result: no progress, no remarks
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Command to run
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    /// Calls `visit` with the program and every command that can be typed.
    fn walk(command: &Command, typed: &str, visit: &mut impl FnMut(&str, &Command)) {
        visit(typed, command);
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
            walk(inner, &format!("{typed} {}", inner.get_name()), visit);
        }
    }

    fn every_command(mut visit: impl FnMut(&str, &Command)) {
        let mut program = Arguments::command();
        program.build();
        walk(&program, "evenkeel", &mut visit);
    }

    fn help_of(command: &Command) -> String {
        command.get_after_help().map(ToString::to_string).unwrap_or_default()
    }

    /// Returns the command lines below `Examples:` without their comments.
    fn examples(help: &str) -> Vec<&str> {
        let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1).take_while(|line| !line.is_empty());
        let commands = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
        commands.map(|line| line.split("  ").next().unwrap_or_default()).collect()
    }

    /// Returns the arguments of the program in a shell line, without what precedes it, redirections and other programs.
    fn arguments_of(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted, mut pattern) = (Vec::new(), String::new(), false, false);
        for letter in line.chars().chain([' ']) {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted => {
                    // A shell expands a pattern to several names.
                    words.extend(std::mem::take(&mut pattern).then(|| word.clone()));
                    words.push(std::mem::take(&mut word));
                }
                letter => {
                    pattern |= letter == '*' && !quoted;
                    word.push(letter);
                }
            }
        }
        let own = words.into_iter().skip_while(|word| word != "evenkeel");
        own.take_while(|word| ![">", ">>", "|"].contains(&word.as_str())).collect()
    }

    #[test]
    fn every_command_has_three_examples_that_it_accepts() {
        every_command(|typed, command| {
            let help = help_of(command);
            let examples = examples(&help);
            assert!(examples.len() >= 3, "{typed}: {examples:?}");
            let own = |example: &&&str| arguments_of(example).join(" ").starts_with(typed);
            assert!(examples.iter().filter(own).count() >= 2, "{typed}: the examples are about other commands");
            for example in examples {
                let parsed = Arguments::try_parse_from(arguments_of(example));
                assert!(parsed.is_ok(), "{typed}: `{example}` is refused: {}", parsed.unwrap_err());
            }
        });
    }

    #[test]
    fn help_fits_a_hundred_columns() {
        every_command(|typed, command| {
            // Longer lines are broken by the terminal's width, in the middle of a paragraph or of a column.
            let longest = help_of(command).lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= 100, "{typed}: {longest} columns");
        });
    }
}
