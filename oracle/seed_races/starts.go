package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// startSeeds are early-go: in one list of statements, `x.f = …`, `x.f[k] = …` or `v = …` stands
// before a `go` whose goroutine reads or writes the same, and nothing between them, or in the
// function before them, takes a lock or waits. The `go` moves before the assignment.
func (c *conventions) startSeeds() []*Seed {
	var seeds []*Seed
	c.eachFunction(func(index int, decl *ast.FuncDecl, _ ast.Node, n ast.Node) {
		for _, list := range statementLists(n) {
			for j, stmt := range list {
				start, ok := stmt.(*ast.GoStmt)
				if !ok {
					continue
				}
				for i := j - 1; i >= 0; i-- {
					if c.synchronises(list[i]) {
						break
					}
					assign, ok := list[i].(*ast.AssignStmt)
					if !ok {
						continue
					}
					if s := c.early(index, decl, assign, start); s != nil {
						seeds = append(seeds, s)
						break
					}
				}
			}
		}
	})
	return seeds
}

func statementLists(n ast.Node) [][]ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return [][]ast.Stmt{n.List}
	case *ast.CaseClause:
		return [][]ast.Stmt{n.Body}
	case *ast.CommClause:
		return [][]ast.Stmt{n.Body}
	}
	return nil
}

func (c *conventions) early(index int, decl *ast.FuncDecl, assign *ast.AssignStmt, start *ast.GoStmt) *Seed {
	if assign.Tok != token.ASSIGN || len(assign.Lhs) != 1 {
		return nil
	}
	left := assign.Lhs[0]
	if x, ok := left.(*ast.IndexExpr); ok {
		t := c.info.TypeOf(x.X)
		if t == nil {
			return nil
		}
		if _, ok := t.Underlying().(*types.Map); !ok {
			return nil
		}
		left = x.X
	}
	var name string
	var same func(n ast.Node) bool
	switch left := left.(type) {
	case *ast.SelectorExpr:
		base := c.variable(left.X)
		selection := c.info.Selections[left]
		if base == nil || selection == nil || selection.Kind() != types.FieldVal || !guardable(selection.Type()) {
			return nil
		}
		// Through a value, the goroutine would have a copy.
		if _, pointer := base.Type().Underlying().(*types.Pointer); !pointer {
			return nil
		}
		field := selection.Obj()
		name = field.Name()
		same = func(n ast.Node) bool { return c.goroutineUses(n, base, field) }
	case *ast.Ident:
		v, _ := c.info.Uses[left].(*types.Var)
		if v == nil || v.Parent() == c.pkg.Scope() || !guardable(v.Type()) {
			return nil
		}
		name = v.Name()
		same = func(n ast.Node) bool {
			lit, ok := start.Call.Fun.(*ast.FuncLit)
			return ok && c.mentions(lit.Body, v)
		}
	default:
		return nil
	}
	// What the statement uses must not be evaluated from what is assigned in between, and the
	// goroutine's arguments must not be the variable itself (they are evaluated before it starts).
	for _, argument := range start.Call.Args {
		if same(argument) || c.text(index, argument) == c.text(index, left) {
			return nil
		}
	}
	if !same(start) {
		return nil
	}
	for _, stmt := range decl.Body.List {
		if stmt.Pos() < assign.Pos() && c.locks(stmt) {
			return nil
		}
	}
	t := c.info.TypeOf(left)
	_, isMap := t.Underlying().(*types.Map)
	s := c.seed("early-go", index, decl, name, isMap)
	text := c.text(index, start)
	s.Edits = []Edit{
		c.edit(assign.Pos(), assign.Pos(), text+"\n"),
		c.edit(start.Pos(), start.End(), ""),
	}
	return s
}

// locks says whether a statement takes a lock of package sync.
func (c *conventions) locks(stmt ast.Stmt) bool {
	found := false
	ast.Inspect(stmt, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			f, ok := c.info.Uses[sel.Sel].(*types.Func)
			found = found || ok && f.Pkg() != nil && f.Pkg().Path() == "sync" && (f.Name() == "Lock" || f.Name() == "RLock")
		}
		return !found
	})
	return found
}

func (c *conventions) mentions(n ast.Node, v types.Object) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && c.info.Uses[id] == v {
			found = true
		}
		return !found
	})
	return found
}

// goroutineUses says whether the goroutine that a statement starts accesses base.field: in its
// closure, or in the method of base that it runs, or in a method that this one calls.
func (c *conventions) goroutineUses(n ast.Node, base *types.Var, field types.Object) bool {
	start, ok := n.(*ast.GoStmt)
	if !ok {
		return false
	}
	switch fun := start.Call.Fun.(type) {
	case *ast.FuncLit:
		return c.accessesField(fun.Body, base, field, 2)
	case *ast.SelectorExpr:
		if c.variable(fun.X) == base {
			return c.methodAccesses(fun, field, 2)
		}
	}
	return false
}

func (c *conventions) accessesField(body ast.Node, base *types.Var, field types.Object, depth int) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || found || c.variable(sel.X) != base {
			return !found
		}
		if c.info.Uses[sel.Sel] == field {
			found = true
		} else if depth > 0 {
			found = c.methodAccesses(sel, field, depth-1)
		}
		return !found
	})
	return found
}

