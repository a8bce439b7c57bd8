//! The command `bench`: the shape of its document, what it says without a peer, refusals.

mod program;

use program::Program;

#[test]
fn a_row_without_a_peer_says_so_and_has_every_field() {
    let program = Program::new();
    let arguments = ["bench", "--only", "mlp", "--turns", "2", "--json", "--python", "no-such-python"];
    let run = program.run(&arguments);
    run.succeeded();
    let document = run.json();
    assert!(document["peer_missing"].as_str().is_some_and(|reason| reason.contains("--peers")), "{document:#}");
    assert!(run.stderr.contains("no peer: "), "{}", run.stderr);
    let machine = &document["machine"];
    assert!(machine["peak_gigaflops"].as_f64() > Some(0.0) && machine["bandwidth_gigabytes"].as_f64() > Some(0.0));
    let [row] = document["rows"].as_array().unwrap().as_slice() else { panic!("one row: {document:#}") };
    assert_eq!(row["name"], "mlp");
    for field in ["milliseconds", "minimum", "maximum", "samples_per_second", "roofline", "planned_bytes"] {
        assert!(row[field].as_f64() > Some(0.0), "{field}: {row:#}");
    }
    assert!(row["peer"].is_null() && row["ratio"].is_null(), "{row:#}");
}

#[test]
fn unknown_rows_are_refused_and_the_help_lists_all() {
    let program = Program::new();
    program.run(&["bench", "--only", "cnn,resnet"]).refused(&["--only resnet: no such row", "image-folder"]);
    program.run(&["bench", "memory", "nothing"]).refused(&["there is no yardstick nothing"]);
    let help = program.run(&["bench", "--help"]);
    help.succeeded();
    for text in ["scaling", "Examples:\n  evenkeel bench", "image-folder"] {
        assert!(help.stdout.contains(text), "{}", help.stdout);
    }
}
