package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// split moves every declaration that is no test function, and needs none, to a second package,
// under names that are exported. The first result stays, the second goes.
func (w *world) split(files folder) (first, second folder, moved int, err error) {
	c, err := w.check(files, nil)
	if err != nil {
		return nil, nil, 0, err
	}
	s := &splitter{checked: c, stays: map[ast.Decl]bool{}, moved: map[types.Object]bool{}}
	s.choose()
	first, second = folder{}, folder{}
	for i, name := range c.names {
		here, there, n := s.divide(i)
		moved += n
		first[name] = here
		if n > 0 {
			second[strings.TrimSuffix(name, "_test.go")+".go"] = there
		}
	}
	return first, second, moved, nil
}

type splitter struct {
	*checked
	stays map[ast.Decl]bool
	moved map[types.Object]bool // package-level objects that go
}

// choose decides what stays: test functions, and what refers to something that stays.
func (s *splitter) choose() {
	owner := map[types.Object]ast.Decl{}
	var decls []ast.Decl
	for _, file := range s.files {
		for _, decl := range file.Decls {
			if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
				continue
			}
			decls = append(decls, decl)
			for _, id := range s.declared(decl) {
				owner[s.info.Defs[id]] = decl
			}
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && testName(f.Name.Name) {
				s.stays[decl] = true
			}
		}
	}
	for again := true; again; {
		again = false
		for _, decl := range decls {
			if s.stays[decl] {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if other, ok := owner[s.info.Uses[id]]; ok && s.stays[other] && !s.stays[decl] {
						s.stays[decl], again = true, true
					}
				}
				return true
			})
		}
		// Methods stay with their types.
		for _, decl := range decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || s.stays[decl] {
				continue
			}
			if base := s.receiver(f); base != nil && s.stays[owner[base]] {
				s.stays[decl], again = true, true
			}
		}
		for _, decl := range decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !s.stays[decl] {
				continue
			}
			if base := s.receiver(f); base != nil && !s.stays[owner[base]] {
				s.stays[owner[base]], again = true, true
			}
		}
	}
	for obj, decl := range owner {
		if obj != nil && !s.stays[decl] {
			s.moved[obj] = true
		}
	}
}

func testName(name string) bool {
	for _, prefix := range []string{"Test", "Benchmark", "Example", "Fuzz"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// declared is the names of package-level objects that a declaration makes.
func (s *splitter) declared(decl ast.Decl) []*ast.Ident {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			return []*ast.Ident{decl.Name}
		}
	case *ast.GenDecl:
		var all []*ast.Ident
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				all = append(all, spec.Names...)
			case *ast.TypeSpec:
				all = append(all, spec.Name)
			}
		}
		return all
	}
	return nil
}

// receiver is the type name that a method belongs to.
func (s *splitter) receiver(f *ast.FuncDecl) types.Object {
	var found types.Object
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && found == nil {
			found = s.info.Uses[id]
		}
		return true
	})
	return found
}

// divide makes the texts of file i in both packages; n is how many declarations go.
func (s *splitter) divide(i int) (here, there []byte, n int) {
	file, text := s.files[i], s.texts[s.names[i]]
	var staying, going strings.Builder
	used := [2]map[string]bool{{}, {}} // imported paths by package
	needsSecond := false
	for _, decl := range file.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			continue
		}
		start := decl.Pos()
		if doc := docOf(decl); doc != nil {
			start = doc.Pos()
		}
		from, to := s.offset(start), s.offset(decl.End())
		side := 0
		if !s.stays[decl] {
			side = 1
			n++
		}
		var edits []edit
		ast.Inspect(decl, func(node ast.Node) bool {
			id, ok := node.(*ast.Ident)
			if !ok {
				return true
			}
			if p, ok := s.info.Uses[id].(*types.PkgName); ok {
				used[side][p.Imported().Path()] = true
				return true
			}
			name, outside := s.renamed(id)
			if outside && side == 0 {
				name = "second." + name
				needsSecond = true
			}
			if name != id.Name {
				at := s.offset(id.Pos()) - from
				edits = append(edits, edit{at, at + len(id.Name), name})
			}
			return true
		})
		out := &staying
		if side == 1 {
			out = &going
		}
		out.WriteString("\n")
		out.Write(apply(text[from:to], edits))
		out.WriteString("\n")
	}
	here = s.file(file.Name.Name, file, used[0], needsSecond, staying.String())
	there = s.file("second", file, used[1], false, going.String())
	return here, there, n
}

// renamed is what an identifier is called after the split, and whether it is a package-level name
// of the second package.
func (s *splitter) renamed(id *ast.Ident) (name string, outside bool) {
	obj := s.info.Uses[id]
	if obj == nil {
		obj = s.info.Defs[id]
	}
	if obj == nil || obj.Pkg() != s.pkg || id.Name == "_" {
		return id.Name, false
	}
	origin := obj
	switch o := obj.(type) {
	case *types.Var:
		origin = o.Origin()
		if o.IsField() {
			if o.Embedded() {
				// Called as its type is; predeclared types keep their names.
				if name := typeName(o.Type()); name != nil && s.moved[name] {
					return exported(id.Name), false
				}
				return id.Name, false
			}
			return exported(id.Name), false
		}
	case *types.Func:
		origin = o.Origin()
		if o.Signature().Recv() != nil {
			return exported(id.Name), false
		}
		if o.Name() == "init" {
			return id.Name, false
		}
	}
	if s.moved[origin] {
		return exported(id.Name), s.info.Uses[id] != nil
	}
	return id.Name, false
}

func typeName(t types.Type) types.Object {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj()
	}
	return nil
}

func exported(name string) string {
	first, _ := utf8.DecodeRuneInString(name)
	if unicode.IsUpper(first) {
		return name
	}
	return "X" + name
}

func docOf(decl ast.Decl) *ast.CommentGroup {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		return decl.Doc
	case *ast.GenDecl:
		return decl.Doc
	}
	return nil
}

// file puts a file together from its declarations and the imports that they use.
func (s *splitter) file(pkg string, from *ast.File, used map[string]bool, needsSecond bool, body string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "package %s\n\nimport (\n", pkg)
	for _, spec := range from.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := ""
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" || used[path] {
			fmt.Fprintf(&out, "\t%s %q\n", name, path)
		}
	}
	if needsSecond {
		fmt.Fprintf(&out, "\t%q\n", secondPath)
	}
	out.WriteString(")\n" + body)
	return []byte(out.String())
}
