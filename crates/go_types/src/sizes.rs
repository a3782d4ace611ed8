//! Sizes and alignments as Go's own compiler lays types out, for each GOARCH.

use crate::store::{ObjId, Store, TypeId};
use crate::types::{Basic, Type};
use crate::under::{unalias, under};

/// Types nested deeper than this have no finite size (an error is reported elsewhere).
const MAX_DEPTH: u32 = 1_000;

/// Word size and largest alignment of an architecture, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// Size of a pointer and of `int`.
    pub word: i64,
    /// No basic type is aligned to more.
    pub max_align: i64,
}

/// amd64, as in go/types when no sizes are given.
impl Default for Sizes {
    fn default() -> Self {
        Self { word: 8, max_align: 8 }
    }
}

/// The architectures that the compiler knows, with word size and largest alignment.
const ARCHS: &[(&str, i64, i64)] = &[
    ("386", 4, 4),
    ("amd64", 8, 8),
    ("arm", 4, 4),
    ("arm64", 8, 8),
    ("loong64", 8, 8),
    ("mips", 4, 4),
    ("mips64", 8, 8),
    ("mips64le", 8, 8),
    ("mipsle", 4, 4),
    ("ppc64", 8, 8),
    ("ppc64le", 8, 8),
    ("riscv64", 8, 8),
    ("s390x", 8, 8),
    ("sparc64", 8, 8),
    ("wasm", 8, 8),
    ("amd64p32", 4, 8),
];

impl Sizes {
    /// The sizes of a GOARCH; `None` for an unknown one.
    pub fn for_arch(goarch: &str) -> Option<Self> {
        let &(_, word, max_align) = ARCHS.iter().find(|a| a.0 == goarch)?;
        Some(Self { word, max_align })
    }

