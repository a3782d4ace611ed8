// Leaks entries: the map is a field of the pooled object itself.
package main

import "sync"

type subscription struct{ subs map[string]int }

var pool = sync.Pool{New: func() any { return &subscription{subs: map[string]int{}} }}

func (s *subscription) insert(name string) {
	s.subs[name]++
}

func use(name string) {
	s := pool.Get().(*subscription)
	s.insert(name)
	pool.Put(s) // want "POOL002"
}

func main() {
	use("a")
	use("b")
}
