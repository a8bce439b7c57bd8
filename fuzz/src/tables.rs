//! Tables of text.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use keel_data::{DataConfig, Task};

use crate::bytes::Bytes;
use crate::scratch::Scratch;

/// Longest text of one input.
const LONGEST: usize = 1 << 16;

/// Reads a table of text: first a byte for the ending, one for the settings, then the text.
pub fn csv(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let name = bytes.choice(&["table.csv", "table.tsv", "table.txt", "table.csv.gz"]);
    let settings = bytes.byte();
    let text = bytes.take(LONGEST);
    let scratch = Scratch::new();
    // Half of the packed files are packed here, since bytes at random are no gzip file.
    match name.ends_with(".gz") && settings & 0x80 != 0 {
        true => scratch.write(name, &packed(text)),
        false => scratch.write(name, text),
    };
    scratch.load(name, settings_of(settings));
}

fn settings_of(settings: u8) -> DataConfig {
    DataConfig {
        header: [None, None, Some(true), Some(false)][usize::from(settings & 3)],
        task: [Task::Auto, Task::Auto, Task::Classification, Task::Regression][usize::from(settings >> 2 & 3)],
        target: if settings & 0x10 != 0 { "b".to_owned() } else { String::new() },
        group: if settings & 0x20 != 0 { "a".to_owned() } else { String::new() },
        time: if settings & 0x40 != 0 { "a".to_owned() } else { String::new() },
        ..DataConfig::default()
    }
}

/// `bytes` as a gzip file.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written")
}
