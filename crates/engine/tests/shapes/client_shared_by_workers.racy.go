// Races: each worker sets the header of the shared client when it finds none.
package main

import "sync"

type client struct{ header string }

func (c *client) prepare() {
	if c.header == "" { // want "RACE001"
		c.header = "Authorization" // want "RACE001"
	}
}

func (c *client) get() string {
	c.prepare()
	return ""
}

func main() {
	c := &client{}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _ = c.get() })
	}
	wg.Wait()
}
