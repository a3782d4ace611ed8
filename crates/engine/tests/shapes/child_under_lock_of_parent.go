// The parent holds the lock from before it starts the goroutines until it has awaited them: they run under it.
package main

import "sync"

type manager struct {
	mu   sync.Mutex
	logs map[string]int
}

func (m *manager) apply(names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs = map[string]int{"": 1}
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_ = m.logs[name]
		}()
	}
	wg.Wait()
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
