// Leaks entries: neither the wrapper of Get nor that of Put clears the map.
package main

import "sync"

type record struct{ index map[string]int }

var pool = sync.Pool{New: func() any { return &record{index: map[string]int{}} }}

func get() *record {
	r := pool.Get().(*record)
	return r
}

func put(r *record) { pool.Put(r) } // want "POOL002"

func use(name string) int {
	r := get()
	defer put(r)
	r.index[name] = 1
	return len(r.index)
}

func main() {
	println(use("a"), use("b"))
}
