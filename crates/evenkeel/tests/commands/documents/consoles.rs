//! Consoles of the tutorials and guides: every command is run, and its output is that of the document.
//!
//! In a block `console`, a line `$ evenkeel …` is a command, and the lines up to the next one are its output, standard output
//! and standard error as they come. A line `...` stands for any lines. A block that begins with `# NAME.toml` or `# NAME.jsonl`
//! is written to that file first. Times, and facts about the machine, are not compared. Commands use the portable level of the kernels,
//! whose numbers do not depend on the vector unit.

use std::fs::File;
use std::path::Path;

use super::{WRITE, compare, document};
use crate::program::Program;

/// A line that stands for any lines.
const GAP: &str = "...";

#[test]
fn howto() {
    check("howto/command_line.md");
    check("howto/configuration.md");
}

#[test]
fn your_data() {
    check("tutorials/your_data.md");
}

#[test]
fn developers() {
    check("tutorials/developers.md");
}

#[test]
fn repair() {
    check("tutorials/repair.md");
}

#[test]
fn teaching() {
    check("tutorials/teaching.md");
}

/// Runs the consoles of the document `name` in one folder, in their order.
fn check(name: &str) {
    let program = Program::new();
    std::fs::copy(document("tutorials/customers.csv"), program.path("customers.csv")).unwrap();
    draw_shapes(&program);
    let text = std::fs::read_to_string(document(name)).unwrap();
    let (mut result, mut commands) = (String::new(), 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        result.push_str(&format!("{line}\n"));
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match kind {
            "console" => {
                let outputs = block.split(|line| line.starts_with("$ ")).skip(1);
                for (command, documented) in block.iter().filter_map(|line| line.strip_prefix("$ ")).zip(outputs) {
                    commands += 1;
                    let output = kept_or_new(documented, run(&program, command));
                    result.push_str(&format!("$ {command}\n{output}"));
                }
            }
            _ => {
                // JSON has no comments, so the line of the name is not part of the file.
                let file = block[0].strip_prefix("# ").filter(|file| !file.contains('/'));
                let named = |ending: &str| file.filter(|file| file.ends_with(ending));
                if let Some(file) = named(".toml").or_else(|| named(".jsonl")) {
                    std::fs::write(program.path(file), block[1..].join("\n")).unwrap();
                }
                block.iter().for_each(|line| result.push_str(&format!("{line}\n")));
            }
        }
        result.push_str("```\n");
    }
    assert!(commands > 0, "{name} has no console");
    compare(name, &result);
}

/// Both streams of a command as lines; lines of progress, which only slow machines print, are left out.
fn run(program: &Program, command: &str) -> Vec<String> {
    let path = program.path("output.txt");
    let file = File::create(&path).unwrap();
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("evenkeel"), "{command}");
    let mut process = program.process();
    process.args(words).env("KEEL_SIMD", "scalar").env_remove("KEEL_WRITE_DOCS");
    let status = process.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
    // Names of samples are whole paths.
    let folder = program.path("").canonicalize().unwrap().display().to_string();
    let text = std::fs::read_to_string(&path).unwrap().replace(&format!("{}/", folder.trim_end_matches('/')), "");
    assert!(matches!(status.code(), Some(0..=2)) && !text.contains("panicked"), "{command}\n{text}");
    let lines = text.lines().filter(|line| !(line.starts_with("epoch ") && line.contains("  step ")));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// The documented output if it is what the command prints, else all that it prints.
fn kept_or_new(documented: &[&str], printed: Vec<String>) -> String {
    let written = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (expected, found): (Vec<String>, Vec<String>) =
        (documented.iter().map(|line| masked(line)).collect(), printed.iter().map(|line| masked(line)).collect());
    if fits(&expected, &found) {
        return written(documented);
    }
    if std::env::var_os(WRITE).is_none() {
        panic!("the document shows\n{}\nbut the program prints\n{}", expected.join("\n"), found.join("\n"));
    }
    written(&printed.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Returns true if the parts of `expected` between gaps are in `found`, in order, and nothing else where there is no gap.
fn fits(expected: &[String], found: &[String]) -> bool {
    let mut parts: Vec<&[String]> = expected.split(|line| line == GAP).collect();
    let (first, last) = (parts.remove(0), parts.pop());
    let Some(last) = last else { return first == found };
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    for part in parts {
        let Some(at) = rest.windows(part.len().max(1)).position(|lines| &lines[..part.len()] == part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// `line` with single spaces, and with `#` for times, sizes of files and facts about the machine.
fn masked(line: &str) -> String {
    for of_machine in ["machine     ", "time        ", "Time: ", "The machine has "] {
        if line.starts_with(of_machine) {
            return of_machine.trim_end().to_owned();
        }
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let unit = |word: Option<&&str>| {
        let word = word.map_or("", |word| word.trim_end_matches([',', ';', '.', ':']));
        ["s", "ms", "samples/s", "steps/s", "KB)", "KB"].contains(&word)
    };
    let is_number = |word: &str| word.trim_start_matches('(').starts_with(|letter: char| letter.is_ascii_digit());
    let mask = |(index, word): (usize, &&str)| match *word {
        word if is_number(word) && unit(words.get(index + 1)) => "#".to_owned(),
        word if word.len() > 3 && word.bytes().all(|byte| byte == b'-') => "---".to_owned(),
        word => word.to_owned(),
    };
    words.iter().enumerate().map(mask).collect::<Vec<_>>().join(" ")
}

/// Makes the folder `shapes` of a tutorial: drawings of squares and discs with noise, a folder each.
fn draw_shapes(program: &Program) {
    // The generator of Numerical Recipes; its upper bits are random enough for drawings.
    let mut state = 1_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for number in 0..60 {
        for name in ["squares", "discs"] {
            let (x, y, size) = (5 + random(6), 5 + random(6), 3 + random(3));
            let inside = |dx: u32, dy: u32| match name {
                "squares" => dx.max(dy) <= size,
                _ => dx * dx + dy * dy <= size * size,
            };
            let picture = image::GrayImage::from_fn(16, 16, |column, row| {
                let grey = if inside(column.abs_diff(x), row.abs_diff(y)) { 170 } else { 20 };
                image::Luma([(grey + random(80)) as u8])
            });
            save(&program.path(&format!("shapes/{name}/{number}.png")), &picture);
        }
    }
}

fn save(path: &Path, picture: &image::GrayImage) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

#[test]
fn gaps_stand_for_any_lines_and_times_are_not_compared() {
    let lines = |text: &str| text.split('|').map(masked).collect::<Vec<_>>();
    let cases = [
        ("a|b", "a|b", true),
        ("a|b", "a|c", false),
        ("a|...", "a|b|c", true),
        ("...|c", "a|b|c", true),
        ("a|...|c|...|e", "a|b|c|d|e", true),
        ("a|...|x|...|e", "a|b|c|d|e", false),
        ("b|...", "a|b", false),
        ("took 1.5 s, 300 samples/s|-----", "took  22.1 s, 4 samples/s|--------", true),
        ("test 1.5", "test 1.6", false),
        ("machine     2 threads, scalar", "machine     64 threads, scalar", true),
    ];
    for (expected, found, fit) in cases {
        assert_eq!(fits(&lines(expected), &lines(found)), fit, "{expected} {found}");
    }
}
