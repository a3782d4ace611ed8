//! Locking conventions as findings: which lock most accesses to a field hold, and the accesses that
//! break the convention. Maps and plain memory have rules of their own with the same reasoning.

use base::FxHashSet;
use diag::{Access, Confidence, Finding, Frame, RuleMeta};
use flow::{Elem, FieldUses, Guard, GuardedUse, LockMode, Root, is_write};
use go_ir::FuncId;
use go_types::{ObjId, Type};
use source::{FileId, FileSpan};

use crate::RuleContext;
use crate::confidence::is_in_plain_sight;
use crate::race::kind;

/// Fewest lines under the lock that make a convention.
const MIN_LINES: usize = 3;
/// Fewest functions under the lock that make a convention.
const MIN_FUNCTIONS: usize = 2;
/// Functions under the lock for each one without it, when there are several of these.
const MIN_RATIO: usize = 4;

/// Parts of names, in small letters, by which functions say that their callers hold a lock.
const LOCKED_NAMES: [&str; 6] =
    ["locked", "lockheld", "nolock", "withoutlock", "holdinglock", "unsafe"];
/// How the names of functions begin that prepare an object before others see it.
const SETUP_NAMES: [&str; 7] = ["init", "new", "provision", "setup", "unmarshal", "decode", "with"];

/// The lock that guards a field, as most accesses have it.
struct Convention<'a> {
    /// The lock.
    pub guard: Guard,
    /// The accesses that hold it.
    pub locked: Vec<&'a GuardedUse>,
    /// The others.
    pub bare: Vec<&'a GuardedUse>,
}

/// Whether the field or variable is a map.
pub(crate) fn is_map(cx: &RuleContext<'_>, obj: ObjId) -> bool {
    cx.store().obj(obj).typ.get().is_some_and(|t| {
        matches!(cx.store().ty(go_types::under::under(cx.store(), t)), Type::Map { .. })
    })
}

/// The convention that most accesses to a field follow.
fn convention(field: &FieldUses) -> Option<Convention<'_>> {
    let mut by_guard: Vec<(Guard, Vec<&GuardedUse>)> = Vec::new();
    for u in &field.uses {
        for &(guard, _) in &u.guards {
            match by_guard.iter_mut().find(|g| g.0 == guard) {
                Some((_, uses)) => uses.push(u),
                None => by_guard.push((guard, vec![u])),
            }
        }
    }
    // Of equals the first in the program's order.
    by_guard.reverse();
    let (guard, locked) = by_guard
        .into_iter()
        .max_by_key(|(guard, uses)| (uses.len(), matches!(guard, Guard::Beside(..))))?;
    let bare = field
        .uses
        .iter()
        .filter(|u| u.holds(guard).is_none() && !u.access.unknown_lock && !alias(u, guard))
        .collect();
    Some(Convention { guard, locked, bare })
}

/// Whether the lock may be held under another name: that of an object which is not known to be
/// another one.
fn alias(u: &GuardedUse, guard: Guard) -> bool {
    u.elsewhere.contains(&guard.lock())
        || u.access.locks.iter().any(|held| {
            let same_field = held.path.elems.last() == Some(Elem::Field(guard.lock()));
            same_field && !matches!(held.path.root, Root::Global(_))
        })
}

impl Convention<'_> {
    /// Whether there are enough accesses under the lock to speak of a convention. One function that
    /// differs from two is a mistake; several that differ may have their reasons.
    fn is_strong(&self, cx: &RuleContext<'_>) -> bool {
        let functions = |uses: &[&GuardedUse]| {
            uses.iter().map(|u| outermost(cx, u.func)).collect::<FxHashSet<_>>().len()
        };
        let lines = |uses: &[&GuardedUse]| {
            uses.iter().map(|u| line(cx, u.access.span)).collect::<FxHashSet<_>>().len()
        };
        let (with, without) = (functions(&self.locked), functions(&self.bare));
        lines(&self.locked) >= MIN_LINES.max(lines(&self.bare))
            && with >= MIN_FUNCTIONS
            && (without == 1 || with >= MIN_RATIO * without)
    }
}

/// Whether a function says, in its name or in the comment above it, that callers hold a lock, or
/// prepares an object that others do not see yet.
fn is_excused(cx: &RuleContext<'_>, f: FuncId) -> bool {
    let func = cx.func(outermost(cx, f));
    let name = func.obj.map(|o| cx.store().obj(o).name.as_str().to_lowercase());
    let name = name.unwrap_or_default();
    LOCKED_NAMES.iter().any(|part| name.contains(part))
        || SETUP_NAMES.iter().any(|start| name.starts_with(start))
        || says_lock_is_held(cx, func.span)
}

