//! Hands inputs of the fuzzer to [`keel_fuzz::networks::network_reference`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keel_fuzz::networks::network_reference(input));
