// Races: one of the readers takes no lock.
package main

import "sync"

type client struct {
	mu        sync.RWMutex
	endpoints []string
}

func (c *client) setEndpoints(list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = list // want "RACE001"
}

func (c *client) all() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.endpoints
}

func (c *client) first() string {
	return c.endpoints[0] // want "RACE001"
}

func main() {
	c := &client{endpoints: []string{"a"}}
	done := make(chan bool)
	go func() {
		c.setEndpoints([]string{"b"})
		done <- true
	}()
	println(c.first(), len(c.all()))
	<-done
}