/// Whether the comment above a function speaks of a lock that is held.
fn says_lock_is_held(cx: &RuleContext<'_>, at: FileSpan) -> bool {
    let file = cx.sources.file(at.file);
    let mut line = file.line_col(at.span.start).line;
    let mut comment = String::new();
    while line > 1 {
        line -= 1;
        let text = file.line_text(line);
        let Some(text) = text.trim().strip_prefix("//") else { break };
        comment = format!("{} {comment}", text.to_lowercase());
    }
    let lock = ["lock", "mutex", "mu "].iter().any(|w| comment.contains(w));
    let held = ["held", "hold", "acquire", "locked", "not safe", "not thread", "caller", "under"];
    lock && held.iter().any(|w| comment.contains(w))
}

/// The declared function around a literal.
fn outermost(cx: &RuleContext<'_>, f: FuncId) -> FuncId {
    let mut at = f;
    while let Some(parent) = cx.func(at).parent {
        at = parent;
    }
    at
}

fn line(cx: &RuleContext<'_>, at: FileSpan) -> (FileId, u32) {
    (at.file, cx.sources.file(at.file).line_col(at.span.start).line)
}

/// An access that breaks a convention, and one that keeps it.
struct Breach<'a> {
    /// The convention.
    pub convention: &'a Convention<'a>,
    /// The access without the lock.
    pub bare: &'a GuardedUse,
    /// One with it that the first conflicts with.
    pub kept: &'a GuardedUse,
}

/// The accesses that break a convention, one for each function.
fn breaches<'a>(cx: &RuleContext<'_>, convention: &'a Convention<'a>) -> Vec<Breach<'a>> {
    let mut out = Vec::new();
    if convention.bare.is_empty() || !convention.is_strong(cx) {
        return out;
    }
    let mut functions = FxHashSet::default();
    // Writes first: of `x.n++` the write is reported.
    let mut bare = convention.bare.clone();
    bare.sort_by_key(|u| !is_write(u.access.kind));
    for u in bare {
        let outside =
            matches!(convention.guard, Guard::Around(_)) && u.access.place.elems.len() < 2;
        // A function literal whose callers are not known: nor is what it is called with.
        let given = cx.func(u.func).parent.is_some()
            && !u.is_called
            && matches!(u.access.place.root, Root::Param(_));
        // Names on the way get lost; the author's word is taken for it.
        let excused =
            || is_excused(cx, u.func) || u.way.iter().any(|&(caller, _)| is_excused(cx, caller));
        if outside || given || excused() {
            continue;
        }
        let kept = convention.locked.iter().copied().filter(|k| conflict(cx, u, k));
        let Some(kept) = kept.min_by_key(|k| !is_write(k.access.kind)) else { continue };
        if functions.insert(outermost(cx, u.func)) {
            out.push(Breach { convention, bare: u, kept });
        }
    }
    let place = |s: FileSpan| (cx.sources.path(s.file).to_owned(), s.span.start);
    out.sort_by_cached_key(|b| place(b.bare.access.span));
    out
}

/// Whether one of two accesses writes, in different functions, and no lock of both excludes it.
fn conflict(cx: &RuleContext<'_>, a: &GuardedUse, b: &GuardedUse) -> bool {
    let excluded = a.guards.iter().any(|&(guard, mode)| {
        b.holds(guard).is_some_and(|other| mode != LockMode::Read || other != LockMode::Read)
    });
    let write = is_write(a.access.kind) || is_write(b.access.kind);
    write && !excluded && outermost(cx, a.func) != outermost(cx, b.func)
}

/// A write while the lock beside the place is only held for reading.
struct ReadLockedWrite<'a> {
    /// The lock.
    pub guard: Guard,
    /// The write.
    pub access: &'a GuardedUse,
}

/// The writes to a field under nothing but the read lock that stands beside it.
fn writes_under_rlock(field: &FieldUses) -> impl Iterator<Item = ReadLockedWrite<'_>> {
    let writes = field.uses.iter().filter(|u| is_write(u.access.kind) && !u.access.unknown_lock);
    writes.filter_map(|u| {
        if u.access.locks.iter().any(|h| h.mode != LockMode::Read) {
            return None;
        }
        let &(guard, _) = u.guards.first()?;
        Some(ReadLockedWrite { guard, access: u })
    })
}

