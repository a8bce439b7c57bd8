//! Inference from the names of columns.

use super::raw::RawTable;
use crate::error::DataError;

/// Words for identifiers.
const IDENTIFIERS: &[&str] = &["id", "ids", "uuid", "guid", "key", "identifier", "idx", "rowid", "编号", "序号"];
/// Words for identifiers at the end of a name.
const LAST_WORDS: &[&str] = &["no", "nr", "code", "serial"];
/// Words that form one word with "id".
const OWNERS: &[&str] = &[
    "user",
    "customer",
    "client",
    "patient",
    "passenger",
    "order",
    "product",
    "item",
    "row",
    "record",
    "case",
    "student",
    "employee",
    "member",
    "account",
    "transaction",
    "session",
    "image",
    "file",
    "sample",
    "subject",
    "person",
    "object",
];
/// Names of row number columns, in lower case, as written by pandas and R.
const ROW_NUMBERS: &[&str] = &[
    "index",
    "row",
    "rows",
    "rownames",
    "row.names",
    "row_number",
    "rownum",
    "row_id",
    "level_0",
    "__index_level_0__",
];
/// Words for a count of time, which is information if it counts up.
const TIMES: &[&str] =
    &["time", "t", "day", "date", "year", "month", "week", "hour", "minute", "second", "step", "period", "epoch"];
/// Names of target columns, in order of preference.
const TARGETS: &[&str] = &["target", "label", "labels", "class", "y", "outcome", "response"];

/// Words for a column with the split of each row.
const SPLITS: &[&str] = &["split", "subset", "partition", "set", "fold"];

/// Returns true if a name is that of a column with the split of each row.
pub(super) fn is_split(name: &str) -> bool {
    words(name).iter().any(|word| SPLITS.contains(&word.as_str()))
}

/// Splits a name into lower-case words: `PassengerId` has "passenger" and "id".
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let is_border = !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase();
        if is_border && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Returns true if a name is that of an identifier.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_word = |word: &String| {
        IDENTIFIERS.contains(&word.as_str()) || word.strip_suffix("id").is_some_and(|owner| OWNERS.contains(&owner))
    };
    let words = words(name);
    words.iter().any(is_word) || words.last().is_some_and(|word| LAST_WORDS.contains(&word.as_str()))
}

/// Returns true if a name is that of a row number column.
pub(super) fn is_row_number(name: &str) -> bool {
    let lower = name.to_lowercase();
    ROW_NUMBERS.contains(&lower.as_str()) || lower.starts_with("unnamed: ")
}

/// Returns true if a name is that of a count of time.
pub(super) fn is_time(name: &str) -> bool {
    words(name).iter().any(|word| TIMES.contains(&word.trim_end_matches('s')))
}

/// Returns the column whose name marks it as the target.
pub(super) fn target(table: &RawTable) -> Option<usize> {
    let by_name = |name: &&str| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    TARGETS.iter().find_map(by_name)
}

/// Returns the column called `name`, requested by the key `field`.
///
/// # Errors
/// Fails if there is no such column; the message suggests the nearest name.
pub(super) fn find(table: &RawTable, name: &str, field: &str) -> Result<usize, DataError> {
    table.position(name).ok_or_else(|| {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let meant = nearest(table, name).map(|known| format!("Did you mean \"{known}\"? ")).unwrap_or_default();
        let shown = if names.len() > 30 { [&names[..30], &["..."]].concat() } else { names.clone() };
        DataError::setting(
            field,
            format!("{} has no column \"{name}\"", table.path().display()),
            format!("{meant}Give one of {}", shown.join(", ")),
        )
    })
}

/// Returns the column name closest to `name`.
pub(super) fn nearest<'a>(table: &'a RawTable, name: &str) -> Option<&'a str> {
    let score = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase());
    let scored = table.columns.iter().map(|column| (score(&column.name), column.name.as_str()));
    let nearest = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.filter(|(score, _)| *score >= 0.75).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_identifiers_rows_and_times() {
        for name in ["id", "PassengerId", "customer_id", "ID", "userid", "Order No", "uuid"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["humid", "paid", "idea", "width", "notes", "valid", "x"] {
            assert!(!is_identifier(name), "{name}");
        }
        assert!(is_row_number("Unnamed: 0") && is_row_number("rownames") && !is_row_number("arrow"));
        assert!(is_split("split") && is_split("data_split") && is_split("Set") && !is_split("setting"));
        assert!(is_time("day") && is_time("Days") && is_time("time_step") && !is_time("today") && !is_time("x"));
    }
}
