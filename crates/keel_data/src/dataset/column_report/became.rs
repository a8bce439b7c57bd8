//! Features that a column became.

use serde::{Deserialize, Serialize};

use crate::dataset::{Bilingual, ColumnEncoding, TableColumn};

/// Separators of kinds of features, in English and in Chinese.
const PLUS: [&str; 2] = [" + ", " + "];

/// Features that a column became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Became {
    /// Conversion of the cells.
    conversion: Conversion,
    /// True if an additional feature marks missing cells.
    missing_flag: bool,
}

/// Conversion of the cells of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Conversion {
    /// No features.
    LeftOut,
    /// Numbers.
    Numbers {
        /// Number of features.
        count: usize,
    },
    /// One number, 0 or 1.
    ZeroOrOne,
    /// Categories, one feature each.
    Categories {
        /// Number of categories with a feature of their own.
        count: usize,
        /// True if one more feature represents all other texts.
        other: bool,
    },
    /// Words, one feature each.
    Words {
        /// Number of words.
        count: usize,
    },
    /// Classes of the target.
    Classes {
        /// Number of classes.
        count: usize,
    },
    /// Numeric targets.
    Values,
}

impl Became {
    /// No features.
    pub(crate) const LEFT_OUT: Self = Self { conversion: Conversion::LeftOut, missing_flag: false };
    /// One number.
    pub(crate) const ONE_NUMBER: Self = Self { conversion: Conversion::Numbers { count: 1 }, missing_flag: false };

    /// Describes the features of a column.
    pub(crate) fn of(column: &TableColumn) -> Self {
        let missing_flag = column.missing_flag;
        let conversion = match &column.encoding {
            ColumnEncoding::Number(_) | ColumnEncoding::Time(_) => {
                Conversion::Numbers { count: column.features() - usize::from(missing_flag) }
            }
            ColumnEncoding::Boolean => Conversion::ZeroOrOne,
            ColumnEncoding::Category { categories, other: false } if categories.is_empty() => Conversion::LeftOut,
            ColumnEncoding::Category { categories, other } => {
                Conversion::Categories { count: categories.len(), other: *other }
            }
            ColumnEncoding::Words { words } => Conversion::Words { count: words.len() },
        };
        Self { conversion, missing_flag }
    }

    /// Describes the conversion of a target.
    pub(crate) fn target(conversion: Conversion) -> Self {
        Self { conversion, missing_flag: false }
    }

    /// Returns the description.
    pub(crate) fn sentence(&self) -> Bilingual {
        use Conversion::*;
        let features = match self.conversion {
            LeftOut if self.missing_flag => None,
            LeftOut => Some(Bilingual::of("left out", "不参与训练")),
            Numbers { count } => Some(Bilingual::of(plural(count, "number", "numbers"), format!("{count} 个数值"))),
            ZeroOrOne => Some(Bilingual::of("1 number of 0 and 1", "1 个数值（0 或 1）")),
            Categories { count, other } => {
                let categories = Bilingual::of(plural(count, "category", "categories"), format!("{count} 个类别"));
                let other = other.then(|| Bilingual::of("other", "其他"));
                Some(Bilingual::joined([Some(categories), other].into_iter().flatten(), PLUS))
            }
            Words { count } => Some(Bilingual::of(plural(count, "word", "words"), format!("{count} 个词"))),
            Classes { count } => Some(Bilingual::of(format!("{count} classes"), format!("{count} 个类别"))),
            Values => Some(Bilingual::of("values", "数值（回归）")),
        };
        let flag = self.missing_flag.then(|| Bilingual::of("1 missing flag", "1 个缺失指示变量"));
        Bilingual::joined([features, flag].into_iter().flatten(), PLUS)
    }
}

/// Formats a number with its noun.
pub(crate) fn plural(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Returns one description of each kind.
#[cfg(test)]
pub(super) fn every() -> Vec<Became> {
    use Conversion::*;
    let conversions = [
        LeftOut,
        Numbers { count: 1 },
        Numbers { count: 5 },
        ZeroOrOne,
        Categories { count: 1, other: true },
        Categories { count: 12, other: false },
        Categories { count: 12, other: true },
        Words { count: 1 },
        Words { count: 6 },
    ];
    let features = [false, true].into_iter().flat_map(|missing_flag| {
        conversions.clone().into_iter().map(move |conversion| Became { conversion, missing_flag })
    });
    features.chain([Classes { count: 3 }, Values].map(Became::target)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::NumberEncoding;
    use keel_testkit::check_distinct;

    #[test]
    fn every_conversion_has_its_own_description() {
        check_distinct(every().iter().map(Became::sentence));
    }

    #[test]
    fn columns_are_described_by_their_encoding() {
        let category = |names: &[&str], other| ColumnEncoding::Category {
            categories: names.iter().map(|name| name.to_string()).collect(),
            other,
        };
        let cases = [
            (ColumnEncoding::Number(NumberEncoding::default()), "1 number", "1 个数值"),
            (ColumnEncoding::Boolean, "1 number of 0 and 1", "1 个数值（0 或 1）"),
            (category(&["x"], true), "1 category + other", "1 个类别 + 其他"),
            (category(&["x", "y"], false), "2 categories", "2 个类别"),
            (ColumnEncoding::Words { words: vec!["mr".into()] }, "1 word", "1 个词"),
        ];
        for (encoding, english, chinese) in cases {
            let mut column = TableColumn { name: "a".into(), encoding, missing_flag: false };
            assert_eq!(Became::of(&column).sentence(), Bilingual::of(english, chinese));
            column.missing_flag = true;
            let (english, chinese) = (format!("{english} + 1 missing flag"), format!("{chinese} + 1 个缺失指示变量"));
            assert_eq!(Became::of(&column).sentence(), Bilingual { english, chinese });
        }
        let nothing = TableColumn { name: "a".into(), encoding: category(&[], false), missing_flag: true };
        assert_eq!(Became::of(&nothing).sentence(), Bilingual::of("1 missing flag", "1 个缺失指示变量"));
        assert_eq!(Became::LEFT_OUT.sentence(), Bilingual::of("left out", "不参与训练"));
        assert_eq!(Became::ONE_NUMBER.sentence().english, "1 number");
    }
}
