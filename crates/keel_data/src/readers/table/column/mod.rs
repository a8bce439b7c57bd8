//! Classification of feature columns: number, category, boolean, time, words, or left out.

mod numbers;

use crate::dataset::{
    Became, ColumnEncoding, ColumnKind, ColumnReason, ColumnReport, ColumnUse, DateOrder, DateOrderBasis, TableColumn,
    TextReason, TextUse, TimeEncoding, TimeReason,
};
use crate::error::DataError;
use crate::readers::table::category::{CATEGORIES, choose, is_mostly_distinct};
use crate::readers::table::missing::Missing;
use crate::readers::table::moment::Moment;
use crate::readers::table::number::unit_behind;
use crate::readers::table::number_format::{Fitting, fitting};
use crate::readers::table::raw::{Cells, RawTable};
use crate::readers::table::tally::Tally;
use crate::readers::table::truth::truth_of;
use crate::readers::table::{time_column, words};

/// Share of distinct cells above which texts are names of rows.
const NAMES_SHARE: f64 = 0.95;
/// Minimum number of missing cells for a missing flag, and their minimum share of all rows.
const FLAG_CELLS: usize = 2;
const FLAG_SHARE: f64 = 0.001;
/// Average words per cell above which texts are read word by word, and above which they are prose.
const WORDS_OF_TITLES: f64 = 1.5;
const WORDS_OF_PROSE: f64 = 4.0;

/// A column after counting, before the table's decimal sign is known.
#[derive(Debug)]
pub(super) struct Counted<'a> {
    pub(super) tally: Tally<'a>,
    pub(super) fitting: Option<Fitting>,
    /// Unit behind every number, which the cells of `tally` lack; empty if there is none.
    pub(super) unit: String,
}

/// Facts about the table that affect the use of its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) table: &'a RawTable,
    /// Rows used for the decision.
    pub(super) rows: &'a [usize],
    pub(super) missing: Missing<'a>,
    pub(super) has_decimal_commas: bool,
    /// Column of `data.time`; elapsed time is not a feature, because the test split is later than the training split.
    pub(super) time: Option<usize>,
}

/// Use of a column.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) report: ColumnReport,
    /// Encoding; `None` if the column is left out.
    pub(super) encoding: Option<TableColumn>,
    pub(super) notes: Vec<String>,
}

/// Counts the cells of a column.
pub(super) fn count<'a>(cells: &'a Cells, rows: &[usize], missing: Missing) -> Counted<'a> {
    let tally = Tally::new(cells, rows, missing);
    let found = if matches!(cells, Cells::Times(_)) { None } else { fitting(&tally) };
    if found.is_none()
        && let Some(unit) = common_unit(&tally)
    {
        let numbers = tally.without_unit(&unit);
        if let Some(found) = fitting(&numbers).filter(|found| found.stray_cells == 0) {
            return Counted { tally: numbers, fitting: Some(found), unit };
        }
    }
    Counted { tally, fitting: found, unit: String::new() }
}

/// Returns the unit behind all numbers of a column, in its singular.
fn common_unit(tally: &Tally) -> Option<String> {
    let mut units = tally.present.iter().map(|(text, _)| unit_behind(text));
    let first = units.next()??;
    let mut unit = first;
    for next in units {
        let next = next?;
        match () {
            () if next == unit || next.strip_suffix('s') == Some(unit) => {}
            () if unit.strip_suffix('s') == Some(next) => unit = next,
            () => return None,
        }
    }
    Some(unit.to_string())
}

/// A column being classified.
pub(super) struct Judged<'a> {
    pub(super) known: Known<'a>,
    pub(super) column: usize,
    pub(super) counted: Counted<'a>,
}

/// Decides the use of a column.
///
/// # Errors
/// Fails if a cell is a mistake in its column.
pub(super) fn decide(column: usize, counted: Counted, known: Known) -> Result<Decision, DataError> {
    let mut judged = Judged { known, column, counted };
    let tally = &judged.counted.tally;
    if tally.cells() == 0 {
        return Ok(judged.left_out(ColumnKind::Constant, ColumnReason::AllMissing));
    }
    if tally.distinct() == 1 {
        return Ok(judged.constant());
    }
    if matches!(known.table.columns[column].cells, Cells::Times(_)) || time_column::are_compact_dates(tally) {
        return judged.time(time_column::Times { order: DateOrder::DayFirst, basis: DateOrderBasis::Irrelevant });
    }
    if let Some(fitting) = judged.counted.fitting.take() {
        return numbers::decide(judged, &fitting);
    }
    if tally.present.iter().all(|(text, _)| truth_of(text).is_some()) {
        let text = |index: usize| tally.present[index].0.to_string();
        let reason = ColumnReason::Truth { first: text(0), last: text(tally.distinct() - 1) };
        return Ok(judged.kept(ColumnKind::Boolean, ColumnEncoding::Boolean, reason));
    }
    if let Some(times) = time_column::recognise(tally, known.has_decimal_commas) {
        return judged.time(times);
    }
    Ok(judged.texts())
}

