//! Encoding of a table column as features; stored with a model, so that other tables are read the same way.

use serde::{Deserialize, Serialize};

/// A column of a table that becomes features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredColumn")]
pub struct TableColumn {
    /// Name in the header.
    pub name: String,
    /// Conversion of a cell.
    pub encoding: ColumnEncoding,
    /// True if an additional last feature is 1 for a missing cell, else 0.
    pub missing_flag: bool,
}

/// Conversion of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnEncoding {
    /// One feature: the number, NaN if it is missing.
    Number(NumberEncoding),
    /// One feature: 1 for true, yes and the like, 0 for false, no and the like, NaN for a missing cell.
    Boolean,
    /// One feature per category: 1 if the cell holds it, else 0.
    Category {
        /// Texts of the categories, sorted.
        categories: Vec<String>,
        /// True if one more feature represents all other texts.
        other: bool,
    },
    /// Features of a date or a time of day.
    Time(TimeEncoding),
    /// One feature per word: 1 if the cell contains it, else 0.
    Words {
        /// The words in lower case, sorted.
        words: Vec<String>,
    },
}

/// Parsing rule for numbers, and their scale as a feature: `(number - origin) / unit`, computed in f64.
///
/// The origin keeps the digits of numbers that differ by little relative to their size, such as time stamps, and the unit
/// brings numbers into the range of f32. Neither is a statistic: preprocessing that follows shifts and scales anyway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberEncoding {
    /// Decimal and grouping separators.
    pub format: NumberFormat,
    /// Offset subtracted first.
    pub origin: f64,
    /// Divisor applied after the offset.
    pub unit: f64,
    /// Magnitude from which a number is a "no data" marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_data_from: Option<f64>,
    /// Texts that mark a missing number in this column, in addition to the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_texts: Vec<String>,
    /// Unit written behind the numbers, such as kg; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub written_unit: String,
}

impl Default for NumberEncoding {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl NumberEncoding {
    /// Plain numbers without scaling.
    pub const PLAIN: Self = Self {
        format: NumberFormat::PLAIN,
        origin: 0.0,
        unit: 1.0,
        no_data_from: None,
        missing_texts: Vec::new(),
        written_unit: String::new(),
    };

    /// Converts a number to its feature; NaN for a "no data" marker.
    pub fn feature(&self, number: f64) -> f32 {
        if self.no_data_from.is_some_and(|limit| number.abs() >= limit) {
            return f32::NAN;
        }
        ((number - self.origin) / self.unit) as f32
    }

    /// Returns the number of a feature, with the digits that the feature keeps.
    pub fn number(&self, feature: f32) -> f64 {
        f64::from(feature) * self.unit + self.origin
    }
}

/// Separators in the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberFormat {
    /// True for a decimal comma, false for a decimal point.
    pub decimal_comma: bool,
    /// Thousands separator.
    pub grouping: Grouping,
}

impl NumberFormat {
    /// Decimal point without grouping.
    pub const PLAIN: Self = Self { decimal_comma: false, grouping: Grouping::None };
}

/// Thousands separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// No separator.
    None,
    /// `1,234,567`.
    Comma,
    /// `1.234.567`.
    Point,
    /// `1 234 567`, with any kind of space.
    Space,
    /// `1'234'567`.
    Apostrophe,
}

/// Parsing rule for dates, and their features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeEncoding {
    /// Order of day and month.
    pub order: DateOrder,
    /// Origin of day 0, in seconds since 1970.
    pub origin: f64,
    /// The features.
    pub parts: Vec<TimePart>,
}

/// Order of day and month in dates that do not begin with the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31/01/2024.
    DayFirst,
    /// 01/31/2024.
    MonthFirst,
}

/// A feature, or a pair of features, of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePart {
    /// Days since the origin, including the fraction.
    Days,
    /// Sine and cosine of the position in the year.
    Year,
    /// Sine and cosine of the day of the week.
    Week,
    /// Sine and cosine of the time of day.
    Day,
}

impl TimePart {
    /// Returns the number of features.
    pub fn features(self) -> usize {
        if self == Self::Days { 1 } else { 2 }
    }

    /// Returns the name of the period or unit.
    fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Year => "month",
            Self::Week => "weekday",
            Self::Day => "hour",
        }
    }
}

impl TableColumn {
    /// Returns true for a column of dates, or of times of day.
    pub fn is_time(&self) -> bool {
        matches!(self.encoding, ColumnEncoding::Time(_))
    }

