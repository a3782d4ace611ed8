//! A [`System`] that passes questions on to another one and notes them with their answers. The
//! analysis has no other door to the machine, so what is noted is all that a result rests on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use source::{DirEntry, FileKind, Stamp, System, SystemError};

use crate::inputs::{Answer, Question};
use crate::{Hash, Inputs};

/// The system of one run.
pub struct Recorder<'a> {
    system: &'a dyn System,
    answers: Mutex<FxHashMap<Question, Answer>>,
    /// Whether the same question got two answers.
    is_contradicted: AtomicBool,
}

impl<'a> Recorder<'a> {
    /// Passes on to `system`.
    pub fn new(system: &'a dyn System) -> Self {
        Self { system, answers: Mutex::default(), is_contradicted: AtomicBool::new(false) }
    }

    /// What was asked, in a run of `request`. `None` when the machine changed under the run in a way
    /// that showed: nothing may be kept of such a run.
    pub fn finish(self, request: Hash) -> Option<Inputs> {
        if self.is_contradicted.into_inner() {
            return None;
        }
        Some(Inputs::new(request, self.answers.into_inner().into_iter().collect()))
    }

    fn note(&self, question: Question, answer: Answer) {
        let known = self.answers.lock().insert(question, answer);
        if known.is_some_and(|known| known.hash != answer.hash) {
            self.is_contradicted.store(true, Ordering::Relaxed);
        }
    }
}

impl System for Recorder<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, SystemError> {
        let question = Question::Read(path.to_owned());
        let stamp = question.stamp(self.system);
        let content = self.system.read(path);
        self.note(question, Answer::of_read(content.as_deref(), stamp));
        content
    }

    fn read_dir(&self, path: &Path) -> Result<Vec<DirEntry>, SystemError> {
        let question = Question::ReadDir(path.to_owned());
        let stamp = question.stamp(self.system);
        let entries = self.system.read_dir(path);
        self.note(question, Answer::of_dir(entries.as_deref(), stamp));
        entries
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        let kind = self.system.kind(path);
        self.note(Question::Kind(path.to_owned()), Answer::of_kind(kind));
        kind
    }

    /// Stamps decide nothing in a run, so they are not noted.
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.system.stamp(path)
    }

    fn canonicalize(&self, path: &Path) -> PathBuf {
        let canonical = self.system.canonicalize(path);
        self.note(Question::Canonicalize(path.to_owned()), Answer::of_path(&canonical));
        canonical
    }

    fn current_dir(&self) -> PathBuf {
        let dir = self.system.current_dir();
        self.note(Question::CurrentDir, Answer::of_path(&dir));
        dir
    }

    fn env(&self, name: &str) -> Option<String> {
        let value = self.system.env(name);
        self.note(Question::Env(name.to_owned()), Answer::of_env(value.as_deref()));
        value
    }

    fn go(&self, dir: &Path, args: &[&str]) -> Result<String, SystemError> {
        let output = self.system.go(dir, args);
        let owned = args.iter().map(|&a| a.to_owned()).collect();
        self.note(Question::Go(dir.to_owned(), owned), Answer::of_go(output.as_deref()));
        output
    }
}