/// The writes to maps, or to other memory, under a read lock, as findings of a rule.
pub(crate) fn read_locked(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    of_maps: bool,
    why: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in cx.analysis.fields.iter().filter(|f| is_map(cx, f.obj) == of_maps) {
        let convention = convention(field);
        for ReadLockedWrite { guard, access: u } in writes_under_rlock(field) {
            // Two writes to a map are fatal whoever else there is. For other memory the lock has to
            // be the one that others hold there.
            let is_guard = convention.as_ref().is_some_and(|c| {
                c.guard == guard && c.locked.iter().any(|other| other.func != u.func)
            });
            if !of_maps && !is_guard {
                continue;
            }
            let lock = cx.store().obj(guard.lock()).name;
            let variable = variable(cx, u);
            let what = if of_maps { "map " } else { "" };
            let message =
                format!("{what}`{variable}` is written while `{lock}` is only read-locked");
            findings.push(
                Finding::new(meta, cx.package(u.func), u.access.span, variable, message)
                    .confidence(Confidence::Medium)
                    .access(shown(cx, u))
                    .why(why)
                    .help(format!(
                        "take `{lock}.Lock()` instead of `{lock}.RLock()` around the write"
                    )),
            );
        }
    }
    findings
}

/// An access as a finding shows it.
fn shown(cx: &RuleContext<'_>, u: &GuardedUse) -> Access {
    let frames =
        u.way.iter().map(|&(func, place)| Frame { function: cx.func(func).name.clone(), place });
    Access {
        kind: kind(u.access.kind),
        place: u.access.span,
        function: cx.func(u.func).name.clone(),
        goroutine: cx.origins().of(cx, u.func),
        locks: cx.lock_names(u.func, &u.access.locks),
        path: frames.collect(),
    }
}

/// What the code calls the field at an access.
fn variable(cx: &RuleContext<'_>, u: &GuardedUse) -> String {
    let written = if is_plain(u) { None } else { cx.written_name(u.access.span) };
    written.unwrap_or_else(|| cx.path_name(u.func, &u.access.place))
}

fn is_plain(u: &GuardedUse) -> bool {
    matches!(u.access.kind, knowledge::AccessKind::Read | knowledge::AccessKind::Write)
}

/// The breaches of the conventions of maps, or of other memory, as findings of a rule.
pub(crate) fn findings(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    of_maps: bool,
) -> Vec<Finding> {
    let shown_pairs = cx.analysis.pairs.iter().filter(|p| is_in_plain_sight(cx, p));
    let reported: FxHashSet<FileSpan> =
        shown_pairs.flat_map(|p| [p.a.event.site.span, p.b.event.site.span]).collect();
    let mut findings = Vec::new();
    for field in cx.analysis.fields.iter().filter(|f| is_map(cx, f.obj) == of_maps) {
        let Some(convention) = convention(field) else { continue };
        for breach in breaches(cx, &convention) {
            if !reported.contains(&breach.bare.access.span) {
                findings.push(finding(cx, meta, field, &breach));
            }
        }
    }
    findings
}

fn finding(
    cx: &RuleContext<'_>,
    meta: &'static RuleMeta,
    field: &FieldUses,
    breach: &Breach<'_>,
) -> Finding {
    let Breach { convention, bare, kept } = breach;
    let lock = cx.store().obj(convention.guard.lock()).name;
    let variable = variable(cx, bare);
    let does = if is_write(bare.access.kind) { "written" } else { "read" };
    let message = format!(
        "`{variable}` is {does} without `{lock}`, which {} of its {} uses hold",
        convention.locked.len(),
        field.uses.len(),
    );
    let others = cx.lock_names(bare.func, &bare.access.locks);
    let why = if others.is_empty() {
        format!("no lock is held here, and the other uses hold `{lock}`")
    } else {
        format!(
            "{} is held here, which does not exclude those that hold `{lock}`",
            others.join(", ")
        )
    };
    Finding::new(meta, cx.package(bare.func), bare.access.span, variable, message)
        .confidence(Confidence::Medium)
        .access(shown(cx, bare))
        .access(shown(cx, kept))
        .context(format!("here `{lock}` is held"), kept.access.span)
        .why(why)
        .help(format!("take `{lock}` around this use"))
}
