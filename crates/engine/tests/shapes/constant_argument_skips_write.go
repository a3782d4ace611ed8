// The write runs only where the parameter is true, and concurrent callers pass false.
package main

import "sync"

type store struct{ updates int }

func (s *store) exec(update bool) int {
	if update {
		s.updates++
	}
	return s.updates
}

func main() {
	s := &store{}
	s.exec(true)
	var wg sync.WaitGroup
	wg.Go(func() { s.exec(false) })
	wg.Go(func() { s.exec(false) })
	wg.Wait()
}
