// Add is called before the go statement, so that Wait waits for the goroutine.
package main

import (
	"sync"
	"time"
)

func main() {
	failure := ""
	var wg sync.WaitGroup
	probe := func() {
		defer wg.Done()
		failure = "down"
	}
	wg.Add(1)
	go probe()
	wg.Wait()
	println(failure)
	time.Sleep(time.Millisecond)
}
