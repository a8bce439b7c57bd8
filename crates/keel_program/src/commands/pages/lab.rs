//! `lab`: computes the figures of the four chapters.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, Subcommand};
use keel_lab::{
    Chapter, ExperimentEntry, Knob, LabError, Language, Outcome, Settings, SiteFile, SiteOptions, catalog, find,
    site_files,
};
use keel_train::runs::write_atomically;
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, Stop, from_sentence, unreadable, unwritable};
use crate::terminal::{Align, Output, Status, table};

/// Arguments of `lab`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel lab list
  evenkeel lab run initialisation --set activation=relu --set init.type=kaiming_normal
  evenkeel lab run zigzag dead_relu --out pages --lang zh
  evenkeel lab all --out site
  evenkeel lab run initialisation --json --seed 7
  evenkeel lab run image_recipes --set data=cifar10 --set samples=5000

--json prints the document of one experiment as an object, those of several as a list in the
given order, and writes no pages unless --out is given.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List every experiment with its knobs
    #[command(after_help = "\
Examples:
  evenkeel lab list
  evenkeel lab list --lang zh
  evenkeel lab list --json           titles, summaries and knobs as one document")]
    List {
        /// Language of titles and summaries: en or zh
        #[arg(long, default_value = "en", value_parser = language)]
        lang: Language,
    },
    /// Run some experiments and write their pages
    #[command(after_help = "\
Examples:
  evenkeel lab run zigzag --set learning_rate=0.2
  evenkeel lab run initialisation --set width=512 --set init.type=xavier_normal --picture signal.svg
  evenkeel lab run kaiming_gain xavier --json")]
    Run {
        /// Names of experiments, as listed by `lab list`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// Also write the histograms of the first experiment as one SVG picture
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
        #[command(flatten)]
        options: Options,
    },
    /// Run all experiments and write one site
    #[command(after_help = "\
Examples:
  evenkeel lab all --out site
  evenkeel lab all --out site --lang zh
  evenkeel lab all --seed 7 --json > lab.json")]
    All {
        #[command(flatten)]
        options: Options,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// Set a knob, for example width=512; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder of the pages [default: lab; with --json none is written unless given]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// WebAssembly module that runs the exhibits in a browser; `cargo xtask site` builds it
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Address of documentation, for a link at the top of every page
    #[arg(long, value_name = "ADDRESS")]
    docs: Option<String>,
    /// Language of the pages without a language in their file name, en or zh; pages in the other are written too
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
}

/// Lists experiments, or runs them and writes their pages.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    match &arguments.action {
        Action::List { lang } => list(*lang, output)?,
        Action::Run { names, picture, options } => {
            let entries = names.iter().map(|name| find(name)).collect::<Result<Vec<_>, LabError>>().map_err(failure)?;
            let settings = Settings::parse(&options.set).map_err(failure)?;
            let outcomes = experiments(&entries, &settings, options, output)?;
            if let (Some(path), Some(outcome)) = (picture, outcomes.first()) {
                let svg = outcome.picture(options.lang).map_err(failure)?;
                write_atomically(path, |file| file.write_all(svg.as_bytes()))
                    .map_err(|error| Failure::new(format!("cannot write the picture {}: {error}", path.display())))?;
            }
            finish(&outcomes, options, output)?;
        }
        Action::All { options } => {
            let settings = Settings::parse(&options.set).map_err(failure)?;
            let entries: Vec<&'static ExperimentEntry> = catalog().iter().collect();
            let outcomes = experiments(&entries, &settings, options, output)?;
            finish(&outcomes, options, output)?;
        }
    }
    Ok(Status::Done)
}

