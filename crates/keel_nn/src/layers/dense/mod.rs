//! Layers of rows of numbers: every output sees all inputs, or all of its group.

mod linear;
mod linear_groups;
mod maxout;
mod members;

pub use linear::{Linear, LinearSpec};
pub use maxout::{Maxout, MaxoutSpec};
pub use members::{Members, MembersSpec};
