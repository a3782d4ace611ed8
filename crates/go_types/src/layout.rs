//! The memory layout of structs: offsets, padding and cache lines, a field order that needs less,
//! misaligned 64-bit atomics, and fields that fight over a cache line.

use base::FxHashSet;
use go_syntax::ast::{ExprKind, UnaryOp};

use crate::info::PackageInfo;
use crate::sizes::Sizes;
use crate::store::{ObjId, Store, TypeId};
use crate::types::{Basic, Type};
use crate::typestring::{type_string, type_string_in};
use crate::under::{unalias, under};

/// A field where it lies. All numbers are bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldLayout {
    /// The field.
    pub obj: ObjId,
    /// Its name; of an embedded field, that of its type.
    pub name: String,
    /// Its type with full package paths.
    pub typ: String,
    /// Its type as the package that declares the struct would write it.
    pub short_type: String,
    /// Distance from the start of the struct.
    pub offset: i64,
    /// Its size.
    pub size: i64,
    /// Its alignment.
    pub align: i64,
    /// Unused bytes between it and the next field, or the end of the struct.
    pub padding: i64,
    /// A mutex or an atomic: something that several goroutines write.
    pub contended: bool,
    /// Used by 64-bit functions of sync/atomic, but not 8-aligned on this target.
    pub misaligned_atomic: bool,
}

/// The layout of a struct type on one architecture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructLayout {
    /// The fields in source order.
    pub fields: Vec<FieldLayout>,
    /// Size in bytes.
    pub size: i64,
    /// Alignment in bytes.
    pub align: i64,
    /// All padding together.
    pub padding: i64,
    /// Bytes of a cache line on the target.
    pub cache_line: i64,
    /// A field order (indices into `fields`) that makes the struct smaller, and its size then. None
    /// where the order is deliberate: blank fields that pad, or `structs.HostLayout`.
    pub better: Option<(Vec<usize>, i64)>,
    /// Cache lines (when the struct starts one) with several contended fields, and those fields.
    pub shared_lines: Vec<(i64, Vec<usize>)>,
}

/// Bytes of a cache line, as `internal/cpu.CacheLinePadSize` has them.
pub fn cache_line(goarch: &str) -> i64 {
    match goarch {
        "arm64" | "ppc64" | "ppc64le" => 128,
        "s390x" => 256,
        "arm" | "mips" | "mipsle" | "mips64" | "mips64le" => 32,
        _ => 64,
    }
}

/// The layout of `t`; `None` unless it is a struct with a size of its own. `atomic64` are the
/// fields that [`atomic64_fields`] found.
pub fn struct_layout(
    store: &Store,
    sizes: &Sizes,
    goarch: &str,
    t: TypeId,
    atomic64: &FxHashSet<ObjId>,
) -> Option<StructLayout> {
    let Type::Struct(s) = store.ty(under(store, t)) else { return None };
    let (size, align) = (sizes.sizeof(store, t), sizes.alignof(store, t));
    let offsets = sizes.offsetsof(store, &s.fields);
    if size < 0 || offsets.iter().any(|&o| o < 0) {
        return None;
    }
    let mut fields = Vec::with_capacity(s.fields.len());
    for (i, &obj) in s.fields.iter().enumerate() {
        let field = store.obj(obj);
        let typ = field.typ.get()?;
        let (offset, bytes) = (offsets[i], sizes.sizeof(store, typ));
        let next = offsets.get(i + 1).copied().unwrap_or(size);
        let declared = field.origin().unwrap_or(obj);
        fields.push(FieldLayout {
            obj,
            name: field.name.as_str().to_owned(),
            typ: type_string(store, typ),
            short_type: field
                .pkg
                .map_or_else(|| type_string(store, typ), |pkg| type_string_in(store, typ, pkg)),
            offset,
            size: bytes,
            align: sizes.alignof(store, typ),
            padding: next - offset - bytes,
            contended: atomic64.contains(&declared) || is_contended(store, typ),
            misaligned_atomic: atomic64.contains(&declared) && offset % 8 != 0,
        });
    }
    let line = cache_line(goarch);
    Some(StructLayout {
        padding: fields.iter().map(|f| f.padding).sum(),
        better: better_order(store, sizes, &fields, size),
        shared_lines: shared_lines(&fields, line),
        fields,
        size,
        align,
        cache_line: line,
    })
}

