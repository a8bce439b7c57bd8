//! Conduct of the program in a shell: completions, the manual, colours, silence, widths, misspelt words.

use std::process::{Command, Stdio};

use keel_testkit::skipped;

use crate::program::Program;

/// Returns true if `program` can be started; its absence is reported for `test`.
fn has(program: &str, test: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skipped(test, &format!("there is no {program}"));
    }
    found
}

#[test]
fn shells_complete_commands_and_options() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = program.run(&["completions", shell]);
        for word in ["evenkeel", "train", "doctor", "--json"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.succeeded().stdout.contains(word), "{shell}: {word}");
        }
        let document = program.run(&["completions", shell, "--json"]).json();
        assert_eq!(document["script"].as_str().map(str::trim_end), Some(script.stdout.trim_end()), "{shell}");
    }
    program.run(&["completions", "tcsh"]).refused(&["tcsh", "bash", "elvish"]);
    if !has("bash", "shells_complete_commands_and_options") {
        return;
    }
    crate::program::write(&program.path("evenkeel.bash"), &program.run(&["completions", "bash"]).stdout);
    let cases = [("tr", 1, "train"), ("comp", 1, "compare completions"), ("train --time", 2, "--time-limit")];
    for (typed, position, expected) in cases {
        let last = typed.rsplit(' ').next().unwrap();
        let script = format!(
            "source evenkeel.bash; COMP_WORDS=(evenkeel {typed}); COMP_CWORD={position}; _evenkeel evenkeel {last} ''; \
             echo ${{COMPREPLY[@]}}"
        );
        let output = Command::new("bash").args(["-c", &script]).current_dir(program.path("")).output().unwrap();
        let completed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(completed.trim(), expected, "{typed}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let program = Program::new();
    let written = program.run(&["man", "pages", "--json"]).succeeded().json();
    let files: Vec<&str> = written["written"].as_array().unwrap().iter().filter_map(|file| file.as_str()).collect();
    for name in ["evenkeel.1", "evenkeel-train.1", "evenkeel-lab-run.1", "evenkeel-bench-health.1", "evenkeel-man.1"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "{name}: {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains("memory") || file.contains("help")), "{files:?}");
    let train = std::fs::read_to_string(program.path("pages/evenkeel-train.1")).unwrap();
    for part in
        [".SH NAME\nevenkeel\\-train", ".SH SYNOPSIS", "\\-\\-time\\-limit", ".SH EXAMPLES\n.nf\n  evenkeel train"]
    {
        assert!(train.contains(part), "{part}\n{train}");
    }
    assert!(program.run(&["man"]).succeeded().stdout.contains(".TH evenkeel 1"));
    if !has("groff", "every_command_has_a_page_of_the_manual") {
        return;
    }
    for file in files {
        let output =
            Command::new("groff").args(["-man", "-Tutf8", "-wall", file]).current_dir(program.path("")).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{file}: {said}");
    }
}

#[test]
fn quiet_leaves_the_result_and_the_errors() {
    let program = Program::new();
    let train = ["train", "digits", "--set", "train.epochs=1", "--set", "run.name=r", "--quiet"];
    let quiet = program.run(&train);
    assert_eq!(quiet.succeeded().stderr, "");
    assert!(quiet.stdout.contains("finished: 1 epoch") && quiet.stdout.contains("test: accuracy"), "{}", quiet.stdout);
    program.run(&["train", "nothing.csv", "-q"]).refused(&["nothing.csv"]);
    let loud = program.run(&["train", "digits", "--set", "train.epochs=1", "--set", "run.name=loud"]);
    assert!(loud.succeeded().stderr.contains("\nepoch   1/1"), "{}", loud.stderr);
}

#[test]
fn misspelt_commands_and_options_get_a_suggestion() {
    let program = Program::new();
    let cases: [(&[&str], &str); 4] = [
        (&["trian"], "'train'"),
        (&["docter", "my.toml"], "'doctor'"),
        (&["train", "--time-limt", "5m"], "'--time-limit'"),
        (&["lab", "al"], "'all'"),
    ];
    for (arguments, expected) in cases {
        program.run(arguments).refused(&["tip: a similar", expected]);
    }
}

#[test]
fn exit_statuses_are_documented() {
    let help = Program::new().run(&["--help"]).stdout;
    for line in ["Exit status:", "  0  success", "  1  success, with findings of level error", "  2  refused or failed"]
    {
        assert!(help.contains(line), "{line}\n{help}");
    }
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::has;
    use crate::program::{ENVIRONMENT, Program};

    /// Output of the program on a terminal of 80 columns, its two streams mixed.
    fn on_terminal(program: &Program, arguments: &str, colours: bool) -> String {
        let binary = program.process().get_program().to_owned();
        let line = format!("stty cols 80 rows 24; exec '{}' {arguments}", Path::new(&binary).display());
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(program.path("")).envs(ENVIRONMENT);
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").stdin(Stdio::null());
        if colours {
            command.env_remove("NO_COLOR");
        }
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap().replace('\r', "")
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let program = Program::new();
        if !has("script", "colours_are_for_terminals_that_want_them") {
            return;
        }
        for arguments in ["train missing.toml", "--help", "trian", "train missing.csv --json"] {
            let (plain, coloured) = (on_terminal(&program, arguments, false), on_terminal(&program, arguments, true));
            assert!(plain.len() > 20 && !plain.contains("\u{1b}["), "{arguments}: {plain:?}");
            assert!(coloured.contains("\u{1b}["), "{arguments}: {coloured:?}");
        }
    }

    #[test]
    fn tables_fit_eighty_columns() {
        let program = Program::new();
        if !has("script", "tables_fit_eighty_columns") {
            return;
        }
        let deep = "digits --set model.preset=resnet20 --set model.width=4 --set train.threads=1";
        let commands = [
            format!("train {deep} --set train.epochs=1 --set run.name=r --quiet"),
            format!("plan {deep}"),
            format!("check {deep} --budget 1s"),
            "train --set model.preset=mlp --set train.epochs=12 --set optimizer.learning_rate=4.0 --set run.name=ill --quiet".to_owned(),
            "prove runs/ill K010 --steps 20 --quiet".to_owned(),
            "eval runs/r".to_owned(),
            "train --find-lr".to_owned(),
            "plan --ranks 4 --network 25gbit".to_owned(),
            "compare runs/r runs/r".to_owned(),
            "catalog".to_owned(),
            "explain".to_owned(),
            "explain K008".to_owned(),
            "lab list".to_owned(),
            "--help".to_owned(),
            "train --help".to_owned(),
        ];
        let mut wide = Vec::new();
        for command in commands {
            let text = on_terminal(&program, &command, false);
            assert!(text.lines().count() > 3, "{command}: {text}");
            let lines = text.lines().filter(|line| line.chars().count() > 80);
            wide.extend(lines.map(|line| format!("{command}: {} columns\n{line}", line.chars().count())));
        }
        assert!(wide.is_empty(), "{}", wide.join("\n"));
    }
}