    /// Returns the number of features of this column.
    pub fn features(&self) -> usize {
        let own = match &self.encoding {
            ColumnEncoding::Number(_) | ColumnEncoding::Boolean => 1,
            ColumnEncoding::Category { categories, other } => categories.len() + usize::from(*other),
            ColumnEncoding::Time(time) => time.parts.iter().map(|part| part.features()).sum(),
            ColumnEncoding::Words { words } => words.len(),
        };
        own + usize::from(self.missing_flag)
    }

    /// Returns the number of features that measure something: numbers and parts of a time. The others are 0 or 1.
    pub fn numeric_features(&self) -> usize {
        match &self.encoding {
            ColumnEncoding::Number(_) => 1,
            ColumnEncoding::Time(time) => time.parts.iter().map(|part| part.features()).sum(),
            ColumnEncoding::Boolean | ColumnEncoding::Category { .. } | ColumnEncoding::Words { .. } => 0,
        }
    }

    /// Returns the names of the features, in order.
    pub fn feature_names(&self) -> Vec<String> {
        let name = &self.name;
        let mut names: Vec<String> = match &self.encoding {
            ColumnEncoding::Number(_) | ColumnEncoding::Boolean => vec![name.clone()],
            ColumnEncoding::Category { categories, other } => {
                let known = categories.iter().map(|category| format!("{name}={category}"));
                known.chain(other.then(|| format!("{name} is another"))).collect()
            }
            ColumnEncoding::Time(time) => time.parts.iter().flat_map(|part| part_names(name, *part)).collect(),
            ColumnEncoding::Words { words } => words.iter().map(|word| format!("{name} has \"{word}\"")).collect(),
        };
        if self.missing_flag {
            names.push(format!("{name} is missing"));
        }
        names
    }
}

fn part_names(name: &str, part: TimePart) -> Vec<String> {
    match part {
        TimePart::Days => vec![format!("{name} {}", part.name())],
        _ => ["sine", "cosine"].map(|wave| format!("{name} {} {wave}", part.name())).to_vec(),
    }
}

/// Stored form of a column; models of earlier versions have `categories` instead of an encoding.
#[derive(Deserialize)]
struct StoredColumn {
    name: String,
    #[serde(default)]
    encoding: Option<ColumnEncoding>,
    #[serde(default)]
    categories: Option<Vec<String>>,
    #[serde(default)]
    missing_flag: bool,
}

impl From<StoredColumn> for TableColumn {
    fn from(stored: StoredColumn) -> Self {
        let earlier = match stored.categories {
            Some(categories) => ColumnEncoding::Category { categories, other: false },
            None => ColumnEncoding::Number(NumberEncoding::default()),
        };
        let encoding = stored.encoding.unwrap_or(earlier);
        Self { name: stored.name, encoding, missing_flag: stored.missing_flag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_earlier_versions_are_read() {
        let stored = r#"[{"name":"a","categories":null},{"name":"b","categories":["x","y"]}]"#;
        let columns: Vec<TableColumn> = serde_json::from_str(stored).unwrap();
        assert_eq!(columns[0].encoding, ColumnEncoding::Number(NumberEncoding::default()));
        assert_eq!(columns[1].feature_names(), ["b=x", "b=y"]);
        let again: Vec<TableColumn> = serde_json::from_str(&serde_json::to_string(&columns).unwrap()).unwrap();
        assert_eq!(again, columns);
    }

    #[test]
    fn every_encoding_names_as_many_features_as_it_has() {
        let time =
            TimeEncoding { order: DateOrder::DayFirst, origin: 0.0, parts: vec![TimePart::Days, TimePart::Year] };
        let cases = [
            (ColumnEncoding::Number(NumberEncoding::default()), "a, a is missing"),
            (ColumnEncoding::Boolean, "a, a is missing"),
            (ColumnEncoding::Category { categories: vec!["x".into()], other: true }, "a=x, a is another, a is missing"),
            (ColumnEncoding::Time(time), "a days, a month sine, a month cosine, a is missing"),
            (ColumnEncoding::Words { words: vec!["mr".into()] }, "a has \"mr\", a is missing"),
        ];
        for (encoding, expected) in cases {
            let column = TableColumn { name: "a".into(), encoding, missing_flag: true };
            assert_eq!(column.feature_names().join(", "), expected);
            assert_eq!(column.feature_names().len(), column.features());
        }
    }
}
