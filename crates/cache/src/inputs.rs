//! What a run asked of the machine, with a hash of each answer, and whether the machine would answer
//! the same today.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use source::{DirEntry, FileKind, Stamp, System, SystemError};

use crate::Hash;

/// A question to the [`System`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    Read(PathBuf),
    ReadDir(PathBuf),
    Kind(PathBuf),
    Canonicalize(PathBuf),
    CurrentDir,
    Env(String),
    Go(PathBuf, Vec<String>),
}

/// What the machine said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub hash: Hash,
    /// While the path has this stamp, the answer is the same.
    pub stamp: Option<Stamp>,
}

/// All questions of a run with their answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Inputs {
    request: Hash,
    /// Sorted by question, each once.
    answers: Vec<(Question, Answer)>,
}

/// What [`Inputs::renew`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Renewal {
    /// How many answers are others now.
    pub changed: usize,
    /// How many stamps are others now, whether or not the answers are.
    pub restamped: usize,
}

impl Inputs {
    pub(crate) fn new(request: Hash, mut answers: Vec<(Question, Answer)>) -> Self {
        answers.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self { request, answers }
    }

    /// Asks everything again, on all cores, and keeps the new answers. What has the stamp that it
    /// had is not read.
    pub fn renew(&mut self, system: &dyn System) -> Renewal {
        let renewed = self.answers.par_iter_mut().with_min_len(64).map(|(question, answer)| {
            if answer.stamp.is_some() && question.stamp(system) == answer.stamp {
                return Renewal::default();
            }
            let now = question.ask(system);
            let renewal = Renewal {
                changed: usize::from(now.hash != answer.hash),
                restamped: usize::from(now.stamp != answer.stamp),
            };
            *answer = now;
            renewal
        });
        renewed.reduce(Renewal::default, |a, b| Renewal {
            changed: a.changed + b.changed,
            restamped: a.restamped + b.restamped,
        })
    }

    /// A hash of the request, the questions and the answers: what came of the run is kept under it.
    /// `None` when a path cannot be written down.
    pub fn digest(&self) -> Option<Hash> {
        let answers: Vec<(&Question, &Hash)> =
            self.answers.iter().map(|(q, a)| (q, &a.hash)).collect();
        Hash::of_value(&(&self.request, answers))
    }

    /// Whether `content` is what the run read from `path`.
    pub fn has_read(&self, path: &Path, content: &[u8]) -> bool {
        let question = Question::Read(path.to_owned());
        let found = self.answers.binary_search_by(|(q, _)| q.cmp(&question));
        found.is_ok_and(|at| self.answers[at].1.hash == Hash::of(content))
    }

    /// As bytes, for the store. `None` when a path cannot be written down.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(self).ok()
    }

    /// From the bytes that [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl Question {
    /// The stamp of what is asked about, if one can stand for the answer.
    pub(crate) fn stamp(&self, system: &dyn System) -> Option<Stamp> {
        match self {
            Self::Read(path) | Self::ReadDir(path) => system.stamp(path),
            _ => None,
        }
    }

    /// Asks, and hashes the answer. The stamp is taken before the content is read: a change in
    /// between shows in the next stamp.
    fn ask(&self, system: &dyn System) -> Answer {
        let stamp = self.stamp(system);
        match self {
            Self::Read(path) => Answer::of_read(system.read(path).as_deref(), stamp),
            Self::ReadDir(path) => Answer::of_dir(system.read_dir(path).as_deref(), stamp),
            Self::Kind(path) => Answer::of_kind(system.kind(path)),
            Self::Canonicalize(path) => Answer::of_path(&system.canonicalize(path)),
            Self::CurrentDir => Answer::of_path(&system.current_dir()),
            Self::Env(name) => Answer::of_env(system.env(name).as_deref()),
            Self::Go(dir, args) => {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                Answer::of_go(system.go(dir, &args).as_deref())
            }
        }
    }
}

impl Answer {
    pub fn of_read(content: Result<&[u8], &SystemError>, stamp: Option<Stamp>) -> Self {
        match content {
            Ok(content) => Self { hash: Hash::of(content), stamp },
            Err(error) => Self::of_error(error),
        }
    }

    /// The stamp of a folder does not tell what the links in it lead to.
    pub fn of_dir(entries: Result<&[DirEntry], &SystemError>, stamp: Option<Stamp>) -> Self {
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return Self::of_error(error),
        };
        let mut bytes = Vec::with_capacity(entries.len() * 24);
        for entry in entries {
            bytes.extend_from_slice(entry.name.as_bytes());
            bytes.extend_from_slice(&[0, number(Some(entry.kind)), u8::from(entry.is_symlink)]);
        }
        let has_links = entries.iter().any(|e| e.is_symlink);
        Self { hash: Hash::of(&bytes), stamp: stamp.filter(|_| !has_links) }
    }

    pub fn of_kind(kind: Option<FileKind>) -> Self {
        Self { hash: Hash::of(&[number(kind)]), stamp: None }
    }

    pub fn of_path(path: &Path) -> Self {
        Self { hash: Hash::of(path.as_os_str().as_encoded_bytes()), stamp: None }
    }

    /// The value itself is not kept: it may be a secret.
    pub fn of_env(value: Option<&str>) -> Self {
        let hash = Hash::of(format!("{value:?}").as_bytes());
        Self { hash, stamp: None }
    }

    pub fn of_go(output: Result<&str, &SystemError>) -> Self {
        match output {
            Ok(output) => Self { hash: Hash::of(output.as_bytes()), stamp: None },
            Err(error) => Self::of_error(error),
        }
    }

    /// No content has the hash of an error.
    fn of_error(error: &SystemError) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("unpanic: an error in place of an answer");
        hasher.update(error.to_string().as_bytes());
        Self { hash: Hash(*hasher.finalize().as_bytes()), stamp: None }
    }
}

fn number(kind: Option<FileKind>) -> u8 {
    match kind {
        None => 0,
        Some(FileKind::File) => 1,
        Some(FileKind::Dir) => 2,
        Some(FileKind::Other) => 3,
    }
}