func (c *conventions) methodAccesses(sel *ast.SelectorExpr, field types.Object, depth int) bool {
	method, ok := c.info.Uses[sel.Sel].(*types.Func)
	if !ok {
		return false
	}
	for _, file := range c.files {
		for _, d := range file.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil || c.info.Defs[decl.Name] != method.Origin() {
				continue
			}
			if decl.Recv == nil || len(decl.Recv.List[0].Names) != 1 {
				return false
			}
			receiver, _ := c.info.Defs[decl.Recv.List[0].Names[0]].(*types.Var)
			return receiver != nil && c.accessesField(decl.Body, receiver, field, depth)
		}
	}
	return false
}

// waitSeeds are drop-wait: a function starts closures that write a variable of it and call Done on a
// local wait group, or gives them to its Go or to that of a local errgroup; after its only Wait it
// uses the variable, with no lock, receive or other wait in between.
func (c *conventions) waitSeeds() []*Seed {
	var seeds []*Seed
	c.eachFunction(func(index int, decl *ast.FuncDecl, fn ast.Node, n ast.Node) {
		group := c.waitGroupCall(n, "Wait")
		if group == nil || c.countCalls(decl.Body, group, "Wait") != 1 {
			return
		}
		call := n.(*ast.CallExpr)
		// The statement, or the `if err := g.Wait(); …` and the like, in a list.
		var stmt ast.Node = call
		for {
			if _, ok := c.parents[stmt].(*ast.BlockStmt); ok {
				break
			}
			if stmt = c.parents[stmt]; stmt == nil || stmt == fn {
				return
			}
		}
		wait := stmt.(ast.Stmt)
		replacement := "error(nil)"
		if s, ok := c.parents[call].(*ast.ExprStmt); ok {
			if s != wait {
				return
			}
			replacement = ""
		}
		v, isMap := c.resultOf(fn, group, wait, c.parents[stmt].(*ast.BlockStmt))
		if v == nil {
			return
		}
		s := c.seed("drop-wait", index, decl, v.Name(), isMap)
		s.Edits = []Edit{c.edit(call.Pos(), call.End(), replacement)}
		seeds = append(seeds, s)
	})
	return seeds
}

// waitGroupCall is the local wait group that a method is called on.
func (c *conventions) waitGroupCall(e ast.Node, name string) *types.Var {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return nil
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return nil
	}
	f, ok := c.info.Uses[sel.Sel].(*types.Func)
	if !ok {
		return nil
	}
	if full := f.FullName(); full != "(*sync.WaitGroup)."+name && !strings.HasSuffix(full, "golang.org/x/sync/errgroup.Group)."+name) {
		return nil
	}
	v := c.variable(sel.X)
	if v == nil || v.Parent() == c.pkg.Scope() {
		return nil
	}
	return v
}

func (c *conventions) countCalls(body ast.Node, group *types.Var, name string) int {
	count := 0
	ast.Inspect(body, func(n ast.Node) bool {
		if c.waitGroupCall(n, name) == group && group != nil {
			count++
		}
		return true
	})
	return count
}

// resultOf is a variable of the function that one of the group's goroutines writes and that is used
// in the statements after the Wait.
func (c *conventions) resultOf(fn ast.Node, group *types.Var, wait ast.Stmt, block *ast.BlockStmt) (*types.Var, bool) {
	written := map[*types.Var]bool{}
	var order []*types.Var
	ast.Inspect(fn, func(n ast.Node) bool {
		lit, ok := n.(*ast.FuncLit)
		if !ok || lit == fn || lit.Pos() > wait.Pos() {
			return true
		}
		start, isGo := c.parents[c.parents[lit]].(*ast.GoStmt)
		runs := isGo && start.Call.Fun == ast.Expr(lit) && c.countCalls(lit, group, "Done") > 0
		runs = runs || c.waitGroupCall(c.parents[lit], "Go") == group
		if !runs {
			return true
		}
		ast.Inspect(lit.Body, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			v, ok := c.info.Uses[id].(*types.Var)
			if !ok || v.IsField() || v.Parent() == c.pkg.Scope() || within(nodeAt(v.Pos()), lit) || !guardable(v.Type()) {
				return true
			}
			if c.writes(id) && !written[v] {
				written[v] = true
				order = append(order, v)
			}
			return true
		})
		return true
	})
	after := false
	for _, stmt := range block.List {
		if stmt == wait {
			after = true
			continue
		}
		if !after {
			continue
		}
		for _, v := range order {
			if c.mentions(stmt, v) {
				_, isMap := v.Type().Underlying().(*types.Map)
				return v, isMap
			}
		}
		if c.synchronises(stmt) {
			return nil, false
		}
	}
	return nil, false
}

type nodeAt token.Pos

func (n nodeAt) Pos() token.Pos { return token.Pos(n) }
func (n nodeAt) End() token.Pos { return token.Pos(n) }

// synchronises says whether a statement may wait for a goroutine: a receive, a lock, a Wait.
func (c *conventions) synchronises(stmt ast.Stmt) bool {
	found := false
	ast.Inspect(stmt, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		case *ast.SelectStmt:
			found = true
		case *ast.RangeStmt:
			if t := c.info.TypeOf(n.X); t != nil {
				_, isChan := t.Underlying().(*types.Chan)
				found = found || isChan
			}
		case *ast.SelectorExpr:
			if f, ok := c.info.Uses[n.Sel].(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == "sync" {
				found = true
			}
		}
		return !found
	})
	return found
}
