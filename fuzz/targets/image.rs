//! Hands inputs of the fuzzer to [`keel_fuzz::images::image`].
#![no_main]

libfuzzer_sys::fuzz_target!(init: keel_fuzz::let_guards_catch(), |input: &[u8]| keel_fuzz::images::image(input));
