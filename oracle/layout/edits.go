package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// edits are the assertions that go into the copy of a file.
type edits struct {
	*source
	inserts []insert
	count   int
}

type insert struct {
	at   int
	text string
}

// assert notes a constant that does not compile unless the compiler has the same figures: x^y is 0 for
// equal ones only, and no other negated uintptr constant is a uintptr.
func (e *edits) assert(c *comparison, kind, text string, l layout, s *types.Struct, stack []ast.Node) {
	if *overlay == "" {
		return
	}
	e.count++
	c.asserted++
	name := text
	var b strings.Builder
	if kind != "type" {
		name = fmt.Sprintf("unpanic_%d_%d", len(c.replace), e.count)
		fmt.Fprintf(&b, "type %s = %s; ", name, text)
	}
	value := fmt.Sprintf("(*(*%s)(nil))", name)
	fmt.Fprintf(&b, "const _ = -(unpanic_unsafe.Sizeof%s^%d|unpanic_unsafe.Alignof%s^%d", value, l.Size, value, l.Align)
	for i := range s.NumFields() {
		f, ours := s.Field(i), l.Fields[i]
		if f.Name() == "_" || !f.Exported() && f.Pkg() != e.pkg {
			c.hidden++
			continue
		}
		c.offsets++
		selected := fmt.Sprintf("(%s.%s)", value, f.Name())
		fmt.Fprintf(&b, "|unpanic_unsafe.Offsetof%s^%d|unpanic_unsafe.Sizeof%s^%d|unpanic_unsafe.Alignof%s^%d",
			selected, ours.Offset, selected, ours.Size, selected, ours.Align)
	}
	b.WriteString(")")
	at, after := e.position(stack)
	if after {
		e.inserts = append(e.inserts, insert{at, "; " + b.String()})
	} else {
		e.inserts = append(e.inserts, insert{at, b.String() + "; "})
	}
}

// position is where an assertion about the top of the stack sees the same names: before the innermost
// statement around it, after the declaration if that declares types, or at the end of the file.
func (e *edits) position(stack []ast.Node) (at int, after bool) {
	for i := len(stack) - 1; i > 0; i-- {
		var list []ast.Stmt
		switch parent := stack[i-1].(type) {
		case *ast.BlockStmt:
			list = parent.List
		case *ast.CaseClause:
			list = parent.Body
		case *ast.CommClause:
			list = parent.Body
		}
		for _, s := range list {
			if _, isClause := s.(*ast.CaseClause); isClause || s != stack[i] {
				continue
			}
			if _, isClause := s.(*ast.CommClause); isClause {
				continue
			}
			if d, ok := s.(*ast.DeclStmt); ok && d.Decl.(*ast.GenDecl).Tok == token.TYPE {
				return e.file.Offset(s.End()), true
			}
			return e.file.Offset(s.Pos()), false
		}
	}
	return len(e.text), false
}

// write writes the copy.
func (e *edits) write(c *comparison) error {
	name := e.file.Offset(e.tree.Name.End())
	e.inserts = append(e.inserts, insert{name, `; import unpanic_unsafe "unsafe"`}, insert{len(e.text), "\n"})
	sort.SliceStable(e.inserts, func(i, j int) bool { return e.inserts[i].at < e.inserts[j].at })
	var b strings.Builder
	last := 0
	for _, in := range e.inserts {
		b.Write(e.text[last:in.at])
		if in.at == len(e.text) {
			// The file may end in a comment.
			b.WriteString("\n")
		}
		b.WriteString(in.text)
		last = in.at
	}
	b.Write(e.text[last:])
	path := filepath.Join(*overlay, fmt.Sprintf("%05d_%s", len(c.replace), filepath.Base(e.path)))
	c.replace[e.path] = path
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
