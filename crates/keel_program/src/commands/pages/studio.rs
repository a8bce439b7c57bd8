//! `studio`: shows a folder of runs in the browser.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;
use keel_studio::{Studio, StudioOptions};
use serde_json::json;

use crate::failure::{Failure, Stop, from_sentence};
use crate::interruption::stop_flag;
use crate::terminal::{Output, Status};

/// Default folder of runs, as in `run.directory`.
const RUNS: &str = "runs";

/// Arguments of `studio`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel studio                        the runs in ./runs, at http://127.0.0.1:7878/
  evenkeel studio experiments --open     another folder; opens the browser
  evenkeel studio --port 0               on any free port
  evenkeel studio --host 0.0.0.0         for other machines too, with the token that is printed

Shows every run in the folder, finished or in progress, whichever program started it; no option is
needed for training. The pages can start, stop, resume and repair training runs: each is a separate
process that continues when the studio ends. Ctrl-C ends the studio.")]
pub(crate) struct Arguments {
    /// Folder that holds the folders of runs [default: runs]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Port to listen on; 0 = any free port
    #[arg(long, default_value_t = 7878)]
    port: u16,
    /// Listen on this address for other machines, which need the printed token [default: this machine only]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

/// Serves the folder until Ctrl-C.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let folder = arguments.folder.clone().unwrap_or_else(|| PathBuf::from(RUNS));
    if arguments.folder.is_some() && !folder.is_dir() {
        let failure = Failure::new(format!("{}: there is no such folder", folder.display()));
        return Err(failure.next_step("Name the folder that holds your runs, or create it").into());
    }
    let (host, port) = (arguments.host.clone(), arguments.port);
    let studio = Studio::bind(StudioOptions { folder, host, port, program: own_program()? })
        .map_err(|error| from_sentence(&error.to_string()))?;
    let url = studio.url();
    output.result(&json!({ "url": url, "folder": studio.folder() }), || {
        format!("{url}\nshows the runs in {}; Ctrl-C ends it", studio.folder().display())
    })?;
    if arguments.open
        && let Err(error) = open(&url)
    {
        output.warning(&format!("no browser could be opened ({error}); open the address by hand"));
    }
    studio.run(&stop_flag()).map_err(|error| from_sentence(&error.to_string()))?;
    Ok(Status::Done)
}

/// Returns the command that starts this program again: the program itself, or Python with the package if it runs inside Python.
fn own_program() -> Result<Vec<OsString>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(format!("the path of this program is not known: {error}")))?;
    let is_python = program.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("python"));
    let module: &[&str] = if is_python { &["-m", "evenkeel"] } else { &[] };
    Ok(std::iter::once(program.into_os_string()).chain(module.iter().map(OsString::from)).collect())
}

/// Opens `url` in the system's browser.
fn open(url: &str) -> std::io::Result<()> {
    let (program, arguments): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("rundll32", &["url.dll,FileProtocolHandler"]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut browser = command.spawn()?;
    // The exit status is not needed, but the process has to be waited for.
    std::thread::spawn(move || browser.wait());
    Ok(())
}
