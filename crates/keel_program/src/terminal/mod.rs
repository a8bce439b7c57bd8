//! Output of the commands: results on standard output, progress and errors on standard error.

mod columns;
mod findings;
mod layers;
mod metrics;
mod output;
mod progress;
mod tables;
mod text;

pub(crate) use findings::{findings_text, inputs_finding, status_of};
pub(crate) use layers::{layers_table, shape_text};
pub(crate) use metrics::{
    classes_table, confusion_text, metric_text, metrics_line, metrics_table, percent, status_word, targets_table,
};
pub(crate) use output::{Form, Output, Status};
pub(crate) use progress::{Progress, timing_text};
pub(crate) use tables::{Align, fitting_tables, table};
pub(crate) use text::{count, loss_text, paragraphs, plural, time_text, wrapped};
