// Races: the lock is given back before the object is returned.
package main

import "sync"

type manager struct {
	mu     sync.RWMutex
	leases map[string]int
}

type collection struct{ manager *manager }

func (m *manager) start() *collection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &collection{m}
}

func (c *collection) leased(key string) int { return c.manager.leases[key] } // want "MAP001"

func (c *collection) finish() {
	println("done", c.manager != nil)
}

func (m *manager) add(key string) {
	m.mu.Lock()
	m.leases[key] = 1 // want "MAP001"
	m.mu.Unlock()
}

func (m *manager) get(key string) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.leases[key]
}

func main() {
	m := &manager{leases: map[string]int{}}
	done := make(chan bool)
	go func() {
		m.add("x")
		_ = m.get("x")
		done <- true
	}()
	c := m.start()
	_ = c.leased("x")
	c.finish()
	<-done
}
