package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// goClosure is a `go func(){…}()` with where it stands.
type goClosure struct {
	file     int
	function *ast.FuncDecl
	stmt     *ast.GoStmt
	lit      *ast.FuncLit
}

// goClosures lists them in the order of the source, outer ones before those in them.
func goClosures(c *checked) []goClosure {
	var found []goClosure
	for i, file := range c.files {
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			ast.Inspect(function.Body, func(n ast.Node) bool {
				stmt, ok := n.(*ast.GoStmt)
				if !ok {
					return true
				}
				if lit, ok := ast.Unparen(stmt.Call.Fun).(*ast.FuncLit); ok {
					found = append(found, goClosure{i, function, stmt, lit})
				}
				return true
			})
		}
	}
	return found
}

// rewriting changes the closures of a package that it applies to, but for those inside of another
// that it changes, and says why it left others.
type rewriting func(c *checked, round int, closures []goClosure) (edits map[int][]edit, changed int, left map[string]int)

// repeat rewrites until nothing is left that the rewriting applies to: what was nested in one
// round is outermost in the next.
func (w *world) repeat(files folder, rewrite rewriting) (folder, Report, error) {
	report := Report{}
	for round := 0; ; round++ {
		c, err := w.check(files, nil)
		if err != nil {
			return nil, report, err
		}
		edits, changed, left := rewrite(c, round, goClosures(c))
		report.Changed += changed
		report.Left = left
		if changed == 0 {
			return files, report, nil
		}
		next := folder{}
		for i, name := range c.names {
			next[name] = apply(files[name], edits[i])
		}
		files = next
	}
}

// captured is a variable of the enclosing function that a closure uses.
type captured struct {
	variable *types.Var
	name     string // of the parameter or field that holds its address
	typ      string
}

// capture finds what a closure captures; the reason is not empty if its body cannot stand outside
// of its function.
func (c *checked) capture(g goClosure) (found []captured, reason string) {
	qualify, missing := c.qualifier(g.file)
	seen := map[*types.Var]bool{}
	names := map[string]int{}
	ast.Inspect(g.lit, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || reason != "" {
			return reason == ""
		}
		obj := c.info.Uses[id]
		if obj == nil || obj.Pkg() != c.pkg || obj.Parent() == c.pkg.Scope() {
			return true
		}
		if obj.Pos() >= g.lit.Pos() && obj.Pos() < g.lit.End() {
			return true
		}
		switch obj := obj.(type) {
		case *types.Var:
			if obj.IsField() || seen[obj] {
				return true
			}
			seen[obj] = true
			if c.local(obj.Type(), g) {
				reason = "a captured variable's type is local to the function"
				return false
			}
			names[obj.Name()]++
			name := fmt.Sprintf("at_%s", obj.Name())
			if n := names[obj.Name()]; n > 1 {
				name = fmt.Sprintf("%s_%d", name, n)
			}
			found = append(found, captured{obj, name, types.TypeString(obj.Type(), qualify)})
		case *types.TypeName:
			reason = "its body names a type that is local to the function"
		case *types.Const:
			reason = "its body names a constant that is local to the function"
		case *types.Func: // a method of a local type: its variable is captured too
		}
		return reason == ""
	})
	if reason == "" && *missing {
		reason = "a captured variable's type is of a package that the file does not import"
	}
	return found, reason
}

// qualifier writes types as file i would; missing is set when it cannot.
func (c *checked) qualifier(i int) (types.Qualifier, *bool) {
	imported := map[string]string{}
	for _, spec := range c.files[i].Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		imported[path] = ""
		if spec.Name != nil {
			imported[path] = spec.Name.Name
		}
	}
	missing := new(bool)
	return func(p *types.Package) string {
		if p == c.pkg {
			return ""
		}
		name, ok := imported[p.Path()]
		if !ok {
			*missing = true
		}
		if name == "" {
			name = p.Name()
		}
		return name
	}, missing
}

// local says whether a type mentions one that is declared in the function around the closure, or a
// type parameter of it.
func (c *checked) local(t types.Type, g goClosure) bool {
	found := false
	seen := map[types.Type]bool{}
	var visit func(t types.Type)
	visit = func(t types.Type) {
		if found || seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Named:
			obj := t.Obj()
			if obj.Pkg() == c.pkg && obj.Parent() != c.pkg.Scope() {
				found = true
			}
			for i := range t.TypeArgs().Len() {
				visit(t.TypeArgs().At(i))
			}
		case *types.Alias:
			visit(types.Unalias(t))
		case *types.TypeParam:
			found = true
		case *types.Pointer:
			visit(t.Elem())
		case *types.Slice:
			visit(t.Elem())
		case *types.Array:
			visit(t.Elem())
		case *types.Chan:
			visit(t.Elem())
		case *types.Map:
			visit(t.Key())
			visit(t.Elem())
		case *types.Struct:
			for i := range t.NumFields() {
				visit(t.Field(i).Type())
			}
		case *types.Signature:
			visit(t.Params())
			visit(t.Results())
		case *types.Tuple:
			for i := range t.Len() {
				visit(t.At(i).Type())
			}
		}
	}
	visit(t)
	return found
}

// body is the closure's parameter list with the body, as text, with each captured variable
// replaced by what `as` makes of the name that holds its address.
func (c *checked) body(g goClosure, all []captured, as func(name string) string) string {
	names := map[types.Object]string{}
	for _, v := range all {
		names[v.variable] = v.name
	}
	start := g.lit.Type.Params.Pos()
	base := c.offset(start)
	var edits []edit
	ast.Inspect(g.lit, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if name, ok := names[c.info.Uses[id]]; ok {
				at := c.offset(id.Pos()) - base
				edits = append(edits, edit{at, at + len(id.Name), as(name)})
			}
		}
		return true
	})
	return string(apply([]byte(c.text(g.file, start, g.lit.End())), edits))
}

// labelled is the statements with a label: nothing can be put before them.
func (c *checked) labelled() map[ast.Stmt]bool {
	found := map[ast.Stmt]bool{}
	for _, file := range c.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.LabeledStmt); ok {
				found[l.Stmt] = true
			}
			return true
		})
	}
	return found
}

// serial names what a rewriting makes after the function that it was taken from.
func serial(counts map[string]int, round int, function *ast.FuncDecl) string {
	key := function.Name.Name
	counts[key]++
	name := strings.TrimPrefix(key, "Test")
	return fmt.Sprintf("%s_%d_%d", name, round, counts[key])
}

// addresses is `&x, &y`.
func addresses(all []captured) string {
	parts := make([]string, len(all))
	for i, v := range all {
		parts[i] = "&" + v.variable.Name()
	}
	return strings.Join(parts, ", ")
}
