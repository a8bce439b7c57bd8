//! Runs written by earlier versions: they open, or are refused in words.

use std::path::Path;

use crate::program::Program;

/// A program next to a copy of the runs of format version 1, which had no checksums and kept no windows of the health rules.
fn with_runs() -> Program {
    let program = Program::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/robustness/runs/version-1");
    for run in ["finished", "stopped"] {
        for folder in ["", "checkpoints"] {
            std::fs::create_dir_all(program.path("runs").join(run).join(folder)).unwrap();
            for entry in std::fs::read_dir(from.join(run).join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.file_name().unwrap();
                    std::fs::copy(&path, program.path("runs").join(run).join(folder).join(name)).unwrap();
                }
            }
        }
    }
    program
}

#[test]
fn a_finished_run_of_the_first_version_opens_everywhere() {
    let program = with_runs();
    for command in [
        &["report", "runs/finished"][..],
        &["eval", "runs/finished"],
        &["compare", "runs/finished", "runs/stopped"],
        &["importance", "runs/finished"],
    ] {
        program.run(command).succeeded();
    }
    let page = std::fs::read_to_string(program.path("runs/finished/report.html")).unwrap();
    assert!(page.contains("spiral") && page.trim_end().ends_with("</html>"));
}

#[test]
fn a_stopped_run_of_the_first_version_is_refused_with_the_reason() {
    let program = with_runs();
    let before = std::fs::read(program.path("runs/stopped/checkpoints/last.safetensors")).unwrap();
    let expected = ["last.safetensors", "format version 1", "use the version that wrote it"];
    program.run(&["train", "--resume", "runs/stopped"]).refused(&expected);
    assert!(std::fs::read(program.path("runs/stopped/checkpoints/last.safetensors")).unwrap() == before);
}
