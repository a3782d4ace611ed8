//! Remembers on disk what a run made of its inputs. It knows what was asked of the machine and what
//! the answers were, and nothing of Go, of findings or of rules: values are bytes to it.
//!
//! A run goes through a [`Recorder`], which notes every question to the [`System`](source::System)
//! with a hash of its answer: files and folders that were read, paths that were looked for and not
//! there, environment variables. These [`Inputs`] are kept under a hash of the request; the result
//! under a hash of the request *and* of all answers ([`Inputs::digest`]). The next run of the same
//! request asks the questions again ([`Inputs::renew`]). Equal answers lead to the same result,
//! because a run knows nothing of the machine but what it asked.
//!
//! Most questions are answered without reading: a file whose [`Stamp`](source::Stamp) is as it was
//! has the content that it had. [`Store`] keeps the entries: whole or not at all, bounded in size,
//! for several processes at once; what is damaged counts as absent.

mod hash;
mod inputs;
mod recorder;
mod store;
#[cfg(test)]
mod tests;

pub use hash::Hash;
pub use inputs::{Inputs, Renewal};
pub use recorder::Recorder;
pub use store::{Kind, Store};
