//! The `evenkeel` command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    keel_program::run(std::env::args_os())
}
