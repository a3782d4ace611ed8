// Leaks entries: the pooled map is cleared by nobody.
package main

import "sync"

var pool = sync.Pool{New: func() any { return make(map[string]int) }}

func get() map[string]int {
	m := pool.Get().(map[string]int)
	return m
}

func use(name string) int {
	m := get()
	m[name] = 1
	n := len(m)
	pool.Put(m) // want "POOL002"
	return n
}

func main() {
	println(use("a"), use("b"))
}
