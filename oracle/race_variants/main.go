// Command race_variants rewrites a folder in the form of GOROOT/src/runtime/race/testdata into
// programs that do the same in other words, so that it can be measured whether an analysis depends
// on how a race is written down:
//
//	original   the files as they are, in a module of their own
//	helpers    the body of each goroutine's closure becomes a function; captured variables are passed by address
//	named      go func(){…}() becomes f := func(){…}; go f()
//	split      as helpers, and everything that is no test function moves to a second package
//	interface  the body becomes a method of a struct of addresses and is called through an interface
//
// Every variant is type-checked; one with an error that the original does not have is refused. A
// closure to which a rewriting does not apply is left as it is and counted. Built with -race and run
// (without the two files that import internal packages), the original and every variant were seen to
// race in the same 233 functions; only TestRaceChanSendSelectClose did not do so in each run.
//
//	race_variants -src DIR -out DIR     writes DIR/NAME/ for each variant and prints a JSON object a line
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/build"
	"go/importer"
	"go/token"
	"os"
	"path/filepath"
)

// Report says what was done to make a variant.
type Report struct {
	Variant string `json:"variant"`
	// Closures is how many `go func(){…}()` the original has, Changed how many were rewritten.
	Closures int `json:"closures"`
	Changed  int `json:"changed"`
	// Moved is how many declarations went to a second package.
	Moved int `json:"moved"`
	// Left says why closures were left as they are.
	Left map[string]int `json:"left"`
}

func main() {
	src := flag.String("src", "", "the folder of the suite")
	out := flag.String("out", "", "where to write the variants")
	flag.Parse()
	if *src == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*src, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(src, out string) error {
	build.Default.CgoEnabled = false // the source importer must not need a C compiler
	fset := token.NewFileSet()
	w := &world{fset: fset, std: importer.ForCompiler(fset, "source", nil)}
	original, err := readFolder(src)
	if err != nil {
		return err
	}
	base, err := w.check(original, nil)
	if err != nil {
		return err
	}
	w.accepted = map[string]bool{}
	for _, e := range base.errors {
		w.accepted[e] = true
	}
	count := len(goClosures(base))
	emit := func(name string, files, second folder, r Report) error {
		r.Variant, r.Closures = name, count
		if err := w.verify(name, files, second); err != nil {
			return err
		}
		if err := write(filepath.Join(out, name), files, second); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	if err := emit("original", original, nil, Report{}); err != nil {
		return err
	}
	helpers, report, err := w.repeat(original, extractHelpers)
	if err != nil {
		return err
	}
	if err := emit("helpers", helpers, nil, report); err != nil {
		return err
	}
	named, namedReport, err := w.repeat(original, nameClosures)
	if err != nil {
		return err
	}
	if err := emit("named", named, nil, namedReport); err != nil {
		return err
	}
	first, second, moved, err := w.split(helpers)
	if err != nil {
		return err
	}
	report.Moved = moved
	if err := emit("split", first, second, report); err != nil {
		return err
	}
	methods, methodReport, err := w.repeat(original, throughInterface)
	if err != nil {
		return err
	}
	return emit("interface", methods, nil, methodReport)
}
