//! The identity of a finding across runs: baselines, SARIF viewers and tickets match by it.

use std::collections::HashMap;

use source::SourceMap;

use crate::Finding;

/// The scheme's version, the prefix of every fingerprint. Change it when the recipe changes, so
/// that an old baseline is recognised as such.
const VERSION: &str = "u1";

/// Puts findings into the order of output: by file, position, rule, then message. Independent of
/// the order in which files were read and threads finished.
pub fn sort_findings(findings: &mut [Finding], sources: &SourceMap) {
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (f.primary.span.start, f.primary.span.end);
        sources
            .path(a.primary.file)
            .cmp(sources.path(b.primary.file))
            .then_with(|| key(a).cmp(&key(b)))
            .then_with(|| a.rule.code.cmp(b.rule.code))
            .then_with(|| a.message.cmp(&b.message))
            .then_with(|| a.recipe().cmp(&b.recipe()))
    });
}

/// Gives each finding its fingerprint. `findings` are sorted: the second finding of one recipe gets
/// the suffix `-2`, and so on, so that fingerprints are unique within a run.
pub fn assign_fingerprints(findings: &mut [Finding]) {
    let mut seen: HashMap<u128, u32> = HashMap::new();
    for finding in findings {
        let hash = fnv1a_128(finding.recipe().as_bytes());
        let count = seen.entry(hash).and_modify(|n| *n += 1).or_insert(1);
        finding.fingerprint = match count {
            1 => format!("{VERSION}-{hash:032x}"),
            n => format!("{VERSION}-{hash:032x}-{n}"),
        };
    }
}

impl Finding {
    /// What identity rests on: the rule, the package, the variable, and which functions access it
    /// how. No file names, lines or wording, so it survives moved code and reworded messages.
    fn recipe(&self) -> String {
        let mut accesses: Vec<String> = self
            .accesses
            .iter()
            .map(|a| format!("{}\u{1f}{}", a.kind.as_str(), a.function))
            .collect();
        accesses.sort();
        let head = [self.rule.code, &self.package, &self.variable].join("\u{1e}");
        format!("{head}\u{1e}{}", accesses.join("\u{1e}"))
    }
}

/// Bytes as 32 hexadecimal digits that are the same on every platform and with every version: what
/// identities across runs are made of.
pub fn stable_hash(bytes: &[u8]) -> String {
    format!("{:032x}", fnv1a_128(bytes))
}

/// FNV-1a with 128 bits: stable across platforms, builds and Rust versions, which `std`'s hashers
/// are not. Nobody gains by forging one, so it need not be cryptographic.
fn fnv1a_128(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, &b| (hash ^ u128::from(b)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vector of the FNV draft (draft-eastlake-fnv).
        assert_eq!(fnv1a_128(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a_128(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
