//! A case: the config of one program, preceded by two comment lines.

use std::path::{Path, PathBuf};

use keel_health::rules::{inputs, signal};
use keel_train::{Config, config};

use crate::failure::{Failure, Stop, unreadable};

/// Prefix of the first line of a case.
const MARK: &str = "# expect:";
/// Expected value for a program without a fault.
const SILENT: &str = "silent";
/// Expected value for a program whose training is rejected.
pub(super) const REFUSED: &str = "refused";
/// Prefix of the expected value for a fault that no rule reports.
const NO_RULE: &str = "none";

/// One program in a folder of cases.
#[derive(Debug)]
pub(super) struct Case {
    /// File name without the extension.
    pub(super) name: String,
    /// Name of its folder if the cases are grouped; otherwise empty.
    pub(super) kind: String,
    /// Path of the file.
    pub(super) path: PathBuf,
    /// For a faulty program, the permitted leading findings: codes or `refused`. For a healthy one, the permitted codes.
    pub(super) expected: Vec<String>,
    /// Config, without the data.
    pub(super) config: Config,
}

/// Kinds of programs in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Has a fault that some finding must name.
    Faulty,
    /// Has no fault; every alarm is false.
    Silent,
}

impl Case {
    /// Reads the case in the file `path` of the group `kind`.
    ///
    /// # Errors
    /// If the file cannot be read, its first two lines do not give the expected findings and the description, or its config is
    /// invalid.
    pub(super) fn read(path: &Path, kind: &str, sort: Sort) -> Result<Case, Stop> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let expected = expectation(&text, sort).map_err(|failure| failure.at(&format!("{}:1", path.display())))?;
        if summary(&text).is_none() {
            let failure = Failure::new(format!("{}:2: the description of the case is missing", path.display()));
            return Err(failure.next_step("Write a second line such as `# learning rate 100 times too high`").into());
        }
        let config = config::load(Some(&path.display().to_string()), &[])?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Case { name, kind: kind.to_owned(), path: path.to_owned(), expected, config })
    }

    /// Returns the folder for its runs below the scratch folder.
    pub(super) fn place(&self) -> String {
        if self.kind.is_empty() { self.name.clone() } else { format!("{}-{}", self.kind, self.name) }
    }
}

/// Parses the expected values in the first line of a case of this kind.
fn expectation(text: &str, sort: Sort) -> Result<Vec<String>, Failure> {
    let first = text.lines().next().unwrap_or_default();
    let (example, noun) = match sort {
        Sort::Faulty => (
            format!("`{MARK} {}|{}`, codes that may lead, or `{MARK} {REFUSED}`", inputs::CODE, signal::CODE),
            "faulty",
        ),
        Sort::Silent => {
            (format!("`{MARK} {SILENT}`, followed by codes that are not false alarms here"), "healthy or repaired")
        }
    };
    let refuse = |message: String| {
        Err(Failure::new(message).next_step(format!("Begin the file of a {noun} case with {example}")))
    };
    let Some(expected) = first.strip_prefix(MARK).map(str::trim) else {
        return refuse(format!("the first line does not begin with `{MARK}`"));
    };
    let words: Vec<&str> = match sort {
        Sort::Faulty => expected.split('|').map(str::trim).collect(),
        Sort::Silent => match expected.strip_prefix(SILENT) {
            Some(codes) => codes.split_whitespace().collect(),
            None => return refuse(format!("`{expected}` is not `{SILENT}`")),
        },
    };
    let known = |word: &&&str| {
        let rest = word.strip_prefix('K').unwrap_or_default();
        let code = rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
        code || sort == Sort::Faulty && (**word == REFUSED || word.starts_with(NO_RULE))
    };
    match words.iter().find(|word| !known(word)) {
        Some(word) => refuse(format!("`{word}` is not the code of a rule")),
        None => Ok(words.into_iter().map(str::to_owned).collect()),
    }
}

/// Returns the text of the second line.
fn summary(text: &str) -> Option<&str> {
    let words = text.lines().nth(1)?.strip_prefix('#')?.trim();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_is_expected() {
        let faulty: [(&str, Result<&[&str], &str>); 8] = [
            ("# expect: K002|K005\n", Ok(&["K002", "K005"])),
            ("# expect: K002 | refused", Ok(&["K002", "refused"])),
            ("# expect: none: an idea", Ok(&["none: an idea"])),
            ("# expect: silent", Err("`silent` is not the code of a rule")),
            ("# expect: K02", Err("`K02` is not the code of a rule")),
            ("# expect:", Err("`` is not the code of a rule")),
            ("[data]\n", Err("the first line does not begin with `# expect:`")),
            ("", Err("the first line does not begin with `# expect:`")),
        ];
        for (text, expected) in faulty {
            let found = expectation(text, Sort::Faulty).map_err(|failure| failure.to_string());
            assert_eq!(
                found,
                expected.map(|words| words.iter().map(|&word| word.to_owned()).collect()).map_err(str::to_owned)
            );
        }
        let silent = |text| expectation(text, Sort::Silent).map_err(|failure| failure.to_string());
        assert_eq!(silent("# expect: silent"), Ok(Vec::new()));
        assert_eq!(silent("# expect: silent K016"), Ok(vec!["K016".to_owned()]));
        assert_eq!(silent("# expect: K016"), Err("`K016` is not `silent`".to_owned()));
        assert_eq!(silent("# expect: silent refused"), Err("`refused` is not the code of a rule".to_owned()));
    }

    #[test]
    fn the_second_line_says_what_the_case_is() {
        for (text, expected) in
            [("a\n# rate too high\n", Some("rate too high")), ("a\n#  \n", None), ("a\n[data]\n", None), ("a", None)]
        {
            assert_eq!(summary(text), expected);
        }
    }
}
