//! A column that states for each row whether it is for training, validation or testing.

use crate::dataset::PartSizes;
use crate::readers::table::missing::Missing;
use crate::readers::table::names;
use crate::readers::table::raw::RawTable;
use crate::readers::table::tally::Tally;

/// Part of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Train,
    Validation,
    Test,
}

/// Returns the part that a cell names.
fn part_of(cell: &str) -> Option<Part> {
    match cell.to_lowercase().as_str() {
        "train" | "training" => Some(Part::Train),
        "val" | "valid" | "validation" | "dev" => Some(Part::Validation),
        "test" | "testing" | "holdout" => Some(Part::Test),
        _ => None,
    }
}

/// Returns true if a column is named like a split and every cell that is not missing names a part.
pub(in crate::readers::table) fn holds_parts(table: &RawTable, column: usize) -> bool {
    if !names::is_split(&table.columns[column].name) {
        return false;
    }
    let rows: Vec<usize> = (0..table.rows()).collect();
    let tally = Tally::new(&table.columns[column].cells, &rows, Missing { added: &[] });
    tally.distinct() > 0 && tally.present.iter().all(|(text, _)| part_of(text).is_some())
}

/// Puts the rows of a table in the order of their parts and sets the sizes of the parts, unless the files of the table already
/// divide it. Rows without a part are for training.
///
/// Returns a note.
pub(super) fn divide(table: &mut RawTable, column: usize) -> String {
    let name = table.columns[column].name.clone();
    let part = |row: usize| part_of(&table.columns[column].cells.text(row)).unwrap_or(Part::Train);
    let parts: Vec<Part> = (0..table.rows()).map(part).collect();
    let count = |wanted: Part| parts.iter().filter(|&&part| part == wanted).count();
    let sizes = PartSizes { train: count(Part::Train), validation: count(Part::Validation), test: count(Part::Test) };
    if table.files.len() != 1 || table.parts.is_some() || sizes.train == 0 || sizes.train == parts.len() {
        return format!("column \"{name}\" names the split of each row and is not a feature");
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&row| parts[row]);
    table.reorder(&order);
    table.parts = Some(sizes);
    format!(
        "column \"{name}\" divides the rows: {} training, {} validation, {} test \
         (data.ignore_columns = [\"{name}\"] changes this)",
        sizes.train, sizes.validation, sizes.test
    )
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::dataset::Dataset;
    use crate::load::load;

    fn read(text: &str, config: DataConfig) -> Dataset {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), text).unwrap();
        load(&DataConfig { source: "t.csv".into(), ..config }, folder.path()).unwrap()
    }

    #[test]
    fn a_column_of_parts_is_the_split() {
        let text = "a,split,y\n1,test,p\n2,train,q\n3,Val,p\n4,train,q\n5,,p\n6,test,q\n";
        let data = read(text, DataConfig::default());
        let division = data.division().unwrap();
        assert_eq!((division.train.len(), division.validation.len(), division.test.len()), (3, 1, 2));
        assert_eq!(data.feature_names(), ["a"]);
        let lines = |samples: &[usize]| -> Vec<String> {
            samples.iter().map(|&sample| data.provenance().describe(sample)).collect()
        };
        assert!(lines(&division.test)[0].ends_with("line 2") && lines(&division.test)[1].ends_with("line 7"));
        assert!(lines(&division.train)[2].ends_with("line 6"));
        let notes = data.notes().join("\n");
        assert!(notes.contains("column \"split\" divides the rows: 3 training, 1 validation, 2 test"), "{notes}");
        let ignored = DataConfig { ignore_columns: vec!["split".into()], ..DataConfig::default() };
        assert!(read(text, ignored).division().is_none());
    }

    #[test]
    fn a_split_is_neither_a_feature_nor_the_target() {
        let only_test = read("a,y,split\n1,p,test\n2,q,test\n3,p,val\n", DataConfig::default());
        assert!(only_test.division().is_none() && only_test.class_names() == ["p", "q"]);
        assert!(only_test.notes().join("\n").contains("\"split\" names the split of each row and is not a feature"));
        let other = read("a,split,y\n1,train,p\n2,bus,q\n3,train,p\n", DataConfig::default());
        assert_eq!(other.feature_names(), ["a", "split=bus", "split=train"]);
        let by_bus = read("a,transport,y\n1,train,p\n2,test,q\n3,train,p\n", DataConfig::default());
        assert_eq!(by_bus.feature_names().len(), 3);
    }
}
