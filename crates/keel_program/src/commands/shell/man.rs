//! `man`: writes the manual, one page per command.

use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueHint};
use clap_mangen::Man;
use keel_train::runs::write_atomically;
use serde_json::json;

use crate::failure::{Failure, Stop, unwritable};
use crate::terminal::{Output, Status, plural};

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel man ~/.local/share/man/man1     one page per command: `man evenkeel-train`
  evenkeel man man --json                  the names of the files
  evenkeel man | man -l -                  read the page of the program without a file")]
pub(crate) struct Arguments {
    /// Folder to write the pages of all commands to; the page of the program is printed if absent
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

/// A manual page.
struct Page {
    /// Name of its file, such as `evenkeel-train.1`.
    file: String,
    text: String,
}

/// Writes the pages of `program`, or prints the first one.
pub(crate) fn run(arguments: &Arguments, mut program: Command, output: &mut Output) -> Result<Status, Stop> {
    program.build();
    let Some(folder) = &arguments.folder else {
        let page = page(&program, program.get_name())?;
        output.data(&json!({ "page": page.text }), || page.text.clone())?;
        return Ok(Status::Done);
    };
    let mut pages = Vec::new();
    collect(&program, program.get_name(), &mut pages)?;
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let files: Vec<String> = pages.iter().map(|page| write(folder, page)).collect::<Result<_, _>>()?;
    let text = || format!("Wrote {} to {}", plural(files.len() as u64, "page"), folder.display());
    output.result(&json!({ "written": files }), text)?;
    Ok(Status::Done)
}

/// Adds the page of `command`, typed as `typed` (`evenkeel bench`), and those of all its subcommands.
fn collect(command: &Command, typed: &str, pages: &mut Vec<Page>) -> Result<(), Failure> {
    pages.push(page(command, typed)?);
    let mut shown = command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    shown.try_for_each(|inner| collect(inner, &format!("{typed} {}", inner.get_name()), pages))
}

fn page(command: &Command, typed: &str) -> Result<Page, Failure> {
    let name = typed.replace(' ', "-");
    let failed = |error: std::io::Error| Failure::new(format!("cannot write the page of {name}: {error}"));
    let version = concat!("evenkeel ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(name.clone()).source(version).manual("Evenkeel");
    let mut text = Vec::new();
    man.render_title(&mut text).map_err(failed)?;
    man.render_name_section(&mut text).map_err(failed)?;
    man.render_synopsis_section(&mut text).map_err(failed)?;
    man.render_description_section(&mut text).map_err(failed)?;
    man.render_options_section(&mut text).map_err(failed)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text).map_err(failed)?;
    }
    let text =
        String::from_utf8(text).map_err(|error| Failure::new(format!("the page of {name} is not text: {error}")))?;
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    Ok(Page { file: format!("{name}.1"), text: in_ascii(&(text + &sections(&help))) })
}

/// Replaces characters beyond ASCII by their code points, which troff reads in any encoding.
fn in_ascii(text: &str) -> String {
    let written = |letter: char| match letter.is_ascii() {
        true => letter.to_string(),
        false => format!("\\[u{:04X}]", letter as u32),
    };
    text.chars().map(written).collect()
}

/// Formats the paragraphs below the options of a help text: examples and notes with their line breaks.
fn sections(help: &str) -> String {
    let mut text = String::new();
    for paragraph in help.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let (title, lines) = match paragraph.strip_prefix("Examples:\n") {
            Some(lines) => ("EXAMPLES", lines),
            None => ("NOTES", paragraph),
        };
        let heading = format!(".SH {title}\n");
        text.push_str(if text.contains(&heading) { ".PP\n" } else { &heading });
        let lines: String = lines.lines().map(|line| format!("{}\n", escaped(line))).collect();
        text.push_str(&format!(".nf\n{lines}.fi\n"));
    }
    text
}

/// Escapes a line of text, so that troff shows it unchanged.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\(rs").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga");
    if line.starts_with('.') { format!("\\&{line}") } else { line }
}

fn write(folder: &Path, page: &Page) -> Result<String, Failure> {
    let path = folder.join(&page.file);
    write_atomically(&path, |file| file.write_all(page.text.as_bytes())).map_err(|error| unwritable(&path, &error))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_examples_stay_lines() {
        let help = "Examples:\n  evenkeel a --b 'c'\n  evenkeel d\n\n.hidden text\nmore\n\nlast";
        let expected = ".SH EXAMPLES\n.nf\n  evenkeel a \\-\\-b \\(aqc\\(aq\n  evenkeel d\n.fi\n.SH NOTES\n.nf\n\\&.hidden text\n\
                        more\n.fi\n.PP\n.nf\nlast\n.fi\n";
        assert_eq!(sections(help), expected);
    }
}
