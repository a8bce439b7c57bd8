//! Dates and times of day as features: from seconds to days and to the positions in the year, the week and the day.

use keel_data::{TimeEncoding, TimePart};

use super::builder::{Builder, integer};
use crate::onnx::schema::element;
use crate::onnx::{Data, Tensor};

const SECONDS_OF_A_DAY: f64 = 86_400.0;

/// Arithmetic on a 64-bit value.
struct Wide<'a> {
    builder: &'a mut Builder,
}

impl Wide<'_> {
    fn number(&mut self, value: f64) -> String {
        self.builder.constant("number", Tensor::new([], Data::Double(vec![value])))
    }

    fn with(&mut self, operation: &str, value: &str, number: f64) -> String {
        let number = self.number(number);
        self.builder.node(operation, &[value, &number], Vec::new())
    }

    fn both(&mut self, operation: &str, left: &str, right: &str) -> String {
        self.builder.node(operation, &[left, right], Vec::new())
    }

    /// Adds the integer part of `value / number`.
    fn quotient(&mut self, value: &str, number: f64) -> String {
        let ratio = self.with("Div", value, number);
        self.builder.node("Floor", &[&ratio], Vec::new())
    }

    /// Adds the remainder of `value` divided by `number`.
    fn remainder(&mut self, value: &str, number: f64) -> String {
        let quotient = self.quotient(value, number);
        let multiple = self.with("Mul", &quotient, number);
        self.both("Sub", value, &multiple)
    }
}

/// Adds the features of the seconds `input`, `[batch, 1]` in 64 bits; with `flagged`, a missing flag follows.
pub(super) fn export(builder: &mut Builder, encoding: &TimeEncoding, input: &str, flagged: bool) -> String {
    let mut wide = Wide { builder };
    let day = wide.quotient(input, SECONDS_OF_A_DAY);
    let mut features = Vec::new();
    for part in &encoding.parts {
        let turn = match part {
            TimePart::Days => {
                let elapsed = wide.with("Sub", input, encoding.origin);
                let days = wide.with("Div", &elapsed, SECONDS_OF_A_DAY);
                features.push(wide.builder.cast(&days, element::FLOAT));
                continue;
            }
            TimePart::Year => place_in_year(&mut wide, &day),
            TimePart::Week => {
                // 1970 began on a Thursday, three days after a Monday.
                let from_monday = wide.with("Add", &day, 3.0);
                let weekday = wide.remainder(&from_monday, 7.0);
                wide.with("Div", &weekday, 7.0)
            }
            TimePart::Day => {
                let second = wide.remainder(input, SECONDS_OF_A_DAY);
                wide.with("Div", &second, SECONDS_OF_A_DAY)
            }
        };
        let angle = wide.with("Mul", &turn, std::f64::consts::TAU);
        let angle = wide.builder.cast(&angle, element::FLOAT);
        for wave in ["Sin", "Cos"] {
            features.push(wide.builder.node(wave, &[&angle], Vec::new()));
        }
    }
    if flagged {
        let narrow = wide.builder.cast(input, element::FLOAT);
        let missing = wide.builder.node("IsNaN", &[&narrow], Vec::new());
        features.push(wide.builder.cast(&missing, element::FLOAT));
    }
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    wide.builder.node("Concat", &features, vec![integer("axis", 1)])
}

/// Adds `(month - 1 + (day of month - 1) / 31) / 12` of a day since 1970, by the algorithm of H. Hinnant
/// ("chrono-compatible low-level date algorithms"): years that begin in March, in eras of 400.
fn place_in_year(wide: &mut Wide<'_>, day: &str) -> String {
    let shifted = wide.with("Add", day, 719_468.0);
    let day_of_era = wide.remainder(&shifted, 146_097.0);
    let (fours, hundreds) = (wide.quotient(&day_of_era, 1_460.0), wide.quotient(&day_of_era, 36_524.0));
    let last = wide.quotient(&day_of_era, 146_096.0);
    let less = wide.both("Sub", &day_of_era, &fours);
    let more = wide.both("Add", &less, &hundreds);
    let days_of_years = wide.both("Sub", &more, &last);
    let year = wide.quotient(&days_of_years, 365.0);
    let (whole, leap, none) = (wide.with("Mul", &year, 365.0), wide.quotient(&year, 4.0), wide.quotient(&year, 100.0));
    let before = wide.both("Add", &whole, &leap);
    let before = wide.both("Sub", &before, &none);
    let day_of_year = wide.both("Sub", &day_of_era, &before);
    let fives = wide.with("Mul", &day_of_year, 5.0);
    let fives = wide.with("Add", &fives, 2.0);
    let from_march = wide.quotient(&fives, 153.0);
    let spans = wide.with("Mul", &from_march, 153.0);
    let spans = wide.with("Add", &spans, 2.0);
    let first_of_month = wide.quotient(&spans, 5.0);
    let day_of_month = wide.both("Sub", &day_of_year, &first_of_month);
    let month = wide.with("Add", &from_march, 2.0);
    let month = wide.remainder(&month, 12.0);
    let share = wide.with("Div", &day_of_month, 31.0);
    let place = wide.both("Add", &month, &share);
    wide.with("Div", &place, 12.0)
}
