package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// What is known about the locks of a package: in which parts of which functions the mutex field of
// a variable is held, which struct fields are accessed there, and which fields are so guarded that
// an access without the lock would be a race.

// region is the part of a function in which a mutex field of a variable is held. Only functions
// with exactly one Lock (or RLock) of that mutex and matching Unlocks have one.
type region struct {
	fn      ast.Node // *ast.FuncDecl or *ast.FuncLit
	decl    *ast.FuncDecl
	base    *types.Var
	mutex   *types.Var // the field
	rw      bool       // an RWMutex
	read    bool       // RLock
	lock    *ast.CallExpr
	unlocks []*ast.CallExpr
	stmts   []ast.Stmt // the statements of lock and unlocks
	from    token.Pos
	to      token.Pos
}

// access is a use of a struct field of a variable.
type access struct {
	sel   *ast.SelectorExpr
	index int
	fn    ast.Node
	decl  *ast.FuncDecl
	base  *types.Var
	write bool
	// in is the region around it; nil with known false: a function that locks in a way that is not
	// followed; nil with known true: no lock.
	in    *region
	known bool
}

// guarded is a field with the mutex field under which all its accesses stand.
type guarded struct {
	field    *types.Var
	mutex    *types.Var
	isMap    bool
	accesses []access // those in regions
	all      []access // those in helpers that run under the lock too
}

type conventions struct {
	*loaded
	regions map[regionKey]*region
	messy   map[regionKey]bool // locks, but not in the one way that is followed
	fields  map[*types.Var][]access
	guarded []*guarded
	byField map[*types.Var]*guarded
	calls   map[*types.Func][]call
	values  map[*types.Func]bool // used other than by a call
}

type regionKey struct {
	fn    ast.Node
	base  *types.Var
	mutex *types.Var
}

type call struct {
	expr *ast.CallExpr
	fn   ast.Node
	decl *ast.FuncDecl
	base *types.Var // the variable that the method is called on
}

func newConventions(p *loaded) *conventions {
	c := &conventions{
		loaded: p, regions: map[regionKey]*region{}, messy: map[regionKey]bool{},
		fields: map[*types.Var][]access{}, byField: map[*types.Var]*guarded{},
		calls: map[*types.Func][]call{}, values: map[*types.Func]bool{},
	}
	c.eachFunction(c.collectLocks)
	c.eachFunction(c.collectAccesses)
	c.decide()
	return c
}

// eachFunction visits the nodes of each function, those in a function literal with the literal.
func (c *conventions) eachFunction(visit func(index int, decl *ast.FuncDecl, fn ast.Node, n ast.Node)) {
	for index, file := range c.files {
		if ast.IsGenerated(file) {
			continue
		}
		for _, d := range file.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			stack := []ast.Node{decl}
			var nodes []ast.Node
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				if n == nil {
					last := nodes[len(nodes)-1]
					nodes = nodes[:len(nodes)-1]
					if _, ok := last.(*ast.FuncLit); ok {
						stack = stack[:len(stack)-1]
					}
					return true
				}
				nodes = append(nodes, n)
				visit(index, decl, stack[len(stack)-1], n)
				if lit, ok := n.(*ast.FuncLit); ok {
					stack = append(stack, lit)
				}
				return true
			})
		}
	}
}

// lockCall reads `v.mu.Lock()` and `v.Lock()` of an embedded mutex.
func (p *loaded) lockCall(n ast.Node) (call *ast.CallExpr, base, mutex *types.Var, name string, rw bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil, nil, nil, "", false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, nil, nil, "", false
	}
	method, ok := p.info.Uses[sel.Sel].(*types.Func)
	if !ok || method.Pkg() == nil || method.Pkg().Path() != "sync" {
		return nil, nil, nil, "", false
	}
	full := method.FullName()
	rw = strings.HasPrefix(full, "(*sync.RWMutex)")
	if !rw && !strings.HasPrefix(full, "(*sync.Mutex)") {
		return nil, nil, nil, "", false
	}
	switch x := ast.Unparen(sel.X).(type) {
	case *ast.Ident: // embedded
		base, _ = p.info.Uses[x].(*types.Var)
		selection := p.info.Selections[sel]
		if base == nil || selection == nil || len(selection.Index()) != 2 {
			return nil, nil, nil, "", false
		}
		if s := structOf(base.Type()); s != nil {
			mutex = s.Field(selection.Index()[0])
		}
	case *ast.SelectorExpr:
		id, ok := ast.Unparen(x.X).(*ast.Ident)
		if !ok {
			return nil, nil, nil, "", false
		}
		base, _ = p.info.Uses[id].(*types.Var)
		mutex, _ = p.info.Uses[x.Sel].(*types.Var)
		if mutex != nil && !mutex.IsField() {
			return nil, nil, nil, "", false
		}
	}
	if base == nil || mutex == nil {
		return nil, nil, nil, "", false
	}
	return call, base, mutex.Origin(), method.Name(), rw
}

