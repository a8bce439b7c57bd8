//! Environment variables that libraries read.

use crate::program::Program;

#[test]
fn impossible_values_are_refused_with_status_2() {
    let cases = [
        ("KEEL_SIMD", "foo", ["KEEL_SIMD=foo", "this processor supports", "scalar"]),
        ("KEEL_SIMD", "a\u{1b}[31mb", ["KEEL_SIMD=a\\u{1b}[31mb", "this processor supports", "scalar"]),
        ("RAYON_NUM_THREADS", "1000000000", ["RAYON_NUM_THREADS=1000000000", "the maximum is 1024 threads", "Unset"]),
    ];
    let program = Program::new();
    for (name, value, expected) in cases {
        for arguments in [&["plan", "mlp"][..], &["train", "mlp"], &["catalog"]] {
            program.finish(program.command(arguments).env(name, value), arguments).refused(&expected);
        }
    }
    assert!(!program.path("runs").exists());
}

#[test]
fn values_that_mean_nothing_or_little_change_nothing() {
    let cases = [("KEEL_SIMD", ""), ("KEEL_SIMD", "scalar"), ("RAYON_NUM_THREADS", "many"), ("RAYON_NUM_THREADS", "0")];
    let program = Program::new();
    for (name, value) in cases {
        let arguments = ["plan", "mlp"];
        program.finish(program.command(&arguments).env(name, value), &arguments).succeeded();
    }
}
