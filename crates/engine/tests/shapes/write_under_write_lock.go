// The field is set to nil under the write lock.
package main

import "sync"

type controller struct {
	mu   sync.RWMutex
	exit chan bool
}

func (c *controller) handle() {
	c.mu.Lock()
	c.exit = nil
	c.mu.Unlock()
}

func main() {
	c := &controller{exit: make(chan bool)}
	var wg sync.WaitGroup
	wg.Go(c.handle)
	wg.Go(c.handle)
	wg.Wait()
}
