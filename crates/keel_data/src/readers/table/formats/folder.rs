//! Several tables in one folder: `train.csv` with `test.csv` and `val.csv`, in any of the formats.

use super::raw::{Cells, RawTable, TextCells};
use super::{is_table_name, names, read_file};
use crate::config::DataConfig;
use crate::dataset::PartSizes;
use crate::error::DataError;
use crate::readers::{file_name, sorted_entries};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FolderPart {
    Train,
    Validation,
    Test,
}

/// Returns the part that a file's name indicates.
fn part_of(path: &Path) -> Option<FolderPart> {
    let name = file_name(path).to_lowercase();
    let has = |words: &[&str]| name.split(['.', '_', '-', ' ']).any(|word| words.contains(&word));
    match () {
        () if has(&["train", "training"]) => Some(FolderPart::Train),
        () if has(&["val", "valid", "validation", "dev"]) => Some(FolderPart::Validation),
        () if has(&["test", "testing", "holdout"]) => Some(FolderPart::Test),
        () => None,
    }
}

/// Returns true if the entries of a folder are tables that belong together, or one table.
pub(super) fn holds_tables(entries: &[PathBuf]) -> bool {
    let tables: Vec<&PathBuf> = entries.iter().filter(|entry| is_table_name(&file_name(entry))).collect();
    tables.len() == 1 || tables.iter().any(|table| part_of(table) == Some(FolderPart::Train))
}

/// Reads the tables of a folder as one.
///
/// # Errors
/// Fails if a part has more than one table, there is none to train on, or a table lacks columns.
pub(super) fn read(folder: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    let entries = sorted_entries(folder)?;
    let tables: Vec<PathBuf> = entries.into_iter().filter(|entry| is_table_name(&file_name(entry))).collect();
    if let [only] = &tables[..] {
        return read_file(only, config);
    }
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    for table in &tables {
        match part_of(table) {
            Some(part) => parts.push((part, table)),
            None => others.push(file_name(table)),
        }
    }
    parts.sort();
    if let Some(pair) = parts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let what = format!("{} and {} belong to the same part", file_name(pair[0].1), file_name(pair[1].1));
        return Err(DataError::format(folder, what, "Keep one of them, or name a file as data.source"));
    }
    let Some((FolderPart::Train, first)) = parts.first() else {
        let found: Vec<String> = tables.iter().map(|table| file_name(table)).collect();
        let what = format!("none of {} is named train", found.join(", "));
        return Err(DataError::format(folder, what, "Name one of the files as data.source"));
    };
    let mut joined = read_file(first, config)?;
    let mut sizes = PartSizes { train: joined.rows(), ..PartSizes::default() };
    for (part, path) in &parts[1..] {
        let table = read_file(path, config)?;
        let rows = table.rows();
        if add(&mut joined, table, config)? {
            *(if *part == FolderPart::Test { &mut sizes.test } else { &mut sizes.validation }) += rows;
        }
    }
    if !others.is_empty() {
        joined.notes.push(format!("other tables in the folder are not used: {}", others.join(", ")));
    }
    joined.parts = Some(sizes);
    Ok(joined)
}

/// Adds the rows of `other`; returns false, with a note, if it lacks the target.
fn add(joined: &mut RawTable, other: RawTable, config: &DataConfig) -> Result<bool, DataError> {
    let target = super::target::choose(joined, config)?.column;
    let name = file_name(&other.path());
    let target_name = joined.columns[target].name.clone();
    if other.position(&target_name).is_none() {
        joined.notes.push(format!("{name} has no column \"{target_name}\" and is left out: predict reads it"));
        return Ok(false);
    }
    let mut places = Vec::with_capacity(joined.columns.len());
    let positions = other.positions();
    for column in &joined.columns {
        let place = positions.get(column.name.as_str()).copied();
        places.push(place.map_or_else(|| names::find(&other, &column.name, &name), Ok)?);
    }
    let used: HashSet<usize> = places.iter().copied().collect();
    let unused: Vec<&str> = other
        .columns
        .iter()
        .enumerate()
        .filter(|(place, _)| !used.contains(place))
        .map(|(_, column)| column.name.as_str())
        .collect();
    if !unused.is_empty() {
        joined
            .notes
            .push(format!("columns of {name} that the training table lacks are not used: {}", unused.join(", ")));
    }
    for (column, place) in joined.columns.iter_mut().zip(places) {
        append(&mut column.cells, &other.columns[place].cells);
    }
    joined.files.extend(other.files);
    joined.notes.extend(other.notes.into_iter().filter(|note| !joined.notes.contains(note)).collect::<Vec<_>>());
    Ok(true)
}

/// Appends cells, converting both to text if their kinds differ.
fn append(cells: &mut Cells, more: &Cells) {
    match (&mut *cells, more) {
        (Cells::Numbers(cells), Cells::Numbers(more)) | (Cells::Times(cells), Cells::Times(more)) => cells.extend(more),
        (Cells::Text(cells), more) => (0..more.len()).for_each(|row| cells.push(&more.text(row))),
        (_, more) => {
            let mut text = TextCells::default();
            (0..cells.len()).for_each(|row| text.push(&cells.text(row)));
            (0..more.len()).for_each(|row| text.push(&more.text(row)));
            *cells = Cells::Text(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::load::load;

    #[test]
    fn the_tables_of_a_folder_are_parts() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("train.csv", "a,b,kind\n1,red,x\n2,blue,y\n3,red,x\n4,blue,y\n");
        write("val.csv", "kind,a,b\ny,7,red\n");
        write("test.csv", "b,a,kind,more\ngreen,5,x,1\nred,6,,2\nred,8,y,3\n");
        write("sample_submission.csv", "id,kind\n1,x\n");
        let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
        let division = data.division().unwrap();
        assert_eq!(
            (&division.train[..], &division.validation[..], &division.test[..]),
            (&[0, 1, 2, 3][..], &[4][..], &[5, 6][..])
        );
        assert_eq!(data.feature_names(), ["a", "b=blue", "b=red"], "test rows make no categories");
        assert!(data.provenance().describe(6).ends_with("test.csv, line 4"));
        let notes = data.notes().join("\n");
        assert!(
            notes.contains("lacks are not used: more") && notes.contains("not used: sample_submission.csv"),
            "{notes}"
        );
        write("test.csv", "b,a\ngreen,5\n");
        let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
        assert_eq!(data.samples(), 5);
        assert!(data.notes().join("\n").contains("test.csv has no column \"kind\" and is left out: predict reads it"));
        write("test.csv", "b,kind\ngreen,x\n");
        let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
        assert!(message.contains("test.csv") && message.contains("no column \"a\""), "{message}");
        write("train_2_train.csv", "a,b,kind\n");
        let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
        assert!(message.contains("belong to the same part"), "{message}");
    }
}
