// Do is called earlier in the same activation than the deferred function that reads.
package main

import "sync"

var global struct {
	once  sync.Once
	slots chan bool
}

func ensure() {
	global.once.Do(func() { global.slots = make(chan bool, 2) })
}

func with(n int, f func()) {
	switch {
	case n < 10:
	default:
		ensure()
		global.slots <- true
		defer func() { <-global.slots }()
	}
	f()
}

func main() {
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { with(20, func() {}) })
	}
	wg.Wait()
}
