//! Commands of the program, each file one command or one question a user asks.

mod bench;
mod documents;
mod front_door;
mod health;
mod image_folders;
mod interchange;
mod lab;
mod listings;
mod manners;
mod predict;
#[path = "../program/mod.rs"]
mod program;
mod refusals;
mod remedies;
mod report;
mod results;
mod studio;
mod tables;
mod training;
mod user_defaults;
