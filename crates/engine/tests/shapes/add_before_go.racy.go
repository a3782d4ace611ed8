// Races: Add is called in the goroutine, so that Wait may come first.
package main

import (
	"sync"
	"time"
)

func main() {
	failure := ""
	var wg sync.WaitGroup
	probe := func() {
		wg.Add(1)
		defer wg.Done()
		failure = "down" // want "RACE001"
	}
	go probe()
	wg.Wait()
	println(failure) // want "RACE001"
	time.Sleep(time.Millisecond)
}
