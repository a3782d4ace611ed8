// The lock is taken in the branch in which there is an object to lock, and the deferred unlock keeps it to the end.
package main

import "sync"

type engine struct {
	mu    sync.RWMutex
	names map[string]int
}

type server struct{ engine *engine }

func (s *server) current() *engine { return s.engine }

func (s *server) has(name string) bool {
	if e := s.current(); e != nil {
		e.mu.RLock()
		defer e.mu.RUnlock()
	}
	return s.locked(name)
}

func (s *server) locked(name string) bool {
	e := s.current()
	return e != nil && e.names[name] > 0
}

func (s *server) add(name string) {
	e := s.current()
	e.mu.Lock()
	e.names[name]++
	e.mu.Unlock()
}

func main() {
	s := &server{&engine{names: map[string]int{}}}
	var wg sync.WaitGroup
	wg.Go(func() { s.add("a") })
	wg.Go(func() { s.has("a") })
	wg.Wait()
}
