//! Hands inputs of the fuzzer to [`keel_fuzz::arrays::npy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keel_fuzz::arrays::npy(input));
