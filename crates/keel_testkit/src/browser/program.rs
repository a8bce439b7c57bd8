//! Finding and running the browser.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Time limit for the browser to end.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("EVENKEEL_BROWSER") {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

/// Runs the browser to its end and returns what it wrote to standard output.
pub(super) fn run(program: &Path, arguments: &[String], folder: &Path) -> String {
    let output = folder.join("output.txt");
    let file = File::create(&output).expect("a temporary file");
    let mut browser = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    let began = Instant::now();
    while browser.try_wait().expect("the state of a child").is_none() {
        if began.elapsed() > LIMIT {
            let _ = browser.kill();
            let _ = browser.wait();
            panic!("{} did not end within {} seconds", program.display(), LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::read_to_string(&output).expect("the browser's output")
}
