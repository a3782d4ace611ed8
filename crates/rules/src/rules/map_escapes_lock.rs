//! A guarded map that is returned as it is: the caller uses it after the lock has been released.

use diag::{Access, AccessKind, Confidence, Finding, RuleMeta, Severity, Stability};
use flow::{Elem, Root, is_write};
use go_types::Type;

use crate::RuleContext;
use crate::fields::{guard, maps};

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "MAP012",
    name: "map-escapes-lock",
    severity: Severity::Warning,
    summary: "A map is read under its lock and returned: the caller uses it without the lock",
    stability: Stability::Preview,
    page: include_str!("map_escapes_lock.md"),
};

/// Returns of a guarded map, or of a struct copied with the map in it.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    // Maps whose entries are written under a lock of their own somewhere.
    let written: base::FxHashMap<_, _> = maps(cx)
        .into_iter()
        .filter_map(|m| {
            let write =
                m.sites.into_iter().find(|s| is_write(s.side.event.kind) && s.guard.is_some())?;
            Some((m.obj, write))
        })
        .collect();
    let mut findings = Vec::new();
    let mut seen = base::FxHashSet::default();
    for (id, func, facts) in cx.functions() {
        for ret in &facts.returns {
            for (i, (value, locks)) in ret.values.iter().zip(&ret.read_under).enumerate() {
                let vals: Vec<_> =
                    ret.vals[i].iter().chain(ret.fields[i].iter().flatten()).cloned().collect();
                let instr = func.instr(*value);
                let Some(ty) = instr.ty else { continue };
                for path in vals.iter().filter_map(|v| v.as_path()) {
                    if matches!(path.root, Root::Fresh(_) | Root::Ret(_)) {
                        continue;
                    }
                    let mut fields = vec![*path];
                    match cx.store().ty(go_types::under::under(cx.store(), ty)) {
                        Type::Map { .. } => {}
                        Type::Struct(s) => {
                            fields
                                .extend(s.fields.iter().filter_map(|&f| path.then(Elem::Field(f))));
                        }
                        _ => continue,
                    }
                    for map in fields {
                        let Some(obj) = crate::fields::owner(&map) else { continue };
                        let (Some(write), Some((lock, _))) =
                            (written.get(&obj), guard(&map, locks))
                        else {
                            continue;
                        };
                        if is_replaced(func, obj) || !seen.insert((instr.span, obj)) {
                            continue;
                        }
                        let variable = cx.path_name(id, &map);
                        let lock = cx.store().obj(lock).name;
                        let message = format!(
                            "`{variable}` is returned from under `{lock}`: the caller uses the map without it"
                        );
                        let access = Access {
                            kind: AccessKind::MapRead,
                            place: instr.span,
                            function: func.name.clone(),
                            goroutine: cx.origins().of(cx, id),
                            locks: cx.lock_names(id, locks),
                            path: Vec::new(),
                        };
                        findings.push(
                            Finding::new(&META, cx.package(id), instr.span, variable, message)
                                .confidence(Confidence::Medium)
                                .access(access)
                                .context(format!("the map is written here, under `{lock}`"), write.side.event.site.span)
                                .why("a map value is a reference: the lock is released when the function returns, the map stays shared")
                                .help("return a copy: maps.Clone under the lock"),
                        );
                    }
                }
            }
        }
    }
    findings
}

/// Whether the function puts another map in the place: then it hands the old one over.
fn is_replaced(func: &go_ir::Func, place: go_types::ObjId) -> bool {
    func.values.iter().any(|i| match i.op {
        go_ir::Op::Store { addr, .. } => match func.instr(addr).op {
            go_ir::Op::FieldAddr { field: obj, .. } | go_ir::Op::Global(obj) => obj == place,
            _ => false,
        },
        _ => false,
    })
}
