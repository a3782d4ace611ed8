// The pooled map is cleared by whoever gets it.
package main

import "sync"

var pool = sync.Pool{New: func() any { return make(map[string]int) }}

func get() map[string]int {
	m := pool.Get().(map[string]int)
	clear(m)
	return m
}

func use(name string) int {
	m := get()
	m[name] = 1
	n := len(m)
	pool.Put(m)
	return n
}

func main() {
	println(use("a"), use("b"))
}