func structOf(t types.Type) *types.Struct {
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, _ := t.Underlying().(*types.Struct)
	return s
}

func (c *conventions) collectLocks(_ int, decl *ast.FuncDecl, fn ast.Node, n ast.Node) {
	call, base, mutex, name, rw := c.lockCall(n)
	if call == nil {
		return
	}
	key := regionKey{fn, base, mutex}
	// A closure that locks or unlocks what the function around it locks makes both unreadable.
	for k := range c.regions {
		if k.base == base && k.mutex == mutex && k.fn != fn && within(fn, k.fn) {
			c.messy[k], c.messy[key] = true, true
		}
	}
	r := c.regions[key]
	if r == nil {
		r = &region{fn: fn, decl: decl, base: base, mutex: mutex, rw: rw}
		c.regions[key] = r
	}
	stmt, deferred := c.parents[call], false
	if d, ok := stmt.(*ast.DeferStmt); ok {
		deferred = true
		stmt = d
	} else if _, ok := stmt.(*ast.ExprStmt); !ok {
		c.messy[key] = true
		return
	}
	switch name {
	case "Lock", "RLock":
		if r.lock != nil || deferred {
			c.messy[key] = true
			return
		}
		if len(r.unlocks) > 0 { // unlocks first: the caller holds it
			c.messy[key] = true
		}
		r.lock, r.read, r.from = call, name == "RLock", call.End()
	case "Unlock", "RUnlock":
		if r.lock == nil || (name == "RUnlock") != r.read {
			c.messy[key] = true
			return
		}
		r.unlocks = append(r.unlocks, call)
		if deferred {
			r.to = fn.End()
		} else if call.Pos() > r.to {
			r.to = call.Pos()
		}
	default: // TryLock, RLocker
		c.messy[key] = true
	}
	r.stmts = append(r.stmts, stmt.(ast.Stmt))
}

func within(inner, outer ast.Node) bool {
	return outer.Pos() <= inner.Pos() && inner.End() <= outer.End()
}

func (c *conventions) collectAccesses(index int, decl *ast.FuncDecl, fn ast.Node, n ast.Node) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return
	}
	selection := c.info.Selections[sel]
	if selection == nil {
		return
	}
	if method, ok := selection.Obj().(*types.Func); ok {
		origin := method.Origin()
		parent, ok := c.parents[sel].(*ast.CallExpr)
		if !ok || parent.Fun != sel || selection.Kind() != types.MethodVal {
			c.values[origin] = true
			return
		}
		if _, ok := c.parents[parent].(*ast.GoStmt); ok {
			c.values[origin] = true
		}
		c.calls[origin] = append(c.calls[origin], call{parent, fn, decl, c.variable(sel.X)})
		return
	}
	field, ok := selection.Obj().(*types.Var)
	if !ok || selection.Kind() != types.FieldVal || len(selection.Index()) != 1 {
		return
	}
	field = field.Origin()
	c.fields[field] = append(c.fields[field], access{
		sel: sel, index: index, fn: fn, decl: decl, base: c.variable(sel.X), write: c.writes(sel),
	})
}

func (c *conventions) variable(x ast.Expr) *types.Var {
	if id, ok := ast.Unparen(x).(*ast.Ident); ok {
		v, _ := c.info.Uses[id].(*types.Var)
		return v
	}
	return nil
}

// writes says whether the memory that the expression names, or an element of it, is written.
func (c *conventions) writes(e ast.Expr) bool {
	var at ast.Node = e
	for {
		parent := c.parents[at]
		switch p := parent.(type) {
		case *ast.ParenExpr:
			at = p
		case *ast.IndexExpr:
			if p.X != at {
				return false
			}
			at = p
		case *ast.SelectorExpr:
			t := c.info.TypeOf(at.(ast.Expr))
			if s := c.info.Selections[p]; t == nil || s == nil || s.Kind() != types.FieldVal {
				return false
			} else if _, ok := t.Underlying().(*types.Struct); !ok {
				return false
			}
			at = p
		case *ast.AssignStmt:
			for _, left := range p.Lhs {
				if left == at {
					return p.Tok != token.DEFINE
				}
			}
			return false
		case *ast.IncDecStmt:
			return true
		case *ast.CallExpr:
			id, ok := p.Fun.(*ast.Ident)
			return ok && at == e && len(p.Args) > 0 && p.Args[0] == at && (id.Name == "delete" || id.Name == "clear")
		default:
			return false
		}
	}
}

