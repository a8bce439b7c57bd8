//! Names of folders that are parts of the data: `train`, `val`, `seg_test`, `test1`.

/// Training, validation and test part, in reading order, with the words that identify their folders.
const PARTS: [(&str, &[&str]); 3] = [
    ("training", &["train", "training"]),
    ("validation", &["val", "valid", "validation", "dev"]),
    ("test", &["test", "testing", "holdout", "eval", "evaluation"]),
];

/// Returns the name of part `number` in messages.
pub(super) fn part_name(number: usize) -> &'static str {
    PARTS[number].0
}

/// Returns the number of the part that `name` is the name of, as `test` or `test1`.
pub(super) fn exact_part(name: &str) -> Option<usize> {
    part_of_word(&name.to_lowercase())
}

/// Returns the rank of `name` among the names of one part, the most common one first.
pub(super) fn preference(name: &str) -> usize {
    let name = name.to_lowercase();
    let word = without_number(&name);
    PARTS.iter().find_map(|(_, words)| words.iter().position(|known| *known == word)).unwrap_or(usize::MAX)
}

/// Returns the number of the part that one of the words of `name` identifies, as in `seg_train` or `test-images`.
pub(super) fn part_of(name: &str) -> Option<usize> {
    words(name).iter().find_map(|word| part_of_word(word))
}

/// Returns true if two of the names are those of different parts and otherwise the same, as `seg_train` and `seg_test`.
pub(super) fn part_pair(names: &[&str]) -> bool {
    let parts = names.iter().filter_map(|name| Some((part_of(name)?, rest(name))));
    let parts: Vec<(usize, Vec<String>)> = parts.collect();
    parts.iter().any(|(number, rest)| parts.iter().any(|(other, its_rest)| number != other && rest == its_rest))
}

/// Returns the words of a name, without the one that identifies the part.
fn rest(name: &str) -> Vec<String> {
    let mut words = words(name);
    if let Some(place) = words.iter().position(|word| part_of_word(word).is_some()) {
        words.remove(place);
    }
    words
}

fn words(name: &str) -> Vec<String> {
    name.to_lowercase().split(|character: char| !character.is_alphanumeric()).map(str::to_owned).collect()
}

fn part_of_word(word: &str) -> Option<usize> {
    PARTS.iter().position(|(_, words)| words.contains(&without_number(word)))
}

fn without_number(word: &str) -> &str {
    word.trim_end_matches(|character: char| character.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts_are_recognised() {
        let cases = [
            ("train", Some(0), Some(0)),
            ("Testing", Some(2), Some(2)),
            ("test1", Some(2), Some(2)),
            ("holdout", Some(2), Some(2)),
            ("seg_train", None, Some(0)),
            ("test-images", None, Some(2)),
            ("training_set", None, Some(0)),
            ("trainer", None, None),
            ("contest", None, None),
            ("cat", None, None),
        ];
        for (name, exact, by_word) in cases {
            assert_eq!((exact_part(name), part_of(name)), (exact, by_word), "{name}");
        }
        let pairs: [(&[&str], bool); 7] = [
            (&["train", "test"], true),
            (&["train", "test1"], true),
            (&["cat", "seg_train", "seg_test"], true),
            (&["Train Images", "val images"], true),
            (&["train station", "test tube"], false),
            (&["train", "bus"], false),
            (&["test", "holdout"], false),
        ];
        for (names, expected) in pairs {
            assert_eq!(part_pair(names), expected, "{names:?}");
        }
    }
}
