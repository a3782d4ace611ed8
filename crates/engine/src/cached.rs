//! [`check`] with a memory: the report of an earlier run is given again when everything that the run
//! asked of the machine would be answered as it was. What is printed is the same, byte for byte.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use cache::{Hash, Inputs, Kind, Recorder, Renewal, Store};
use diag::{Archive, ProblemKind};
use serde::{Deserialize, Serialize};
use source::{FileId, SourceFile, SourceMap, System};

use crate::{CacheUse, CheckReport, CheckRequest, Progress, Statistics, check};

/// Where reports are remembered.
#[derive(Clone, Debug)]
pub struct ResultCache {
    /// The entries.
    pub store: Store,
    /// The running program: another version of it may find other things. `None` when the program
    /// cannot change between two runs (in tests).
    pub tool: Option<PathBuf>,
}

/// A report as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredReport {
    archive: Archive,
    /// The text of those files of the archive that are not on disk: stand-ins for missing packages.
    texts: Vec<Option<Vec<u8>>>,
    fingerprints: Vec<String>,
    statistics: Statistics,
}

/// Like [`check`], and as fast as looking at the inputs when nothing in them has changed.
pub fn check_cached(
    request: &CheckRequest<'_>,
    progress: &dyn Progress,
    cache: &ResultCache,
) -> CheckReport {
    let Some(key) = request_key(request, cache.tool.as_deref()) else {
        return check(request, progress);
    };
    if let Some(report) = remembered(request, cache, &key) {
        return report;
    }
    cache.store.prepare();
    let recorder = Recorder::new(request.system);
    let recorded = CheckRequest { system: &recorder, ..request.clone() };
    let (mut report, tool) = thread::scope(|scope| {
        // The program is large; hashing it must not keep the analysis waiting.
        let (tool, recorder) = (cache.tool.as_deref(), &recorder);
        let tool = scope.spawn(move || tool.is_none_or(|path| recorder.read(path).is_ok()));
        (check(&recorded, progress), tool.join())
    });
    let is_known = tool.unwrap_or(false);
    let kept = if is_known {
        remember(&report, recorder, cache, key)
    } else {
        Err("the running program cannot be read".to_owned())
    };
    report.statistics.cache = match kept {
        Ok(()) => CacheUse::Stored,
        Err(reason) => CacheUse::NotStored(reason),
    };
    report
}

/// A hash of everything in the request that the machine is not asked for. Taken apart, so that a new
/// field is not forgotten.
fn request_key(request: &CheckRequest<'_>, tool: Option<&Path>) -> Option<Hash> {
    let CheckRequest {
        system: _,
        dir,
        patterns,
        target,
        rules,
        min_confidence,
        knowledge,
        deps,
        exclude,
        baseline,
    } = request;
    let codes: Vec<&str> = rules.rules().iter().map(|r| r.meta.code).collect();
    let filters = (min_confidence, deps, exclude, baseline);
    Hash::of_value(&("check", tool, dir, patterns, target, codes, knowledge, filters))
}

/// The report of an earlier run that the machine would answer in the same way.
fn remembered(request: &CheckRequest<'_>, cache: &ResultCache, key: &Hash) -> Option<CheckReport> {
    let store = &cache.store;
    let mut inputs = Inputs::from_bytes(&store.get(Kind::Inputs, key)?)?;
    let renewal = inputs.renew(request.system);
    let stored = store.get(Kind::Result, &inputs.digest()?)?;
    let report = open(&stored, &inputs, request.system)?;
    if renewal != Renewal::default()
        && let Some(bytes) = inputs.to_bytes()
    {
        // The next run need not read again what this one has; if that fails, it reads again.
        let _ = store.put(Kind::Inputs, key, &bytes);
    }
    Some(report)
}

fn open(stored: &[u8], inputs: &Inputs, system: &dyn System) -> Option<CheckReport> {
    let StoredReport { archive, texts, fingerprints, mut statistics } =
        postcard::from_bytes(stored).ok()?;
    let sources = SourceMap::new();
    let mut texts = texts.into_iter();
    for path in archive.files() {
        let text = match texts.next()? {
            Some(text) => text,
            None => system.read(path).ok().filter(|text| inputs.has_read(path, text))?,
        };
        sources.add(SourceFile::new(path, text));
    }
    let (findings, problems) = archive.open(|code| Some(rules::find(code)?.meta))?;
    statistics.cache = CacheUse::Hit;
    let sources = Arc::new(sources);
    Some(CheckReport { findings, fingerprints, problems, statistics, sources })
}

/// Keeps the report and what it rests on, or says why not.
fn remember(
    report: &CheckReport,
    recorder: Recorder<'_>,
    cache: &ResultCache,
    key: Hash,
) -> Result<(), String> {
    if report.problems.iter().any(|p| p.kind == ProblemKind::Bug) {
        return Err("a run in which something crashed is not kept".to_owned());
    }
    let changed = || "files changed while they were read".to_owned();
    let unwritable = || "a path is not UTF-8".to_owned();
    let inputs = recorder.finish(key).ok_or_else(changed)?;
    let (archive, files) = Archive::new(&report.findings, &report.problems, &report.sources);
    let text_of = |file: FileId| {
        let file = report.sources.file(file);
        (!inputs.has_read(&file.path, &file.text)).then(|| file.text.to_vec())
    };
    let texts = files.into_iter().map(text_of).collect();
    let stored = StoredReport {
        archive,
        texts,
        fingerprints: report.fingerprints.clone(),
        statistics: Statistics { stages: Vec::new(), ..report.statistics.clone() },
    };
    let result = postcard::to_stdvec(&stored).ok().ok_or_else(unwritable)?;
    let digest = inputs.digest().ok_or_else(unwritable)?;
    let inputs = inputs.to_bytes().ok_or_else(unwritable)?;
    let put = |kind, key: &Hash, bytes: &[u8]| {
        let failed = |e| format!("cannot write to {}: {e}", cache.store.dir().display());
        cache.store.put(kind, key, bytes).map_err(failed)
    };
    put(Kind::Result, &digest, &result)?;
    put(Kind::Inputs, &key, &inputs)
}
