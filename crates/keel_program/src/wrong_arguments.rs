//! Arguments that cannot be parsed.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::ErrorKind;

use crate::failure::Failure;

/// Start of the parser's messages.
const LEAD: &str = "error: ";

/// Start of the parser's hints.
const TIP: &str = "tip: ";

/// Prints the message of the parser and exits the process, with status 2 unless help or the version was requested. With
/// `--json`, an error is also one JSON document on standard output.
pub(crate) fn exit(error: &clap::Error, arguments: &[OsString]) -> ! {
    if error.use_stderr() && wants_json(arguments) {
        // The exit status reports the error even if nobody reads the document.
        let _ = writeln!(io::stdout().lock(), "{:#}", failure(error).to_json());
    }
    error.exit()
}

/// Returns true if `--json` is one of the options; after `--` there are none.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// Splits the parser's message into the fault and the next step: its hints, or the option that prints the help.
fn failure(error: &clap::Error) -> Failure {
    if let ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand = error.kind() {
        return Failure::new("a command is missing").next_step("`evenkeel --help` lists the commands");
    }
    let text = error.render().to_string();
    let text = text.strip_prefix(LEAD).unwrap_or(&text);
    let joined = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n");
    let fault = joined(paragraphs.next().unwrap_or_default());
    let rest: Vec<String> = paragraphs.map(joined).collect();
    let hints: Vec<&str> =
        rest.iter().filter(|paragraph| paragraph.starts_with(TIP)).flat_map(|hints| hints.split(TIP)).collect();
    let hints: Vec<&str> = hints.into_iter().map(str::trim).filter(|hint| !hint.is_empty()).collect();
    let help = rest.iter().rfind(|paragraph| paragraph.contains("--help")).map(String::as_str);
    let next = if hints.is_empty() { help.unwrap_or_default().to_owned() } else { hints.join("; ") };
    Failure::new(fault).next_step(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unknown_option::parsed;

    #[test]
    fn the_parsers_message_is_split_into_fault_and_next_step() {
        let cases: [(&[&str], &str, &str); 6] = [
            (
                &["eval"],
                "the following required arguments were not provided: <RUN>",
                "For more information, try '--help'.",
            ),
            (&["trian"], "unrecognized subcommand 'trian'", "a similar subcommand exists: 'train'"),
            (&["train", "--epochs", "3"], "unexpected argument '--epochs' found", "write '--set train.epochs=3'"),
            (&["eval", "r", "--part", "tset"], "invalid value 'tset' for '--part <PART>'", "'test'"),
            (&["train", "--time-limit", "x"], "invalid value 'x' for '--time-limit <TIME>'", "try '--help'"),
            (&[], "a command is missing", "`evenkeel --help` lists the commands"),
        ];
        for (arguments, fault, next) in cases {
            let arguments: Vec<OsString> = ["evenkeel", "--json"].iter().chain(arguments).map(OsString::from).collect();
            assert!(wants_json(&arguments));
            let document = failure(&parsed(&arguments).unwrap_err()).to_json();
            let text = |key: &str| document["error"][key].as_str().unwrap_or_default().to_owned();
            assert!(text("message").starts_with(fault), "{document}");
            assert!(text("next_step").contains(next), "{document}");
        }
        let after: Vec<OsString> = ["evenkeel", "train", "--", "--json"].map(OsString::from).to_vec();
        assert!(!wants_json(&after));
    }
}
