//! The program under test, run in a folder of its own.

#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// Variables of every test: no colours, and no defaults of whoever runs the tests.
pub const ENVIRONMENT: [(&str, &str); 2] = [("NO_COLOR", "1"), ("EVENKEEL_CONFIG", "none")];

/// A temporary working folder for the program.
pub struct Program {
    folder: TempDir,
}

impl Program {
    /// An empty folder.
    pub fn new() -> Self {
        Program { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with `arguments`, ready to run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("evenkeel").unwrap();
        command.args(arguments).current_dir(self.folder.path()).envs(ENVIRONMENT);
        command
    }

    /// The program without arguments, as a process that a test starts by itself.
    pub fn process(&self) -> std::process::Command {
        let mut command = std::process::Command::new(self.command(&[]).get_program());
        command.current_dir(self.folder.path()).envs(ENVIRONMENT);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.finish(&mut self.command(arguments), arguments)
    }

    /// Runs `command`, made by [`Program::command`], to its end.
    pub fn finish(&self, command: &mut Command, arguments: &[&str]) -> Finished {
        let output = command.output().unwrap();
        Finished {
            arguments: arguments.join(" "),
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Output of a run of the program.
pub struct Finished {
    arguments: String,
    /// Exit status; `None` after a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Asserts exit status 0.
    pub fn succeeded(&self) -> &Self {
        self.ended_with(0)
    }

    /// Asserts an exit status.
    pub fn ended_with(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "{}\n{}\n{}", self.arguments, self.stdout, self.stderr);
        self
    }

    /// Asserts exit status 2 and that the message on standard error, its line breaks aside, contains all of `expected`.
    pub fn refused(&self, expected: &[&str]) {
        self.ended_with(2);
        let message = unwrapped(&self.stderr);
        for part in expected {
            assert!(message.contains(part), "{}\n{}\nlacks: {part}", self.arguments, self.stderr);
        }
        assert!(!message.contains("panicked"), "{}", self.stderr);
    }

    /// Standard output as the one JSON document it must be.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}\n{}", self.arguments, self.stdout, self.stderr))
    }
}

/// `text` with its line breaks, and the frame of a report at the start of lines, as single spaces.
pub fn unwrapped(text: &str) -> String {
    text.replace(['│', '×', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a file, with the folders it is in.
pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
