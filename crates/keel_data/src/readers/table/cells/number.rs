//! Parsing of numbers in common notations: decimal commas, thousands separators, percent and currency signs, and
//! parentheses for negative amounts.

use crate::dataset::{Grouping, NumberFormat};

/// Currency signs and codes, which may precede or follow an amount.
const CURRENCIES: &[&str] = &[
    "US$", "R$", "A$", "C$", "HK$", "NT$", "$", "€", "£", "¥", "￥", "₹", "₽", "₩", "₺", "₫", "₱", "฿", "₴", "₪", "元",
    "円", "zł", "Kč", "kr.", "kr", "Rs.", "Rs", "Fr.", "USD", "EUR", "GBP", "JPY", "CNY", "RMB", "CHF", "INR", "RUB",
    "KRW", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "BRL", "MXN", "ZAR", "TRY", "HKD", "SGD",
    "TWD", "THB", "ILS", "AED",
];

/// Maximum number of characters of a unit.
const LONGEST_UNIT: usize = 12;

/// Spaces used as thousands separators.
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// A number with the signs around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::readers::table) struct Amount<'a> {
    /// The number; infinite if written so or beyond the range of f64.
    pub(in crate::readers::table) value: f64,
    /// True if followed by a percent sign; the value is then divided by 100.
    pub(in crate::readers::table) percent: bool,
    /// Currency sign or code.
    pub(in crate::readers::table) currency: Option<&'a str>,
    /// True if digits were grouped.
    pub(in crate::readers::table) grouped: bool,
}

/// Parses `cell` as a number in `format`, or returns `None`. Any cell may omit grouping and signs.
pub(in crate::readers::table) fn parse(cell: &str, format: NumberFormat) -> Option<f64> {
    if !format.decimal_comma
        && starts_like_number(cell)
        && let Ok(value) = cell.parse()
    {
        return Some(value);
    }
    amount(cell, format).map(|amount| amount.value)
}

/// Removes the unit behind a number, also in its plural.
pub(in crate::readers::table) fn without_unit<'a>(cell: &'a str, unit: &str) -> &'a str {
    if unit.is_empty() {
        return cell;
    }
    let plural = || cell.strip_suffix('s').and_then(|rest| rest.strip_suffix(unit));
    cell.strip_suffix(unit).or_else(plural).map_or(cell, str::trim_end)
}

/// Returns the text behind the last digit of a cell if it can be a unit: a few letters or signs such as "km/h" and "°C".
pub(in crate::readers::table) fn unit_behind(cell: &str) -> Option<&str> {
    let end = cell.rfind(|c: char| c.is_ascii_digit())? + 1;
    let unit = cell[end..].trim();
    let is_letter = |c: char| c.is_alphabetic() || "°\"'′″".contains(c);
    let fits = unit.chars().all(|c| is_letter(c) || " /.²³·".contains(c)) && unit.chars().any(is_letter);
    (fits && unit.chars().count() <= LONGEST_UNIT).then_some(unit)
}

fn starts_like_number(cell: &str) -> bool {
    match cell.as_bytes() {
        [b'-' | b'+' | b'.', second, ..] => second.is_ascii_digit() || *second == b'.',
        [first, ..] => first.is_ascii_digit(),
        [] => false,
    }
}

