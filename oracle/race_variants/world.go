package main

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

const (
	modulePath = "variant.test/suite"
	secondPath = modulePath + "/second"
)

// folder is the texts of the files of a package by name.
type folder map[string][]byte

func readFolder(dir string) (folder, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	files := folder{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[filepath.Base(path)] = text
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tests in %s", dir)
	}
	return files, nil
}

func write(dir string, files, second folder) error {
	if err := os.MkdirAll(filepath.Join(dir, "second"), 0o755); err != nil {
		return err
	}
	if len(second) == 0 {
		os.Remove(filepath.Join(dir, "second"))
	}
	all := map[string][]byte{"go.mod": []byte("module " + modulePath + "\n\ngo 1.27\n")}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range second {
		all["second/"+name] = text
	}
	for name, text := range all {
		if strings.HasSuffix(name, ".go") {
			formatted, err := format.Source(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			text = formatted
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (f folder) names() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// checked is a package with its types.
type checked struct {
	fset   *token.FileSet
	texts  folder
	names  []string
	files  []*ast.File
	pkg    *types.Package
	info   *types.Info
	errors []string
}

// world is what all checks share: positions, the standard library, and the errors that the
// original has too.
type world struct {
	fset     *token.FileSet
	std      types.Importer
	accepted map[string]bool
}

type withSecond struct {
	types.Importer
	second *types.Package
}

func (w withSecond) Import(path string) (*types.Package, error) {
	if path == secondPath && w.second != nil {
		return w.second, nil
	}
	return w.Importer.Import(path)
}

func (w *world) check(files folder, second *types.Package) (*checked, error) {
	c := &checked{fset: w.fset, texts: files, names: files.names(), info: &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Implicits:  map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes:     map[ast.Node]*types.Scope{},
	}}
	for _, name := range c.names {
		file, err := parser.ParseFile(w.fset, name, files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, file)
	}
	config := types.Config{
		Importer:  withSecond{w.std, second},
		GoVersion: "go1.27",
		Error: func(err error) {
			c.errors = append(c.errors, err.(types.Error).Msg)
		},
	}
	c.pkg, _ = config.Check(c.files[0].Name.Name, w.fset, c.files, c.info)
	return c, nil
}

// verify refuses a variant with an error that the original does not have.
func (w *world) verify(name string, files, second folder) error {
	var imported *types.Package
	if second != nil {
		c, err := w.check(second, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := w.refuse(name, c); err != nil {
			return err
		}
		imported = c.pkg
	}
	c, err := w.check(files, imported)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return w.refuse(name, c)
}

func (w *world) refuse(name string, c *checked) error {
	var wrong []string
	for _, e := range c.errors {
		if !w.accepted[e] {
			wrong = append(wrong, e)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s does not type-check:\n%s", name, strings.Join(wrong, "\n"))
	}
	return nil
}

// offset is the place of a position in its file.
func (c *checked) offset(pos token.Pos) int {
	return c.fset.Position(pos).Offset
}

// text is the source between two positions of file i.
func (c *checked) text(i int, from, to token.Pos) string {
	return string(c.texts[c.names[i]][c.offset(from):c.offset(to)])
}

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// apply makes the edits, which do not overlap.
func apply(text []byte, edits []edit) []byte {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(out, text[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
	}
	return append(out, text[at:]...)
}
