// Every shape of access that the instrumenter knows. What it prints must not depend on traps.
package main

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sort"
	"strings"

	"unpanic.dev/shapes/lib"
)

type flag bool
type level int

type box struct {
	m     map[string]int
	inner *box
	deep  map[string]map[string]int
	n     int
}

var trace []string

func say[T any](name string, v T) T {
	trace = append(trace, name)
	return v
}

func pair(n int) (int, error) { say("pair", 0); return n, errors.New("e") }

func (b *box) table() map[string]int { say("table", 0); return b.m }

func line() int {
	_, _, line, _ := runtime.Caller(1)
	return line
}

var global = map[string]int{"g": 1}
var initialised = global["g"] + len(global)

func main() {
	b := &box{m: map[string]int{}, deep: map[string]map[string]int{}}
	b.inner = b

	// Assignments.
	b.m["a"] = 1
	b.inner.inner.m["b"] = 2
	b.m["a"] += 10; b.m["b"] <<= 2
	b.m["c"]++
	b.m["c"]--
	b.m["a"], b.m["b"] = b.m["b"], b.m["a"]
	b.m[say("k", "d")] = say("v", 4)
	b.table()[say("k", "e")] = say("v", 5)
	b.table()["f"] = 6
	b.table()["f"] += say("v", 60)
	b.m[say("k", "g")]++
	var err error
	b.m["h"], err = pair(8)
	b.table()[say("k", "i")], err = pair(9)
	fmt.Println(err)
	b.m[strings.Repeat("j", 2)] = func() int {
		return say("lit", 10)
	}()
	b.m["lines"] = say(
		"several",
		11,
	)
	fmt.Println("line", line())
	b.deep["x"] = map[string]int{"y": 1}
	b.deep["x"]["z"] = 2
	b.deep[say("k", "x")][say("k", "w")] = say("v", 3)
	b.m["append"] = len(append([]int{1}, b.m["a"], say("v", 2)))
	var p *int = new(int)
	*p, b.m["star"] = 7, b.m["a"]

	// Named types from the context.
	flags := map[string]flag{}
	flags["t"] = 1 < 2
	flags["u"] = say("v", 1) < 2
	levels := map[level]level{}
	levels[1] = 1 << say("v", 3)
	levels[level(say("k", 2))] = 3
	anys := map[any]any{}
	anys["s"] = say("v", 1)
	anys[say("k", 2)] = nil
	anys[3.5], anys[nil] = nil, say("v", "nil")
	fmt.Println(flags, levels, len(anys), anys[2], anys[nil])

	// Reads.
	x, ok := b.m["a"]
	y, missing := b.m[say("k", "nope")]
	fmt.Println(x, ok, y, missing, b.m["b"]+b.m[say("k", "c")], b.deep["x"]["y"])
	if v, ok := b.m["a"]; ok && v > 0 && b.m["b"] > 0 || b.m[say("never", "q")] > 0 {
		fmt.Println("short circuit", v)
	}
	switch b.m["a"] {
	case b.m["b"]:
		fmt.Println("same")
	default:
		fmt.Println("default")
	}
	switch t := anys["s"].(type) {
	case int:
		fmt.Println("int", t)
	}
	funcs := map[string]func(int) int{"double": func(n int) int { return 2 * n }}
	fmt.Println(funcs["double"](say("arg", 21)))
	lib.Table["a"][1]++
	lib.Table["b"] = append(lib.Table["b"], 3, say("v", 4))
	fmt.Println(lib.Table)
	fmt.Println(struct{ n int }{b.m["a"]}, []int{b.m["a"]}, map[string]int{"l": b.m["a"]}["l"])

	// Heads of statements.
	if b.m["head"] = 3; b.m["head"] == 3 {
		fmt.Println("if head")
	}
	for b.m["i"] = 0; b.m["i"] < 2; b.m["i"]++ {
	}

	// Channels and select.
	ch := make(chan int, 2)
	ch <- b.m["a"]
	ch <- 5
	select {
	case b.m["received"] = <-ch:
		fmt.Println("received", b.m["received"])
	}
	b.m["two"] = <-ch
	var open bool
	close(ch)
	b.m["three"], open = <-ch
	fmt.Println(open)

	// Loops.
	sum := 0
	for k, v := range b.m {
		if len(k) > 1 {
			continue
		}
		sum += v
	}
outer:
	for _, inner := range b.deep {
		for k := range inner {
			if k == "z" {
				continue outer
			}
			if k == "never" {
				break outer
			}
		}
	}
	for range global {
		sum++
	}
	for k := range global { defer func() { fmt.Println("captured", k) }() }
	var key string
	for key = range map[string]int{"only": 1} {
	}
	for b.m["ranged"] = range 3 {
	}
	fmt.Println(sum, key, b.m["ranged"])

	// Built-in functions and package maps.
	delete(b.m, "a")
	delete(b.m, say("k", "b"))
	delete(b.table(), "c")
	c := maps.Clone(b.m)
	maps.Copy(c, global)
	maps.DeleteFunc(c, func(k string, _ int) bool { return k == "g" })
	fmt.Println(maps.Equal(c, b.m), slices.Sorted(maps.Keys(c)))
	for k := range maps.Keys(global) {
		fmt.Println(k)
	}
	keys := maps.Keys(global)
	fmt.Println(len(slices.Collect(keys)))
	clear(c)
	fmt.Println(len(c), len(b.m))

	func() {
		defer delete(b.m, "d")
		defer delete(b.m, say("k", "e"))
		defer clear(c)
		c["late"] = 1
	}()
	fmt.Println(len(c), b.m["d"], b.m["e"])

	// Panics keep their text.
	func() {
		defer func() { fmt.Println(recover()) }()
		var none map[string]int
		none["x"] = 1
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		anys[[]int{1}] = 2
	}()
	func() {
		defer func() { fmt.Println(recover()) }()
		var nobody *box
		nobody.m["x"] = 1
	}()

	// Generic code.
	set := lib.Set[int]{}
	set.Add(3)
	fmt.Println(set.Has(3), set.Has(4), lib.Count(map[string]int{}, "a", "b", "a"))

	b.n = say("v", 3)
	b.n++
	b.n, err = pair(b.n)
	z, err := pair(1)
	fmt.Println(b.n, z, err, initialised)

	names := make([]string, 0, len(b.m))
	for k, v := range b.m {
		names = append(names, fmt.Sprint(k, v))
	}
	sort.Strings(names)
	fmt.Println(names, line())
	fmt.Println(trace)
	goto end
end:
	for k := range global {
		delete(global, k)
		goto done
	}
done:
	fmt.Println(len(global))
}
