//! How the accesses to each map field or package-level map are locked: the convention that most
//! of them follow, and those that do not.

use base::FxHashMap;
use flow::{Elem, Held, Path, Root, Side};
use go_ir::FuncId;
use go_types::ObjId;
use source::FileSpan;

use crate::RuleContext;

/// One access to a field, over all ways that lead to it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The function in whose terms the access is.
    pub scope: FuncId,
    /// The access, as one of the ways has it.
    pub side: Side,
    /// The lock beside the map that every way holds: its field, or a package-level variable.
    pub guard: Option<ObjId>,
    /// Whether that lock is held for writing on every way.
    pub exclusive: bool,
    /// Whether some lock without a name is held on some way.
    pub unknown_lock: bool,
}

/// The accesses to one map: its field, or the package-level variable.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    /// The field or variable.
    pub obj: ObjId,
    /// Its accesses, by place.
    pub sites: Vec<Site>,
}

/// The maps of the program that live in fields and package-level variables.
pub(crate) fn maps(cx: &RuleContext<'_>) -> Vec<Map> {
    let mut by_obj: FxHashMap<ObjId, FxHashMap<(source::FileId, u32), Site>> = FxHashMap::default();
    for &(entry, _) in &cx.analysis.entries {
        let Some(summary) = cx.analysis.context.summary(entry) else { continue };
        for event in summary.events.iter().filter(|e| e.is_map() && !e.copied_mutex) {
            let step = summary.step(event.step);
            let side = || Side { event: event.clone(), step: step.clone(), thread: None };
            let Some(obj) = owner(&event.path) else { continue };
            let guard = guard(&event.path, &step.locks);
            let (lock, exclusive) = match guard {
                Some((lock, held)) => (Some(lock), held.mode == flow::LockMode::Write),
                None => (None, false),
            };
            let sites = by_obj.entry(obj).or_default();
            // `m[k]++` reads and writes: one use.
            let span = event.site.span;
            let line = (span.file, cx.sources.file(span.file).line_col(span.span.start).line);
            match sites.get_mut(&line) {
                Some(site) => {
                    if site.guard != lock {
                        site.guard = None;
                    }
                    site.exclusive &= exclusive;
                    site.unknown_lock |= step.unknown_lock;
                    if flow::is_write(event.kind) && !flow::is_write(site.side.event.kind) {
                        site.side = side();
                    }
                }
                None => {
                    sites.insert(
                        line,
                        Site {
                            scope: entry,
                            side: side(),
                            guard: lock,
                            exclusive,
                            unknown_lock: step.unknown_lock,
                        },
                    );
                }
            }
        }
    }
    let place = |s: FileSpan| (cx.sources.path(s.file).to_owned(), s.span.start, s.span.end);
    let mut maps: Vec<Map> = by_obj
        .into_iter()
        .map(|(obj, sites)| {
            let mut sites: Vec<Site> = sites.into_values().collect();
            sites.sort_by_cached_key(|s| place(s.side.event.site.span));
            Map { obj, sites }
        })
        .collect();
    maps.sort_by_cached_key(|m| m.sites.first().map(|s| place(s.side.event.site.span)));
    maps
}

/// The field that holds the map, or the package-level variable that is it.
pub(crate) fn owner(path: &Path) -> Option<ObjId> {
    match (path.elems.last(), path.root) {
        (Some(Elem::Field(field)), _) => Some(field),
        (None, Root::Global(obj)) => Some(obj),
        _ => None,
    }
}

/// The lock that stands beside the map: in the same struct (or in one around it), or a
/// package-level one for a package-level map.
pub(crate) fn guard<'h>(map: &Path, locks: &'h [Held]) -> Option<(ObjId, &'h Held)> {
    locks.iter().find_map(|held| {
        if held.path.root != map.root && !matches!(held.path.root, Root::Global(_)) {
            return None;
        }
        let lock = match (held.path.elems.last(), held.path.root) {
            (Some(Elem::Field(field)), _) => field,
            (None, Root::Global(obj)) => obj,
            _ => return None,
        };
        let beside =
            held.path.root == map.root && held.path.elems.len() <= map.elems.len() + 1 && {
                let parent = held.path.elems.len() - usize::from(!held.path.elems.is_empty());
                map.elems.len() >= parent
                    && held.path.elems.first(parent) == map.elems.first(parent)
            };
        let global = matches!((map.root, held.path.root), (Root::Global(_), Root::Global(_)));
        (beside || global).then_some((lock, held))
    })
}
