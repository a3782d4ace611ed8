// The pool holds tables of interned strings: each is looked up before it is added to, and meant to stay filled.
package main

import "sync"

var pool = sync.Pool{New: func() any { return make(map[string]string) }}

func intern(b []byte) string {
	m := pool.Get().(map[string]string)
	s, ok := m[string(b)]
	if !ok {
		s = string(b)
		m[s] = s
	}
	pool.Put(m)
	return s
}

func main() {
	println(intern([]byte("a")), intern([]byte("a")))
}
