// Command types compares what `unpanic debug types` says of every expression with what go/types
// says, and measures go/types on the same packages.
//
//	types -dir MODULE [-tests] [-dump FILE] [-show N] [-bench] PATTERNS...
//
// FILE has the lines that `unpanic debug types` wrote. Packages are found with `go list`; all are
// checked from source, with function bodies. The last line of the output is the score.
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
	"runtime/debug"
	"sort"
	"strings"
	"syscall"
	"time"
)

// listed is what `go list -json` tells of a package.
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	ImportMap  map[string]string
	Standard   bool
	Module     *struct{ GoVersion string }
}

// line is one line of the dump.
type line struct {
	File  string `json:"file"`
	Start int    `json:"start"`
	End   int    `json:"end"`
	Type  string `json:"type"`
	Mode  string `json:"mode"`
	Value string `json:"value"`
}

// place is where an expression stands, with a number for those that share their bytes.
type place struct{ start, end int }

var (
	dir   = flag.String("dir", ".", "folder to run go list in")
	dump  = flag.String("dump", "", "output of unpanic debug types to compare with")
	show  = flag.Int("show", 20, "how many disagreements to print")
	bench = flag.Bool("bench", false, "only measure go/types on one thread")
)

func main() {
	flag.Parse()
	if *bench {
		runtime.GOMAXPROCS(1)
	}
	packages, err := list(*dir, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c := &checker{fset: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	if *dump != "" {
		if c.ours, err = openDump(*dump); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	for _, p := range packages {
		if p.ImportPath != "unsafe" {
			c.check(p)
		}
	}
	c.report()
}

// list asks the go command for the packages and everything they import, dependencies first.
func list(dir string, patterns []string) ([]listed, error) {
	args := append([]string{"list", "-e", "-deps", "-json=ImportPath,Name,Dir,GoFiles,CgoFiles,ImportMap,Standard,Module"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
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

// checker checks packages one after the other and compares each before the next.
type checker struct {
	fset      *token.FileSet
	done      map[string]*types.Package
	ours      *dumpFile
	parsing   time.Duration
	checking  time.Duration
	bytes     int64
	files     int
	errors    int
	total     int
	agree     int
	different map[string]int
	shown     int
	kept      []*types.Info
	trees     []*ast.File
}

// importer resolves the imports of one package.
type importer struct {
	c *checker
	p listed
}

func (i importer) Import(path string) (*types.Package, error) {
	if mapped, ok := i.p.ImportMap[path]; ok {
		path = mapped
	}
	if pkg := i.c.done[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("not listed: %s", path)
}

func (c *checker) check(p listed) {
	before := cpu()
	var files []*ast.File
	names := append(append([]string{}, p.GoFiles...), p.CgoFiles...)
	sort.Strings(names)
	for _, name := range names {
		path := filepath.Join(p.Dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		c.bytes += int64(len(text))
		c.files++
		file, _ := parser.ParseFile(c.fset, path, text, parser.SkipObjectResolution)
		if file != nil {
			files = append(files, file)
		}
	}
	c.parsing += cpu() - before
	info := &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Implicits:  map[ast.Node]types.Object{},
		Instances:  map[*ast.Ident]types.Instance{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	config := types.Config{
		Importer:    importer{c, p},
		FakeImportC: true,
		Sizes:       types.SizesFor("gc", goarch()),
		Error: func(err error) {
			c.errors++
			if c.errors <= 5 {
				fmt.Println("go/types:", err)
			}
		},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	before = cpu()
	pkg, _ := config.Check(p.ImportPath, c.fset, files, info)
	c.checking += cpu() - before
	c.done[p.ImportPath] = pkg
	if *bench {
		c.kept = append(c.kept, info)
		c.trees = append(c.trees, files...)
		return
	}
	if c.ours != nil {
		c.compare(files, info)
	}
}

// cpu is the processor time that this process has used, garbage collection included.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func goarch() string {
	if arch := os.Getenv("GOARCH"); arch != "" {
		return arch
	}
	return runtime.GOARCH
}

// compare holds the expressions of a package's files against ours.
func (c *checker) compare(files []*ast.File, info *types.Info) {
	theirs := map[string]map[place]line{}
	for _, f := range files {
		theirs[c.fset.File(f.FileStart).Name()] = map[place]line{}
	}
	// go/types also records the 1 that it makes up for x++: only what the trees have counts.
	record := func(node ast.Node) bool {
		e, _ := node.(ast.Expr)
		tv, ok := info.Types[e]
		if e == nil || !ok {
			return true
		}
		start, end := c.fset.PositionFor(e.Pos(), false), c.fset.PositionFor(e.End(), false)
		r := line{Start: start.Offset, End: end.Offset, Mode: mode(tv)}
		if r.Mode != "novalue" {
			r.Type = types.TypeString(tv.Type, nil)
		}
		if tv.Value != nil {
			r.Value = tv.Value.ExactString()
		}
		if at := theirs[c.fset.File(e.Pos()).Name()]; at != nil {
			at[place{r.Start, r.End}] = r
		}
		return true
	}
	for _, f := range files {
		ast.Inspect(f, record)
	}
	names := make([]string, 0, len(theirs))
	for name := range theirs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		ours := c.ours.read(name)
		var places []place
		for at := range theirs[name] {
			places = append(places, at)
		}
		for at := range ours {
			if _, ok := theirs[name][at]; !ok {
				places = append(places, at)
			}
		}
		sort.Slice(places, func(i, j int) bool {
			a, b := places[i], places[j]
			return a.start < b.start || a.start == b.start && a.end > b.end
		})
		for _, at := range places {
			their, t := theirs[name][at]
			our, o := ours[at]
			c.total++
			switch {
			case !o:
				c.differ("missing", name, our, their)
			case !t:
				c.differ("extra", name, our, their)
			case our.Type != their.Type:
				c.differ("type", name, our, their)
			case our.Mode != their.Mode:
				c.differ("mode", name, our, their)
			case our.Value != their.Value:
				c.differ("value", name, our, their)
			default:
				c.agree++
			}
		}
	}
}

func (c *checker) differ(how, file string, our, their line) {
	if c.different == nil {
		c.different = map[string]int{}
	}
	c.different[how]++
	if c.shown >= *show {
		return
	}
	c.shown++
	start, end := their.Start, their.End
	if how == "extra" {
		start, end = our.Start, our.End
	}
	text, _ := os.ReadFile(file)
	lineNumber := 1 + bytes.Count(text[:min(start, len(text))], []byte("\n"))
	excerpt := string(text[min(start, len(text)):min(end, len(text))])
	if len(excerpt) > 60 {
		excerpt = excerpt[:60] + "…"
	}
	excerpt = strings.ReplaceAll(excerpt, "\n", " ")
	fmt.Printf("%s %s:%d: %s\n\tours   %s %s %s\n\ttheirs %s %s %s\n", how, file, lineNumber, excerpt,
		our.Mode, short(our.Type), short(our.Value), their.Mode, short(their.Type), short(their.Value))
}

func short(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// mode names the mode as far as the predicates tell.
func mode(tv types.TypeAndValue) string {
	switch {
	case tv.IsVoid():
		return "novalue"
	case tv.IsType():
		return "type"
	case tv.IsBuiltin():
		return "builtin"
	case tv.Value != nil:
		return "constant"
	case tv.IsNil():
		return "nil"
	case tv.Addressable():
		return "variable"
	case tv.Assignable():
		return "mapindex"
	case tv.HasOk():
		return "commaok"
	default:
		return "value"
	}
}

func (c *checker) report() {
	megabytes := float64(c.bytes) / 1e6
	fmt.Printf("go/types: %d packages, %d files, %.1f MB; parsing %.2f s, checking %.2f s of processor time (%.1f MB/s); %d errors\n",
		len(c.done)-1, c.files, megabytes, c.parsing.Seconds(), c.checking.Seconds(),
		megabytes/c.checking.Seconds(), c.errors)
	if *bench {
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Printf("bench: %.3f s, %.0f MB live, %.0f MB from the system\n",
			c.checking.Seconds(), float64(m.HeapAlloc)/1e6, float64(m.Sys)/1e6)
		runtime.KeepAlive(c.kept)
		runtime.KeepAlive(c.trees)
		return
	}
	if c.ours != nil {
		fmt.Printf("different: %v\n", c.different)
		fmt.Printf("agree: %d of %d expressions, %.4f%%\n", c.agree, c.total, 100*float64(c.agree)/float64(max(c.total, 1)))
	}
}

// dumpFile finds the lines of a file in the dump; a file's lines are consecutive.
type dumpFile struct {
	file  *os.File
	parts map[string][]part
}

type part struct{ start, end int64 }

func openDump(path string) (*dumpFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &dumpFile{file: file, parts: map[string][]part{}}
	reader := bufio.NewReaderSize(file, 1<<20)
	var at int64
	last := ""
	for {
		line, err := reader.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			line = append([]byte{}, line...)
			var rest []byte
			rest, err = reader.ReadBytes('\n')
			line = append(line, rest...)
		}
		if len(line) > 0 {
			name := fileOf(line)
			if name != last {
				d.parts[name] = append(d.parts[name], part{at, at})
				last = name
			}
			at += int64(len(line))
			parts := d.parts[name]
			parts[len(parts)-1].end = at
		}
		if err == io.EOF {
			return d, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// fileOf gives the file that a line is about: the first field.
func fileOf(line []byte) string {
	const prefix = `{"file":"`
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	if !ok {
		return ""
	}
	end := bytes.IndexByte(rest, '"')
	return string(rest[:max(end, 0)])
}

// read gives the records of a file. Where a test variant repeats a file, the last one counts.
func (d *dumpFile) read(name string) map[place]line {
	records := map[place]line{}
	for _, p := range d.parts[name] {
		decoder := json.NewDecoder(bufio.NewReader(io.NewSectionReader(d.file, p.start, p.end-p.start)))
		for {
			var r line
			if decoder.Decode(&r) != nil {
				break
			}
			records[place{r.Start, r.End}] = r
		}
	}
	return records
}
