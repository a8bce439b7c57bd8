//! The commands that treat what the health rules find: a finding put to the test, its remedy applied, and both in turn until
//! the training works.

mod chosen_remedy;
pub(crate) mod doctor;
pub(crate) mod fix;
pub(crate) mod prove;
mod results;
