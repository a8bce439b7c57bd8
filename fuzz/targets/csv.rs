//! Hands inputs of the fuzzer to [`keel_fuzz::tables::csv`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keel_fuzz::tables::csv(input));
