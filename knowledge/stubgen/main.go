// Command stubgen writes knowledge/stubs: what packages declare, without bodies and without what no
// other package can see. unpanic reads a stub where it cannot find the package itself.
//
//	go run . ../stubs    # from knowledge/stubgen; needs the modules in go.mod
//
// The packages in roots.txt are written whole; of the packages that those mention, only the types that are mentioned.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: stubgen FOLDER")
	}
	list, err := os.ReadFile("roots.txt")
	if err != nil {
		log.Fatal(err)
	}
	config := &packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps}
	roots, err := packages.Load(config, strings.Fields(string(list))...)
	if err != nil {
		log.Fatal(err)
	}
	g := &generator{packages: make(map[*types.Package]map[types.Object]bool)}
	for _, root := range roots {
		if len(root.Errors) > 0 {
			log.Fatal(root.Errors[0])
		}
		scope := root.Types.Scope()
		for _, name := range scope.Names() {
			if object := scope.Lookup(name); object.Exported() {
				g.want(object)
			}
		}
	}
	g.follow()
	if err := os.RemoveAll(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	stubs := make(map[string][]byte)
	for pkg, objects := range g.packages {
		stubs[pkg.Path()] = g.stub(pkg, objects)
	}
	check(stubs)
	size := 0
	for path, source := range stubs {
		file := filepath.Join(os.Args[1], filepath.FromSlash(path)+".go")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(file, source, 0o644); err != nil {
			log.Fatal(err)
		}
		size += len(source)
	}
	fmt.Printf("%d stubs, %d bytes\n", len(stubs), size)
}

type generator struct {
	packages map[*types.Package]map[types.Object]bool
	queue    []types.Object
}

func (g *generator) want(object types.Object) {
	pkg := object.Pkg()
	if pkg == nil || pkg == types.Unsafe || object.Parent() != nil && object.Parent() != pkg.Scope() {
		return
	}
	if g.packages[pkg] == nil {
		g.packages[pkg] = make(map[types.Object]bool)
	}
	if !g.packages[pkg][object] {
		g.packages[pkg][object] = true
		g.queue = append(g.queue, object)
	}
}

// follow wants whatever the wanted declarations mention.
func (g *generator) follow() {
	for len(g.queue) > 0 {
		object := g.queue[0]
		g.queue = g.queue[1:]
		name, ok := object.(*types.TypeName)
		if !ok {
			g.mention(object.Type())
			continue
		}
		if alias, ok := object.Type().(*types.Alias); ok {
			g.mentionParams(alias.TypeParams())
			g.mention(alias.Rhs())
			continue
		}
		named := name.Type().(*types.Named)
		g.mentionParams(named.TypeParams())
		if structure, ok := named.Underlying().(*types.Struct); ok {
			for _, field := range visible(structure) {
				g.mention(field.Type())
			}
		} else {
			g.mention(named.Underlying())
		}
		for method := range named.Methods() {
			if method.Exported() {
				g.mention(method.Type())
			}
		}
	}
}

func (g *generator) mentionParams(params *types.TypeParamList) {
	for param := range params.TypeParams() {
		g.mention(param.Constraint())
	}
}

func (g *generator) mention(t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		g.want(t.Obj())
		for arg := range t.TypeArgs().Types() {
			g.mention(arg)
		}
	case *types.Named:
		g.want(t.Obj())
		for arg := range t.TypeArgs().Types() {
			g.mention(arg)
		}
	case *types.Pointer:
		g.mention(t.Elem())
	case *types.Slice:
		g.mention(t.Elem())
	case *types.Array:
		g.mention(t.Elem())
	case *types.Chan:
		g.mention(t.Elem())
	case *types.Map:
		g.mention(t.Key())
		g.mention(t.Elem())
	case *types.Tuple:
		for v := range t.Variables() {
			g.mention(v.Type())
		}
	case *types.Signature:
		g.mentionParams(t.TypeParams())
		g.mention(t.Params())
		g.mention(t.Results())
	case *types.Struct:
		for field := range t.Fields() {
			g.mention(field.Type())
		}
	case *types.Interface:
		for method := range t.ExplicitMethods() {
			g.mention(method.Type())
		}
		for embedded := range t.EmbeddedTypes() {
			g.mention(embedded)
		}
	case *types.Union:
		for term := range t.Terms() {
			g.mention(term.Type())
		}
	}
}

// visible are the fields that matter outside the package: exported ones, and embedded ones, whose
// methods may be exported.
func visible(structure *types.Struct) []*types.Var {
	var fields []*types.Var
	for field := range structure.Fields() {
		if field.Exported() || field.Embedded() {
			fields = append(fields, field)
		}
	}
	return fields
}

