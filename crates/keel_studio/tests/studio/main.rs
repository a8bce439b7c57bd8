//! The studio as its clients meet it: a real server and plain sockets.

mod actions;
mod client;
mod fixture;
mod listing;
mod live;
mod pages;
mod security;
mod speed;
