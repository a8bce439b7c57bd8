//! Texts that mark a missing cell.

/// Lower-case markers that spreadsheets, databases and statistics programs use for missing values.
const MARKERS: &[&str] = &[
    "", "na", "n/a", "n.a.", "n/a n/a", "#n/a", "#n/a n/a", "#na", "nan", "-nan", "+nan", "nat", "null", "(null)",
    "#null!", "none", "<na>", "nil", "?", "??", "-", "--", "---", "–", "—", ".", "..", "...", "#div/0!", "#value!",
    "#ref!", "#num!", "#name?", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind",
];

/// Length of the longest marker.
const LONGEST: usize = 10;

/// Returns the texts that mark a missing cell in any table, in lower case; ASCII letters match in any case.
pub fn missing_texts() -> Vec<String> {
    let special = ('a'..='z').chain(['_']).map(|letter| format!(".{letter}"));
    MARKERS.iter().map(|&marker| marker.to_owned()).chain(special).collect()
}

/// The markers of a table: the usual ones and those of the config.
#[derive(Debug, Clone, Copy)]
pub(in crate::readers::table) struct Missing<'a> {
    /// Additional markers of `data.missing_values`.
    pub(in crate::readers::table) added: &'a [String],
}

impl Missing<'_> {
    /// Returns true if `cell` marks a missing value.
    pub(in crate::readers::table) fn holds(self, cell: &str) -> bool {
        if cell.len() <= LONGEST {
            let lower = cell.to_ascii_lowercase();
            if MARKERS.contains(&lower.as_str()) || is_sas_marker(&lower) {
                return true;
            }
        }
        self.added.iter().any(|marker| marker.trim() == cell)
    }
}

/// Returns true for `.a` to `.z` and `._`, the special missing values of SAS and Stata.
fn is_sas_marker(lower: &str) -> bool {
    matches!(lower.as_bytes(), [b'.', b'a'..=b'z' | b'_'])
}

/// Returns true if a marker is a category among texts: the word "none" (no alcohol, no garage), or the code "NA"
/// (Namibia, North America) among codes of two capital letters. Applies only to frequent markers, with at least two
/// cells.
pub(in crate::readers::table) fn kept_as_category(marker: &str, count: usize, others: &[(&str, usize)]) -> bool {
    let words = others.iter().filter(|(text, _)| text.chars().any(char::is_alphabetic)).count();
    if count < 2 || words * 2 < others.len().max(1) {
        return false;
    }
    let is_code = |text: &str| matches!(text.as_bytes(), [b'A'..=b'Z', b'A'..=b'Z']);
    match marker {
        "NA" => others.len() >= 5 && others.iter().all(|(text, _)| is_code(text)),
        _ => marker.eq_ignore_ascii_case("none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_recognised_in_any_case() {
        let added = ["-999".to_string()];
        let missing = Missing { added: &added };
        for marker in [
            "", "NA", "NaN", "nan", "None", "null", "NULL", "-", "--", "?", "n/a", "#N/A", ".", "<NA>", "NaT", ".A",
            "-999",
        ] {
            assert!(missing.holds(marker), "{marker}");
        }
        for value in ["0", "no", "-1", "nano", "x", "-9", ".5", "unknown thing", "a."] {
            assert!(!missing.holds(value), "{value}");
        }
        assert!(MARKERS.iter().all(|marker| marker.len() <= LONGEST && *marker == marker.to_lowercase()));
    }

    #[test]
    fn words_that_are_categories_are_kept() {
        let drinks = [("High", 5), ("Low", 7)];
        assert!(kept_as_category("None", 4, &drinks));
        assert!(!kept_as_category("None", 1, &drinks));
        assert!(!kept_as_category("NA", 4, &drinks));
        assert!(!kept_as_category("None", 4, &[("1.5", 3), ("2", 1)]));
        let codes = [("DE", 1), ("FR", 2), ("US", 3), ("CN", 2), ("ZA", 1)];
        assert!(kept_as_category("NA", 2, &codes));
    }
}
