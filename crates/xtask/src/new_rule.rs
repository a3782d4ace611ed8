//! `cargo xtask new-rule NAME`: the two files of a rule, ready to be filled in.

use std::fs;

use anyhow::ensure;

use crate::root;

/// What the rule is called.
#[derive(clap::Args)]
pub struct Args {
    /// The rule's name, kebab-case: what goes wrong, such as `map-write-under-rlock`.
    name: String,
    /// The family that its code belongs to.
    #[arg(long, default_value = "MAP")]
    family: String,
}

/// Writes the files.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let Args { name, family } = args;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(kebab),
        "a rule's name is lower-case words joined by hyphens, not `{name}`"
    );
    ensure!(
        (2..=5).contains(&family.len()) && family.chars().all(|c| c.is_ascii_uppercase()),
        "a family is two to five capital letters, not `{family}`"
    );
    let stem = name.replace('-', "_");
    let code = next_code(family);
    let folder = root().join("crates/rules/src/rules");
    for (extension, text) in [("rs", SOURCE), ("md", PAGE)] {
        let path = folder.join(format!("{stem}.{extension}"));
        ensure!(!path.exists(), "{} is there already", path.display());
        let text = text.replace("{code}", &code).replace("{name}", name).replace("{stem}", &stem);
        fs::write(&path, text)?;
        println!("wrote {}", path.strip_prefix(root())?.display());
    }
    println!(
        "Next: the page's Bad and Good blocks, then `check`; `cargo test -p engine --test it` runs \
         the page."
    );
    Ok(())
}

/// The family's first number after those that are taken.
fn next_code(family: &str) -> String {
    let all = rules::all();
    let numbers = all.iter().filter_map(|r| r.meta.code.strip_prefix(family)?.parse::<u32>().ok());
    format!("{family}{:03}", numbers.max().unwrap_or(0) + 1)
}

const SOURCE: &str = r#"//! One sentence: the mistake, as it looks in Go.

use diag::{Finding, RuleMeta, Severity, Stability};

use crate::RuleContext;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "{code}",
    name: "{name}",
    severity: Severity::Error,
    summary: "What goes wrong in the program, in one line",
    stability: Stability::Preview,
    page: include_str!("{stem}.md"),
};

/// Finds the mistake.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let _ = cx.analysis;
    Vec::new()
}
"#;

const PAGE: &str = r#"# {code}: {name}

What goes wrong.

**Why it matters.** What happens to the process.

**What to do next.** The repair.

## Bad

```go
package main

func main() {
	var m map[string]int
	m["a"] = 1 // want "{code}"
}
```

## Good

```go
package main

func main() {
	m := map[string]int{}
	m["a"] = 1
}
```

## Known limits

What the rule does not see, and why.
"#;
