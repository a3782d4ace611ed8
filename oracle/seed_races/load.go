package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// world is a module with everything that it imports, type-checked from source; bodies of what lies
// outside of the module are left out.
type world struct {
	fset     *token.FileSet
	imported map[string]*types.Package
	packages []*loaded // of the module, in the order of their import paths
}

// loaded is a package of the module.
type loaded struct {
	path      string
	names     []string // absolute file names
	texts     [][]byte
	files     []*ast.File
	pkg       *types.Package
	info      *types.Info
	importMap map[string]string
	errors    []error
	fset      *token.FileSet
	parents   map[ast.Node]ast.Node
}

type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Standard   bool
	DepOnly    bool
}

func load(dir string) (*world, error) {
	cmd := exec.Command("go", "list", "-e", "-deps",
		"-json=ImportPath,Dir,GoFiles,ImportMap,Standard,DepOnly", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, stderr.String())
	}
	w := &world{fset: token.NewFileSet(), imported: map[string]*types.Package{"unsafe": types.Unsafe}}
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if l.ImportPath == "unsafe" || len(l.GoFiles) == 0 {
			continue
		}
		p := &loaded{path: l.ImportPath, importMap: l.ImportMap, fset: w.fset}
		own := !l.Standard && !l.DepOnly
		for _, name := range l.GoFiles {
			path := filepath.Join(l.Dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			p.names = append(p.names, path)
			p.texts = append(p.texts, text)
		}
		if err := w.check(p, own); err != nil {
			p.errors = append(p.errors, err)
		}
		w.imported[p.path] = p.pkg
		if own {
			w.packages = append(w.packages, p)
		}
	}
	sort.Slice(w.packages, func(i, j int) bool { return w.packages[i].path < w.packages[j].path })
	return w, nil
}

func (w *world) check(p *loaded, own bool) error {
	mode := parser.SkipObjectResolution
	if own {
		mode |= parser.ParseComments
	}
	for i, name := range p.names {
		file, err := parser.ParseFile(w.fset, name, p.texts[i], mode)
		if file == nil {
			return err
		}
		if err != nil {
			p.errors = append(p.errors, err)
		}
		p.files = append(p.files, file)
	}
	if own {
		p.info = &types.Info{
			Types:      map[ast.Expr]types.TypeAndValue{},
			Defs:       map[*ast.Ident]types.Object{},
			Uses:       map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{},
		}
	}
	p.pkg = w.typeCheck(p, p.files, p.info, !own, func(err error) { p.errors = append(p.errors, err) })
	if !own {
		p.files, p.texts = nil, nil
		return nil
	}
	p.parents = map[ast.Node]ast.Node{}
	for _, file := range p.files {
		var stack []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			if len(stack) > 0 {
				p.parents[n] = stack[len(stack)-1]
			}
			stack = append(stack, n)
			return true
		})
	}
	return nil
}

// near is the folders of a package and of those that import it.
func (w *world) near(p *loaded) []string {
	dirs := []string{filepath.Dir(p.names[0])}
	for _, other := range w.packages {
		for _, imported := range other.pkg.Imports() {
			if imported == p.pkg {
				dirs = append(dirs, filepath.Dir(other.names[0]))
			}
		}
	}
	return dirs
}

func (w *world) typeCheck(p *loaded, files []*ast.File, info *types.Info, skipBodies bool, report func(error)) *types.Package {
	config := types.Config{
		Importer:         importer{w, p},
		IgnoreFuncBodies: skipBodies,
		FakeImportC:      true,
		Error:            report,
		Sizes:            types.SizesFor("gc", "amd64"),
	}
	pkg, _ := config.Check(p.path, w.fset, files, info)
	return pkg
}

type importer struct {
	w *world
	p *loaded
}

func (i importer) Import(path string) (*types.Package, error) {
	if mapped, ok := i.p.importMap[path]; ok {
		path = mapped
	}
	if p := i.w.imported[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not there", path)
}

// compiles type-checks the seed's package with its edits. An import that has become unused is kept
// as a blank one; the seed's edits and places are then those of the final text.
func (w *world) compiles(s *Seed) bool {
	p := s.pkg
	for range 3 {
		text := apply(p.texts[s.index], s.Edits)
		file, err := parser.ParseFile(w.fset, s.File, text, parser.SkipObjectResolution)
		if err != nil {
			return false
		}
		files := append([]*ast.File{}, p.files...)
		files[s.index] = file
		var problems []error
		w.typeCheck(p, files, nil, false, func(err error) { problems = append(problems, err) })
		if len(problems) == 0 {
			s.place(text)
			return true
		}
		if len(problems) > 1 || !s.blankImport(problems[0].Error()) {
			return false
		}
	}
	return false
}

// blankImport renames an import that the edits have left unused.
func (s *Seed) blankImport(problem string) bool {
	_, message, found := strings.Cut(problem, "\"")
	path, rest, _ := strings.Cut(message, "\"")
	if !found || !strings.Contains(rest, "imported") || !strings.Contains(rest, "not used") {
		return false
	}
	for _, spec := range s.pkg.files[s.index].Imports {
		if strings.Trim(spec.Path.Value, `"`) == path {
			s.Edits = append(s.Edits, Edit{s.pkg.offset(spec.Pos()), s.pkg.offset(spec.End()), `_ "` + path + `"`})
			return true
		}
	}
	return false
}

func (p *loaded) offset(pos token.Pos) int { return p.fset.Position(pos).Offset }

func (p *loaded) text(index int, n ast.Node) string {
	return string(p.texts[index][p.offset(n.Pos()):p.offset(n.End())])
}

// apply makes the edits, which do not overlap.
func apply(text []byte, edits []Edit) []byte {
	sorted := append([]Edit{}, edits...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Start < sorted[j].Start })
	var out []byte
	at := 0
	for _, e := range sorted {
		out = append(out, text[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return append(out, text[at:]...)
}

// place moves the places in the seed's own file to where the edits put them.
func (s *Seed) place(text []byte) {
	before := s.pkg.texts[s.index]
	for i, place := range s.Places {
		if place.File != s.File {
			continue
		}
		// The edits never join or split lines that they do not touch: count the newlines that
		// they add before this line.
		shift := 0
		for _, e := range s.Edits {
			if 1+bytes.Count(before[:e.Start], []byte("\n")) <= place.Line {
				shift += strings.Count(e.Text, "\n") - bytes.Count(before[e.Start:e.End], []byte("\n"))
			}
		}
		s.Places[i].Line += shift
	}
}
