// The wrapper of Get clears the map of each object that it hands out.
package main

import "sync"

type record struct{ index map[string]int }

func (r *record) reset() { clear(r.index) }

var pool = sync.Pool{New: func() any { return &record{index: map[string]int{}} }}

func get() *record {
	r := pool.Get().(*record)
	r.reset()
	return r
}

func put(r *record) { pool.Put(r) }

func use(name string) int {
	r := get()
	defer put(r)
	r.index[name] = 1
	return len(r.index)
}

func main() {
	println(use("a"), use("b"))
}