/// Parses like [`parse`], and also returns the signs around the number.
pub(in crate::readers::table) fn amount<'a>(cell: &'a str, format: NumberFormat) -> Option<Amount<'a>> {
    let mut found = Amount { value: 0.0, percent: false, currency: None, grouped: false };
    let (mut body, mut negative, mut signed) = (cell.trim(), false, false);
    if let Some(inner) = body.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (body, negative, signed) = (inner.trim(), true, true);
    }
    loop {
        if let Some(rest) = body.strip_prefix(['-', '+', '−']).filter(|_| !signed) {
            (negative, signed) = (!body.starts_with('+'), true);
            body = rest.trim_start();
        } else if let Some((rest, currency)) = without_currency(body, found.currency) {
            (body, found.currency) = (rest, Some(currency));
        } else if let Some(rest) = body.strip_suffix('%').filter(|_| !found.percent) {
            (body, found.percent) = (rest.trim_end(), true);
        } else if let Some(rest) = body.strip_suffix(['-', '−']).filter(|_| !signed) {
            (body, negative, signed) = (rest.trim_end(), true, true);
        } else {
            break;
        }
    }
    let size = size(body, format, &mut found.grouped)?;
    found.value = if negative { -size } else { size } / if found.percent { 100.0 } else { 1.0 };
    Some(found)
}

/// Removes the currency before or after `body`.
fn without_currency<'a>(body: &'a str, known: Option<&str>) -> Option<(&'a str, &'a str)> {
    let outer_is_digit = |end: Option<char>| end.is_some_and(|c| c.is_ascii_digit());
    if known.is_some() || outer_is_digit(body.chars().next()) && outer_is_digit(body.chars().next_back()) {
        return None;
    }
    CURRENCIES.iter().find_map(|currency| {
        let before = body.strip_prefix(currency).map(|rest| (rest.trim_start(), &body[..currency.len()]));
        let behind = || body.strip_suffix(currency).map(|rest| (rest.trim_end(), &body[rest.len()..]));
        before.or_else(behind)
    })
}

/// Parses the number without signs.
fn size(body: &str, format: NumberFormat, grouped: &mut bool) -> Option<f64> {
    if ["inf", "infinity", "∞"].iter().any(|word| body.eq_ignore_ascii_case(word)) {
        return Some(f64::INFINITY);
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(place) => (&body[..place], Some(&body[place + 1..])),
        None => (body, None),
    };
    let decimal = if format.decimal_comma { ',' } else { '.' };
    let (whole, decimals) = match mantissa.split_once(decimal) {
        Some((whole, decimals)) => (whole, decimals),
        None => (mantissa, ""),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(decimals) || whole.is_empty() && decimals.is_empty() {
        return None;
    }
    let mut digits = String::with_capacity(body.len());
    if all_digits(whole) {
        digits.push_str(whole);
    } else {
        *grouped = true;
        push_groups(whole, format.grouping, &mut digits)?;
    }
    digits.push('.');
    digits.push_str(decimals);
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.is_empty() || unsigned.len() > 4 || !all_digits(unsigned) {
            return None;
        }
        digits.push('e');
        digits.push_str(exponent);
    }
    digits.parse().ok()
}

