//! Guard.
pub mod admin;
