//! Predictions of a run's model for an image or a row, made with `evenkeel predict`, so that a page agrees with the command.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::shared::Shared;

/// Time limit of a prediction, which normally takes seconds.
const LONGEST: Duration = Duration::from_secs(120);

/// Content types with their file extensions.
const KINDS: [(&str, &str); 9] = [
    ("image/png", ".png"),
    ("image/jpeg", ".jpg"),
    ("image/webp", ".webp"),
    ("image/gif", ".gif"),
    ("image/bmp", ".bmp"),
    ("image/tiff", ".tiff"),
    ("text/csv", ".csv"),
    ("application/json", ".jsonl"),
    ("application/x-npy", ".npy"),
];

/// Input of a prediction.
#[derive(Debug)]
pub(crate) struct Question {
    ending: &'static str,
    content: Bytes,
}

impl Question {
    /// Creates an input with content of this type, such as `image/png`.
    ///
    /// # Errors
    /// Fails if the type is unknown.
    pub(crate) fn new(kind: &str, content: Bytes) -> Result<Self, Refusal> {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let known = KINDS.iter().find(|(known, _)| *known == kind);
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let (_, ending) = known
            .ok_or_else(|| Refusal::wrong(format!("{kind:?} cannot be predicted; send one of {}", names.join(", "))))?;
        Ok(Question { ending, content })
    }
}

/// Returns the predictions of the model of run `name`, as `predict --json` prints them, with its remarks.
///
/// # Errors
/// Fails if there is no such run, it has no model yet, or the content does not fit the model.
pub(crate) fn answer(shared: &Shared, name: &str, question: &Question) -> Result<Value, Refusal> {
    let folder = shared.listing.find(name)?;
    let file = tempfile::Builder::new().prefix("evenkeel-input-").suffix(question.ending).tempfile();
    let mut file = file.map_err(|error| Refusal::failed(format!("no file for the input: {error}")))?;
    file.write_all(&question.content).and_then(|()| file.flush()).map_err(Refusal::failed)?;
    let mut command = shared.jobs.command()?;
    command.arg("predict").arg(folder.path()).arg(file.path()).arg("--json");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Refusal::failed(format!("the program does not start: {error}")))?;
    let remarks = child.stderr.take().map(|mut stream| std::thread::spawn(move || text_of(&mut stream)));
    let printed = child.stdout.take().map(|mut stream| std::thread::spawn(move || text_of(&mut stream)));
    let began = Instant::now();
    while child.try_wait().map_err(Refusal::failed)?.is_none() {
        if began.elapsed() > LONGEST {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let [printed, remarks] =
        [printed, remarks].map(|thread| thread.and_then(|thread| thread.join().ok()).unwrap_or_default());
    let input = file.path().display().to_string();
    let document: Value = serde_json::from_str(&printed).map_err(|_| Refusal::failed(readable(&remarks, &input)))?;
    match document["error"]["message"].as_str() {
        Some(message) => {
            let next = document["error"]["next_step"].as_str().map(|next| format!(". {next}")).unwrap_or_default();
            Err(Refusal::wrong(readable(&format!("{message}{next}"), &input)))
        }
        None => Ok(json!({ "predictions": document, "remarks": readable(&remarks, &input) })),
    }
}

/// Removes the name of the temporary input file from a message.
fn readable(text: &str, input: &str) -> String {
    text.replace(input, "the input").trim().to_owned()
}

fn text_of(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
