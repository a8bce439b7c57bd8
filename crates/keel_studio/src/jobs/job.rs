//! Processes of the program itself, with their output in files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use keel_data::shell_word;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::action::Words;
use super::stop::interrupt;
use crate::error::Refusal;
use crate::runs::seconds_since_1970;

/// Maximum number of simultaneous jobs.
const MOST_RUNNING: usize = 8;

/// Maximum number of remembered jobs.
const MOST_REMEMBERED: usize = 100;

/// Maximum bytes of output in one answer.
const OUTPUT_BYTES: u64 = 256 * 1024;

/// Processes started by this studio. They are in separate process groups and write to files, so that they continue when
/// the studio ends.
#[derive(Debug)]
pub(crate) struct Jobs {
    program: Vec<OsString>,
    jobs: Mutex<Vec<Job>>,
}

#[derive(Debug)]
struct Job {
    id: u64,
    words: Words,
    began: SystemTime,
    child: Child,
    output: NamedTempFile,
    /// Exit status once the job has ended; the inner `None` if a signal ended it.
    ended: Option<Option<i32>>,
}

/// A job as shown on the pages.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct JobView {
    pub(crate) id: u64,
    /// Name of the action.
    pub(crate) action: &'static str,
    /// Run it works on; for a new training run, known once the run has printed its name.
    pub(crate) run: Option<String>,
    /// Command as typed in a shell.
    pub(crate) command: String,
    /// `running`, `done`, `findings` (exit status 1) or `failed`.
    pub(crate) state: &'static str,
    pub(crate) process: u32,
    /// Start time in seconds since 1970.
    pub(crate) began: f64,
}

/// Part of the output of a job.
#[derive(Debug, Serialize)]
pub(crate) struct Output {
    pub(crate) text: String,
    /// Start of the next part, in bytes.
    pub(crate) next: u64,
    /// True if more output is available.
    pub(crate) more: bool,
    pub(crate) job: JobView,
}

impl Jobs {
    /// Creates the jobs of `program`: its file, followed by arguments that precede those of an action.
    pub(crate) fn new(program: Vec<OsString>) -> Self {
        Jobs { program, jobs: Mutex::default() }
    }

    /// Returns a command of the program, not started yet.
    ///
    /// # Errors
    /// Fails if the studio was created without a program.
    pub(crate) fn command(&self) -> Result<Command, Refusal> {
        let (program, arguments) = self.program.split_first().ok_or_else(|| Refusal::failed("no program to start"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        Ok(command)
    }

    /// Starts the program with `words`, each of them one argument.
    ///
    /// # Errors
    /// Fails if there are too many jobs or the operating system cannot start one.
    pub(crate) fn start(&self, words: Words) -> Result<JobView, Refusal> {
        let mut jobs = self.lock();
        jobs.iter_mut().for_each(Job::look);
        if jobs.iter().filter(|job| job.ended.is_none()).count() >= MOST_RUNNING {
            return Err(Refusal::conflict(format!("{MOST_RUNNING} actions are running; wait until one has ended")));
        }
        let output = tempfile::Builder::new().prefix("evenkeel-job-").suffix(".txt").tempfile();
        let opened = output.and_then(|output| {
            // Both share one file position, so that lines appear in the order they were written.
            let stdout = output.reopen()?;
            Ok((stdout.try_clone()?, stdout, output))
        });
        let (stderr, stdout, output) =
            opened.map_err(|error| Refusal::failed(format!("no file for the output: {error}")))?;
        let mut command = self.command()?;
        command.args(&words.arguments).stdout(stdout).stderr(stderr);
        // Ctrl-C in the studio's terminal only concerns the studio.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| Refusal::failed(format!("the program does not start: {error}")))?;
        let id = jobs.last().map_or(1, |job| job.id + 1);
        let job = Job { id, words, began: SystemTime::now(), child, output, ended: None };
        let view = job.view();
        jobs.push(job);
        if jobs.len() > MOST_REMEMBERED
            && let Some(oldest) = jobs.iter().position(|job| job.ended.is_some())
        {
            jobs.remove(oldest);
        }
        Ok(view)
    }

    /// Returns all jobs, the newest last.
    pub(crate) fn views(&self) -> Vec<JobView> {
        let mut jobs = self.lock();
        jobs.iter_mut().for_each(Job::look);
        jobs.iter().map(Job::view).collect()
    }

    /// Returns the output of job `id` from byte `from` on.
    ///
    /// # Errors
    /// Fails if there is no such job or its output cannot be read.
    pub(crate) fn output(&self, id: u64, from: u64) -> Result<Output, Refusal> {
        let mut jobs = self.lock();
        let job = find(&mut jobs, id)?;
        job.look();
        let (text, next, more) = job.printed(from).map_err(Refusal::failed)?;
        Ok(Output { text, next, more, job: job.view() })
    }

    /// Stops job `id`, like Ctrl-C.
    ///
    /// # Errors
    /// Fails if there is no such job, it has ended, or the operating system refuses.
    pub(crate) fn stop(&self, id: u64) -> Result<(), Refusal> {
        let mut jobs = self.lock();
        let job = find(&mut jobs, id)?;
        job.look();
        match job.ended {
            Some(_) => Err(Refusal::conflict("it has ended already")),
            None => interrupt(&mut job.child).map_err(Refusal::failed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(jobs: &mut [Job], id: u64) -> Result<&mut Job, Refusal> {
    jobs.iter_mut().find(|job| job.id == id).ok_or_else(|| Refusal::missing(format!("there is no action {id}")))
}

impl Job {
    /// Records the end of the job, and the run of a new training run.
    fn look(&mut self) {
        if self.words.run.is_none() && self.ended.is_none() {
            self.words.run = self.printed(0).ok().and_then(|(text, ..)| run_in(&text));
        }
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.ended = Some(status.code());
        }
    }

    fn view(&self) -> JobView {
        let state = match self.ended {
            None => "running",
            Some(Some(0)) => "done",
            Some(Some(1)) => "findings",
            Some(_) => "failed",
        };
        let Words { action, run, arguments } = &self.words;
        let words: Vec<String> = arguments.iter().map(|word| shell_word(&shown(&word.to_string_lossy()))).collect();
        JobView {
            id: self.id,
            action,
            run: run.clone(),
            command: format!("evenkeel {}", words.join(" ")),
            state,
            process: self.child.id(),
            began: seconds_since_1970(self.began),
        }
    }

    /// Returns text, the position after it, and true if there is more. An incomplete character is left for the next call.
    fn printed(&self, from: u64) -> io::Result<(String, u64, bool)> {
        let mut file = File::open(self.output.path())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.min(length)))?;
        let mut bytes = Vec::new();
        file.take(OUTPUT_BYTES).read_to_end(&mut bytes)?;
        let whole = match std::str::from_utf8(&bytes) {
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
            _ => bytes.len(),
        };
        let next = from.min(length) + whole as u64;
        Ok((String::from_utf8_lossy(&bytes[..whole]).into_owned(), next, next < length))
    }
}

/// Returns the run named in the first lines of a training run's output.
fn run_in(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("run         "))?;
    Some(Path::new(path).file_name()?.to_string_lossy().into_owned())
}

/// Quotes a word for a shell, for display and copying.
fn shown(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./=,:+@".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
