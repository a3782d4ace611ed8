// Command layout compares sizes, alignments and offsets of structs with go/types, and makes the
// compiler compare them too.
//
//	layout [-overlay DIR] DUMP PATTERNS...
//
// DUMP has one JSON object a struct: a type declaration whose underlying type is a struct ("type", at
// the offset of its name), a struct type expression ("struct", at its start), or an instance of a
// generic struct ("instance", at the end of the generic type's name). The packages are those of the
// patterns and what they import, for the GOARCH of the environment.
//
// With -overlay, DIR gets copies of the packages' files in which each figure of DUMP stands as a
// constant expression that does not compile unless the compiler's unsafe.Sizeof, Alignof and Offsetof
// give the same, and an overlay.json for `go build -overlay`.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// layout is a line of the dump.
type layout struct {
	File   string
	At     int
	Kind   string
	Size   int64
	Align  int64
	Fields []field
}

type field struct {
	Name                string
	Offset, Size, Align int64
}

// place identifies a struct.
type place struct {
	file string
	at   int
	kind string
}

var overlay = flag.String("overlay", "", "folder for an overlay that makes the compiler compare")

func main() {
	flag.Parse()
	ours, err := read(flag.Arg(0))
	if err != nil {
		fail(err)
	}
	packages, err := list(flag.Args()[1:])
	if err != nil {
		fail(err)
	}
	c := &comparison{ours: ours, sizes: types.SizesFor("gc", goarch()), replace: map[string]string{}}
	loader := &loader{fset: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}, sizes: c.sizes}
	for _, p := range packages {
		if p.ImportPath == "unsafe" {
			continue
		}
		if err := loader.check(p, c); err != nil {
			fail(err)
		}
	}
	for at := range ours {
		c.differ++
		c.say("only unpanic has %s %s:%d", at.kind, at.file, at.at)
	}
	if *overlay != "" {
		text, _ := json.Marshal(map[string]any{"Replace": c.replace})
		if err := os.WriteFile(filepath.Join(*overlay, "overlay.json"), text, 0o644); err != nil {
			fail(err)
		}
	}
	result := map[string]int{"types": c.count["type"], "structs": c.count["struct"], "instances": c.count["instance"],
		"generic": c.generic, "differ": c.differ, "asserted": c.asserted, "offsets": c.offsets, "hidden": c.hidden}
	text, _ := json.Marshal(result)
	fmt.Println(string(text))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func goarch() string {
	if arch := os.Getenv("GOARCH"); arch != "" {
		return arch
	}
	return runtime.GOARCH
}

func read(path string) (map[place]layout, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := map[place]layout{}
	decoder := json.NewDecoder(bufio.NewReader(file))
	for {
		var l layout
		if err := decoder.Decode(&l); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		found[place{l.File, l.At, l.Kind}] = l
	}
}

// listed is what `go list -json` tells of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
}

// list asks the go command for the packages and everything they import, dependencies first.
func list(patterns []string) ([]listed, error) {
	args := append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []listed
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// loader checks packages from source, bodies included.
type loader struct {
	fset  *token.FileSet
	done  map[string]*types.Package
	sizes types.Sizes
}

// imports resolves the imports of one package.
type imports struct {
	l *loader
	p listed
}

func (i imports) Import(path string) (*types.Package, error) {
	if mapped, ok := i.p.ImportMap[path]; ok {
		path = mapped
	}
	if pkg := i.l.done[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("not listed: %s", path)
}

func (l *loader) check(p listed, c *comparison) error {
	var files []*source
	var trees []*ast.File
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(l.fset, path, text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, &source{path: path, text: text, tree: tree, file: l.fset.File(tree.FileStart)})
		trees = append(trees, tree)
	}
	info := &types.Info{
		Types:     map[ast.Expr]types.TypeAndValue{},
		Defs:      map[*ast.Ident]types.Object{},
		Instances: map[*ast.Ident]types.Instance{},
	}
	config := types.Config{Importer: imports{l, p}, Sizes: l.sizes}
	pkg, err := config.Check(p.ImportPath, l.fset, trees, info)
	if err != nil {
		return err
	}
	l.done[p.ImportPath] = pkg
	for _, f := range files {
		f.pkg, f.info = pkg, info
		if err := c.source(f); err != nil {
			return err
		}
	}
	return nil
}
