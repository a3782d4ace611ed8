// Command syntax says what go/parser makes of Go files, for comparison with crates/go_syntax.
//
//	syntax -hash  < list    one line a file: path, accept or reject, nodes, FNV-1a hash of its dump
//	syntax -dump FILE...    the dump itself: one line a node, in source order
//	syntax -time  < list    files, bytes, CPU seconds and heap of go/parser, CPU seconds of go/scanner
//	syntax -unicode         crates/go_syntax/src/unicode_tables.rs
//
// A list has one path a line.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"hash/fnv"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

const mode = parser.ParseComments | parser.SkipObjectResolution

func main() {
	hash := flag.Bool("hash", false, "print a hash of the dump of each file of the list on standard input")
	dump := flag.Bool("dump", false, "print the dumps of the files given as arguments")
	timing := flag.Bool("time", false, "time go/parser over the list on standard input")
	tables := flag.Bool("unicode", false, "print the Unicode tables")
	flag.Parse()
	switch {
	case *tables:
		printUnicode()
	case *dump:
		for _, path := range flag.Args() {
			text, err := dumpFile(path)
			if err != nil {
				fmt.Println("reject", err)
				continue
			}
			os.Stdout.Write(text)
		}
	case *timing:
		timeParser(readList())
	case *hash:
		out := bufio.NewWriter(os.Stdout)
		defer out.Flush()
		for _, path := range readList() {
			text, err := dumpFile(path)
			if err != nil {
				fmt.Fprintf(out, "%s\treject\t0\t0\n", path)
				continue
			}
			h := fnv.New64a()
			h.Write(text)
			fmt.Fprintf(out, "%s\taccept\t%d\t%016x\n", path, bytes.Count(text, []byte("\n")), h.Sum64())
		}
	default:
		flag.Usage()
		os.Exit(2)
	}
}

func readList() (paths []string) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		paths = append(paths, in.Text())
	}
	return paths
}

func dumpFile(path string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, mode)
	if err != nil {
		return nil, err
	}
	d := dumper{base: fset.File(file.FileStart).Base()}
	d.file(file)
	return d.out.Bytes(), nil
}

// timeParser parses all files three times, on one thread, and prints the best round. The collector
// runs as rarely as memory allows.
func timeParser(paths []string) {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	var texts [][]byte
	total := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		texts = append(texts, text)
		total += len(text)
	}
	best, heap := time.Duration(1<<62), uint64(0)
	for range 3 {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		fset := token.NewFileSet()
		files := make([]*ast.File, 0, len(paths))
		start := cpuTime()
		for i, path := range paths {
			file, _ := parser.ParseFile(fset, path, texts[i], mode)
			files = append(files, file)
		}
		best = min(best, cpuTime()-start)
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap = after.HeapAlloc - before.HeapAlloc
		runtime.KeepAlive(files)
	}
	fmt.Printf("%d\t%d\t%.3f\t%d\t%.3f\n", len(paths), total, best.Seconds(), heap, scanTime(texts).Seconds())
}

// scanTime is what go/scanner alone needs: it tells how fast the machine is at the moment.
func scanTime(texts [][]byte) time.Duration {
	best := time.Duration(1 << 62)
	for range 3 {
		start := cpuTime()
		for _, text := range texts {
			var s scanner.Scanner
			s.Init(token.NewFileSet().AddFile("", -1, len(text)), text, nil, scanner.ScanComments)
			for {
				if _, tok, _ := s.Scan(); tok == token.EOF {
					break
				}
			}
		}
		best = min(best, cpuTime()-start)
	}
	return best
}

// cpuTime is what this process has used, which neighbours on the machine disturb less than the wall
// clock.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
