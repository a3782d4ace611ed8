//! What was proven, by fingerprint, beside the remembered results: `check` shows such findings as
//! proven. A finding whose code is mended is not found any more, so an old proof does no harm. And what
//! `--all` has learnt in a folder: near which accesses goroutines came close.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use prover::Proof;

/// `./...` does not enter folders with such a name, see the cache's own.
const FOLDER: &str = "_proofs";
const PLANS: &str = "_plans";

/// Weights of sites, as `prover::Prover::learnt` gives them.
pub type Learnt = BTreeMap<String, u64>;

/// What was learnt in the folder `dir`; nothing if that cannot be read.
pub fn recall(cache: &Path, dir: &Path) -> Learnt {
    let text = fs::read(plan_path(cache, dir)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Keeps it.
pub fn learn(cache: &Path, dir: &Path, learnt: &Learnt) -> io::Result<()> {
    fs::create_dir_all(cache.join(PLANS))?;
    let json = serde_json::to_vec(learnt).map_err(io::Error::other)?;
    crate::fixes::write_file(&plan_path(cache, dir), &json)
}

/// Forgets everything that stands here.
pub fn clean(cache: &Path) {
    for folder in [FOLDER, PLANS] {
        let _ = fs::remove_dir_all(cache.join(folder));
    }
}

fn plan_path(cache: &Path, dir: &Path) -> PathBuf {
    let name = diag::stable_hash(dir.to_string_lossy().as_bytes());
    cache.join(PLANS).join(format!("{name}.json"))
}

/// The proofs in a cache folder.
pub struct Proofs {
    dir: PathBuf,
}

impl Proofs {
    /// Those below `cache`.
    pub fn new(cache: &Path) -> Self {
        Self { dir: cache.join(FOLDER) }
    }

    /// Writes a proof, in place of the one that may be there.
    pub fn keep(&self, fingerprint: &str, proof: &Proof) -> io::Result<()> {
        let Some(path) = self.path(fingerprint) else { return Ok(()) };
        fs::create_dir_all(&self.dir)?;
        let json = serde_json::to_vec(proof).map_err(io::Error::other)?;
        crate::fixes::write_file(&path, &json)
    }

    /// Whether there is one.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.path(fingerprint).is_some_and(|path| path.is_file())
    }

    /// Fingerprints come from files, too: what is none names no file.
    fn path(&self, fingerprint: &str) -> Option<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let fits =
            !fingerprint.is_empty() && fingerprint.len() < 100 && fingerprint.chars().all(plain);
        fits.then(|| self.dir.join(format!("{fingerprint}.json")))
    }
}
