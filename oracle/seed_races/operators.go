package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// candidates lists the places of a package, in the order of operators, files and offsets.
func candidates(p *loaded) []*Seed {
	c := newConventions(p)
	var seeds []*Seed
	seeds = append(seeds, c.lockSeeds()...)
	seeds = append(seeds, c.copySeeds()...)
	seeds = append(seeds, c.startSeeds()...)
	seeds = append(seeds, c.waitSeeds()...)
	sort.SliceStable(seeds, func(i, j int) bool {
		a, b := seeds[i], seeds[j]
		if a.Operator != b.Operator {
			return a.Operator < b.Operator
		}
		if a.index != b.index {
			return a.index < b.index
		}
		if a.Edits[0].Start != b.Edits[0].Start {
			return a.Edits[0].Start < b.Edits[0].Start
		}
		return a.Variable < b.Variable
	})
	return seeds
}

// seed starts a seed in a function.
func (c *conventions) seed(operator string, index int, decl *ast.FuncDecl, variable string, isMap bool) *Seed {
	s := &Seed{
		Operator: operator, Package: c.path, File: c.names[index], Function: functionName(decl),
		Variable: variable, Map: isMap, pkg: c.loaded, index: index,
	}
	first, last := c.fset.Position(decl.Pos()).Line, c.fset.Position(decl.End()).Line
	for line := first; line <= last; line++ {
		s.Places = append(s.Places, Place{s.File, line})
	}
	return s
}

func (s *Seed) fieldPlaces(accesses []access) {
	for _, a := range accesses {
		at := s.pkg.fset.Position(a.sel.Pos())
		s.Places = append(s.Places, Place{at.Filename, at.Line})
	}
}

func functionName(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return decl.Name.Name
	}
	name := ""
	ast.Inspect(decl.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return name + "." + decl.Name.Name
}

func (c *conventions) edit(from, to token.Pos, text string) Edit {
	return Edit{c.offset(from), c.offset(to), text}
}

// byRegion is the guarded fields with their accesses in each region.
func (c *conventions) byRegion() map[*region]map[*guarded][]access {
	found := map[*region]map[*guarded][]access{}
	for _, g := range c.guarded {
		for _, a := range g.accesses {
			if found[a.in] == nil {
				found[a.in] = map[*guarded][]access{}
			}
			found[a.in][g] = append(found[a.in][g], a)
		}
	}
	return found
}

// races says whether the accesses conflict with one of the same field in at least two other
// functions; `reading` counts those others that stand under RLock only.
func races(g *guarded, own []access, reading bool) bool {
	write := false
	for _, a := range own {
		write = write || a.write
	}
	others := map[ast.Node]bool{}
	conflict := false
	for _, a := range g.all {
		if a.fn == own[0].fn {
			continue
		}
		if a.in != nil {
			others[a.fn] = true
		}
		if reading && (a.in == nil || !a.in.read) {
			continue
		}
		conflict = conflict || write || a.write
	}
	return conflict && len(others) >= 2
}

// lockSeeds are drop-lock, rlock, other-mutex and copy-struct.
func (c *conventions) lockSeeds() []*Seed {
	var seeds []*Seed
	for r, fields := range c.byRegion() {
		if c.waitsOnCond(r.fn) || r.decl == nil {
			continue
		}
		index := c.fileOf(r.decl)
		for _, g := range preferred(fields) {
			own := fields[g]
			if races(g, own, false) {
				s := c.seed("drop-lock", index, r.decl, g.field.Name(), g.isMap)
				for _, stmt := range r.stmts {
					s.Edits = append(s.Edits, c.edit(stmt.Pos(), stmt.End(), ""))
				}
				s.fieldPlaces(g.all)
				seeds = append(seeds, s)
				if o := c.otherMutex(r, g, index); o != nil {
					seeds = append(seeds, o)
				}
			}
			if r.rw && !r.read && writesAny(own) && races(g, own, true) {
				s := c.seed("rlock", index, r.decl, g.field.Name(), g.isMap)
				for _, call := range append([]*ast.CallExpr{r.lock}, r.unlocks...) {
					name := call.Fun.(*ast.SelectorExpr).Sel
					s.Edits = append(s.Edits, c.edit(name.Pos(), name.Pos(), "R"))
				}
				s.fieldPlaces(g.all)
				seeds = append(seeds, s)
			}
			if s := c.valueReceiver(r, g, own, index); s != nil {
				seeds = append(seeds, s)
			}
		}
	}
	return seeds
}

