//! Models of other programs, read and written.

mod export;
mod import;
mod models;
mod python;
mod source;
mod torchvision;
