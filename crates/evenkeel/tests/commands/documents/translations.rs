//! Chinese tutorials: their fenced blocks are those of the English ones, whose consoles are run.

use std::collections::BTreeSet;

use super::{compare, document};

const ENGLISH: &str = "tutorials";
const CHINESE: &str = "tutorials/zh-CN";

#[test]
fn every_tutorial_has_the_same_blocks_in_both_languages() {
    let names = names(ENGLISH);
    assert!(names.contains("your_data.md"), "{names:?}");
    assert_eq!(names, self::names(CHINESE), "files of docs/{ENGLISH} and docs/{CHINESE}");
    for name in names {
        let [english, chinese] = [ENGLISH, CHINESE].map(|folder| format!("{folder}/{name}"));
        let text = |name: &str| std::fs::read_to_string(document(name)).unwrap();
        let expected = with_blocks_of(&text(&english), &text(&chinese));
        compare(&chinese, &expected.unwrap_or_else(|problem| panic!("docs/{chinese}: {problem}")));
    }
}

/// Names of the documents in a folder of `docs/`.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(document(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".md")).collect()
}

/// The text `chinese` with the blocks of `english`, or the first block that differs if their numbers do.
fn with_blocks_of(english: &str, chinese: &str) -> Result<String, String> {
    let (english, chinese) = (parts(english), parts(chinese));
    let blocks = |parts: &[String]| parts.len() / 2;
    if english.len() != chinese.len() {
        let block = |parts: &[String], number: usize| parts.get(2 * number - 1).cloned().unwrap_or_default();
        let number = (1..).find(|&number| block(&english, number) != block(&chinese, number)).unwrap();
        let (expected, found) = (block(&english, number), block(&chinese, number));
        let counts = format!("{} blocks, but {} in English", blocks(&chinese), blocks(&english));
        return Err(format!("{counts}; block {number} is\n{found}\nbut in English\n{expected}"));
    }
    let pairs = english.into_iter().zip(chinese).enumerate();
    Ok(pairs.map(|(index, (english, chinese))| if index % 2 == 1 { english } else { chinese }).collect())
}

/// Prose and fenced blocks of `text` in turn: prose comes first and last, and may be empty.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        let (is_fence, is_in_block) = (line.starts_with("```"), parts.len().is_multiple_of(2));
        if is_fence && !is_in_block {
            parts.push(String::new());
        }
        parts.last_mut().unwrap().push_str(&format!("{line}\n"));
        if is_fence && is_in_block {
            parts.push(String::new());
        }
    }
    parts
}

#[test]
fn blocks_are_taken_from_english_and_a_missing_one_is_named() {
    let english = "# T\n\n```console\n$ a\nb\n```\ntext\n```\nc\n```\n";
    let chinese = "# 题\n\n```console\n$ a\nb\n```\n文\n\n字\n```\nc\n```\n";
    for wrong in [chinese.to_owned(), chinese.replace("b\n", ""), chinese.replace("console", "toml")] {
        assert_eq!(with_blocks_of(english, &wrong).as_deref(), Ok(chinese), "{wrong}");
    }
    for (wrong, problem) in [
        (chinese.replace("```console\n$ a\nb\n```\n", ""), "1 blocks, but 2 in English; block 1 is\n```\nc\n```\n"),
        (chinese.replace("```\nc\n```\n", ""), "1 blocks, but 2 in English; block 2 is\n\n"),
        (format!("{chinese}```\nd\n```\n"), "3 blocks, but 2 in English; block 3 is\n```\nd\n```\n"),
    ] {
        let found = with_blocks_of(english, &wrong).unwrap_err();
        assert!(found.starts_with(problem), "{found}");
    }
}
