//! Arguments of the command.

use std::path::PathBuf;

/// Options of a release.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Neither tags nor publishes; the only supported mode.
    pub(super) dry_run: bool,
    /// Permits uncommitted changes.
    pub(super) allow_dirty: bool,
    /// Expects the tag to exist at this commit, as in the workflow started by the tag.
    pub(super) tagged: bool,
    /// Runs cargo offline.
    pub(super) offline: bool,
    /// Program to put into the archive instead of compiling one.
    pub(super) binary: Option<PathBuf>,
}

impl Options {
    /// Parses the arguments after `release`.
    pub(super) fn read(arguments: &[&str]) -> Result<Options, String> {
        let mut options = Options::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--dry-run" => options.dry_run = true,
                "--allow-dirty" => options.allow_dirty = true,
                "--tagged" => options.tagged = true,
                "--offline" => options.offline = true,
                "--binary" => {
                    let path = arguments.next().ok_or("--binary: name the program to put into the archive")?;
                    options.binary = Some(PathBuf::from(path));
                }
                other => {
                    let known = "--dry-run, --allow-dirty, --tagged, --offline, --binary PATH";
                    return Err(format!("unknown argument `{other}`; expected {known}"));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_or_named() {
        let all = ["--dry-run", "--allow-dirty", "--tagged", "--offline", "--binary", "a/evenkeel"];
        let binary = Some(PathBuf::from("a/evenkeel"));
        let expected = Options { dry_run: true, allow_dirty: true, tagged: true, offline: true, binary };
        assert_eq!(Options::read(&all), Ok(expected));
        assert_eq!(Options::read(&[]), Ok(Options::default()));
        for (arguments, expected) in [(&["--dry-run", "--publish"][..], "`--publish`"), (&["--binary"], "--binary")] {
            let message = Options::read(arguments).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
