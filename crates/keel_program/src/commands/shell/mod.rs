//! Files for the shell and the manual, written from the definition of the arguments.

pub(super) mod completions;
pub(super) mod man;
