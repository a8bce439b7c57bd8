//! Reason for the use of a column of texts.

use serde::{Deserialize, Serialize};

use crate::dataset::Bilingual;

/// Texts of a column, and their use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextReason {
    /// Number of distinct texts.
    pub(crate) distinct: usize,
    /// Use of the texts.
    pub(crate) usage: TextUse,
}

/// Use of the texts of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TextUse {
    /// The words that recur are features.
    RecurringWords,
    /// No use, because the texts hardly recur.
    TooDifferent {
        /// Number of cells that are not missing.
        cells: usize,
    },
    /// All texts are categories.
    AllCategories,
    /// The rare texts share a category.
    FrequentCategories {
        /// Minimum number of rows of a category of its own.
        rows: usize,
    },
    /// All but the most frequent texts share a category.
    MostFrequentCategories {
        /// Number of categories of a single text.
        count: usize,
    },
}

impl TextReason {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        use TextUse::*;
        let Self { distinct, usage } = self;
        let (english, chinese) = (format!("{distinct} different texts"), format!("{distinct} 种不同的文本"));
        match usage {
            RecurringWords => {
                Bilingual::of(format!("{english}: words that recur"), format!("{chinese}：取其中重复出现的词"))
            }
            TooDifferent { cells } => {
                Bilingual::of(format!("{english} in {cells} cells"), format!("{cells} 个单元格中有 {chinese}"))
            }
            AllCategories => Bilingual { english, chinese },
            FrequentCategories { rows } => Bilingual::of(
                format!("{english}; \"other\" for those in under {rows} rows"),
                format!("{chinese}；出现不足 {rows} 行的归入“其他”"),
            ),
            MostFrequentCategories { count } => Bilingual::of(
                format!("{english}; the {count} most frequent are categories"),
                format!("{chinese}；最常见的 {count} 种各为一个类别"),
            ),
        }
    }
}

/// Returns one reason of each kind.
#[cfg(test)]
pub(super) fn every() -> Vec<TextReason> {
    use TextUse::*;
    [
        RecurringWords,
        TooDifferent { cells: 320 },
        AllCategories,
        FrequentCategories { rows: 5 },
        MostFrequentCategories { count: 255 },
    ]
    .map(|usage| TextReason { distinct: 300, usage })
    .to_vec()
}
