// A buffered channel of capacity one as a lock: send to enter, receive to leave.
package main

import "sync"

type counter struct {
	gate chan bool
	n    int
}

func (c *counter) add() {
	c.gate <- true
	defer func() { <-c.gate }()
	c.n++
}

func main() {
	c := &counter{gate: make(chan bool, 1)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(c.add)
	}
	wg.Wait()
}
