// Races: the field is set under the read lock, which two goroutines can hold.
package main

import "sync"

type controller struct {
	mu   sync.RWMutex
	exit chan bool
}

func (c *controller) handle() {
	c.mu.RLock()
	c.exit = nil // want "RACE001"
	c.mu.RUnlock()
}

func main() {
	c := &controller{exit: make(chan bool)}
	var wg sync.WaitGroup
	wg.Go(c.handle)
	wg.Go(c.handle)
	wg.Wait()
}