impl<'a> Judged<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.known.table.columns[self.column].name
    }

    fn report(&self, usage: ColumnUse) -> ColumnReport {
        let tally = &self.counted.tally;
        ColumnReport::new(self.name().to_string(), tally.missing(), tally.distinct(), usage)
    }

    /// Returns the decision for a column that is left out, except for a flag if cells are missing.
    pub(super) fn left_out(&self, kind: ColumnKind, reason: ColumnReason) -> Decision {
        let has_flag = self.has_flag() && self.counted.tally.cells() > 0;
        let nothing = ColumnEncoding::Category { categories: Vec::new(), other: false };
        let encoding =
            has_flag.then(|| TableColumn { name: self.name().to_string(), encoding: nothing, missing_flag: true });
        let became = encoding.as_ref().map_or(Became::LEFT_OUT, Became::of);
        Decision { report: self.report(ColumnUse { kind, became, reason }), encoding, notes: Vec::new() }
    }

    fn constant(&self) -> Decision {
        let value = &self.counted.tally.present[0].0;
        let value = value.chars().take(20).collect();
        let some_missing = self.counted.tally.missing() > 0;
        self.left_out(ColumnKind::Constant, ColumnReason::OneValue { value, some_missing })
    }

    /// Returns the decision for a column with features.
    pub(super) fn kept(&self, kind: ColumnKind, encoding: ColumnEncoding, reason: ColumnReason) -> Decision {
        let column = TableColumn { name: self.name().to_string(), encoding, missing_flag: self.has_flag() };
        let report = self.report(ColumnUse { kind, became: Became::of(&column), reason });
        Decision { report, encoding: Some(column), notes: Vec::new() }
    }

    /// Returns true if enough cells are missing for a missing flag.
    fn has_flag(&self) -> bool {
        let missing = self.counted.tally.missing();
        missing >= FLAG_CELLS && missing as f64 >= FLAG_SHARE * self.known.rows.len() as f64
    }

    fn time(&self, times: time_column::Times) -> Result<Decision, DataError> {
        let (known, cells) = (self.known, &self.known.table.columns[self.column].cells);
        let mut moments: Vec<Moment> = Vec::with_capacity(known.rows.len());
        for &row in known.rows {
            let text = cells.text(row);
            let moment = match cells {
                Cells::Times(seconds) if seconds[row].is_nan() => continue,
                Cells::Times(seconds) => Some(Moment::of_seconds(seconds[row])),
                _ if known.missing.holds(&text) => continue,
                _ => time_column::read(&text, times.order),
            };
            moments.push(moment.ok_or_else(|| {
                let what = format!("\"{text}\" is not a date or time, as the rest of the column is");
                let next = "Correct the cell, or leave it empty to mark it as missing";
                known.table.cell_error(row, self.column, what, next)
            })?);
        }
        let with_elapsed = known.time != Some(self.column);
        let encoding: TimeEncoding = time_column::encoding(&moments, times.order, with_elapsed);
        if encoding.parts.is_empty() {
            return Ok(self.left_out(ColumnKind::Time, ColumnReason::Times(TimeReason::OrdersRowsOnly)));
        }
        let time_column::Times { order, basis } = times;
        let reason = match with_elapsed {
            true => TimeReason::Features { order, basis, parts: encoding.parts.clone() },
            false => TimeReason::OrdersRowsWithPeriods,
        };
        Ok(self.kept(ColumnKind::Time, ColumnEncoding::Time(encoding), ColumnReason::Times(reason)))
    }

    /// Classifies text that is neither boolean nor a time.
    fn texts(mut self) -> Decision {
        self.counted.tally = self.counted.tally.with_marker_categories();
        let tally = &self.counted.tally;
        let per_cell = words::words_per_cell(tally);
        let is_mostly_distinct = is_mostly_distinct(tally);
        let (distinct, cells) = (tally.distinct(), tally.cells());
        let reason = |usage: TextUse| ColumnReason::Texts(TextReason { distinct, usage });
        if is_mostly_distinct && per_cell >= WORDS_OF_TITLES {
            let words = words::recurring(tally);
            if !words.is_empty() {
                let reason = reason(TextUse::RecurringWords);
                return self.kept(ColumnKind::Text, ColumnEncoding::Words { words }, reason);
            }
        }
        let chosen = choose(tally);
        if chosen.names.is_empty() || is_mostly_distinct && distinct as f64 >= NAMES_SHARE * cells as f64 {
            let kind = if per_cell >= WORDS_OF_PROSE { ColumnKind::Text } else { ColumnKind::Identifier };
            return self.left_out(kind, reason(TextUse::TooDifferent { cells }));
        }
        let count = chosen.names.len();
        let usage = match chosen.other {
            false => TextUse::AllCategories,
            true if count + 1 == CATEGORIES => TextUse::MostFrequentCategories { count },
            true => TextUse::FrequentCategories { rows: chosen.least.max(2) },
        };
        let encoding = ColumnEncoding::Category { categories: chosen.names, other: chosen.other };
        self.kept(ColumnKind::Category, encoding, reason(usage))
    }
}
