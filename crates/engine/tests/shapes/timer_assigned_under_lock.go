// The timer is assigned under the lock that its callback takes before it reads it.
package main

import (
	"sync"
	"time"
)

type cache struct {
	mu    sync.Mutex
	timer *time.Timer
}

func (c *cache) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(0, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		println(c.timer != nil)
	})
}

func main() {
	c := &cache{}
	c.start()
	time.Sleep(time.Millisecond)
}
