// Races: the implementation that locks nothing is the one in use.
package main

import "sync"

type keys interface{ create(name string) }

type stub struct{ names []string }

func (s *stub) create(name string) { s.names = append(s.names, name) } // want "RACE001"

type vault struct {
	mu sync.Mutex
	n  int
}

func (v *vault) create(string) {
	v.mu.Lock()
	v.n++
	v.mu.Unlock()
}

var global keys = &stub{}

func main() {
	var wg sync.WaitGroup
	wg.Go(func() { global.create("a") })
	wg.Go(func() { global.create("b") })
	wg.Wait()
}
