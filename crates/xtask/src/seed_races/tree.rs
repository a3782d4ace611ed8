//! A cheap copy of a module: files are hard links where that can be, and a changed file replaces
//! its link, so that the original stays as it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A copied module.
pub struct Tree {
    /// Where the copy is.
    pub root: PathBuf,
    original: PathBuf,
}

impl Tree {
    /// Copies a module, its vendor folder included; whatever is at the target is removed first.
    pub fn copy(original: &Path, target: &Path) -> anyhow::Result<Self> {
        if target.exists() {
            std::fs::remove_dir_all(target)?;
        }
        copy_folder(original, target)?;
        Ok(Self { root: target.to_owned(), original: original.to_owned() })
    }

    /// A path of the original, relative to the module.
    pub fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.original).unwrap_or(path).to_owned()
    }

    /// Replaces a file, which is named by its path in the original.
    pub fn write(&self, path: &Path, text: &[u8]) -> anyhow::Result<()> {
        let own = self.root.join(self.relative(path));
        // Never through the link.
        std::fs::remove_file(&own)?;
        std::fs::write(&own, text).with_context(|| own.display().to_string())
    }

    /// Puts the original file back.
    pub fn restore(&self, path: &Path) -> anyhow::Result<()> {
        let own = self.root.join(self.relative(path));
        std::fs::remove_file(&own)?;
        link(path, &own)
    }

    /// Removes the copy.
    pub fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(&self.root).with_context(|| self.root.display().to_string())
    }
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                copy_folder(&source, &target)?;
            }
        } else if kind.is_symlink() {
            // What it points to, if that is a file: links out of the tree would break.
            if source.is_file() {
                std::fs::copy(&source, &target)?;
            }
        } else if kind.is_file() {
            link(&source, &target)?;
        }
    }
    Ok(())
}

fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    if std::fs::hard_link(from, to).is_err() {
        std::fs::copy(from, to).with_context(|| to.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_original_alone() -> anyhow::Result<()> {
        let base = std::env::temp_dir().join(format!("unpanic-tree-{}", std::process::id()));
        let original = base.join("original");
        std::fs::create_dir_all(original.join("p"))?;
        let file = original.join("p/a.go");
        std::fs::write(&file, "package p")?;
        let tree = Tree::copy(&original, &base.join("copy"))?;
        tree.write(&file, b"package q")?;
        assert_eq!(std::fs::read_to_string(&file)?, "package p");
        assert_eq!(std::fs::read_to_string(base.join("copy/p/a.go"))?, "package q");
        tree.restore(&file)?;
        assert_eq!(std::fs::read_to_string(base.join("copy/p/a.go"))?, "package p");
        std::fs::remove_dir_all(&base)?;
        Ok(())
    }
}
