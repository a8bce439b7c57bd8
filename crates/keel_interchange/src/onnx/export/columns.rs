//! Columns of a table as graph inputs: numbers, booleans and categories as in the source table, converted to features.

use std::collections::BTreeMap;

use keel_data::{ColumnEncoding, NumberEncoding, TableColumn, missing_texts, truth_texts};
use keel_onnx::evaluate::WORD_PATTERN;

use super::builder::{Builder, MACHINE_LEARNING, float, floats, integer, integers, string, strings};
use super::times;
use crate::InterchangeError;
use crate::onnx::schema::element;
use crate::onnx::{Data, Tensor};

/// Index of a text that is neither a category nor a missing marker.
const UNSEEN: i64 = -1;
/// Index of a text that marks a missing cell.
const MISSING: i64 = -2;

/// Returns the element type of a column's input, `[batch, 1]`.
pub(super) fn input_type(column: &TableColumn) -> i32 {
    match &column.encoding {
        ColumnEncoding::Number(number) if number.origin == 0.0 => element::FLOAT,
        ColumnEncoding::Number(_) | ColumnEncoding::Time(_) => element::DOUBLE,
        ColumnEncoding::Boolean | ColumnEncoding::Category { .. } | ColumnEncoding::Words { .. } => element::STRING,
    }
}

/// Returns the description of a column's input.
pub(super) fn input_words(column: &TableColumn) -> &'static str {
    match &column.encoding {
        ColumnEncoding::Number(_) => "number, NaN if missing",
        ColumnEncoding::Boolean => "text such as true, false, yes, no, 1, 0; empty if missing",
        ColumnEncoding::Category { .. } => "text; empty if missing",
        ColumnEncoding::Time(_) => "seconds since 1970-01-01, or since midnight for a time of day; NaN if missing",
        ColumnEncoding::Words { .. } => "text; empty if missing",
    }
}

/// Adds the nodes that convert the cells `input`, `[batch, 1]`, to features, `[batch, features]`. `markers` are
/// additional texts that mark a missing cell.
///
/// # Errors
/// Fails if no ONNX operation can parse the cells of the column.
pub(super) fn export(
    builder: &mut Builder,
    column: &TableColumn,
    input: &str,
    markers: &[String],
) -> Result<String, InterchangeError> {
    builder.enter(&format!("columns/{}", column.name));
    let flagged = column.missing_flag;
    Ok(match &column.encoding {
        ColumnEncoding::Number(encoding) => {
            let feature = number(builder, encoding, input, markers);
            with_flag(builder, feature, flagged)
        }
        ColumnEncoding::Boolean => {
            let feature = truth(builder, input);
            with_flag(builder, feature, flagged)
        }
        ColumnEncoding::Category { categories, other } => {
            let wanted = Categories { categories, other: *other, flagged };
            category(builder, &wanted, input, markers)
        }
        ColumnEncoding::Time(encoding) => times::export(builder, encoding, input, flagged),
        ColumnEncoding::Words { words } => word_features(builder, words, input, markers, flagged)?,
    })
}

/// First operator set version with an operation that finds words.
pub(super) const FINDS_WORDS: i64 = 20;

/// Adds one feature per word: 1 if the text contains it and is not a missing marker.
fn word_features(
    builder: &mut Builder,
    words: &[String],
    input: &str,
    markers: &[String],
    flagged: bool,
) -> Result<String, InterchangeError> {
    if builder.opset < FINDS_WORDS {
        return Err(InterchangeError::Export {
            part: "a column of texts, which became a feature for each of its words,".to_owned(),
            reason: format!("operator set {} has no operation that finds words", builder.opset),
            next: format!("give --opset {FINDS_WORDS}"),
        });
    }
    let indices = indices(&[], markers, true);
    let (keys, values): (Vec<String>, Vec<i64>) = indices.into_iter().unzip();
    let attributes =
        vec![strings("keys_strings", &keys), integers("values_int64s", &values), integer("default_int64", UNSEEN)];
    let index = builder.node_of("LabelEncoder", MACHINE_LEARNING, &[input], attributes);
    let marker = builder.constant("missing", Tensor::new([1, 1], Data::Int(vec![MISSING])));
    let missing = builder.node("Equal", &[&index, &marker], Vec::new());
    let missing = builder.cast(&missing, element::FLOAT);
    let one = builder.number("one", 1.0);
    let present = builder.node("Sub", &[&one, &missing], Vec::new());
    let mut features = Vec::new();
    for word in words {
        let pattern = format!("{}{word}{}", WORD_PATTERN[0], WORD_PATTERN[1]);
        let found = builder.node("RegexFullMatch", &[input], vec![string("pattern", &pattern)]);
        let found = builder.cast(&found, element::FLOAT);
        features.push(builder.node("Mul", &[&found, &present], Vec::new()));
    }
    features.extend(flagged.then_some(missing));
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    Ok(builder.node("Concat", &features, vec![integer("axis", 1)]))
}

