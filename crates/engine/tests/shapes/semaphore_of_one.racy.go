// Races: the channel admits two at a time.
package main

import "sync"

type counter struct {
	gate chan bool
	n    int
}

func (c *counter) add() {
	c.gate <- true
	defer func() { <-c.gate }()
	c.n++ // want "RACE001"
}

func main() {
	c := &counter{gate: make(chan bool, 2)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(c.add)
	}
	wg.Wait()
}
