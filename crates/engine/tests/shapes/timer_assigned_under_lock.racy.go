// Races: the timer runs already when it is assigned to the field that its callback reads.
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
	c.timer = time.AfterFunc(0, func() { // want "RACE001"
		println(c.timer != nil) // want "RACE001"
	})
}

func main() {
	c := &cache{}
	c.start()
	time.Sleep(time.Millisecond)
}