// decide finds the guarded fields: all accesses outside of constructors stand in regions of one
// mutex field of the same variable, or in helpers that are only called there; at least three
// functions have such an access, and at least one of them writes.
func (c *conventions) decide() {
	for key := range c.messy {
		delete(c.regions, key)
	}
	for key, r := range c.regions {
		if r.lock == nil || len(r.unlocks) == 0 {
			delete(c.regions, key)
			c.messy[key] = true
		}
	}
	for field, accesses := range c.fields {
		if !guardable(field.Type()) {
			continue
		}
		mutexes := map[*types.Var]bool{}
		for key := range c.regions {
			for _, a := range accesses {
				if a.base == key.base && a.fn == key.fn {
					mutexes[key.mutex] = true
				}
			}
		}
		var mutex *types.Var
		for m := range mutexes {
			if g := c.under(field, m, accesses); g != nil {
				if mutex != nil { // both fit: then neither is the one
					delete(c.byField, field)
					break
				}
				mutex = m
				c.byField[field] = g
			}
		}
	}
	for _, g := range c.byField {
		c.guarded = append(c.guarded, g)
	}
}

// under is the field's accesses if they all stand under that mutex.
func (c *conventions) under(field, mutex *types.Var, accesses []access) *guarded {
	g := &guarded{field: field, mutex: mutex}
	_, g.isMap = field.Type().Underlying().(*types.Map)
	functions, writers := map[ast.Node]bool{}, 0
	for _, a := range accesses {
		if c.constructs(a.base, a.decl) {
			continue
		}
		if a.base == nil {
			return nil
		}
		key := regionKey{a.fn, a.base, mutex}
		if r := c.regions[key]; r != nil && r.from <= a.sel.Pos() && a.sel.Pos() < r.to {
			a.in, a.known = r, true
			if r.read && a.write {
				return nil
			}
			g.accesses = append(g.accesses, a)
			g.all = append(g.all, a)
			functions[a.fn] = true
			if a.write {
				writers++
			}
			continue
		}
		if c.messy[key] {
			continue
		}
		if c.heldBy(a.decl, a.fn, a.base, mutex, 0) {
			g.all = append(g.all, a)
			if a.write {
				writers++
			}
			continue
		}
		return nil
	}
	if len(functions) < 3 || writers == 0 {
		return nil
	}
	return g
}

// constructs says whether the variable is a local one that this function makes a struct for.
func (c *conventions) constructs(v *types.Var, decl *ast.FuncDecl) bool {
	if v == nil || v.IsField() || v.Parent() == c.pkg.Scope() {
		return false
	}
	found := false
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && c.info.Defs[id] == v && len(n.Rhs) == len(n.Lhs) {
					found = found || fresh(n.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, id := range n.Names {
				if c.info.Defs[id] == v {
					_, isPtr := v.Type().Underlying().(*types.Pointer)
					found = found || (len(n.Values) == 0 && !isPtr) || (i < len(n.Values) && fresh(n.Values[i]))
				}
			}
		}
		return !found
	})
	return found
}

func fresh(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.UnaryExpr:
		return e.Op == token.AND && fresh(e.X)
	case *ast.CallExpr:
		id, ok := e.Fun.(*ast.Ident)
		return ok && id.Name == "new"
	}
	return false
}

// heldBy says whether a method is unexported and every call of it stands in a region of the mutex of
// the variable that it is called on, or in another such method.
func (c *conventions) heldBy(decl *ast.FuncDecl, fn ast.Node, base, mutex *types.Var, depth int) bool {
	if depth > 3 || fn != ast.Node(decl) || decl.Recv == nil || len(decl.Recv.List[0].Names) != 1 {
		return false
	}
	if c.info.Defs[decl.Recv.List[0].Names[0]] != base || decl.Name.IsExported() {
		return false
	}
	method, _ := c.info.Defs[decl.Name].(*types.Func)
	if method == nil || c.values[method] || len(c.calls[method]) == 0 {
		return false
	}
	for _, call := range c.calls[method] {
		if call.base == nil {
			return false
		}
		if c.constructs(call.base, call.decl) {
			continue
		}
		key := regionKey{call.fn, call.base, mutex}
		if r := c.regions[key]; r != nil && r.from <= call.expr.Pos() && call.expr.Pos() < r.to && !r.read {
			continue
		}
		if call.decl != decl && c.heldBy(call.decl, call.fn, call.base, mutex, depth+1) {
			continue
		}
		return false
	}
	return true
}

// guardable leaves out what synchronises itself.
func guardable(t types.Type) bool {
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != nil {
		if path := named.Obj().Pkg().Path(); path == "sync" || path == "sync/atomic" {
			return false
		}
	}
	switch t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return false
	}
	return true
}
