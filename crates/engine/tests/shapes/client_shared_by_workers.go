// The client sets its header before the workers that share it start.
package main

import "sync"

type client struct{ header string }

func (c *client) prepare() {
	if c.header == "" {
		c.header = "Authorization"
	}
}

func (c *client) get() string {
	return c.header
}

func main() {
	c := &client{}
	c.prepare()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _ = c.get() })
	}
	wg.Wait()
}
