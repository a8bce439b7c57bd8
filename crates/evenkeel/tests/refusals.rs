//! What is refused says what, where and the next step, on standard error, with exit status 2.

mod program;

use program::{Program, write};

/// Arguments, and everything their message must contain.
type Case = (&'static [&'static str], &'static [&'static str]);

#[test]
fn wrong_arguments_are_refused_with_status_2() {
    let cases: &[Case] = &[
        (&["trian"], &["unrecognized subcommand 'trian'", "--help"]),
        (&["explain", "dead-rellu"], &["no rule is called 'dead-rellu'", "K010 dead-relu", "evenkeel explain"]),
        (&["catalog", "layer"], &["the catalog has no section 'layer'", "layers"]),
        (&["diagnose", "absent.jsonl"], &["cannot read absent.jsonl", "Check that the path is right"]),
        (&["compare", "absent", "absent"], &["absent: no such folder", "the folder of a run"]),
        (&["compare", "absent"], &["2 values required"]),
        (&["init", "absent/folder/a.toml"], &["cannot write absent/folder/a.toml", "Choose a path"]),
    ];
    let program = Program::new();
    for (arguments, expected) in cases {
        program.run(arguments).refused(expected);
    }
}

#[test]
fn an_existing_config_is_never_overwritten() {
    let program = Program::new();
    program.run(&["init", "my.toml"]).succeeded();
    let text = std::fs::read_to_string(program.path("my.toml")).unwrap();
    assert!(text.contains("[train]") && text.contains("# "), "{text}");
    program.run(&["init", "my.toml"]).refused(&["my.toml exists already", "Give the name of a new file"]);
    assert_eq!(std::fs::read_to_string(program.path("my.toml")).unwrap(), text);
}

#[test]
fn broken_measurement_files_are_refused_with_their_line() {
    let model = r#"{"type":"model","layers":[{"name":"fc1","kind":"linear"}],"loss":"mse"}"#;
    let cases: &[(&str, &[&str])] = &[
        ("", &["broken.jsonl", "no record"]),
        ("{", &["broken.jsonl, line 1: not a JSON object"]),
        (r#"{"type":"step","step":0,"samples":4,"loss":1}"#, &["line 1", "before the model record"]),
        (r#"{"type":"model","layers":[{"name":"fc1","kind":"linaer"}]}"#, &["line 1", "linaer"]),
    ];
    let program = Program::new();
    for (text, expected) in cases {
        write(&program.path("broken.jsonl"), text);
        program.run(&["diagnose", "broken.jsonl"]).refused(expected);
    }
    let truncated = format!("{model}\n{{\"type\":\"step\",\"st");
    write(&program.path("broken.jsonl"), &truncated);
    program.run(&["diagnose", "broken.jsonl"]).refused(&["line 2: not a JSON object"]);
}

#[test]
fn with_json_a_refusal_is_one_document_too() {
    let program = Program::new();
    let result = program.run(&["explain", "K099", "--json"]);
    result.refused(&["no rule is called 'K099'"]);
    let document = result.json();
    assert_eq!(document["error"]["message"], "no rule is called 'K099'");
    assert!(document["error"]["next_step"].as_str().is_some_and(|text| text.starts_with("Did you mean K0")), "{document}");
}
