//! Expands one argument to inputs.

use std::path::PathBuf;

use crate::failure::{Failure, unreadable};

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// The argument `-`.
    StandardInput,
    /// A file or folder, which may be missing.
    Path(PathBuf),
}

/// Returns the inputs of `argument`: standard input for `-`, the path itself if it exists, otherwise everything that a pattern
/// with `*`, `?` or `[…]` matches, sorted.
///
/// # Errors
/// If a pattern is invalid or matches nothing.
pub(super) fn expanded(argument: &str) -> Result<Vec<Input>, Failure> {
    if argument == "-" {
        return Ok(vec![Input::StandardInput]);
    }
    let path = PathBuf::from(argument);
    if path.exists() || !argument.contains(['*', '?', '[']) {
        return Ok(vec![Input::Path(path)]);
    }
    let paths = glob::glob(argument).map_err(|error| {
        let failure = Failure::new(format!("{argument}: not a valid pattern: {}", error.msg));
        failure.next_step("Write * for any text, ? for one character, ** for folders of any depth")
    })?;
    let mut inputs = Vec::new();
    for path in paths {
        let path = path.map_err(|error| unreadable(error.path(), error.error()))?;
        inputs.push(Input::Path(path));
    }
    if inputs.is_empty() {
        let failure = Failure::new(format!("{argument}: no file matches the pattern"));
        return Err(
            failure.next_step("Compare the pattern with the output of `ls`; ** stands for folders of any depth")
        );
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_sorted_and_existing_paths_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.txt", "odd[1].csv", "deep/d.csv"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let pattern = format!("{}/{pattern}", folder.path().display());
            let name = |input| match input {
                Input::StandardInput => "-".to_owned(),
                Input::Path(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
            };
            expanded(&pattern).unwrap().into_iter().map(name).collect()
        };
        assert_eq!(names("?.csv"), ["a.csv", "b.csv"]);
        assert_eq!(names("odd[1].csv"), ["odd[1].csv"]);
        assert_eq!(names("**/d.csv"), ["deep/d.csv"]);
        assert_eq!(names("absent.csv"), ["absent.csv"]);
        assert_eq!(expanded("-").unwrap(), [Input::StandardInput]);
        let nothing = expanded(&format!("{}/*.png", folder.path().display())).unwrap_err().to_string();
        assert!(nothing.ends_with("*.png: no file matches the pattern"), "{nothing}");
        assert!(expanded("a***b").unwrap_err().to_string().contains("not a valid pattern"));
    }
}
