// Both readers of the list take the lock that the goroutine holds when it sets it.
package main

import "sync"

type client struct {
	mu        sync.RWMutex
	endpoints []string
}

func (c *client) setEndpoints(list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = list
}

func (c *client) all() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.endpoints
}

func (c *client) first() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.endpoints[0]
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
