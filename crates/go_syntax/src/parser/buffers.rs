//! The vectors that a parser fills. Each thread keeps one set from file to file: they have grown to
//! the size that files have and are warm in the cache. The finished tree is a copy that is exactly
//! as large as it has to be, which halves the memory that trees hold.

use std::cell::Cell;

use base::{Id, IndexVec, sym};

use super::params::Param;
use crate::ast::{ExprId, Field, File, Ident, Spec, StmtId};

/// A set that a large file has blown up beyond this is not kept.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// The tree under construction, and lists under construction that are copied to it when complete.
pub(super) struct Buffers {
    pub(super) file: File,
    pub(super) exprs: Vec<ExprId>,
    pub(super) stmts: Vec<StmtId>,
    pub(super) fields: Vec<Field>,
    pub(super) idents: Vec<Ident>,
    pub(super) specs: Vec<Spec>,
    pub(super) params: Vec<Param>,
}

thread_local! {
    static KEPT: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

impl Buffers {
    /// Empty buffers.
    pub(super) fn take() -> Box<Self> {
        KEPT.take().unwrap_or_else(|| {
            Box::new(Self {
                file: empty_file(),
                exprs: Vec::new(),
                stmts: Vec::new(),
                fields: Vec::new(),
                idents: Vec::new(),
                specs: Vec::new(),
                params: Vec::new(),
            })
        })
    }

    /// The tree, and the buffers back to where the next file finds them.
    pub(super) fn finish(mut self: Box<Self>) -> File {
        let f = &mut self.file;
        let file = File {
            package: f.package,
            package_pos: f.package_pos,
            exprs: exact_index(&mut f.exprs),
            stmts: exact_index(&mut f.stmts),
            all_decls: exact_index(&mut f.all_decls),
            specs: exact_index(&mut f.specs),
            func_types: exact_index(&mut f.func_types),
            func_decls: exact_index(&mut f.func_decls),
            slice_bounds: exact(&mut f.slice_bounds),
            ranges: exact(&mut f.ranges),
            fields: exact(&mut f.fields),
            idents: exact(&mut f.idents),
            expr_lists: exact(&mut f.expr_lists),
            stmt_lists: exact(&mut f.stmt_lists),
            decls: exact(&mut f.decls),
            comments: exact(&mut f.comments),
            errors: std::mem::take(&mut f.errors),
        };
        self.exprs.clear();
        self.stmts.clear();
        self.fields.clear();
        self.idents.clear();
        self.specs.clear();
        self.params.clear();
        f.package = NO_NAME;
        f.package_pos = 0;
        if f.heap_bytes() <= MAX_KEPT_BYTES {
            KEPT.set(Some(self));
        }
        file
    }
}

const NO_NAME: Ident = Ident { name: sym::BLANK, pos: 0 };

fn empty_file() -> File {
    File {
        package: NO_NAME,
        package_pos: 0,
        exprs: IndexVec::new(),
        stmts: IndexVec::new(),
        all_decls: IndexVec::new(),
        specs: IndexVec::new(),
        func_types: IndexVec::new(),
        func_decls: IndexVec::new(),
        slice_bounds: Vec::new(),
        ranges: Vec::new(),
        fields: Vec::new(),
        idents: Vec::new(),
        expr_lists: Vec::new(),
        stmt_lists: Vec::new(),
        decls: Vec::new(),
        comments: Vec::new(),
        errors: Vec::new(),
    }
}

/// A copy without spare capacity; the original is emptied and keeps its capacity.
fn exact<T: Copy>(v: &mut Vec<T>) -> Vec<T> {
    let copy = v.as_slice().to_vec();
    v.clear();
    copy
}

fn exact_index<I: Id, T: Copy>(v: &mut IndexVec<I, T>) -> IndexVec<I, T> {
    IndexVec::from_vec(exact(v.as_mut_vec()))
}
