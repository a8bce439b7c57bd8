//! Commands that treat the findings of the health rules: test a finding, apply its remedy, or both in turn until training
//! works.

mod chosen_remedy;
pub(crate) mod doctor;
pub(crate) mod fix;
pub(crate) mod prove;
mod results;
