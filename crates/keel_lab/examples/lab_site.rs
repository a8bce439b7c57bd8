//! Runs some or all experiments from a program and writes their site:
//! `cargo run --release -p keel_lab --example lab_site -- FOLDER [NAME…]`.

use std::path::Path;

use keel_lab::{LabError, Settings, SiteFile, SiteOptions, catalog, find, site_files};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "lab".to_owned());
    let names: Vec<String> = arguments.collect();
    let chosen = names.iter().map(|name| find(name)).collect::<Result<Vec<_>, LabError>>()?;
    let entries = if chosen.is_empty() { catalog().iter().collect() } else { chosen };
    let outcomes =
        entries.into_iter().map(|entry| entry.run(&Settings::new(), 0)).collect::<Result<Vec<_>, LabError>>()?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for SiteFile { name, text } in site_files(&outcomes, folder, SiteOptions::default())?.files {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
