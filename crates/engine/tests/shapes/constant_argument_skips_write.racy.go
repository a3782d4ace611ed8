// Races: the concurrent callers pass true.
package main

import "sync"

type store struct{ updates int }

func (s *store) exec(update bool) int {
	if update {
		s.updates++ // want "RACE001"
	}
	return 0
}

func main() {
	s := &store{}
	s.exec(true)
	var wg sync.WaitGroup
	wg.Go(func() { s.exec(true) })
	wg.Go(func() { s.exec(true) })
	wg.Wait()
}
