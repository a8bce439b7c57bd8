//! Commands whose result is read in a browser.

pub(crate) mod lab;
pub(crate) mod report;
pub(crate) mod studio;