/// Runs experiments one after the other.
fn experiments(
    entries: &[&'static ExperimentEntry],
    settings: &Settings,
    options: &Options,
    output: &mut Output,
) -> Result<Vec<Outcome>, Stop> {
    if entries.len() > 1 {
        let knobs: Vec<Knob> = entries.iter().flat_map(|entry| entry.knobs()).collect();
        settings.check(&knobs).map_err(failure)?;
    }
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(entries.len());
    for entry in entries {
        // A single experiment rejects an unknown knob; of several, each uses the knobs it has.
        let own = if entries.len() == 1 { settings.clone() } else { settings.known_to(&entry.knobs()) };
        let start = Instant::now();
        outcomes.push(entry.run(&own, options.seed).map_err(failure)?);
        output.text(&format!("{}: {:.1} s", entry.name, start.elapsed().as_secs_f64()))?;
    }
    Ok(outcomes)
}

/// Writes the pages and prints the documents, or the location of the pages.
fn finish(outcomes: &[Outcome], options: &Options, output: &mut Output) -> Result<(), Stop> {
    let directory = match (&options.out, output.is_json()) {
        (Some(directory), _) => Some(directory.clone()),
        (None, true) => None,
        (None, false) => Some(PathBuf::from("lab")),
    };
    let index = directory.map(|directory| write_site(outcomes, &directory, options)).transpose()?;
    let documents: Vec<&Value> = outcomes.iter().map(|outcome| &outcome.document).collect();
    let text = || index.map_or(String::new(), |index| format!("pages: {}", index.display()));
    match documents[..] {
        [document] => output.result(document, text),
        _ => output.result(&documents, text),
    }
}

/// Writes the site of `outcomes` to `directory`, which is created if missing. Returns the path of its index.
fn write_site(outcomes: &[Outcome], directory: &Path, options: &Options) -> Result<PathBuf, Failure> {
    let module = options.engine.as_deref().map(module).transpose()?;
    let failed =
        |path: &Path, error: std::io::Error| unwritable(path, &error).next_step("Choose another folder with --out.");
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let choices =
        SiteOptions { language: options.lang, module: module.as_deref(), documentation: options.docs.as_deref() };
    let site = site_files(outcomes, directory, choices).map_err(failure)?;
    for SiteFile { name, text } in &site.files {
        let path = directory.join(name);
        write_atomically(&path, |file| file.write_all(text.as_bytes())).map_err(|error| failed(&path, error))?;
    }
    Ok(directory.join(site.index))
}

/// First bytes of every WebAssembly module.
const MODULE_BEGINNING: &[u8] = b"\0asm";
/// Maximum size of a module in bytes.
const LARGEST_MODULE: u64 = 64 << 20;

/// Reads the WebAssembly module of the exhibits.
fn module(path: &Path) -> Result<Vec<u8>, Failure> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    let wrong = |reason: &str| {
        let failure = Failure::new(format!("{} {reason}", path.display()));
        failure.next_step("Give --engine the file that `cargo xtask site` builds, keel_browser.wasm")
    };
    if size > LARGEST_MODULE {
        return Err(wrong("is larger than 64 MB"));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    if bytes.starts_with(MODULE_BEGINNING) { Ok(bytes) } else { Err(wrong("is not a WebAssembly module")) }
}

/// An experiment as shown by `lab list --json`.
#[derive(Serialize)]
struct Listed {
    experiment: &'static str,
    chapter: Chapter,
    title: &'static str,
    summary: &'static str,
    knobs: Vec<Knob>,
}

fn list(language: Language, output: &mut Output) -> Result<(), Stop> {
    let listed = |entry: &ExperimentEntry| Listed {
        experiment: entry.name,
        chapter: entry.chapter,
        title: entry.title(language),
        summary: entry.summary(language),
        knobs: entry.knobs(),
    };
    let documents: Vec<Listed> = catalog().iter().map(listed).collect();
    output.result(&documents, || {
        let knobs = |entry: &ExperimentEntry| {
            entry.knobs().into_iter().map(|knob| knob.name).collect::<Vec<String>>().join(", ")
        };
        let row = |entry: &ExperimentEntry| vec![entry.name.to_owned(), entry.title(language).to_owned(), knobs(entry)];
        let rows: Vec<Vec<String>> = catalog().iter().map(row).collect();
        let titles = match language {
            Language::English => ["experiment", "shows", "knobs"],
            Language::Chinese => ["实验", "内容", "可调参数"],
        };
        table(&titles.map(|title| (title, Align::Left)), &rows)
    })
}

/// Parses the value of `--lang`.
pub(crate) fn language(code: &str) -> Result<Language, String> {
    Language::with_code(code).ok_or_else(|| "write en or zh".to_owned())
}

fn failure(error: LabError) -> Failure {
    from_sentence(&error.to_string())
}
