//! Dependencies before dependents: the order and the layers of a program, and import cycles, which
//! are reported with their chain and cut at the import that closes them.

use base::{FxHashMap, Id, IndexVec};

use crate::{ErrorClass, ImportTarget, LoadError, Package, PackageId, Program};

/// Fills in `order` and `levels`, cutting cycles.
pub(crate) fn order(program: &mut Program) {
    let mut walk = Walk {
        state: vec![State::New; program.packages.len()],
        order: Vec::with_capacity(program.packages.len()),
    };
    let mut cuts = Vec::new();
    for id in program.packages.ids() {
        walk.visit(&program.packages, id, &mut cuts);
    }
    for cut in cuts {
        apply(program, &cut);
    }
    let mut level: FxHashMap<PackageId, usize> = FxHashMap::default();
    for &id in &walk.order {
        let below = program.packages[id].dependencies();
        let own = below.iter().map(|d| level.get(d).map_or(0, |l| l + 1)).max().unwrap_or(0);
        level.insert(id, own);
        if program.levels.len() <= own {
            program.levels.resize_with(own + 1, Vec::new);
        }
        program.levels[own].push(id);
    }
    for layer in &mut program.levels {
        layer.sort_unstable();
    }
    program.order = walk.order;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

struct Walk {
    state: Vec<State>,
    order: Vec<PackageId>,
}

/// An import that closes a cycle.
struct Cut {
    from: PackageId,
    to: PackageId,
    /// The cycle, from `to` along its imports to `from`.
    chain: Vec<PackageId>,
}

impl Walk {
    /// Depth first, with a stack of its own: chains of imports can be long.
    fn visit(
        &mut self,
        packages: &IndexVec<PackageId, Package>,
        start: PackageId,
        cuts: &mut Vec<Cut>,
    ) {
        if self.state[start.index()] != State::New {
            return;
        }
        self.state[start.index()] = State::Open;
        let mut stack = vec![(start, packages[start].dependencies(), 0)];
        while let Some((id, below, next)) = stack.last_mut() {
            let id = *id;
            let Some(&target) = below.get(*next) else {
                self.state[id.index()] = State::Done;
                self.order.push(id);
                stack.pop();
                continue;
            };
            *next += 1;
            match self.state[target.index()] {
                State::Done => {}
                State::New => {
                    self.state[target.index()] = State::Open;
                    stack.push((target, packages[target].dependencies(), 0));
                }
                State::Open => {
                    let path = stack.iter().map(|(id, ..)| *id);
                    let chain = path.skip_while(|&id| id != target).collect();
                    cuts.push(Cut { from: id, to: target, chain });
                }
            }
        }
    }
}

fn apply(program: &mut Program, cut: &Cut) {
    let mut names: Vec<String> =
        cut.chain.iter().map(|&id| program.packages[id].display_path()).collect();
    names.push(program.packages[cut.to].display_path());
    let message = format!("import cycle not allowed: {}", names.join(" imports "));
    let package = &mut program.packages[cut.from];
    package.implicit_deps.retain(|&id| id != cut.to);
    let mut closing: Vec<String> = package
        .imports
        .iter()
        .filter(|(_, target)| **target == ImportTarget::Package(cut.to))
        .map(|(path, _)| path.clone())
        .collect();
    closing.sort();
    for path in closing {
        let (file, line) = place_of_import(program, cut.from, &path);
        let package = &mut program.packages[cut.from];
        package.imports.insert(path, ImportTarget::Missing(message.clone()));
        package.errors.push(LoadError::new(&file, ErrorClass::Source, message.clone()).at(line, 0));
    }
}

/// The first file of a package that imports a path, and the line.
fn place_of_import(program: &Program, id: PackageId, path: &str) -> (std::path::PathBuf, u32) {
    let package = &program.packages[id];
    for parsed in &package.files {
        let source = program.sources.file(parsed.file);
        for import in go_imports(&parsed.ast) {
            if source.slice(import).trim_matches(['"', '`']) == path {
                return (source.path.clone(), source.line_col(import.start).line);
            }
        }
    }
    (package.dir.clone(), 0)
}

fn go_imports(ast: &go_syntax::ast::File) -> impl Iterator<Item = source::Span> {
    use go_syntax::ast::{DeclKind, SpecKind};
    ast.decls
        .iter()
        .filter_map(|&d| match ast.all_decls[d].kind {
            DeclKind::Import(specs) => Some(specs),
            _ => None,
        })
        .flat_map(|specs| ast.spec_ids(specs))
        .filter_map(|id| match ast.specs[id].kind {
            SpecKind::Import { path, .. } => Some(ast.expr(path).span),
            _ => None,
        })
}
