// Races: the delay is read after the lock is given back.
package main

import "sync"

type tracker struct {
	mu    sync.Mutex
	delay int
}

func (t *tracker) next() int {
	t.mu.Lock()
	t.delay++ // want "RACE001"
	t.mu.Unlock()
	return t.delay // want "RACE001"
}

func main() {
	t := &tracker{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { t.next() })
	}
	wg.Wait()
}
