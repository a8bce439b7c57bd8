//! Other programs: cargo, git and the compiler.

use std::path::Path;
use std::process::Command;

/// Returns cargo with `arguments`, in the folder `root`.
pub(super) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    command
}

/// Returns git with `arguments`, in the folder `root`.
pub(super) fn git(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(root);
    command
}

/// Returns the output of `command`.
///
/// # Errors
/// Fails if it does not start or exits with an error, with the command and its error output.
pub(super) fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("`{program}` did not start: {error}"))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|error| format!("output of `{program}`: {error}"));
    }
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program} {}` failed: {}", arguments.join(" "), errors.trim()))
}

/// Returns the target triple of the compiler's host.
pub(super) fn host_target() -> Result<String, String> {
    let text = output(Command::new("rustc").arg("-vV"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes a program as a shell script. Another process writes the file, because the system does not execute a
    /// program that this process, or a process it starts meanwhile, has open for writing.
    #[cfg(unix)]
    pub(in crate::release) fn write_script(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!("#!/bin/sh\n{text}\n");
        let write = "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\"";
        output(Command::new("sh").args(["-c", write]).arg(path).arg(text)).unwrap();
    }

    #[test]
    fn a_command_that_fails_is_named_with_its_message() {
        let message = output(Command::new("rustc").arg("--no-such-flag")).unwrap_err();
        assert!(message.starts_with("`rustc --no-such-flag` failed: "), "{message}");
        let message = output(&mut Command::new("no-such-program")).unwrap_err();
        assert!(message.starts_with("`no-such-program` did not start: "), "{message}");
        assert!(host_target().unwrap().contains('-'));
    }
}
