// Races: the parent gives the lock back while the goroutines still read.
package main

import "sync"

type manager struct {
	mu   sync.Mutex
	logs map[string]int
}

func (m *manager) apply(names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs = map[string]int{"": 1} // want "RACE001"
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_ = m.logs[name] // want "RACE001"
		}()
	}
}

func main() {
	m := &manager{}
	done := make(chan bool)
	go func() {
		m.apply([]string{"a", "b"})
		done <- true
	}()
	m.apply([]string{"c"})
	<-done
}