/// Appends the digits of groups as in 1,234,567 (or 12,34,567, as in India): the last group has three digits, and the
/// first does not begin with 0.
fn push_groups(whole: &str, grouping: Grouping, digits: &mut String) -> Option<()> {
    let groups: Vec<&str> = match grouping {
        Grouping::None => return None,
        Grouping::Comma => whole.split(',').collect(),
        Grouping::Point => whole.split('.').collect(),
        Grouping::Space => whole.split(SPACES).collect(),
        Grouping::Apostrophe => whole.split(['\'', '’']).collect(),
    };
    let (last, before) = groups.split_last()?;
    let (first, middle) = before.split_first()?;
    let fits = (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && middle.iter().all(|group| (2..=3).contains(&group.len()))
        && last.len() == 3;
    if !fits || !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    groups.iter().for_each(|group| digits.push_str(group));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: NumberFormat = NumberFormat { decimal_comma: true, grouping: Grouping::None };

    fn grouped(decimal_comma: bool, grouping: Grouping) -> NumberFormat {
        NumberFormat { decimal_comma, grouping }
    }

    #[test]
    fn numbers_of_all_kinds_are_read() {
        let cases = [
            ("1.5", NumberFormat::PLAIN, 1.5),
            ("+1.5e3", NumberFormat::PLAIN, 1500.0),
            (".5", NumberFormat::PLAIN, 0.5),
            ("5.", NumberFormat::PLAIN, 5.0),
            ("−3", NumberFormat::PLAIN, -3.0),
            ("3-", NumberFormat::PLAIN, -3.0),
            ("1,5", COMMA, 1.5),
            ("-0,25", COMMA, -0.25),
            ("1,5E-2", COMMA, 0.015),
            ("1,234,567.5", grouped(false, Grouping::Comma), 1_234_567.5),
            ("12,34,567", grouped(false, Grouping::Comma), 1_234_567.0),
            ("1.234.567,5", grouped(true, Grouping::Point), 1_234_567.5),
            ("1 234 567,5", grouped(true, Grouping::Space), 1_234_567.5),
            ("1\u{a0}234", grouped(false, Grouping::Space), 1_234.0),
            ("1'234", grouped(false, Grouping::Apostrophe), 1_234.0),
            ("12 %", NumberFormat::PLAIN, 0.12),
            ("12,5%", COMMA, 0.125),
            ("$1,200", grouped(false, Grouping::Comma), 1_200.0),
            ("-$5", NumberFormat::PLAIN, -5.0),
            ("$-5", NumberFormat::PLAIN, -5.0),
            ("1.200,50 €", grouped(true, Grouping::Point), 1_200.5),
            ("EUR 3", NumberFormat::PLAIN, 3.0),
            ("3 USD", NumberFormat::PLAIN, 3.0),
            ("(1,200.00)", grouped(false, Grouping::Comma), -1_200.0),
            ("($ 7)", NumberFormat::PLAIN, -7.0),
            ("inf", NumberFormat::PLAIN, f64::INFINITY),
            ("-Infinity", NumberFormat::PLAIN, f64::NEG_INFINITY),
        ];
        for (cell, format, expected) in cases {
            assert_eq!(parse(cell, format), Some(expected), "{cell}");
        }
    }

    #[test]
    fn units_are_found_and_removed() {
        let cases = [
            ("5.2 kg", Some("kg"), "5.2"),
            ("80km/h", Some("km/h"), "80"),
            ("-3 °C", Some("°C"), "-3"),
            ("12 m²", Some("m²"), "12"),
            ("5\"", Some("\""), "5"),
            ("7", None, "7"),
            ("kg", None, "kg"),
            ("5.", None, "5."),
            ("5 (about)", None, "5 (about)"),
            ("5 of those over there", None, "5 of those over there"),
        ];
        for (cell, unit, number) in cases {
            assert_eq!(
                (unit_behind(cell), without_unit(cell, unit.unwrap_or("kg"))),
                (unit, if cell == "kg" { "" } else { number }),
                "{cell}"
            );
        }
        assert_eq!((without_unit("2 years", "year"), without_unit("2 g", "kg")), ("2", "2 g"));
    }

    #[test]
    fn other_texts_are_no_numbers() {
        let comma_groups = grouped(false, Grouping::Comma);
        let cases = [
            ("", NumberFormat::PLAIN),
            ("-", NumberFormat::PLAIN),
            ("1,5", NumberFormat::PLAIN),
            ("1.5", COMMA),
            ("0,123", comma_groups),
            ("12,3", comma_groups),
            ("1234,567", comma_groups),
            ("1,,234", comma_groups),
            ("12x", NumberFormat::PLAIN),
            ("$", NumberFormat::PLAIN),
            ("%", NumberFormat::PLAIN),
            ("1e", NumberFormat::PLAIN),
            ("--1", NumberFormat::PLAIN),
            ("1-2", NumberFormat::PLAIN),
            ("(-1)", NumberFormat::PLAIN),
            ("1.2.3", NumberFormat::PLAIN),
            ("nan", NumberFormat::PLAIN),
        ];
        for (cell, format) in cases {
            assert_eq!(parse(cell, format), None, "{cell}");
        }
    }
}
