//! The studio from the client's side: a real server and plain sockets.

mod actions;
mod client;
mod fixture;
mod listing;
mod live;
mod pages;
mod security;
mod speed;
