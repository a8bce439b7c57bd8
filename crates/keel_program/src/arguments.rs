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

Exit status: 0 success; 1 success with findings of level error; 2 refused or failed.")]
pub(crate) struct Arguments {
    /// Print one JSON document, and nothing else, on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Command to run
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Arguments::command().get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  evenkeel "), "{}", command.get_name());
            // Longer lines are broken by the terminal's width, in the middle of a paragraph or of a column.
            let longest = help.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(longest <= 100, "{}: {longest} columns", command.get_name());
        }
    }
}
