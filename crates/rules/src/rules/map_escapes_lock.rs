//! A guarded map that is returned as it is: the caller uses it after the lock has been released.

use diag::{Access, Confidence, Finding, RuleMeta, Severity, Stability};
use flow::{Elem, Root, is_write};
use go_types::Type;
use knowledge::AccessKind;

use crate::RuleContext;
use crate::convention::is_map;

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
    let guarded_write = |f: &flow::FieldUses| {
        // A map that is only ever replaced as a whole may be handed out.
        let into = |u: &&flow::GuardedUse| {
            is_write(u.access.kind) && u.access.kind != AccessKind::Write && !u.guards.is_empty()
        };
        let write = f.uses.iter().find(into)?;
        Some((f.obj, write.access.span))
    };
    let maps = cx.analysis.fields.iter().filter(|f| is_map(cx, f.obj));
    let written: base::FxHashMap<_, _> = maps.filter_map(guarded_write).collect();
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
                        let Some(obj) = map.variable() else { continue };
                        let guard = flow::guards(&map, locks).first().map(|g| g.0.lock());
                        let (Some(write), Some(lock)) = (written.get(&obj), guard) else {
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
                            kind: diag::AccessKind::MapRead,
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
                                .context(format!("the map is written here, under `{lock}`"), *write)
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
