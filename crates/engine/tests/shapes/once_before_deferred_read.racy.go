// Races: the initialiser looks at the variable itself instead of asking the Once.
package main

import "sync"

var global struct {
	slots chan bool
}

func ensure() {
	if global.slots == nil { // want "RACE001"
		global.slots = make(chan bool, 2) // want "RACE001"
	}
}

func with(n int, f func()) {
	switch {
	case n < 10:
	default:
		ensure()
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