    /// The names that [`Self::for_arch`] knows.
    pub fn archs() -> impl Iterator<Item = &'static str> {
        ARCHS.iter().map(|a| a.0)
    }

    /// Size in bytes; negative when it exceeds 63 bits. Of a type parameter: 0.
    pub fn sizeof(&self, store: &Store, t: TypeId) -> i64 {
        self.size(store, t, 0)
    }

    /// Alignment in bytes, at least 1.
    pub fn alignof(&self, store: &Store, t: TypeId) -> i64 {
        self.align(store, t, 0)
    }

    /// Offsets in bytes of fields laid out in this order; negative ones for those that are too
    /// far out.
    pub fn offsetsof(&self, store: &Store, fields: &[ObjId]) -> Vec<i64> {
        self.offsets(store, fields, 0)
    }

    /// Offset of the field reached by `index` through embedded structs; negative when it is too
    /// far out.
    pub fn offsetof(&self, store: &Store, t: TypeId, index: &[u32]) -> i64 {
        let mut typ = t;
        let mut total: i64 = 0;
        for &i in index {
            let Type::Struct(s) = store.ty(under(store, typ)) else { return -1 };
            let Some(&offset) = self.offsetsof(store, &s.fields).get(i as usize) else {
                return -1;
            };
            if offset < 0 {
                return -1;
            }
            total = match total.checked_add(offset) {
                Some(sum) => sum,
                None => return -1,
            };
            let Some(next) = store.obj(s.fields[i as usize]).typ.get() else { return -1 };
            typ = next;
        }
        total
    }

    /// Size in bytes of a struct with these fields in this order; negative as for
    /// [`Self::sizeof`].
    pub fn sizeof_fields(&self, store: &Store, fields: &[ObjId]) -> i64 {
        self.struct_size(store, fields, 0)
    }

    fn size(&self, store: &Store, t: TypeId, depth: u32) -> i64 {
        if depth > MAX_DEPTH {
            return -1;
        }
        match store.ty(under(store, t)) {
            Type::Basic(b) => self.basic(*b),
            Type::Array { elem, len } => {
                if *len <= 0 {
                    return 0;
                }
                let size = self.size(store, *elem, depth + 1);
                if size < 0 { -1 } else { size.checked_mul(*len).unwrap_or(-1) }
            }
            Type::Slice(_) => self.word * 3,
            Type::Struct(s) => self.struct_size(store, &s.fields, depth),
            Type::Interface(_) => self.word * 2,
            Type::Tuple(_) | Type::Union(_) | Type::TypeParam(_) => 0,
            _ => self.word,
        }
    }

    fn struct_size(&self, store: &Store, fields: &[ObjId], depth: u32) -> i64 {
        let Some(&last) = fields.last() else { return 0 };
        let offset = self.offsets(store, fields, depth + 1).last().copied().unwrap_or(-1);
        let mut size = field_type(store, last).map_or(0, |t| self.size(store, t, depth + 1));
        if offset < 0 || size < 0 {
            return -1;
        }
        // A pointer to a last field of size zero must not point past the struct.
        if offset > 0 && size == 0 {
            size = 1;
        }
        let align = self.struct_align(store, fields, depth);
        offset.checked_add(size).and_then(|end| round_up(end, align)).unwrap_or(-1)
    }

    fn align(&self, store: &Store, t: TypeId, depth: u32) -> i64 {
        if depth > MAX_DEPTH {
            return 1;
        }
        match store.ty(under(store, t)) {
            Type::Array { elem, .. } => return self.align(store, *elem, depth + 1),
            Type::Struct(s) => {
                if s.fields.is_empty() && is_align64(store, t) {
                    return 8;
                }
                return self.struct_align(store, &s.fields, depth);
            }
            Type::Slice(_)
            | Type::Interface(_)
            | Type::Basic(Basic::String | Basic::UntypedString) => return self.word,
            _ => {}
        }
        let mut align = self.size(store, t, depth);
        if align < 1 {
            return 1;
        }
        if matches!(
            store.ty(under(store, t)),
            Type::Basic(Basic::Complex64 | Basic::Complex128 | Basic::UntypedComplex)
        ) {
            align /= 2;
        }
        align.min(self.max_align)
    }

    fn struct_align(&self, store: &Store, fields: &[ObjId], depth: u32) -> i64 {
        fields
            .iter()
            .filter_map(|&f| field_type(store, f))
            .map(|t| self.align(store, t, depth + 1))
            .fold(1, i64::max)
    }

    fn offsets(&self, store: &Store, fields: &[ObjId], depth: u32) -> Vec<i64> {
        let mut next = Some(0i64);
        let mut out = Vec::with_capacity(fields.len());
        for &f in fields {
            let Some(t) = field_type(store, f) else {
                out.push(next.unwrap_or(-1));
                continue;
            };
            let align = self.align(store, t, depth + 1);
            let offset = next.and_then(|n| round_up(n, align));
            out.push(offset.unwrap_or(-1));
            let size = self.size(store, t, depth + 1);
            next = offset.filter(|_| size >= 0).and_then(|o| o.checked_add(size));
        }
        out
    }

    fn basic(&self, b: Basic) -> i64 {
        match b.canonical() {
            Basic::Bool | Basic::Int8 | Basic::Uint8 => 1,
            Basic::Int16 | Basic::Uint16 => 2,
            Basic::Int32 | Basic::Uint32 | Basic::Float32 => 4,
            Basic::Int64 | Basic::Uint64 | Basic::Float64 | Basic::Complex64 => 8,
            Basic::Complex128 => 16,
            Basic::String => self.word * 2,
            _ => self.word,
        }
    }
}

fn field_type(store: &Store, field: ObjId) -> Option<TypeId> {
    store.obj(field).typ.get()
}

/// The smallest multiple of `align` from `x` on.
fn round_up(x: i64, align: i64) -> Option<i64> {
    x.checked_add(align - 1).map(|sum| sum & !(align - 1))
}

/// Whether this is the empty struct with which sync/atomic asks the compiler for 64-bit
/// alignment.
fn is_align64(store: &Store, t: TypeId) -> bool {
    let Type::Named(named) = store.ty(unalias(store, t)) else { return false };
    let obj = store.obj(named.obj);
    obj.name.as_str() == "align64"
        && obj.pkg.is_some_and(|p| {
            matches!(store.package(p).path.as_str(), "sync/atomic" | "internal/runtime/atomic")
        })
}
