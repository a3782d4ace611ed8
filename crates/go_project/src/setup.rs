//! Makes the [`BuildContext`]: from the options, the environment and the GOROOT that was found.
//! Toolchain experiments are read from GOROOT itself, because each version has others on.

use std::path::Path;

use source::System;

use crate::context::NEWEST_GO;
use crate::environment::{Environment, GoRoot};
use crate::targets::{cgo_supported, host_arch, host_os, level_tags, level_variable};
use crate::{BuildContext, LoadOptions};

/// The context that files are chosen for.
pub(crate) fn build_context(
    system: &dyn System,
    env: &Environment<'_>,
    options: &LoadOptions,
    goroot: Option<&GoRoot>,
) -> BuildContext {
    let goos = options.goos.clone().or_else(|| env.get("GOOS")).unwrap_or_else(|| host_os().into());
    let goarch =
        options.goarch.clone().or_else(|| env.get("GOARCH")).unwrap_or_else(|| host_arch().into());
    let cgo = options.cgo.unwrap_or_else(|| match env.get("CGO_ENABLED").as_deref() {
        Some("0") => false,
        Some("1") => true,
        // Cross-compiling turns cgo off unless it is asked for.
        _ => goos == host_os() && goarch == host_arch() && cgo_supported(&goos, &goarch),
    });
    let mut tags: Vec<String> = options.tags.clone();
    for flag in env.goflags() {
        if let Some(list) = flag.strip_prefix("tags=") {
            let words = list.split([',', ' ']).filter(|w| !w.is_empty());
            tags.extend(words.map(str::to_owned));
        }
    }
    tags.sort();
    tags.dedup();
    let mut tool_tags = experiments(system, env, goroot, &goos, &goarch);
    if let Some((variable, default)) = level_variable(&goarch) {
        let level = env.get(variable).unwrap_or_else(|| default.to_owned());
        tool_tags.extend(level_tags(&goarch, &level));
    }
    tool_tags.sort();
    tool_tags.dedup();
    BuildContext {
        goos,
        goarch,
        cgo,
        tags,
        tool_tags,
        go_version: goroot.and_then(|g| g.language(system)).unwrap_or(NEWEST_GO),
        go_version_text: goroot.map(|g| g.version.clone()).unwrap_or_default(),
        compiler: "gc".to_owned(),
        goroot: goroot.map(|g| g.dir.clone()),
        modcache: env.modcache(),
    }
}

/// `goexperiment.NAME` for each experiment that is on: the baseline of this GOROOT, changed by
/// `GOEXPERIMENT`.
fn experiments(
    system: &dyn System,
    env: &Environment<'_>,
    goroot: Option<&GoRoot>,
    goos: &str,
    goarch: &str,
) -> Vec<String> {
    let mut on = goroot
        .map(|g| baseline(system, &g.dir, goos, goarch))
        .filter(|names| !names.is_empty())
        .unwrap_or_else(|| vec!["regabiwrappers".to_owned(), "regabiargs".to_owned()]);
    for word in env.get("GOEXPERIMENT").unwrap_or_default().split(',') {
        match word {
            "" => {}
            "none" => on.clear(),
            _ => {
                let (name, wanted) = match word.strip_prefix("no") {
                    Some(name) => (name, false),
                    None => (word, true),
                };
                on.retain(|n| n != name);
                if wanted {
                    on.push(name.to_owned());
                }
            }
        }
    }
    on.into_iter().map(|name| format!("goexperiment.{name}")).collect()
}