func (g *generator) stub(pkg *types.Package, objects map[types.Object]bool) []byte {
	sorted := slices.SortedFunc(maps.Keys(objects), func(a, b types.Object) int {
		return strings.Compare(a.Name(), b.Name())
	})
	imports := make(map[string]string)
	taken := make(map[string]bool)
	for _, object := range sorted {
		taken[object.Name()] = true
	}
	qualifier := func(other *types.Package) string {
		if other == pkg {
			return ""
		}
		if name, ok := imports[other.Path()]; ok {
			return name
		}
		name := other.Name()
		for taken[name] {
			name += "pkg"
		}
		taken[name] = true
		imports[other.Path()] = name
		return name
	}
	text := func(t types.Type) string { return types.TypeString(t, qualifier) }

	var body bytes.Buffer
	for _, object := range sorted {
		switch object := object.(type) {
		case *types.Const:
			if basic, ok := object.Type().(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 {
				fmt.Fprintf(&body, "const %s = %s\n", object.Name(), value(object))
			} else {
				fmt.Fprintf(&body, "const %s %s = %s\n", object.Name(), text(object.Type()), value(object))
			}
		case *types.Var:
			fmt.Fprintf(&body, "var %s %s\n", object.Name(), text(object.Type()))
		case *types.Func:
			fmt.Fprintf(&body, "func %s%s\n", object.Name(), strings.TrimPrefix(text(object.Type()), "func"))
		case *types.TypeName:
			writeType(&body, object, text)
		}
	}

	var source bytes.Buffer
	fmt.Fprintf(&source, "// Code generated by stubgen. DO NOT EDIT.\n\n// What package %s declares.\npackage %s\n\n", pkg.Path(), pkg.Name())
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&source, "import %s %q\n", imports[path], path)
	}
	source.Write(body.Bytes())
	formatted, err := format.Source(source.Bytes())
	if err != nil {
		log.Fatalf("%s: %v\n%s", pkg.Path(), err, source.Bytes())
	}
	return formatted
}

// value is a constant as source. A fraction of two long numbers would be exact and too large to read.
func value(object *types.Const) string {
	if object.Val().Kind() == constant.Float {
		float, _ := constant.Float64Val(object.Val())
		return strconv.FormatFloat(float, 'g', -1, 64)
	}
	return object.Val().ExactString()
}

func writeType(body *bytes.Buffer, name *types.TypeName, text func(types.Type) string) {
	if alias, ok := name.Type().(*types.Alias); ok {
		fmt.Fprintf(body, "type %s%s = %s\n", name.Name(), params(alias.TypeParams(), text), text(alias.Rhs()))
		return
	}
	named := name.Type().(*types.Named)
	fmt.Fprintf(body, "type %s%s ", name.Name(), params(named.TypeParams(), text))
	if structure, ok := named.Underlying().(*types.Struct); ok {
		body.WriteString("struct {\n")
		for _, field := range visible(structure) {
			if field.Embedded() {
				fmt.Fprintf(body, "\t%s\n", text(field.Type()))
			} else {
				fmt.Fprintf(body, "\t%s %s\n", field.Name(), text(field.Type()))
			}
		}
		body.WriteString("}\n")
	} else {
		fmt.Fprintf(body, "%s\n", text(named.Underlying()))
	}
	methods := slices.SortedFunc(named.Methods(), func(a, b *types.Func) int {
		return strings.Compare(a.Name(), b.Name())
	})
	for _, method := range methods {
		if !method.Exported() {
			continue
		}
		signature := method.Signature()
		fmt.Fprintf(body, "func (%s) %s%s\n", text(signature.Recv().Type()), method.Name(),
			strings.TrimPrefix(text(types.NewSignatureType(nil, nil, nil, signature.Params(), signature.Results(), signature.Variadic())), "func"))
	}
}

func params(list *types.TypeParamList, text func(types.Type) string) string {
	if list.Len() == 0 {
		return ""
	}
	var all []string
	for param := range list.TypeParams() {
		all = append(all, param.Obj().Name()+" "+text(param.Constraint()))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// check type-checks the stubs against each other and nothing else.
func check(stubs map[string][]byte) {
	files := token.NewFileSet()
	done := make(map[string]*types.Package)
	bad := 0
	var load importer
	load = func(path string) (*types.Package, error) {
		if path == "unsafe" {
			return types.Unsafe, nil
		}
		if pkg, ok := done[path]; ok {
			return pkg, nil
		}
		source, ok := stubs[path]
		if !ok {
			return nil, fmt.Errorf("no stub of %s", path)
		}
		file, err := parser.ParseFile(files, path+".go", source, 0)
		if err != nil {
			log.Fatal(err)
		}
		config := &types.Config{Importer: load, IgnoreFuncBodies: true, Error: func(err error) {
			if !strings.Contains(err.Error(), "missing function body") {
				log.Print(err)
				bad++
			}
		}}
		pkg, _ := config.Check(path, files, []*ast.File{file}, nil)
		done[path] = pkg
		return pkg, nil
	}
	for path := range stubs {
		if _, err := load(path); err != nil {
			log.Fatal(err)
		}
	}
	if bad > 0 {
		log.Printf("%d errors in stubs", bad)
	}
}

type importer func(path string) (*types.Package, error)

func (i importer) Import(path string) (*types.Package, error) { return i(path) }
