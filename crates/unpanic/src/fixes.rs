//! Writing files whole or not at all, and showing what would be written.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use engine::FilePatch;
use source::SourceMap;

/// Writes the patches. A file that has changed since it was read is left alone.
pub fn apply(patches: &[FilePatch], sources: &SourceMap) -> anyhow::Result<()> {
    for patch in patches {
        let file = sources.file(patch.file);
        let name = file.path.display();
        let now = fs::read(&file.path).with_context(|| format!("cannot read {name}"))?;
        if now != *file.text {
            bail!("{name} has changed while it was analysed; nothing was written to it");
        }
        write_file(&file.path, &patch.text).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// Prints the patches as a unified diff, with paths relative to `base`.
pub fn diff(
    patches: &[FilePatch],
    sources: &SourceMap,
    base: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    for patch in patches {
        let file = sources.file(patch.file);
        let path = diag::relative_path(&file.path, base);
        let path = diag::clean_line(&path.to_string_lossy()).into_owned();
        let (old, new) =
            (String::from_utf8_lossy(&file.text), String::from_utf8_lossy(&patch.text));
        let diff = similar::TextDiff::from_lines(&*old, &*new);
        let diff =
            diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string();
        out.write_all(diff.as_bytes())?;
    }
    Ok(())
}

/// Replaces a file's content atomically: readers see the old or the new text, and a crash leaves
/// one of the two. Permissions stay.
pub fn write_file(path: &Path, text: &[u8]) -> io::Result<()> {
    // Through a symbolic link, the file that it points to is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|m| !m.is_file()) {
        // `--output /dev/stdout` and the like cannot be replaced.
        return fs::write(&path, text);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.unpanic-{}", std::process::id()));
    let written = (|| {
        let mut file = fs::File::create_new(&temporary)?;
        file.write_all(text)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
