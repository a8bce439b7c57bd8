//! Options that are keys of the config: `--epochs 3` stands for `--set train.epochs=3`.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use keel_train::config::key_named;

use crate::arguments::Arguments;

/// Parses the arguments, the first of which is the name of the program.
///
/// # Errors
/// The error of the parser, with the setting that an unknown option most likely means.
pub(crate) fn parsed(arguments: &[OsString]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(arguments).map_err(|error| with_setting(error, arguments))
}

fn with_setting(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let Some(setting) = setting_meant(&error, arguments) else { return error };
    let tip = format!("this is a key of the config: write '--set {setting}'");
    error.remove(ContextKind::SuggestedArg);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// Returns the setting, `train.epochs=3`, that the unknown option of `error` means; `None` if it means none or the command takes
/// no settings.
fn setting_meant(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument || !takes_settings(arguments) {
        return None;
    }
    let option = option.split('=').next()?;
    let key = key_named(option.strip_prefix("--")?)?;
    let mut texts = arguments.iter().filter_map(|argument| argument.to_str());
    let written =
        texts.find_map(|text| text.strip_prefix(option).filter(|rest| rest.is_empty() || rest.starts_with('=')));
    let value = match written.and_then(|rest| rest.strip_prefix('=')) {
        Some(value) => Some(value),
        None => texts.next().filter(|text| !text.starts_with("--")),
    };
    Some(format!("{key}={}", value.unwrap_or("VALUE")))
}

/// Returns true if the command in `arguments` has the option `--set`.
fn takes_settings(arguments: &[OsString]) -> bool {
    let program = Arguments::command();
    let command = arguments.iter().skip(1).find_map(|argument| program.find_subcommand(argument));
    command.is_some_and(|command| command.get_arguments().any(|argument| argument.get_long() == Some("set")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_is_a_key_is_answered_with_the_setting() {
        let cases: [(&[&str], Option<&str>); 7] = [
            (&["train", "--epochs", "3"], Some("train.epochs=3")),
            (&["train", "my.toml", "--epochs=3"], Some("train.epochs=3")),
            (&["plan", "--batch-size", "64"], Some("train.batch_size=64")),
            (&["train", "--lr", "0.1", "--quiet"], Some("optimizer.learning_rate=0.1")),
            (&["check", "--threads"], Some("train.threads=VALUE")),
            (&["train", "--nothing", "1"], None),
            (&["explain", "--epochs", "3"], None),
        ];
        for (arguments, expected) in cases {
            let arguments: Vec<OsString> = std::iter::once(&"evenkeel").chain(arguments).map(OsString::from).collect();
            let error = parsed(&arguments).unwrap_err().to_string();
            let setting = expected.map_or_else(|| "--set".to_owned(), |setting| format!("write '--set {setting}'"));
            assert_eq!(error.contains(&setting), expected.is_some(), "{arguments:?}: {error}");
        }
    }
}
