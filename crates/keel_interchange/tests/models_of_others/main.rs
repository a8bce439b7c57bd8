//! Reading and writing of other programs' models.

mod export;
mod import;
mod models;
mod python;
mod source;
mod torchvision;
