//! The model on traces made by hand: what each goroutine did, windows, summaries, who met whom.

mod conflict;
mod model;
mod perfetto;
mod window;
