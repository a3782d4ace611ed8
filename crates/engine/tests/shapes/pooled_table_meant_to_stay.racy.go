// Leaks entries: what one user put in, the next one counts.
package main

import "sync"

var pool = sync.Pool{New: func() any { return make(map[string]string) }}

func intern(b []byte) string {
	m := pool.Get().(map[string]string)
	s := string(b)
	m[s] = s
	println(len(m))
	pool.Put(m) // want "POOL002"
	return s
}

func main() {
	println(intern([]byte("a")), intern([]byte("a")))
}
