//! Words for true and false.

const PAIRS: [(&str, &str); 5] = [("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off")];

/// Returns the texts for true and false in a boolean column, in lower case; letters match in any case.
pub fn truth_texts() -> Vec<(&'static str, bool)> {
    let words = PAIRS.into_iter().flat_map(|(yes, no)| [(yes, true), (no, false)]);
    words.chain([("1", true), ("1.0", true), ("0", false), ("0.0", false)]).collect()
}

/// Returns the truth value of a cell, in any case of letters; 1 and 0 are not accepted here.
pub(in crate::readers::table) fn truth_of(cell: &str) -> Option<bool> {
    PAIRS.iter().find_map(|(yes, no)| {
        let is = |word: &str| cell.eq_ignore_ascii_case(word);
        if is(yes) { Some(true) } else { is(no).then_some(false) }
    })
}

/// Works like [`truth_of`] for a column known to be boolean; accepts 1 and 0 as well.
pub(in crate::readers::table) fn truth_or_number(cell: &str) -> Option<bool> {
    match cell {
        "1" | "1.0" => Some(true),
        "0" | "0.0" => Some(false),
        _ => truth_of(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truths_are_read_in_any_case() {
        assert_eq!(
            ["True", "no", "Y", "off", "1", "maybe"].map(truth_of),
            [Some(true), Some(false), Some(true), Some(false), None, None]
        );
        assert_eq!(
            (truth_or_number("1"), truth_or_number("0.0"), truth_or_number("x")),
            (Some(true), Some(false), None)
        );
    }
}
