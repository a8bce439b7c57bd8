//! Help and the listings: complete, stable, and JSON if requested.

use std::io::Read;
use std::process::Stdio;

use crate::program::{Program, write};

#[test]
fn help_names_every_command_and_its_examples() {
    let program = Program::new();
    let help = program.run(&["--help"]);
    help.succeeded();
    let commands = ["diagnose", "explain", "init", "schema", "catalog", "compare"];
    for command in commands {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}\n{}", help.stdout);
        let own = program.run(&[command, "--help"]);
        own.succeeded();
        assert!(own.stdout.contains(&format!("Examples:\n  evenkeel {command}")), "{}", own.stdout);
    }
    assert!(program.run(&["--version"]).stdout.starts_with("evenkeel 0."));
}

#[test]
fn every_listing_is_one_json_document_where_asked_for() {
    let program = Program::new();
    for arguments in [&["catalog"][..], &["explain"], &["explain", "K010"], &["schema"], &["init"]] {
        let text = program.run(arguments);
        text.succeeded();
        assert!(!text.stdout.is_empty() && text.stderr.is_empty(), "{}", text.stderr);
        let json = program.run(&[arguments, &["--json"]].concat());
        json.succeeded();
        assert!(json.json().is_object() || json.json().is_array());
    }
}

#[test]
fn the_catalog_has_every_section_and_no_empty_line() {
    let program = Program::new();
    let document = program.run(&["catalog", "--json"]).json();
    for (section, name) in
        [("optimizers", "adamw"), ("readers", "csv"), ("preprocessing", "zca"), ("rules", "K010 dead-relu")]
    {
        let entries = document[section].as_array().unwrap_or_else(|| panic!("no section {section}"));
        assert!(entries.iter().any(|entry| entry["name"] == name), "{section}: {entries:?}");
        assert!(
            entries.iter().all(|entry| entry["summary"].as_str().is_some_and(|text| text.len() > 5)),
            "{entries:?}"
        );
    }
}

#[test]
fn a_rule_is_explained_by_code_and_by_name() {
    let program = Program::new();
    let by_code = program.run(&["explain", "K010"]);
    assert_eq!(by_code.stdout, program.run(&["explain", "dead relu"]).stdout);
    for heading in ["K010 dead-relu: ", "WHAT IT MEASURES", "WHAT TO TRY", "WHEN IT IS FINE", "SOURCE"] {
        assert!(by_code.stdout.contains(heading), "{}", by_code.stdout);
    }
}

#[test]
fn measurements_of_another_program_are_diagnosed() {
    let program = Program::new();
    let model = r#"{"type":"model","layers":[{"name":"fc1","kind":"linear"}],"loss":"mse"}"#;
    write(
        &program.path("fine.jsonl"),
        &format!("{model}\n{{\"type\":\"step\",\"step\":0,\"samples\":4,\"loss\":1.0}}\n"),
    );
    write(
        &program.path("nan.jsonl"),
        &format!("{model}\n{{\"type\":\"step\",\"step\":7,\"samples\":4,\"loss\":NaN}}\n"),
    );
    let fine = program.run(&["diagnose", "fine.jsonl"]);
    fine.succeeded();
    assert!(fine.stdout.starts_with("No findings"), "{}", fine.stdout);
    let broken = program.run(&["diagnose", "nan.jsonl"]);
    broken.ended_with(1);
    assert!(
        broken.stdout.contains("error K001 non-finite  (") && broken.stdout.contains("step 7"),
        "{}",
        broken.stdout
    );
    let document = program.run(&["diagnose", "nan.jsonl", "--json"]).json();
    assert_eq!(document["findings"][0]["code"], "K001");
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let program = Program::new();
    let mut child = program.process().arg("schema").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert_eq!((child.wait().unwrap().code(), message.as_str()), (Some(0), ""));
}
