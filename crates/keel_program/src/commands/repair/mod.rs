//! The commands that treat the findings of the health rules: a finding is tested, its remedy applied, and both in turn until
//! the training works.

mod chosen_remedy;
pub(crate) mod doctor;
pub(crate) mod fix;
pub(crate) mod prove;
mod results;