/// Adds `(number - origin) / unit` in 64 bits; NaN for "no data" markers.
fn number(builder: &mut Builder, encoding: &NumberEncoding, input: &str, markers: &[String]) -> String {
    let wide = |builder: &mut Builder, name: &str, value: f64| {
        builder.constant(name, Tensor::new([], Data::Double(vec![value])))
    };
    let texts = markers.iter().chain(&encoding.missing_texts);
    let stand_ins: Vec<f64> =
        texts.filter_map(|text| text.trim().parse().ok()).filter(|n: &f64| n.is_finite()).collect();
    if encoding.origin == 0.0 && encoding.unit == 1.0 && encoding.no_data_from.is_none() && stand_ins.is_empty() {
        return input.to_owned();
    }
    let mut value = match encoding.origin == 0.0 {
        true => builder.cast(input, element::DOUBLE),
        false => input.to_owned(),
    };
    let nothing = wide(builder, "nothing", f64::NAN);
    if let Some(limit) = encoding.no_data_from {
        let limit = wide(builder, "no_data_from", limit);
        let size = builder.node("Abs", &[&value], Vec::new());
        let beyond = builder.node("GreaterOrEqual", &[&size, &limit], Vec::new());
        value = builder.node("Where", &[&beyond, &nothing, &value], Vec::new());
    }
    for stand_in in stand_ins {
        let marker = wide(builder, "missing_number", stand_in);
        let is_marker = builder.node("Equal", &[&value, &marker], Vec::new());
        value = builder.node("Where", &[&is_marker, &nothing, &value], Vec::new());
    }
    let (origin, unit) = (wide(builder, "origin", encoding.origin), wide(builder, "unit", encoding.unit));
    let moved = builder.node("Sub", &[&value, &origin], Vec::new());
    let scaled = builder.node("Div", &[&moved, &unit], Vec::new());
    builder.cast(&scaled, element::FLOAT)
}

/// Appends a missing flag to a feature, if requested.
fn with_flag(builder: &mut Builder, feature: String, flagged: bool) -> String {
    if !flagged {
        return feature;
    }
    let missing = builder.node("IsNaN", &[&feature], Vec::new());
    let flag = builder.cast(&missing, element::FLOAT);
    builder.node("Concat", &[&feature, &flag], vec![integer("axis", 1)])
}

/// Adds 1 for true, 0 for false, NaN for anything else.
fn truth(builder: &mut Builder, input: &str) -> String {
    let spellings = truth_texts()
        .into_iter()
        .flat_map(|(text, truth)| spellings(text).into_iter().map(move |text| (text, f32::from(u8::from(truth)))));
    let (keys, values): (Vec<String>, Vec<f32>) = spellings.unzip();
    let attributes =
        vec![strings("keys_strings", &keys), floats("values_floats", &values), float("default_float", f32::NAN)];
    builder.node_of("LabelEncoder", MACHINE_LEARNING, &[input], attributes)
}

struct Categories<'a> {
    categories: &'a [String],
    other: bool,
    flagged: bool,
}

/// Adds one feature per category and, if requested, one for all other texts and one for missing cells.
fn category(builder: &mut Builder, wanted: &Categories<'_>, input: &str, markers: &[String]) -> String {
    let Categories { categories, other, flagged } = wanted;
    let indices = indices(categories, markers, *other || *flagged);
    let default = if *other { categories.len() as i64 } else { UNSEEN };
    let (keys, values): (Vec<String>, Vec<i64>) = indices.into_iter().unzip();
    let attributes =
        vec![strings("keys_strings", &keys), integers("values_int64s", &values), integer("default_int64", default)];
    let index = builder.node_of("LabelEncoder", MACHINE_LEARNING, &[input], attributes);
    let mut features: Vec<i64> = (0..categories.len() as i64 + i64::from(*other)).collect();
    features.extend(flagged.then_some(MISSING));
    let features = builder.constant("categories", Tensor::new([1, features.len()], Data::Int(features)));
    let equal = builder.node("Equal", &[&index, &features], Vec::new());
    builder.cast(&equal, element::FLOAT)
}

/// Maps texts to indices: categories, whole numbers with decimals, and, if needed, missing markers in every spelling.
/// All other texts are unseen.
fn indices(categories: &[String], markers: &[String], tells_missing: bool) -> BTreeMap<String, i64> {
    let mut indices = BTreeMap::new();
    for (index, category) in categories.iter().enumerate() {
        indices.insert(category.clone(), index as i64);
    }
    for (index, category) in categories.iter().enumerate() {
        if category.bytes().all(|byte| byte.is_ascii_digit()) {
            indices.entry(format!("{category}.0")).or_insert(index as i64);
        }
    }
    if tells_missing {
        let usual = missing_texts().into_iter().flat_map(|text| spellings(&text));
        for text in usual.chain(markers.iter().map(|marker| marker.trim().to_owned())) {
            indices.entry(text).or_insert(MISSING);
        }
    }
    indices
}

/// Returns a text with its ASCII letters in every combination of cases.
fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for letter in text.chars() {
        let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
        let mut longer: Vec<String> = all.iter().map(|start| format!("{start}{lower}")).collect();
        if upper != lower {
            longer.extend(all.iter().map(|start| format!("{start}{upper}")));
        }
        all = longer;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spelled_in_every_case() {
        assert_eq!(spellings("n/a"), ["n/a", "N/a", "n/A", "N/A"]);
        assert_eq!(spellings(""), [""]);
    }

    #[test]
    fn categories_come_before_markers_and_decimals_of_whole_numbers_count() {
        let categories = ["1", "None"].map(String::from);
        let indices = indices(&categories, &["-9 ".to_owned()], true);
        let cases =
            [("1", 0), ("1.0", 0), ("None", 1), ("none", MISSING), ("-9", MISSING), ("", MISSING), (".A", MISSING)];
        for (text, index) in cases {
            assert_eq!(indices.get(text), Some(&index), "{text}");
        }
        assert_eq!(super::indices(&categories, &[], false).len(), 3);
    }
}
