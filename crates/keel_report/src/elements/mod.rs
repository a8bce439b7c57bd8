//! Pieces of HTML shared by the sections of a report and the page of the doctor.

mod captioned;
mod definitions;
mod finding_tags;
mod metric_title;
mod original;
mod table;
mod translated;

pub(crate) use captioned::captioned;
pub(crate) use definitions::definitions;
pub(crate) use finding_tags::FindingTags;
pub(crate) use metric_title::chinese_title;
pub(crate) use original::original;
pub(crate) use table::{scoped_titles, table, titles};
pub(crate) use translated::translated;