func writesAny(accesses []access) bool {
	for _, a := range accesses {
		if a.write {
			return true
		}
	}
	return false
}

// preferred is one map and one other field of those accessed in a region: each place is broken once
// for each kind.
func preferred(fields map[*guarded][]access) []*guarded {
	var all []*guarded
	for g := range fields {
		all = append(all, g)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := writesAny(fields[all[i]]), writesAny(fields[all[j]])
		if a != b {
			return a
		}
		return all[i].field.Pos() < all[j].field.Pos()
	})
	var out []*guarded
	seen := map[bool]bool{}
	for _, g := range all {
		if !seen[g.isMap] {
			seen[g.isMap] = true
			out = append(out, g)
		}
	}
	return out
}

func (c *conventions) fileOf(decl *ast.FuncDecl) int {
	name := c.fset.Position(decl.Pos()).Filename
	for i, own := range c.names {
		if own == name {
			return i
		}
	}
	return 0
}

// waitsOnCond: a condition variable needs the very mutex that is held.
func (c *conventions) waitsOnCond(fn ast.Node) bool {
	found := false
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if f, ok := c.info.Uses[sel.Sel].(*types.Func); ok && f.FullName() == "(*sync.Cond).Wait" {
				found = true
			}
		}
		return !found
	})
	return found
}

// otherMutex locks another mutex of the struct, or the mutex of another instance.
func (c *conventions) otherMutex(r *region, g *guarded, index int) *Seed {
	ptr, ok := r.base.Type().(*types.Pointer)
	if !ok {
		return nil
	}
	named, ok := types.Unalias(ptr.Elem()).(*types.Named)
	if !ok || named.TypeParams().Len() > 0 || named.Obj().Parent() != c.pkg.Scope() {
		return nil
	}
	if _, pointer := r.mutex.Type().Underlying().(*types.Pointer); pointer {
		return nil
	}
	s := c.seed("other-mutex", index, r.decl, g.field.Name(), g.isMap)
	instance, text := "", ""
	st := structOf(r.base.Type())
	for i := range st.NumFields() {
		f := st.Field(i)
		if f.Origin() != r.mutex && types.Identical(f.Type(), r.mutex.Type()) {
			instance = r.base.Name() + "." + f.Name()
			break
		}
	}
	if instance == "" {
		instance = "otherInstance." + r.mutex.Name()
		text = "\nvar otherInstance " + named.Obj().Name() + "\n"
	}
	for _, call := range append([]*ast.CallExpr{r.lock}, r.unlocks...) {
		x := call.Fun.(*ast.SelectorExpr).X
		s.Edits = append(s.Edits, c.edit(x.Pos(), x.End(), instance))
	}
	if text != "" {
		end := len(c.texts[index])
		s.Edits = append(s.Edits, Edit{end, end, text})
	}
	s.fieldPlaces(g.all)
	return s
}

// valueReceiver copies the struct with its mutex; what races then is a map (the copies share it).
func (c *conventions) valueReceiver(r *region, g *guarded, own []access, index int) *Seed {
	recv := r.decl.Recv
	if recv == nil || len(recv.List[0].Names) != 1 || c.info.Defs[recv.List[0].Names[0]] != r.base {
		return nil
	}
	star, ok := recv.List[0].Type.(*ast.StarExpr)
	if _, pointer := r.mutex.Type().Underlying().(*types.Pointer); !ok || pointer || !g.isMap || r.fn != ast.Node(r.decl) {
		return nil
	}
	// The map's elements have to be touched, not the field alone: the copy has a field of its own.
	if !races(g, own, false) || !touchesElements(c, own) || c.assignsField(own) {
		return nil
	}
	s := c.seed("copy-struct", index, r.decl, g.field.Name(), true)
	s.Edits = []Edit{c.edit(star.Pos(), star.X.Pos(), "")}
	s.fieldPlaces(g.all)
	return s
}

