//! A verdict, shown: one way a file.

mod chart;
mod html;
mod junit;
mod markdown;
mod text;

pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use text::{load_text, text};

use crate::Verdict;

/// The verdict as one JSON object on one line.
pub fn json(verdict: &Verdict) -> String {
    let text = serde_json::to_string(verdict).expect("plain data is always JSON");
    text + "\n"
}
