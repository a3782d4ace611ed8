// The map is made in each call of the function that returns it.
package main

import "sync"

type stats struct{ counts map[string]int }

func collect() map[string]int {
	counts := make(map[string]int)
	counts["total"] = 1
	return counts
}

func latest() stats {
	var s stats
	s.counts = collect()
	return s
}

func handle() {
	s := latest()
	s.counts["handled"]++
}

func main() {
	var wg sync.WaitGroup
	wg.Go(handle)
	wg.Go(handle)
	wg.Wait()
}