func touchesElements(c *conventions, own []access) bool {
	for _, a := range own {
		switch p := c.parents[a.sel].(type) {
		case *ast.IndexExpr:
			return true
		case *ast.RangeStmt:
			return p.X == a.sel
		case *ast.CallExpr:
			if id, ok := p.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear" || id.Name == "len") {
				return true
			}
		}
	}
	return false
}

func (c *conventions) assignsField(own []access) bool {
	for _, a := range own {
		if assign, ok := c.parents[a.sel].(*ast.AssignStmt); ok {
			for _, left := range assign.Lhs {
				if left == ast.Expr(a.sel) {
					return true
				}
			}
		}
	}
	return false
}

// copySeeds are drop-clone and return-map: a guarded map or slice leaves the method that holds the
// lock as it is. Another function writes its elements under the lock, so that whoever got it races.
func (c *conventions) copySeeds() []*Seed {
	var seeds []*Seed
	for _, g := range c.guarded {
		for _, a := range g.accesses {
			if a.write || a.fn != ast.Node(a.decl) || !c.elementsWrittenElsewhere(g, a.fn) || !c.usedOutside(a.decl) {
				continue
			}
			if s := c.dropClone(g, a); s != nil {
				seeds = append(seeds, s)
			}
			if s := c.returnMap(g, a); s != nil {
				seeds = append(seeds, s)
			}
		}
	}
	return seeds
}

func (c *conventions) elementsWrittenElsewhere(g *guarded, fn ast.Node) bool {
	for _, a := range g.all {
		if a.write && a.fn != fn {
			switch c.parents[a.sel].(type) {
			case *ast.IndexExpr, *ast.CallExpr:
				return true
			}
		}
	}
	return false
}

// usedOutside: the method is exported, or a result of it is used in the package.
func (c *conventions) usedOutside(decl *ast.FuncDecl) bool {
	if decl.Type.Results.NumFields() == 0 {
		return false
	}
	method, _ := c.info.Defs[decl.Name].(*types.Func)
	return decl.Name.IsExported() || len(c.calls[method]) > 0
}

// dropClone leaves out maps.Clone, slices.Clone, append to an empty slice, or a Clone, Copy or
// DeepCopy method, if the copy is what the function returns.
func (c *conventions) dropClone(g *guarded, a access) *Seed {
	call, ok := c.parents[a.sel].(*ast.CallExpr)
	if sel, isSel := c.parents[a.sel].(*ast.SelectorExpr); isSel && (sel.Sel.Name == "Clone" || sel.Sel.Name == "Copy" || sel.Sel.Name == "DeepCopy") {
		call, ok = c.parents[sel].(*ast.CallExpr)
		ok = ok && call.Fun == ast.Expr(sel) && len(call.Args) == 0
	} else if ok {
		fun, isSel := call.Fun.(*ast.SelectorExpr)
		ok = isSel && len(call.Args) == 1 && fun.Sel.Name == "Clone"
		if ok {
			f, _ := c.info.Uses[fun.Sel].(*types.Func)
			ok = f != nil && f.Pkg() != nil && (f.Pkg().Path() == "maps" || f.Pkg().Path() == "slices")
		} else if id, isID := call.Fun.(*ast.Ident); isID && id.Name == "append" && call.Ellipsis.IsValid() {
			ok = len(call.Args) == 2 && call.Args[1] == ast.Expr(a.sel) && emptySlice(call.Args[0])
		}
	}
	if !ok || !c.returned(call, a.decl) {
		return nil
	}
	switch g.field.Type().Underlying().(type) {
	case *types.Map, *types.Slice:
	default:
		return nil
	}
	s := c.seed("drop-clone", a.index, a.decl, g.field.Name(), g.isMap)
	s.Edits = []Edit{c.edit(call.Pos(), call.End(), c.text(a.index, a.sel))}
	s.fieldPlaces(g.all)
	return s
}

