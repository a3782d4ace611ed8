// The lazy fill never runs: all callers ask for the key that the constructor put in.
package main

import "sync"

type service struct {
	name  string
	known map[string]int
}

func newService(name string) *service {
	return &service{name: name, known: map[string]int{name: 1}}
}

func (s *service) get(key string) int {
	v, ok := s.known[key]
	if !ok {
		v = 2
		s.known[key] = v
	}
	return v
}

func main() {
	s := newService("a")
	var wg sync.WaitGroup
	wg.Go(func() { s.get(s.name) })
	wg.Go(func() { s.get(s.name) })
	wg.Wait()
}
