package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
)

// source is a file with what go/types found out.
type source struct {
	path string
	text []byte
	tree *ast.File
	file *token.File
	pkg  *types.Package
	info *types.Info
}

// comparison counts over all files.
type comparison struct {
	ours     map[place]layout // those not yet seen in a file
	sizes    types.Sizes
	count    map[string]int
	generic  int
	differ   int
	shown    int
	asserted int
	offsets  int
	hidden   int
	replace  map[string]string
}

func (c *comparison) say(format string, args ...any) {
	if c.shown++; c.shown <= 20 {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// source compares the structs of a file, and writes its copy with assertions.
func (c *comparison) source(f *source) error {
	edits := &edits{source: f}
	var stack []ast.Node
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		switch n := n.(type) {
		case *ast.TypeSpec:
			if obj, ok := f.info.Defs[n.Name].(*types.TypeName); ok && !obj.IsAlias() && n.Name.Name != "_" {
				c.struct_(f, edits, "type", n.Name.Pos(), obj.Type(), n.Name.Name, stack)
			}
		case *ast.StructType:
			if t := f.info.TypeOf(n); t != nil {
				c.struct_(f, edits, "struct", n.Pos(), t, f.between(n), stack)
			}
		case *ast.Ident:
			if instance, ok := f.info.Instances[n]; ok {
				if at := indexed(stack); at != nil {
					c.struct_(f, edits, "instance", n.End(), instance.Type, f.between(at), stack)
				}
			}
		}
		return true
	})
	if *overlay == "" || edits.count == 0 {
		return nil
	}
	return edits.write(c)
}

// between is the text of a node.
func (f *source) between(n ast.Node) string {
	return string(f.text[f.file.Offset(n.Pos()):f.file.Offset(n.End())])
}

// indexed is the expression T[args] around the identifier at the top of the stack.
func indexed(stack []ast.Node) ast.Expr {
	i := len(stack) - 1
	x := stack[i].(ast.Expr)
	if s, ok := stack[i-1].(*ast.SelectorExpr); ok && s.Sel == x {
		x, i = s, i-1
	}
	switch e := stack[i-1].(type) {
	case *ast.IndexExpr:
		if e.X == x {
			return e
		}
	case *ast.IndexListExpr:
		if e.X == x {
			return e
		}
	}
	return nil
}

// struct_ compares one type, if it is a struct, and notes an assertion. text names it.
func (c *comparison) struct_(f *source, edits *edits, kind string, pos token.Pos, t types.Type, text string, stack []ast.Node) {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	at := place{f.path, f.file.Offset(pos), kind}
	ours, found := c.ours[at]
	delete(c.ours, at)
	if isGeneric(t, map[types.Type]bool{}) {
		c.generic++
		return
	}
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.count[kind]++
	if !found {
		c.differ++
		c.say("unpanic has no %s %s:%d", kind, at.file, f.file.Line(pos))
		return
	}
	theirs := c.layout(t, s)
	if !equal(ours, theirs) {
		c.differ++
		c.say("%s %s:%d: unpanic %v, go/types %v", kind, at.file, f.file.Line(pos), ours, theirs)
	}
	edits.assert(c, kind, text, ours, s, stack)
}

func (c *comparison) layout(t types.Type, s *types.Struct) layout {
	l := layout{Size: c.sizes.Sizeof(t), Align: c.sizes.Alignof(t)}
	var fields []*types.Var
	for f := range s.Fields() {
		fields = append(fields, f)
	}
	for i, offset := range c.sizes.Offsetsof(fields) {
		typ := fields[i].Type()
		l.Fields = append(l.Fields, field{fields[i].Name(), offset, c.sizes.Sizeof(typ), c.sizes.Alignof(typ)})
	}
	return l
}

func equal(a, b layout) bool {
	if a.Size != b.Size || a.Align != b.Align || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if a.Fields[i] != b.Fields[i] {
			return false
		}
	}
	return true
}

// isGeneric says whether a type mentions a type parameter, so that it has no size of its own.
func isGeneric(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	tuple := func(ts *types.Tuple) bool {
		for v := range ts.Variables() {
			if isGeneric(v.Type(), seen) {
				return true
			}
		}
		return false
	}
	switch t := t.(type) {
	case *types.TypeParam:
		return true
	case *types.Alias:
		return isGeneric(types.Unalias(t), seen)
	case *types.Named:
		if t.TypeParams().Len() > t.TypeArgs().Len() {
			return true
		}
		for arg := range t.TypeArgs().Types() {
			if isGeneric(arg, seen) {
				return true
			}
		}
		// A type that a generic function declares may mention its parameters.
		local := t.Obj().Pkg() != nil && t.Obj().Parent() != t.Obj().Pkg().Scope()
		return local && t.TypeArgs().Len() == 0 && isGeneric(t.Underlying(), seen)
	case *types.Struct:
		for f := range t.Fields() {
			if isGeneric(f.Type(), seen) {
				return true
			}
		}
	case *types.Pointer:
		return isGeneric(t.Elem(), seen)
	case *types.Slice:
		return isGeneric(t.Elem(), seen)
	case *types.Array:
		return isGeneric(t.Elem(), seen)
	case *types.Chan:
		return isGeneric(t.Elem(), seen)
	case *types.Map:
		return isGeneric(t.Key(), seen) || isGeneric(t.Elem(), seen)
	case *types.Signature:
		return tuple(t.Params()) || tuple(t.Results())
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			if isGeneric(m.Type(), seen) {
				return true
			}
		}
		for e := range t.EmbeddedTypes() {
			if isGeneric(e, seen) {
				return true
			}
		}
	case *types.Union:
		for term := range t.Terms() {
			if isGeneric(term.Type(), seen) {
				return true
			}
		}
	}
	return false
}
