//! Which samples are unlike the training data, in words.

use super::rows::Row;
use crate::inputs::Loaded;
use crate::terminal::plural;

/// Maximum number of columns a note names.
const NAMED: usize = 3;

/// How many samples of `input` have values unlike the training data, and in which columns; `None` if none has.
pub(super) fn note(input: &Loaded, rows: &[Row]) -> Option<String> {
    let noun = if input.dataset.sample_shape().is_image() { "image" } else { "row" };
    let count = rows.iter().filter(|row| !row.unlike.is_empty()).count();
    if count == 0 {
        return None;
    }
    let mut columns: Vec<String> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for unlike in &row.unlike {
            if seen.contains(&unlike.name.as_str()) {
                continue;
            }
            seen.push(&unlike.name);
            if columns.len() < NAMED {
                let range = format!("{} to {}", short(unlike.training.min), short(unlike.training.max));
                let (name, value) = (&unlike.name, short(unlike.value));
                columns.push(format!("{name} ({noun} {}: {value}, training {range})", number + 1));
            }
        }
    }
    if seen.len() > NAMED {
        columns.push(format!("and {} more", seen.len() - NAMED));
    }
    let (total, have) = (plural(rows.len() as u64, noun), if count == 1 { "has" } else { "have" });
    Some(format!("{count} of {total} {have} values unlike the training data: {}", columns.join(", ")))
}

/// A number with four significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let decimals = if size >= 1000.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases =
            [(1e6, "1.000e6"), (-3.25, "-3.25"), (8.0, "8"), (0.0, "0"), (1234.5, "1234"), (0.0001, "1.000e-4")];
        for (value, expected) in cases {
            assert_eq!(short(value), expected);
        }
    }
}
