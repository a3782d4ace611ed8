// Races: the length is taken after the read lock is given back.
package main

import "sync"

type model struct {
	mu      sync.RWMutex
	folders map[string]int
}

func (m *model) add(id string) {
	m.mu.Lock()
	m.folders[id] = 1 // want "MAP001"
	m.mu.Unlock()
}

func (m *model) count() int {
	m.mu.RLock()
	m.mu.RUnlock()
	return len(m.folders) // want "MAP001"
}

func main() {
	m := &model{folders: map[string]int{}}
	done := make(chan bool)
	go func() {
		m.add("a")
		done <- true
	}()
	println(m.count())
	<-done
}
