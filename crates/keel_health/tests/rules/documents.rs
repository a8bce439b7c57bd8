//! The documents of the project agree with the code.

use std::path::PathBuf;

use keel_health::{catalog, diagnose, rules_markdown};

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// `KEEL_WRITE_DOCS=1 cargo test -p keel_health` writes the file again.
#[test]
fn rules_document_is_what_the_rules_say() {
    let path = document("rules.md");
    if std::env::var_os("KEEL_WRITE_DOCS").is_some() {
        std::fs::write(&path, rules_markdown()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == rules_markdown(), "docs/rules.md is out of date: KEEL_WRITE_DOCS=1 cargo test -p keel_health");
}

#[test]
fn every_rule_is_in_the_rules_document_with_a_working_anchor() {
    let text = rules_markdown();
    for rule in catalog() {
        assert!(text.contains(&format!("\n## {} {}\n", rule.code, rule.name)), "{}", rule.code);
        let anchor = format!("(#{}-{})", rule.code.to_lowercase(), rule.name);
        assert!(text.contains(&anchor), "{anchor}");
    }
}

#[test]
fn the_example_of_the_measurements_document_can_be_diagnosed() {
    let text = std::fs::read_to_string(document("measurements.md")).unwrap();
    let examples: Vec<&str> = text.split("```json\n").skip(1).map(|part| part.split("```").next().unwrap()).collect();
    let findings = diagnose(examples.concat().as_bytes()).unwrap();
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["K002", "K005"], "as the document says");
    assert_eq!(findings[0].consequences[0].code, "K005");
}
