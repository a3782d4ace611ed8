// The length for the log is taken under the lock that the writers hold.
package main

import "sync"

type model struct {
	mu      sync.RWMutex
	folders map[string]int
}

func (m *model) add(id string) {
	m.mu.Lock()
	m.folders[id] = 1
	m.mu.Unlock()
}

func (m *model) count() int {
	m.mu.RLock()
	n := len(m.folders)
	m.mu.RUnlock()
	return n
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
