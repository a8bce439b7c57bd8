//! Hands inputs of the fuzzer to [`keel_fuzz::run_files::model`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keel_fuzz::run_files::model(input));