/// The experiments that are on by default: the fields of the literal
/// `baseline := goexperiment.Flags{ Name: condition, … }` in `internal/buildcfg/exp.go`.
fn baseline(system: &dyn System, goroot: &Path, goos: &str, goarch: &str) -> Vec<String> {
    let path = goroot.join("src").join("internal").join("buildcfg").join("exp.go");
    let Ok(text) = system.read(&path) else { return Vec::new() };
    let text = String::from_utf8_lossy(&text);
    let Some(start) = text.find("baseline := goexperiment.Flags{") else { return Vec::new() };
    let mut on = Vec::new();
    for line in text[start..].lines().skip(1) {
        let line = line.split("//").next().unwrap_or("").trim();
        if line.starts_with('}') {
            break;
        }
        let Some((name, condition)) = line.trim_end_matches(',').split_once(':') else { continue };
        if holds(condition.trim(), &text, goos, goarch, 0) {
            on.push(name.trim().to_ascii_lowercase());
        }
    }
    on
}

/// Evaluates the small language of those conditions: constants, `goos`/`goarch` comparisons, `&&`,
/// `||`, and variables that are defined in the same file.
fn holds(condition: &str, text: &str, goos: &str, goarch: &str, depth: u32) -> bool {
    let condition = condition.trim().trim_start_matches('(').trim_end_matches(')');
    if depth > 4 {
        return false;
    }
    let eval = |part: &str| holds(part, text, goos, goarch, depth + 1);
    if condition.contains("||") {
        return condition.split("||").any(eval);
    }
    if condition.contains("&&") {
        return condition.split("&&").all(eval);
    }
    for (operator, equal) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = condition.split_once(operator) {
            let value = match left.trim() {
                "goos" => goos,
                "goarch" => goarch,
                _ => return false,
            };
            return (value == right.trim().trim_matches('"')) == equal;
        }
    }
    match condition {
        "true" => true,
        "false" => false,
        "regabiSupported" | "regabiAlwaysOn" => matches!(
            goarch,
            "amd64" | "arm64" | "loong64" | "ppc64" | "ppc64le" | "riscv64" | "s390x"
        ),
        variable => {
            let definition = format!("\t{variable} := ");
            text.split_once(definition.as_str())
                .and_then(|(_, rest)| rest.lines().next())
                .is_some_and(eval)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::MemorySystem;

    const EXP: &str = "package buildcfg\nfunc f() {\n\thaveXchg8 := goarch == \"amd64\" || goarch == \"arm\"\n\
        \tdwarf5 := (goos != \"darwin\" && goos != \"aix\")\n\
        \tbaseline := goexperiment.Flags{\n\t\tRegabiArgs: regabiSupported,\n\t\tSpinbit: haveXchg8,\n\
        \t\tDwarf5: dwarf5, // why\n\t\tOff: false,\n\t}\n}\n";

    #[test]
    fn experiments_come_from_goroot_and_the_environment() {
        let mut system = MemorySystem::new();
        system
            .add("/go/src/internal/buildcfg/exp.go", EXP)
            .set_env("GOEXPERIMENT", "nospinbit,arenas");
        let goroot = GoRoot { dir: "/go".into(), version: "go1.23.1".into() };
        let options = LoadOptions {
            goos: Some("linux".into()),
            goarch: Some("amd64".into()),
            ..Default::default()
        };
        let context = build_context(&system, &Environment::new(&system), &options, Some(&goroot));
        assert_eq!(
            context.tool_tags,
            ["amd64.v1", "goexperiment.arenas", "goexperiment.dwarf5", "goexperiment.regabiargs"]
        );
        assert!(context.has_tag("go1.23") && !context.has_tag("go1.24"));
        assert!(context.has_tag("unix") && context.has_tag("gc") && !context.has_tag("race"));
        assert_eq!(baseline(&system, Path::new("/go"), "aix", "arm"), ["spinbit"]);
    }

    #[test]
    fn flags_and_options_choose_target_and_tags() {
        let mut system = MemorySystem::new();
        system.set_env("GOFLAGS", "-tags=b,a -mod=mod").set_env("GOOS", "plan9");
        let options = LoadOptions { tags: vec!["c".into()], ..Default::default() };
        let context = build_context(&system, &Environment::new(&system), &options, None);
        assert_eq!(context.tags, ["a", "b", "c"]);
        assert_eq!((context.goos.as_str(), context.cgo), ("plan9", false));
    }
}
