//! Hands inputs of the fuzzer to [`keel_fuzz::class_folders::class_folders`].
#![no_main]

libfuzzer_sys::fuzz_target!(init: keel_fuzz::let_guards_catch(), |input: &[u8]| keel_fuzz::class_folders::class_folders(input));
