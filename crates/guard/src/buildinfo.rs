//! What a Go binary says of itself: the build information that the linker puts into the section
//! `.go.buildinfo`, read from the file as debug/buildinfo does (Go 1.18 and later). Nothing is run.

use std::fs::File;
use std::path::Path;

use incidents::BuildInfo;
use object::{Object as _, ObjectSection as _, ReadCache};

/// How the data begins (cmd/link/internal/ld, `buildinfo`).
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header before the strings.
const HEADER: usize = 32;
/// In the flags: the strings stand inline.
const INLINE: u8 = 2;
/// Module information stands between marks of so many bytes.
const MARK: usize = 16;
/// More than any real binary has.
const MAX_SECTION: u64 = 16 << 20;

/// Reads the build information of a program; `None` if it is no Go binary, or one of other ways.
pub(crate) fn read(program: &Path) -> Option<BuildInfo> {
    let file = ReadCache::new(File::open(program).ok()?);
    let object = object::File::parse(&file).ok()?;
    let section = object.section_by_name(".go.buildinfo")?;
    if section.size() > MAX_SECTION {
        return None;
    }
    parse(section.data().ok()?)
}

fn parse(data: &[u8]) -> Option<BuildInfo> {
    let at = memchr::memmem::find(data, MAGIC)?;
    let data = &data[at..];
    if data.get(MAGIC.len() + 1)? & INLINE == 0 {
        return None;
    }
    let (go, rest) = string(data.get(HEADER..)?)?;
    let (module, _) = string(rest)?;
    let text = module.get(MARK..module.len().checked_sub(MARK)?).unwrap_or_default();
    let mut info =
        BuildInfo { go: String::from_utf8_lossy(go).into_owned(), ..BuildInfo::default() };
    for line in String::from_utf8_lossy(text).lines() {
        let mut parts = line.split('\t');
        match parts.next() {
            Some("path") => info.path = parts.next().unwrap_or_default().to_owned(),
            Some("mod") => {
                info.module = parts.next().map(str::to_owned);
                info.version = parts.next().filter(|v| !v.is_empty()).map(str::to_owned);
            }
            Some("build") => {
                let Some((key, value)) = parts.next().and_then(|setting| setting.split_once('='))
                else {
                    continue;
                };
                let plain = value.trim_matches('"');
                info.settings.insert(key.to_owned(), plain.to_owned());
            }
            _ => {}
        }
    }
    Some(info)
}

/// A string behind its length (unsigned varint), and what follows.
fn string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: u64 = 0;
    for (i, &byte) in data.iter().enumerate().take(10) {
        length |= u64::from(byte & 0x7f).checked_shl(7 * i as u32)?;
        if byte & 0x80 == 0 {
            let rest = &data[i + 1..];
            let length = usize::try_from(length).ok()?;
            return (length <= rest.len()).then(|| rest.split_at(length));
        }
    }
    None
}

/// The version to show when none was given: the module's, or the commit.
pub(crate) fn version(info: &BuildInfo) -> Option<String> {
    let released = info.version.clone().filter(|v| v != "(devel)");
    released.or_else(|| {
        let revision = info.settings.get("vcs.revision")?;
        let modified = info.settings.get("vcs.modified").is_some_and(|m| m == "true");
        let short: String = revision.chars().take(12).collect();
        Some(if modified { format!("{short}+modified") } else { short })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_linker_writes_is_read_and_what_is_broken_is_none() {
        let module = "0123456789abcdefpath\tcmd/x\nmod\texample.com/x\tv1.2.3\th1:abc=\n\
            dep\texample.com/y\tv1.0.0\nbuild\tGOARCH=amd64\nbuild\tvcs.revision=0123456789abcdef\n0123456789abcdef";
        let mut data = [MAGIC, &[8, INLINE]].concat();
        data.resize(HEADER, 0);
        data.push(6);
        data.extend_from_slice(b"go1.26");
        data.push((module.len() & 0x7f) as u8 | 0x80);
        data.push((module.len() >> 7) as u8);
        data.extend_from_slice(module.as_bytes());
        let info = parse(&data).unwrap();
        assert_eq!((info.go.as_str(), info.path.as_str()), ("go1.26", "cmd/x"));
        assert_eq!(info.settings["GOARCH"], "amd64");
        assert_eq!(version(&info).as_deref(), Some("v1.2.3"));
        for end in 0..data.len() {
            let _ = parse(&data[..end]);
        }
        assert!(parse(b"\xff Go buildinf:\x08\x00").is_none());
    }
}
