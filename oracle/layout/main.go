// Command layout reads what `unpanic layout --format json` prints on standard input and compares
// sizes, alignments and offsets with go/types' gc sizes, the packages checked from source.
//
//	unpanic layout --goarch 386 --format json std | go run . 386
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"os"
	"strings"
)

type line struct {
	Type   string
	Size   int64
	Align  int64
	Fields []struct{ Offset, Size, Align int64 }
}

func main() {
	arch := os.Args[1]
	build.Default.GOARCH = arch
	build.Default.CgoEnabled = false
	sizes := types.SizesFor("gc", arch)
	source := importer.ForCompiler(token.NewFileSet(), "source", nil)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	equal, differ, skipped := 0, 0, 0
	for in.Scan() {
		var ours line
		if err := json.Unmarshal(in.Bytes(), &ours); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		dot := strings.LastIndex(ours.Type, ".")
		pkg, err := source.Import(ours.Type[:dot])
		if err != nil || pkg.Scope().Lookup(ours.Type[dot+1:]) == nil {
			skipped++
			continue
		}
		t := pkg.Scope().Lookup(ours.Type[dot+1:]).Type()
		s, ok := t.Underlying().(*types.Struct)
		good := ok && sizes.Sizeof(t) == ours.Size && sizes.Alignof(t) == ours.Align && s.NumFields() == len(ours.Fields)
		if good {
			var fields []*types.Var
			for f := range s.Fields() {
				fields = append(fields, f)
			}
			for i, offset := range sizes.Offsetsof(fields) {
				f := ours.Fields[i]
				good = good && f.Offset == offset && f.Size == sizes.Sizeof(fields[i].Type()) && f.Align == sizes.Alignof(fields[i].Type())
			}
		}
		if good {
			equal++
		} else {
			differ++
			fmt.Println("differs:", ours.Type, ours.Size, sizes.Sizeof(t))
		}
	}
	fmt.Printf("%s: %d structs equal, %d differ, %d could not be imported\n", arch, equal, differ, skipped)
	if differ > 0 {
		os.Exit(1)
	}
}
