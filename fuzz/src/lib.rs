//! Fuzz targets of Evenkeel: one function for each, from the fuzzer's bytes to a call of the program's own reader.
//!
//! A reader may answer with data or with an error. It may not panic, read or write out of bounds, take more memory than the
//! limit the fuzzer runs with, or take more than a second. Where bytes at random would not get past a header, the first byte of
//! the input decides between a file of raw bytes and one whose header, checksums and lengths are made to fit.
#![forbid(unsafe_code)]

pub mod arrays;
mod bytes;
pub mod class_folders;
#[cfg(feature = "training")]
pub mod configs;
pub mod images;
#[cfg(feature = "training")]
pub mod interchange;
pub mod measurements;
#[cfg(feature = "training")]
pub mod networks;
#[cfg(feature = "training")]
mod random_network;
#[cfg(feature = "training")]
pub mod run_files;
mod scratch;
pub mod tables;

/// Lets panics of dependencies unwind, as they do in the program, where a guard around the decoder makes errors of them; the
/// fuzzer ends at those that no guard catches. A panic of the project's own code still ends it at once.
pub fn let_guards_catch() {
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !file.contains("/registry/src/") {
            end(panic);
        }
    }));
}
