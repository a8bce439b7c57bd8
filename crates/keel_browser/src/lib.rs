//! The exhibits of the lab as a WebAssembly module, without imports: a page writes a question into the module's memory, calls
//! [`answer`] and reads the answer. Questions and answers are the JSON of [`keel_lab::Request`] and [`keel_lab::Answer`].
//!
//! `cargo xtask site` compiles it and puts it next to the pages that use it.
#![allow(unsafe_code, reason = "exported names need an attribute that is marked unsafe; no block of code is")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use keel_lab::Desk;

/// Texts that pass between the page and the module.
struct Counter {
    question: Vec<u8>,
    answer: String,
    desk: Option<Desk>,
}

static COUNTER: Mutex<Counter> = Mutex::new(Counter { question: Vec::new(), answer: String::new(), desk: None });

/// Bytes of a question at most: states are a few numbers.
const LONGEST_QUESTION: usize = 1 << 16;

fn counter() -> MutexGuard<'static, Counter> {
    COUNTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reserves space for a question of `length` bytes, at most 65,536, and returns its address; the page writes UTF-8 there.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn question(length: usize) -> *mut u8 {
    let question = &mut counter().question;
    question.clear();
    question.resize(length.min(LONGEST_QUESTION), 0);
    question.as_mut_ptr()
}

/// Answers the question that was written and returns the length of the answer in bytes.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> usize {
    let mut counter = counter();
    let question = String::from_utf8_lossy(&counter.question).into_owned();
    counter.answer = counter.desk.get_or_insert_default().answer_json(&question);
    counter.answer.len()
}

/// Returns the address of the last answer, UTF-8.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn answer_at() -> *const u8 {
    counter().answer.as_ptr()
}

/// Sentence of the panic that stopped the module, if one did.
static FAILURE: Mutex<String> = Mutex::new(String::new());

fn failure_text() -> MutexGuard<'static, String> {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records panics from now on, so that [`failure`] can give the reason why the module stopped.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn start() {
    std::panic::set_hook(Box::new(|panic| *failure_text() = panic.to_string()));
}

/// Returns the length of the sentence of the panic that stopped the module, 0 if none did.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn failure() -> usize {
    failure_text().len()
}

/// Returns the address of that sentence, UTF-8.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn failure_at() -> *const u8 {
    failure_text().as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_in_memory_is_answered_as_by_a_desk() {
        let asked = r#"{"exhibit":"gate","settings":[["x",0]],"seed":0,"language":"en"}"#;
        question(asked.len());
        counter().question.copy_from_slice(asked.as_bytes());
        let length = answer();
        let given = counter().answer.clone();
        assert_eq!(length, given.len());
        assert_eq!(given, Desk::default().answer_json(asked));
        assert!(given.contains("\"derivative\":0.25"), "{given}");
        assert!(!answer_at().is_null());
        question(3);
        answer();
        assert!(counter().answer.starts_with("{\"error\":"));
    }
}
