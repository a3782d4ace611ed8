// Races: the workers take one request each, so that Wait may return while the writer goes on.
package main

import "sync"

func main() {
	sent := 0
	requests := make(chan int, 9)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-requests
		}()
	}
	go func() {
		for i := range 9 {
			sent++ // want "RACE001"
			requests <- i
		}
		close(requests)
	}()
	wg.Wait()
	println(sent) // want "RACE001"
}
