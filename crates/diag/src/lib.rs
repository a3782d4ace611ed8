//! What unpanic says: findings and problems as typed data, and every way to print them. Separate,
//! so that rules decide *what* is wrong without knowing how it is shown, and so that nothing but
//! this crate and the binary serialises a finding.

mod archive;
mod escape;
mod finding;
mod fingerprint;
mod place;
mod problem;
mod record;
pub mod render;
mod rule;

pub use archive::Archive;
pub use escape::{clean, clean_line, markup};
pub use finding::{
    Access, AccessKind, Applicability, Confidence, Edit, Finding, Fix, Frame, Goroutine,
    GoroutineKind, Note, NoteKind, Severity, Status,
};
pub use fingerprint::{assign_fingerprints, sort_findings, stable_hash};
pub use place::{Resolver, relative_path};
pub use problem::{ExitClass, Problem, ProblemKind, ProblemPlace};
pub use record::{
    AccessRecord, EditRecord, FindingRecord, FixRecord, FrameRecord, GoroutineRecord, NoteRecord,
    PlaceRecord, ProblemRecord,
};
pub use rule::{RuleMeta, Stability};