/// The fields of a struct whose size is not known: something in them has a type that was not found
/// (its package is not here, or does not compile). The figures of such a struct mean nothing.
pub fn unknown_fields(store: &Store, t: TypeId) -> Vec<String> {
    let Type::Struct(s) = store.ty(under(store, t)) else { return Vec::new() };
    let fields = s.fields.iter().map(|&f| store.obj(f));
    let unknown = fields.filter(|f| f.typ.get().is_none_or(|t| has_unknown_size(store, t, 0)));
    unknown.map(|f| f.name.as_str().to_owned()).collect()
}

fn has_unknown_size(store: &Store, t: TypeId, depth: u32) -> bool {
    /// Deeper nesting by value is an error that the checker reports.
    const MAX_DEPTH: u32 = 100;
    let inner = |t| depth < MAX_DEPTH && has_unknown_size(store, t, depth + 1);
    match store.ty(under(store, t)) {
        Type::Basic(Basic::Invalid) | Type::TypeParam(_) => true,
        Type::Array { elem, .. } => inner(*elem),
        Type::Struct(s) => s.fields.iter().any(|&f| store.obj(f).typ.get().is_none_or(inner)),
        _ => false,
    }
}

/// The struct fields that these packages (their bodies checked) pass to 64-bit functions of
/// sync/atomic: `atomic.AddInt64(&s.n, 1)`.
pub fn atomic64_fields<'p>(
    store: &Store,
    packages: impl IntoIterator<Item = &'p PackageInfo>,
) -> FxHashSet<ObjId> {
    let mut found = FxHashSet::default();
    for file in packages.into_iter().flat_map(|p| &p.files) {
        for e in file.ast.exprs.iter() {
            let ExprKind::Call { fun, args, .. } = e.kind else { continue };
            let Some(callee) = file.obj_of(file.ast.unparen(fun)).map(|o| store.obj(o)) else {
                continue;
            };
            let is_atomic = callee.name.as_str().ends_with("64")
                && callee.pkg.is_some_and(|p| store.package(p).path.as_str() == "sync/atomic");
            let Some(&first) = file.ast.expr_list(args).first().filter(|_| is_atomic) else {
                continue;
            };
            let ExprKind::Unary { op: UnaryOp::Addr, x } =
                file.ast.expr(file.ast.unparen(first)).kind
            else {
                continue;
            };
            if let Some(obj) = file.obj_of(file.ast.unparen(x))
                && store.obj(obj).is_field()
            {
                found.insert(store.obj(obj).origin().unwrap_or(obj));
            }
        }
    }
    found
}

/// Largest alignment first wastes nothing between fields; empty fields go to the front, since one
/// at the end costs a word.
fn better_order(
    store: &Store,
    sizes: &Sizes,
    fields: &[FieldLayout],
    size: i64,
) -> Option<(Vec<usize>, i64)> {
    let is_deliberate =
        |f: &FieldLayout| f.name == "_" && f.size > 0 || f.typ == "structs.HostLayout";
    if fields.iter().any(is_deliberate) {
        return None;
    }
    let mut order: Vec<usize> = (0..fields.len()).collect();
    order.sort_by_key(|&i| {
        let f = &fields[i];
        (f.size != 0, std::cmp::Reverse(f.align), std::cmp::Reverse(f.size))
    });
    let objs: Vec<ObjId> = order.iter().map(|&i| fields[i].obj).collect();
    let smaller = sizes.sizeof_fields(store, &objs);
    (0 <= smaller && smaller < size).then_some((order, smaller))
}

fn shared_lines(fields: &[FieldLayout], line: i64) -> Vec<(i64, Vec<usize>)> {
    let mut lines: Vec<(i64, Vec<usize>)> = Vec::new();
    for (i, f) in fields.iter().enumerate().filter(|(_, f)| f.contended && f.size > 0) {
        match lines.last_mut() {
            Some((at, members)) if *at == f.offset / line => members.push(i),
            _ => lines.push((f.offset / line, vec![i])),
        }
    }
    lines.retain(|(_, members)| members.len() > 1);
    lines
}

fn is_contended(store: &Store, t: TypeId) -> bool {
    let Type::Named(named) = store.ty(unalias(store, t)) else { return false };
    let obj = store.obj(named.obj);
    let Some(pkg) = obj.pkg else { return false };
    match store.package(pkg).path.as_str() {
        "sync/atomic" => true,
        "sync" => matches!(obj.name.as_str(), "Mutex" | "RWMutex" | "WaitGroup"),
        _ => false,
    }
}
