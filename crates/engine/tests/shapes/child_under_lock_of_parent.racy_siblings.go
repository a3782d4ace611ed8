// Races: the goroutines run under the lock of their parent, but against each other it keeps nothing apart.
package main

import "sync"

type manager struct {
	mu    sync.Mutex
	turns int
}

func (m *manager) apply(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m.turns++ // want "RACE001"
		}()
	}
	wg.Wait()
}

func main() {
	m := &manager{}
	m.apply(2)
}
