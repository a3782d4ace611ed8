// One method takes the lock and returns an object; the methods of that object run under it, the last gives it back.
package main

import "sync"

type manager struct {
	mu     sync.RWMutex
	leases map[string]int
}

type collection struct{ manager *manager }

func (m *manager) start() *collection {
	m.mu.Lock()
	return &collection{m}
}

func (c *collection) leased(key string) int { return c.manager.leases[key] }

func (c *collection) finish() {
	delete(c.manager.leases, "x")
	c.manager.mu.Unlock()
}

func (m *manager) add(key string) {
	m.mu.Lock()
	m.leases[key] = 1
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