// emptySlice is `[]T{}` or `[]T(nil)`.
func emptySlice(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return len(e.Elts) == 0
	case *ast.CallExpr:
		_, isType := e.Fun.(*ast.ArrayType)
		return isType
	}
	return false
}

// returned: the expression stands in a return statement, or is assigned to a variable that a return
// statement names.
func (c *conventions) returned(e ast.Expr, decl *ast.FuncDecl) bool {
	switch p := c.parents[e].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.AssignStmt:
		if len(p.Lhs) != 1 {
			return false
		}
		id, ok := p.Lhs[0].(*ast.Ident)
		return ok && c.returnsVariable(c.object(id), decl)
	}
	return false
}

func (c *conventions) object(id *ast.Ident) types.Object {
	if obj := c.info.Defs[id]; obj != nil {
		return obj
	}
	return c.info.Uses[id]
}

func (c *conventions) returnsVariable(v types.Object, decl *ast.FuncDecl) bool {
	found := false
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok {
			for _, result := range r.Results {
				if id, ok := ast.Unparen(result).(*ast.Ident); ok && v != nil && c.info.Uses[id] == v {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// returnMap turns `for k, v := range x.f { out[k] = v }`, maps.Copy(out, x.f) and copy(out, x.f) into
// `out = x.f`, where out is returned.
func (c *conventions) returnMap(g *guarded, a access) *Seed {
	if s := c.returnCopied(g, a); s != nil {
		return s
	}
	loop, ok := c.parents[a.sel].(*ast.RangeStmt)
	if !ok || loop.X != ast.Expr(a.sel) || !g.isMap || len(loop.Body.List) != 1 || loop.Key == nil || loop.Value == nil {
		return nil
	}
	assign, ok := loop.Body.List[0].(*ast.AssignStmt)
	if !ok || len(assign.Lhs) != 1 || assign.Tok != token.ASSIGN {
		return nil
	}
	index, ok := assign.Lhs[0].(*ast.IndexExpr)
	if !ok || c.text(a.index, index.Index) != c.text(a.index, loop.Key) ||
		c.text(a.index, assign.Rhs[0]) != c.text(a.index, loop.Value) {
		return nil
	}
	out, ok := index.X.(*ast.Ident)
	if !ok || !c.returnsVariable(c.info.Uses[out], a.decl) || !types.Identical(c.info.TypeOf(out), g.field.Type()) {
		return nil
	}
	s := c.seed("return-map", a.index, a.decl, g.field.Name(), true)
	// As many lines as before, so that places stay.
	newlines := strings.Repeat("\n", c.fset.Position(loop.End()).Line-c.fset.Position(loop.Pos()).Line)
	s.Edits = []Edit{c.edit(loop.Pos(), loop.End(), out.Name+" = "+c.text(a.index, a.sel)+newlines)}
	s.fieldPlaces(g.all)
	return s
}

// returnCopied is returnMap for the calls.
func (c *conventions) returnCopied(g *guarded, a access) *Seed {
	call, ok := c.parents[a.sel].(*ast.CallExpr)
	if !ok || len(call.Args) != 2 || call.Args[1] != ast.Expr(a.sel) {
		return nil
	}
	stmt, ok := c.parents[call].(*ast.ExprStmt)
	if !ok {
		return nil
	}
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		ok = fun.Name == "copy"
	case *ast.SelectorExpr:
		f, _ := c.info.Uses[fun.Sel].(*types.Func)
		ok = f != nil && f.FullName() == "maps.Copy"
	}
	out, isID := call.Args[0].(*ast.Ident)
	if !ok || !isID || !c.returnsVariable(c.info.Uses[out], a.decl) || !types.Identical(c.info.TypeOf(out), g.field.Type()) {
		return nil
	}
	s := c.seed("return-map", a.index, a.decl, g.field.Name(), g.isMap)
	s.Edits = []Edit{c.edit(stmt.Pos(), stmt.End(), out.Name+" = "+c.text(a.index, a.sel))}
	s.fieldPlaces(g.all)
	return s
}
