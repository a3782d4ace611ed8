// Races: one caller asks for another key, and the fill writes.
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
	v, ok := s.known[key] // want "MAP001"
	if !ok {
		v = 2
		s.known[key] = v // want "MAP001"
	}
	return v
}

func main() {
	s := newService("a")
	var wg sync.WaitGroup
	wg.Go(func() { s.get(s.name) })
	wg.Go(func() { s.get("b") })
	wg.Wait()
}
